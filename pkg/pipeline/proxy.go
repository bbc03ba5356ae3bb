package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Proxy says which part of the Services the switch balances.
type Proxy string

// The values of Proxy.
const (
	ProxyOff  Proxy = ""     // none; the host does it
	ProxyPods Proxy = "Pods" // what Pods send to ClusterIPs and other addresses; the host does the rest
	ProxyAll  Proxy = "All"  // what comes from the host too
)

// VirtualAddress is an address that nobody has. The host's routes name it as next hop, and packets that go back where they came
// from have it as their source.
func VirtualAddress(v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{169, 254, 0, 253})
	}
	return netip.MustParseAddr("fc01::aabb:ccdd:eeff")
}

// NodePortAddress is the address that the host translates the Node's own addresses to, for ports that are NodePorts.
func NodePortAddress(v4 bool) netip.Addr {
	if v4 {
		return netip.AddrFrom4([4]byte{169, 254, 0, 252})
	}
	return netip.MustParseAddr("fc01::aabb:ccdd:eefe")
}

// proxy adds what all Services need.
func (r *rules) proxy(n Node) {
	for _, f := range n.families() {
		r.proxyReturn(n, f)
		for _, protocol := range []uint8{openflow.ProtoTCP, openflow.ProtoUDP, openflow.ProtoSCTP} {
			r.add(TableEndpointWrite, 200, f.match().IPProto(protocol), f.writeEndpoint(protocol))
		}
	}
	r.proxyState()
	r.add(TableServiceLB, lbChosen, openflow.Match{}.RegRange(endpointChosen, 1), next(TableEndpointSet))
	r.proxySNAT(n)
}

// proxyReturn takes back what has left with an address of this Node's, and what the host answers to packets that it was handed
// because nobody takes them: of those there is no connection.
func (r *rules) proxyReturn(n Node, f family) {
	v4 := f == ipv4
	restore := openflow.Actions{}.CT(openflow.CT{Zone: ZoneSNAT, NAT: &openflow.NAT{}}).Append(track())
	r.add(TableConntrackZone, 230, openflow.Match{}.IPDst(host(VirtualAddress(v4))), openflow.Actions{}.Load(inPort, noPort).Append(restore))
	for _, ip := range n.GatewayIPs {
		if ip.Is4() != v4 {
			continue
		}
		r.add(TableConntrackZone, 230, openflow.Match{}.IPDst(host(ip)), restore)
		unreachable := openflow.Match{}.RegRange(sourceClass, classGateway).IPSrc(host(ip))
		if v4 {
			unreachable = unreachable.ICMPv4Type(3).WithUint(openflow.FieldICMPv4Code, 3, 0xff)
		} else {
			unreachable = unreachable.ICMPv6Type(1).WithUint(openflow.FieldICMPv6Code, 4, 0xff)
		}
		r.add(TableConntrackZone, 235, unreachable, openflow.Actions{}.Load(hostRefuses, 1).Resubmit(TableL3Forwarding))
	}
	for _, cidr := range n.ServiceCIDRs {
		if cidr.Addr().Is4() == v4 {
			r.hostRefusal(cidr)
		}
	}
}

// hostRefusal lets the host refuse connections in the name of addresses of Services.
func (r *rules) hostRefusal(addresses netip.Prefix) {
	const reset = 4
	r.add(TableConntrackZone, 225, openflow.Match{}.RegRange(sourceClass, classGateway).IPSrc(addresses).
		IPProto(openflow.ProtoTCP).WithUint(openflow.FieldTCPFlags, reset, reset),
		openflow.Actions{}.Load(hostRefuses, 1).Resubmit(TableL3Forwarding))
}

// proxyState sends new connections to the Services. What the lookup has translated goes on as what it is, though it may be new
// until there is a reply. Packets from tunnels are for Pods: their senders have chosen the endpoint.
func (r *rules) proxyState() {
	related := openflow.Match{}.CTState(openflow.CTRelated|openflow.CTTracked, 0)
	known := openflow.Match{}.CTState(openflow.CTEstablished|openflow.CTTracked, openflow.CTNew|openflow.CTReply)
	again := openflow.Match{}.CTState(openflow.CTNew|openflow.CTTracked, 0).RegRange(connectionToService, 1)
	recall := openflow.Actions{}.Move(connectionTranslation, translation)
	r.add(TableConntrackState, 205, related, recall.Resubmit(TableL3Forwarding))
	r.add(TableConntrackState, 200, known, recall.Resubmit(TableEgressPolicy))
	r.add(TableConntrackState, 195, again, recall.Resubmit(TableEgressPolicy))
	r.add(TableConntrackState, 190, openflow.Match{}.RegRange(sourceClass, classTunnel), next(TableEgressPolicy))
	r.add(TableConntrackState, 0, openflow.Match{}, openflow.Actions{}.Resubmit(TableSessionAffinity).Resubmit(TableServiceLB))
	r.add(TableConntrackCommit, 212, again, next(TableOutput))
}

