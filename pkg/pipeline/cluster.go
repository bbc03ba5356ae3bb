package pipeline

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// cluster adds the flows of another cluster: how it is reached, and what may come from there. It names its gateways by
// address and needs no number, so that no cluster's flows depend on which others there are.
func (r *rules) cluster(s State, id string, c Cluster) {
	n := s.Node
	if n.TunnelPort == 0 {
		return
	}
	pods, services := s.foreign(id, c.PodCIDRs), s.foreign(id, c.ServiceCIDRs)
	var gateways []netip.Prefix
	for _, g := range c.Gateways {
		if g.IP.IsValid() {
			gateways = append(gateways, host(g.IP))
		}
	}
	// A gateway of theirs is also a source: with source NAT it is all that is seen of their Pods.
	sources, ranges := union(pods, gateways), union(pods, services)
	_, isGateway := s.ThisGateway()

	if isGateway {
		for _, g := range gateways {
			r.foreignSender(n, g.Addr(), union(pods, []netip.Prefix{g}))
		}
	}
	for _, source := range sources {
		r.add(TableSpoofGuard, 200,
			openflow.Match{}.RegRange(sourceClass, classTunnel).RegRange(peerClass, peerGateway).EthDst(MACNode).IPSrc(source),
			openflow.Actions{}.Load(fromOtherCluster, 1).Resubmit(TableConntrackZone))
	}
	for _, to := range union(ranges, gateways) {
		r.drop(FeatureForeignTransit, TableL3Forwarding, l3Foreign, openflow.Match{}.RegRange(fromOtherCluster, 1).IPDst(to))
	}
	r.clusterForwarding(s, id, ranges, gateways)
	for _, to := range ranges {
		r.clusterSourceNAT(s, to)
	}
}

// foreignSender lets a gateway of another cluster send to this gateway, with the sources that it may use.
func (r *rules) foreignSender(n Node, gateway netip.Addr, sources []netip.Prefix) {
	r.sender(n, senderForeign, gateway, peerForeign)
	for _, source := range sources {
		r.add(TableSpoofGuard, 200,
			openflow.Match{}.RegRange(sourceClass, classTunnel).RegRange(peerClass, peerForeign).TunSrc(gateway).EthDst(MACCluster).IPSrc(source),
			openflow.Actions{}.Load(fromOtherCluster, 1).Resubmit(TableConntrackZone))
	}
}

// clusterForwarding sends packets for another cluster to a gateway. Without one they are dropped: the host would send
// them to the world.
func (r *rules) clusterForwarding(s State, id string, ranges, gateways []netip.Prefix) {
	n, c := s.Node, s.Clusters[id]
	_, isGateway := s.ThisGateway()
	targets := s.targets(c)
	var via openflow.Actions
	switch {
	case len(targets) == 0:
		for _, to := range ranges {
			r.drop(FeatureNoGateway, TableL3Forwarding, l3OtherCluster, openflow.Match{}.IPDst(to))
		}
		return
	case s.hasChoice(targets):
		via = n.toGroup(s.groupID(s.chooser(r.owner), groupAny))
		if isGateway {
			r.choice(s, targets)
		}
		for _, to := range union(ranges, gateways) {
			r.pinned(s, to)
		}
	default:
		via = n.toTunnel(MACCluster, targets[0].address)
	}
	toPods := via
	if mtu := s.PathMTU(id); mtu != 0 {
		toPods = narrow(mtu).Append(via)
		r.narrowOutput(s)
		r.narrowTransit(s, ranges)
		for _, to := range ranges {
			r.narrowSourceNAT(s, to, mtu, via)
		}
	}
	for _, to := range ranges {
		r.add(TableL3Forwarding, l3OtherCluster, openflow.Match{}.IPDst(to), toPods)
	}
	// Replies to a gateway that translates go back to that very gateway; everything else to it is the host's business.
	for _, g := range gateways {
		back := via
		if isGateway {
			back = n.toTunnel(MACCluster, g.Addr())
		}
		r.add(TableL3Forwarding, l3OtherCluster, openflow.Match{}.CTState(openflow.CTReply|openflow.CTTracked, 0).IPDst(g), back)
		if isGateway { // transit has no connection state to tell
			r.add(TableL3Forwarding, l3OtherCluster, openflow.Match{}.RegRange(sourceClass, classTunnel).EthDst(MACCluster).IPDst(g), back)
		}
	}
}

// clusterSourceNAT marks requests to a range of another cluster for translation, if this Node is to translate. Replies,
// and what goes to the other cluster's gateways, are left alone.
func (r *rules) clusterSourceNAT(s State, to netip.Prefix) {
	if _, ok := s.natAddress(familyOf(to)); !ok {
		return
	}
	request := openflow.Match{}.CTState(openflow.CTTracked, openflow.CTReply).RegRange(destinationClass, classTunnel).IPDst(to)
	mark := openflow.Actions{}.Load(natKind, natCluster)
	r.add(TableSNAT, 235, request.RegRange(sourceClass, classTunnel), mark.Resubmit(TableOutput))
	r.add(TableSNAT, 230, request, mark.Resubmit(TableIngressPolicy))
}

// own are the ranges and addresses of this cluster that no other cluster can have. With a range around its Nodes' addresses
// the tunnel would carry itself, and what the Nodes say to each other.
func (s State) own() []netip.Prefix {
	n := s.Node
	own := union(union(n.ClusterPodCIDRs, n.PodCIDRs), n.ServiceCIDRs)
	if n.TransportIP.IsValid() {
		own = append(own, host(n.TransportIP))
	}
	for _, g := range s.Gateways {
		for _, ip := range []netip.Addr{g.InternalIP, g.GatewayIP} {
			if ip.IsValid() {
				own = append(own, host(ip))
			}
		}
	}
	return own
}

// Reachable are the ranges of another cluster that this Node forwards to: its Pods and Services, without those that overlap
// our own.
func (s State) Reachable(id string) []netip.Prefix {
	c := s.Clusters[id]
	return s.foreign(id, union(c.PodCIDRs, c.ServiceCIDRs))
}

// foreign are the ranges of another cluster without those that overlap our own: they would let it speak for our Pods.
func (s State) foreign(id string, ranges []netip.Prefix) []netip.Prefix {
	var good []netip.Prefix
	for _, p := range ranges {
		if s.overlap(id, p) == nil {
			good = append(good, p)
		}
	}
	return good
}

func (s State) overlap(id string, p netip.Prefix) *Overlap {
	for _, own := range s.own() {
		if own.Overlaps(p) {
			return &Overlap{Cluster: id, Range: p, Own: own}
		}
	}
	return nil
}

// overlaps reports every range of every other cluster that is left out.
func overlaps(s State) error {
	var errs []error
	for _, o := range s.Owners() {
		if o.Kind != KindCluster {
			continue
		}
		c := s.Clusters[o.Name]
		for _, p := range union(c.PodCIDRs, c.ServiceCIDRs) {
			if o := s.overlap(o.Name, p); o != nil {
				errs = append(errs, o)
			}
		}
	}
	return errors.Join(errs...)
}

// An Overlap is a range of another cluster that is left out, because this cluster uses some of it itself.
type Overlap struct {
	Cluster    string
	Range, Own netip.Prefix
}

// Error names both ranges.
func (o *Overlap) Error() string {
	return fmt.Sprintf("cluster %q: range %s overlaps %s of this cluster and is not forwarded", o.Cluster, o.Range, o.Own)
}
