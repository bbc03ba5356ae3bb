package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Segment is a network of its own beside the first one: interfaces on any Nodes of the cluster that reach each other by their
// MACs and nobody else, with this number on tunnels. It is in the state of a Node as long as that Node has a Pod in it.
type Segment struct {
	VNI    uint32       // 1 to MaxVNI; 0 is the first network's
	Remote []SegmentPod // on other Nodes
}

// MaxVNI is the highest number of a segment: Geneve has 24 bits.
const MaxVNI = 1<<24 - 1

// SegmentPod is a Pod's interface in a segment on another Node.
type SegmentPod struct {
	Node netip.Addr // where the Node's tunnels end
	MAC  openflow.MAC
	IPs  []netip.Addr
}

// segmentPort is an interface in a segment as the flows see it: where its packets come from, and how packets get there.
type segmentPort struct {
	vni  uint32
	from openflow.Match
	to   openflow.Actions
	mac  openflow.MAC
	ips  []netip.Addr
}

// inSegment matches packets of a segment. The number is set where they enter.
func inSegment(vni uint32) openflow.Match { return openflow.Match{}.TunID(uint64(vni)) }

// segmentMisses are the ends of the tables of segments, which are there without any segment too. Router advertisements and
// redirects, and what DHCP servers say, get nowhere.
func (r *rules) segmentMisses(n Node) {
	if n.TunnelPort != 0 {
		r.drop(FeatureTunnelSource, TableSegmentGuard, 100, openflow.Match{}.InPort(n.TunnelPort))
	}
	for _, t := range neighborDiscovery {
		r.drop(discoveryRefusal(t), TableSegmentGuard, 190, openflow.Match{}.ICMPv6Type(t))
	}
	r.drop(FeatureARP, TableSegmentGuard, 190, arp())
	for _, f := range []family{ipv4, ipv6} {
		r.drop(FeatureDHCPServer, TableSegmentGuard, 190, f.dhcpServer())
	}
	r.drop(FeatureSegmentSource, TableSegmentGuard, 0, openflow.Match{})
	r.add(TableSegmentNeighbor, 190, arp().ARPOp(openflow.ARPReply), next(TableSegmentForward))
	r.add(TableSegmentNeighbor, 190, advertisement(), next(TableSegmentForward))
	r.drop(FeatureUnknownNeighbor, TableSegmentNeighbor, 0, openflow.Match{})
	r.drop(FeatureNoDestination, TableSegmentForward, 0, openflow.Match{})
}

// segmentPod adds the flows of a local Pod's interface in a segment.
func (r *rules) segmentPod(p Pod) {
	from := openflow.Match{}.InPort(p.Port)
	r.add(TableClassifier, 230, from, openflow.Actions{}.Load(openflow.Whole(openflow.FieldTunID), uint64(p.Segment)).Resubmit(TableSegmentGuard))
	r.segmentPort(segmentPort{p.Segment, from, openflow.Actions{}.Output(p.Port), p.MAC, p.IPs})
}

// segment adds the flows for the interfaces that other Nodes have in a segment: only from the very Node that has one is it let
// in, and nothing that comes from a tunnel goes into one.
func (r *rules) segment(n Node, s Segment) {
	if n.TunnelPort == 0 {
		return
	}
	let := map[netip.Addr]bool{}
	for _, p := range s.Remote {
		from := inSegment(s.VNI).InPort(n.TunnelPort).TunSrc(p.Node)
		if !let[p.Node] {
			let[p.Node] = true
			r.add(TableClassifier, 230, from, next(TableSegmentGuard))
		}
		r.segmentPort(segmentPort{s.VNI, from, openflow.Actions{}.SetTunDst(p.Node).Output(n.TunnelPort), p.MAC, p.IPs})
	}
}

// segmentPort lets an interface send what is its own, and be asked for and reached by others of the segment. Requests go to
// the one interface that has the address, and nothing is flooded.
func (r *rules) segmentPort(p segmentPort) {
	own := p.from.EthSrc(p.mac)
	for _, ip := range p.ips {
		if ip.Is4() {
			r.drop(FeatureARP, TableSegmentGuard, 210, own.EthType(openflow.EthTypeARP).ARPTPA(ip)) // as in the first network
			r.add(TableSegmentGuard, 200, own.EthType(openflow.EthTypeARP).ARPSPA(ip).ARPSHA(p.mac), next(TableSegmentNeighbor))
			r.add(TableSegmentNeighbor, 200, arp().ARPOp(openflow.ARPRequest).TunID(uint64(p.vni)).ARPTPA(ip), p.to)
		} else {
			for _, source := range []netip.Addr{ip, linkLocal(p.mac)} {
				r.add(TableSegmentGuard, 200, merged(own, solicitation().IPSrc(host(source)).NDSLL(p.mac)), next(TableSegmentNeighbor))
			}
			r.add(TableSegmentGuard, 200, merged(own, advertisement().NDTarget(ip).NDTLL(p.mac)), next(TableSegmentNeighbor))
			r.add(TableSegmentNeighbor, 200, solicitation().TunID(uint64(p.vni)).NDTarget(ip), p.to)
		}
		r.add(TableSegmentGuard, 180, own.IPSrc(host(ip)), next(TableSegmentForward))
	}
	r.add(TableSegmentForward, 200, inSegment(p.vni).EthDst(p.mac), p.to)
}

// merged matches what both match.
func merged(a, b openflow.Match) openflow.Match {
	for f := range b.Fields() {
		a = a.With(f.ID, f.Value, f.Mask)
	}
	return a
}

// LocalPods is the number of the Node's Pods, whatever interfaces they have in segments.
func (s State) LocalPods() int {
	n := 0
	for _, p := range s.Pods {
		if p.Segment == 0 {
			n++
		}
	}
	return n
}