// writeEndpoint writes the endpoint that was chosen into the packet, and keeps what was there.
func (f family) writeEndpoint(protocol uint8) openflow.Actions {
	port := openflow.Whole(destinationPort(protocol))
	saved, destination, endpoint := savedIPv4, openflow.FieldIPv4Dst, endpointIPv4
	if f == ipv6 {
		saved, destination, endpoint = savedIPv6, openflow.FieldIPv6Dst, endpointIPv6
	}
	return openflow.Actions{}.
		Move(openflow.Whole(destination), saved).Move(endpoint, openflow.Whole(destination)).
		Move(port, savedPort).Move(endpointPort, port).
		Load(endpointWritten, 1).Resubmit(TableEgressPolicy)
}

// proxySNAT translates sources where a reply would not come back here otherwise: of what goes back where it came from, and of
// what has come from outside and goes to another Node. All else keeps its source; other Nodes know the Node's own address. What the Node itself sends to another one is
// translated too, to the address that it has: only so does it never have the port of a connection that was given that address.
func (r *rules) proxySNAT(n Node) {
	r.add(TableSNAT, 245, openflow.Match{}.RegRange(hostRefuses, 1), next(TableOutput))
	r.add(TableSNAT, 215, openflow.Match{}.CTState(openflow.CTTracked, openflow.CTNew), next(TableIngressPolicy))
	fromHost := openflow.Match{}.RegRange(endpointWritten, 1).RegRange(sourceClass, classGateway)
	r.add(TableL3Forwarding, l3Miss, fromHost, n.toGateway())
	r.add(TableSNAT, 210, fromHost.RegRange(destinationClass, classGateway), openflow.Actions{}.Load(natKind, natHairpin).Resubmit(TableIngressPolicy))
	away := fromHost.RegRange(destinationClass, classTunnel)
	r.add(TableSNAT, 200, away, openflow.Actions{}.Load(natKind, natGateway).Resubmit(TableIngressPolicy))
	if n.TransportIP.IsValid() {
		r.add(TableSNAT, 205, away.EthDst(MACNode).IPSrc(host(n.TransportIP)), next(TableIngressPolicy))
	}
	for _, ip := range n.GatewayIPs {
		v4 := ip.Is4()
		own := openflow.Match{}.RegRange(sourceClass, classGateway).RegRange(destinationClass, classTunnel).IPSrc(host(ip))
		r.add(TableSNAT, 216, own.CTState(openflow.CTTracked, openflow.CTReply|openflow.CTRelated),
			openflow.Actions{}.Load(natKind, natGateway).Resubmit(TableIngressPolicy))
		translated := openflow.Actions{}.Load(natKind, 0)
		snat := func(source netip.Addr) openflow.Actions {
			return openflow.Actions{}.CT(openflow.CT{Commit: true, Zone: ZoneSNAT, NAT: openflow.SourceNAT(source)}).Append(translated)
		}
		f := ipv6
		if v4 {
			f = ipv4
		}
		r.add(TableOutput, 240, f.match().RegRange(natKind, natGateway), snat(ip).Resubmit(TableOutput))
		r.add(TableOutput, 240, f.match().RegRange(natKind, natHairpin), snat(VirtualAddress(v4)).Load(inPort, noPort).Resubmit(TableOutput))
	}
}

// hairpin is for what a Pod sends to itself by way of a Service.
func (r *rules) hairpin(p Pod, ip netip.Addr) {
	r.add(TableSNAT, 210, openflow.Match{}.RegRange(endpointWritten, 1).RegRange(destinationClass, classPod).RegRange(outputPort, uint64(p.Port)).IPSrc(host(ip)),
		openflow.Actions{}.Load(natKind, natHairpin).Resubmit(TableIngressPolicy))
}
