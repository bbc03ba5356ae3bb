package pipeline

import "github.com/antrea-mc/antrea-mc/pkg/openflow"

// pod adds the flows of one Pod interface: what it may say, and how it is reached.
func (r *rules) pod(s State, p Pod) {
	switch {
	case p.Port == 0:
		return
	case p.Segment != 0:
		r.segmentPod(p)
		return
	}
	from := openflow.Match{}.InPort(p.Port)
	own := from.EthSrc(p.MAC)
	for _, ip := range p.IPs {
		f, foreign := ipv6, FeaturePodIPv6
		if ip.Is4() {
			f, foreign = ipv4, FeaturePodIPv4
		}
		r.add(TableClassifier, 200, from.EthType(f.ethType),
			openflow.Actions{}.Load(sourceClass, classPod).Resubmit(TableSpoofGuard))
		if f == ipv4 {
			// A Pod that asks for its own address checks for duplicates or announces itself: there must be no answer.
			r.drop(FeatureARP, TableNeighborGuard, 210, own.EthType(openflow.EthTypeARP).ARPTPA(ip))
			r.add(TableNeighborGuard, 200,
				own.EthType(openflow.EthTypeARP).ARPOp(openflow.ARPRequest).ARPSPA(ip).ARPSHA(p.MAC), next(TableNeighborReply))
		} else {
			for _, source := range []openflow.Match{
				solicitation().IPSrc(host(ip)),
				solicitation().IPSrc(host(linkLocal(p.MAC))),
			} {
				r.add(TableNeighborGuard, 200, source.InPort(p.Port).EthSrc(p.MAC).NDSLL(p.MAC), next(TableNeighborReply))
			}
			r.add(TableNeighborGuard, 200,
				advertisement().InPort(p.Port).EthSrc(p.MAC).NDTarget(ip).NDTLL(p.MAC), next(TableNeighborReply))
			r.add(TableNeighborReply, 200, solicitation().NDTarget(ip), openflow.Actions{}.Output(p.Port))
			r.add(TableNeighborReply, 200, advertisement().EthDst(p.MAC), openflow.Actions{}.Output(p.Port))
		}
		r.add(TableSpoofGuard, 200, own.IPSrc(host(ip)), next(TableConntrackZone))
		r.drop(foreign, TableSpoofGuard, 100, own.EthType(f.ethType))
		r.add(TableL3Forwarding, l3Local, openflow.Match{}.IPDst(host(ip)), s.Node.toPod(p))
		if s.Node.Proxy != ProxyOff {
			r.hairpin(p, ip)
		}
	}
}
