package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// ThisGateway is this Node as a gateway; ok tells whether it is one.
func (s State) ThisGateway() (g Gateway, ok bool) {
	for _, g := range s.Gateways {
		if g.Name == s.Node.Name {
			return g, true
		}
	}
	return Gateway{}, false
}

// natAddress is the address of this gateway that packets of the family leave for other clusters with, if it translates.
func (s State) natAddress(f family) (netip.Addr, bool) {
	g, ok := s.ThisGateway()
	if !ok || s.Node.SourceNAT != SourceNATAlways || !g.GatewayIP.IsValid() || g.GatewayIP.Is4() != (f == ipv4) {
		return netip.Addr{}, false
	}
	return g.GatewayIP, true
}

// gateways adds the flows that there are once, however many other clusters there are: gateways of this cluster may relay,
// and if this Node is one, it takes what is on the way to other clusters; if not, it chooses among them.
func (r *rules) gateways(s State) {
	n := s.Node
	if n.TunnelPort == 0 {
		return
	}
	for _, g := range s.Gateways {
		if g.Name != n.Name && g.InternalIP.IsValid() {
			r.sender(n, senderGateway, g.InternalIP, peerGateway)
		}
	}
	if _, ok := s.ThisGateway(); !ok {
		r.pin(s)
		if targets := s.ownTargets(); s.hasChoice(targets) {
			r.choice(s, targets)
		}
		return
	}
	r.ownClusterSources(n, MACCluster)
	fromTunnel := openflow.Match{}.RegRange(sourceClass, classTunnel).EthDst(MACCluster)
	for _, cidr := range n.PodCIDRs {
		r.add(TableConntrackZone, 220, fromTunnel.IPDst(cidr), track())
	}
	for _, f := range n.families() {
		r.add(TableConntrackZone, 210, fromTunnel.EthType(f.ethType), next(TableL3Forwarding))
		if address, ok := s.natAddress(f); ok {
			r.sourceNAT(n, f, address)
		}
	}
}

// sourceNAT adds what a gateway needs that gives packets to other clusters its own address. It tracks transit in a zone of
// its own, in both directions: so replies to connections from outside are told from requests and stay as they are,
// whatever the other cluster does.
func (r *rules) sourceNAT(n Node, f family, address netip.Addr) {
	fromTunnel := f.match().RegRange(sourceClass, classTunnel).EthDst(MACCluster)
	r.add(TableConntrackZone, 215, fromTunnel.CTState(0, openflow.CTTracked),
		openflow.Actions{}.CT(openflow.CT{Zone: ZoneClusterSNAT, Table: openflow.TableRef(TableConntrackZone), NAT: &openflow.NAT{}}))

	transit := f.match().RegRange(sourceClass, classTunnel).RegRange(destinationClass, classTunnel)
	r.drop(FeatureInvalid, TableSNAT, 240, transit.CTState(openflow.CTInvalid|openflow.CTTracked, 0))
	r.add(TableSNAT, 225, transit.RegRange(fromOtherCluster, 1).CTState(openflow.CTNew|openflow.CTTracked, 0),
		openflow.Actions{}.CT(openflow.CT{Commit: true, Zone: ZoneClusterSNAT}).Resubmit(TableOutput))

	translate := openflow.Actions{}.
		CT(openflow.CT{Commit: true, Zone: ZoneClusterSNAT, NAT: openflow.SourceNAT(address)})
	leaving := f.match().RegRange(destinationClass, classTunnel).RegRange(natKind, natCluster)
	r.add(TableOutput, 230, leaving.InPort(n.TunnelPort), translate.InPort())
	r.add(TableOutput, 220, leaving, translate.Output(n.TunnelPort))
}
