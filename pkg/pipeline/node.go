package pipeline

import (
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// node adds what the Node needs to be one, without Pods or peers: its tables with their misses, and antrea-gw0.
func (r *rules) node(s State) {
	n := s.Node
	r.nodeClassifier(n)
	r.nodeNeighbors(n)
	r.nodeSpoofGuard(n)
	r.nodeConntrack(n)
	r.nodePassThrough()
	r.nodePolicy(n)
	r.nodeForwarding(n)
	r.nodeOutput(n)
	r.segmentMisses(n)
}

func (r *rules) nodeClassifier(n Node) {
	for _, f := range n.families() {
		if f == ipv4 {
			r.add(TableClassifier, 220, arp(), next(TableNeighborGuard))
			continue
		}
		for _, t := range neighborDiscovery {
			r.add(TableClassifier, 220, openflow.Match{}.ICMPv6Type(t), next(TableNeighborGuard))
		}
	}
	if n.GatewayPort != 0 {
		// The source is not checked: kube-proxy on the host sends packets of Pods back in with another destination.
		for _, f := range n.families() {
			r.add(TableClassifier, 200, f.match().InPort(n.GatewayPort),
				openflow.Actions{}.Load(sourceClass, classGateway).Resubmit(TableConntrackZone))
		}
	}
	if n.TunnelPort != 0 {
		r.drop(FeatureTunnelSender, TableClassifier, 100, openflow.Match{}.InPort(n.TunnelPort))
	}
	r.drop(FeatureUnclassified, TableClassifier, 0, openflow.Match{})
}

// nodeNeighbors lets antrea-gw0 ask for and answer neighbors. Nothing else comes in from there that speaks for others.
func (r *rules) nodeNeighbors(n Node) {
	if n.TunnelPort != 0 {
		r.drop(FeatureTunnelNeighbor, TableNeighborGuard, 100, openflow.Match{}.InPort(n.TunnelPort))
	}
	for _, f := range n.families() {
		if f == ipv4 {
			r.drop(FeatureARP, TableNeighborGuard, 90, arp())
			continue
		}
		for _, t := range neighborDiscovery {
			if reason := discoveryRefusal(t); reason != FeatureNeighbor {
				r.drop(reason, TableNeighborGuard, 90, openflow.Match{}.ICMPv6Type(t))
			}
		}
	}
	r.drop(FeatureNeighbor, TableNeighborGuard, 0, openflow.Match{})
	r.drop(FeatureUnknownNeighbor, TableNeighborReply, 0, openflow.Match{})
	if n.GatewayPort == 0 {
		return
	}
	for _, f := range n.families() {
		if f == ipv4 {
			r.add(TableNeighborGuard, 200,
				arp().InPort(n.GatewayPort).EthSrc(n.GatewayMAC).ARPOp(openflow.ARPRequest).ARPSHA(n.GatewayMAC), next(TableNeighborReply))
			r.add(TableNeighborReply, 200, arp().ARPOp(openflow.ARPRequest), arpReply(MACNode))
			continue
		}
		r.add(TableNeighborGuard, 200, solicitation().InPort(n.GatewayPort).EthSrc(n.GatewayMAC), next(TableNeighborReply))
		r.add(TableNeighborGuard, 200, advertisement().InPort(n.GatewayPort).EthSrc(n.GatewayMAC), next(TableNeighborReply))
		r.add(TableNeighborReply, 200, advertisement().EthDst(n.GatewayMAC), openflow.Actions{}.Output(n.GatewayPort))
	}
	for _, ip := range n.GatewayIPs {
		if ip.Is4() {
			r.drop(FeatureARP, TableNeighborGuard, 210, arp().InPort(n.GatewayPort).ARPTPA(ip))
			r.add(TableNeighborReply, 210, arp().ARPOp(openflow.ARPRequest).ARPTPA(ip), arpReply(n.GatewayMAC))
		} else {
			r.add(TableNeighborReply, 200, solicitation().NDTarget(ip), openflow.Actions{}.Output(n.GatewayPort))
		}
	}
}

// nodeSpoofGuard lets every Node of the cluster send what comes from the cluster's Pods to this Node. Only a gateway takes
// packets that are on the way to another cluster.
func (r *rules) nodeSpoofGuard(n Node) {
	r.ownClusterSources(n, MACNode)
	fromTunnel := openflow.Match{}.RegRange(sourceClass, classTunnel)
	for _, mac := range []openflow.MAC{MACNode, MACCluster} {
		r.drop(FeatureTunnelSource, TableSpoofGuard, 110, fromTunnel.EthDst(mac))
	}
	r.drop(FeatureTunnelMAC, TableSpoofGuard, 100, fromTunnel)
	for _, f := range n.families() {
		r.drop(FeatureDHCPServer, TableSpoofGuard, 210, merged(f.dhcpServer(), openflow.Match{}.RegRange(sourceClass, classPod)))
	}
	r.drop(FeaturePodMAC, TableSpoofGuard, 0, openflow.Match{})
}

// ownClusterSources lets Nodes of this cluster send packets of its Pods with destination MAC mac.
func (r *rules) ownClusterSources(n Node, mac openflow.MAC) {
	for _, cidr := range n.ClusterPodCIDRs {
		r.add(TableSpoofGuard, 200,
			openflow.Match{}.RegRange(sourceClass, classTunnel).RegRange(peerIsForeign, 0).EthDst(mac).IPSrc(cidr),
			next(TableConntrackZone))
	}
}

// nodeConntrack looks every connection up and commits new ones, at the end and in one zone. Packets of a connection that
// is known already still visit the policy tables.
func (r *rules) nodeConntrack(n Node) {
	for _, f := range n.families() {
		r.add(TableConntrackZone, 200, f.match(), track())
	}
	r.add(TableConntrackZone, 0, openflow.Match{}, next(TableConntrackState))

	tracked := func(set, clear openflow.CTState) openflow.Match {
		return openflow.Match{}.CTState(set|openflow.CTTracked, clear)
	}
	r.drop(FeatureInvalid, TableConntrackState, 220, tracked(openflow.CTInvalid, 0))
	r.add(TableConntrackState, 210, tracked(openflow.CTReply, 0), next(TableL3Forwarding))
	if n.Proxy == ProxyOff {
		r.add(TableConntrackState, 205, tracked(openflow.CTRelated, 0), next(TableL3Forwarding))
		r.add(TableConntrackState, 200, tracked(openflow.CTEstablished, openflow.CTNew|openflow.CTReply), next(TableEgressPolicy))
		r.add(TableConntrackState, 0, openflow.Match{}, next(TableServiceLB))
	} else {
		r.proxy(n)
	}

	commit := openflow.Actions{}.CT(openflow.CT{Commit: true, Zone: ZoneMain, Exec: n.notes()}).Resubmit(TableOutput)
	for _, f := range n.families() {
		r.add(TableConntrackCommit, 200, f.match().CTState(openflow.CTNew|openflow.CTTracked, 0), commit)
	}
	r.add(TableConntrackCommit, 0, openflow.Match{}, next(TableOutput))
}

// notes is what every new connection keeps of its first packet, written by whatever commits it.
func (n Node) notes() openflow.Actions {
	return n.tickets(openflow.Actions{}.Move(sourceClass, connectionSource))
}

// nodePassThrough keeps the ids of tables that other features fill, so that packets find their way on. SessionAffinity is
// only looked into on the way from ConntrackState to ServiceLB: finding nothing there drops nothing.
func (r *rules) nodePassThrough() {
	r.add(TableSessionAffinity, 0, openflow.Match{}, openflow.Actions{})
	r.add(TableServiceLB, 0, openflow.Match{}, next(TableEgressPolicy))
	r.add(TableEndpointSet, 0, openflow.Match{}, next(TableEndpointWrite))
	r.add(TableEndpointWrite, 0, openflow.Match{}, next(TableEgressPolicy))
}

// nodeForwarding routes to the Node itself. What a Pod sends to nobody known goes there too, and the host routes it; what
// the host or a tunnel sends to nobody known is dropped, because the host would send it straight back.
func (r *rules) nodeForwarding(n Node) {
	if n.GatewayPort != 0 {
		for _, f := range n.families() {
			r.add(TableL3Forwarding, l3ReplyToGateway,
				f.match().CTState(openflow.CTReply|openflow.CTTracked, 0).RegRange(connectionSource, classGateway), n.toGateway())
		}
		for _, ip := range n.GatewayIPs {
			r.add(TableL3Forwarding, l3Local, openflow.Match{}.IPDst(host(ip)), n.toGateway())
		}
		for _, cidr := range n.ServiceCIDRs {
			r.add(TableL3Forwarding, l3OwnCluster, openflow.Match{}.RegRange(sourceClass, classPod).IPDst(cidr), n.toGateway())
		}
		for _, f := range n.families() {
			r.add(TableL3Forwarding, l3Miss, f.match().RegRange(sourceClass, classPod), n.toGateway())
		}
	}
	r.drop(FeatureNotRouted, TableL3Forwarding, l3NotRelayed, openflow.Match{}.RegRange(sourceClass, classTunnel).EthDst(MACNode))
	for _, cidr := range union(n.PodCIDRs, n.ClusterPodCIDRs) {
		r.drop(FeatureNoDestination, TableL3Forwarding, l3Nobody, openflow.Match{}.IPDst(cidr))
	}
	r.drop(FeatureNotRouted, TableL3Forwarding, 0, openflow.Match{})

	local := openflow.Match{}.RegRange(sourceClass, classPod).RegRange(destinationClass, classPod)
	r.add(TableL3DecTTL, 210, local, next(TableSNAT))
	r.add(TableL3DecTTL, 210, openflow.Match{}.RegRange(sourceClass, classGateway), next(TableSNAT))
	for _, f := range n.families() {
		r.add(TableL3DecTTL, 200, f.match(), openflow.Actions{}.DecTTL().Resubmit(TableSNAT))
	}
	r.add(TableL3DecTTL, 0, openflow.Match{}, next(TableSNAT))
}

// nodeOutput sends packets by destination class. Transit goes back into the tunnel it came from and skips what is only
// for connections that end here.
func (r *rules) nodeOutput(n Node) {
	transit := openflow.Match{}.RegRange(sourceClass, classTunnel).RegRange(destinationClass, classTunnel)
	r.add(TableSNAT, 220, transit, next(TableOutput))
	r.add(TableSNAT, 0, openflow.Match{}, next(TableIngressPolicy))

	if n.TunnelPort != 0 {
		toTunnel := openflow.Match{}.RegRange(destinationClass, classTunnel)
		r.add(TableOutput, 210, toTunnel.InPort(n.TunnelPort), openflow.Actions{}.InPort())
		r.add(TableOutput, 200, toTunnel, openflow.Actions{}.Output(n.TunnelPort))
	}
	if n.GatewayPort != 0 {
		r.add(TableOutput, 200, openflow.Match{}.RegRange(destinationClass, classGateway), openflow.Actions{}.Output(n.GatewayPort))
	}
	r.add(TableOutput, 200, openflow.Match{}.RegRange(destinationClass, classPod), openflow.Actions{}.OutputReg(outputPort))
	r.drop(FeatureNotRouted, TableOutput, 0, openflow.Match{})
}

// union is the prefixes of both lists, each once.
func union(a, b []netip.Prefix) []netip.Prefix {
	all := slices.Clone(a)
	for _, p := range b {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}
