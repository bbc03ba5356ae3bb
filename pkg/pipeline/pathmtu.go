package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// MACClamp is the destination of packets that antrea-gw0 sends straight back, with a smaller TCP MSS. It is nobody's address.
var MACClamp = openflow.MAC{0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xf1}

// ethernetHeader is what a frame has more than its packet.
const ethernetHeader = 14

// PathMTU is the largest packet, in bytes, that reaches every gateway of another cluster from this gateway, if that is less than
// Pods may send; 0 if it is not, or if this Node is no gateway.
func (s State) PathMTU(id string) int {
	if _, ok := s.ThisGateway(); !ok {
		return 0
	}
	smallest := 0
	for _, g := range s.Clusters[id].Gateways {
		if mtu := s.PathMTUs[g.IP]; mtu != 0 && (smallest == 0 || mtu < smallest) {
			smallest = mtu
		}
	}
	return smallest
}

// narrow notes of packets to a cluster whether they are too long for the way there.
func narrow(mtu int) openflow.Actions {
	return openflow.Actions{}.CheckPktLarger(uint16(mtu+ethernetHeader), tooLong).Load(narrowPath, 1)
}

// narrowOutput gives the host what a narrow path does not take, of local Pods and of Nodes of this cluster: packets that are too
// long, which it answers with ICMP or cuts up by its route's MTU, and the first ones of TCP connections, which come back with a
// smaller MSS. What comes from the host, or came from it already, goes on.
func (r *rules) narrowOutput(s State) {
	n := s.Node
	if n.GatewayPort == 0 {
		return
	}
	leaving := openflow.Match{}.RegRange(destinationClass, classTunnel).RegRange(narrowPath, 1)
	plain := leaving.RegRange(natKind, 0)
	senders := []openflow.Match{
		plain.RegRange(sourceClass, classPod),
		plain.RegRange(sourceClass, classTunnel).RegRange(peerClass, peerNode),
	}
	if n.SourceNAT == SourceNATAlways { // what is yet to be translated
		senders = append(senders, leaving.RegRange(natKind, natCluster).RegRange(sourceClass, classPod))
	}
	for _, from := range senders {
		r.add(TableOutput, 241, from.RegRange(tooLong, 1), openflow.Actions{}.SetEthSrc(MACNode).SetEthDst(n.GatewayMAC).Output(n.GatewayPort))
		for _, f := range n.families() {
			r.add(TableOutput, 240, from.EthType(f.ethType).IPProto(openflow.ProtoTCP).WithUint(openflow.FieldTCPFlags, tcpSYN, tcpSYN),
				openflow.Actions{}.SetEthDst(MACClamp).Output(n.GatewayPort))
		}
	}
	for _, f := range n.families() {
		r.add(TableClassifier, 210, f.match().InPort(n.GatewayPort).EthDst(MACClamp),
			openflow.Actions{}.Load(sourceClass, classGateway).Append(s.takeBack(f)))
	}
}

// takeBack goes on with what the host has done to packets in transit. A gateway that translates asks what they are part of: what it
// gave to the host had not been translated.
func (s State) takeBack(f family) openflow.Actions {
	if _, ok := s.natAddress(f); !ok {
		return next(TableL3Forwarding)
	}
	return openflow.Actions{}.Load(givenBack, 1).
		CT(openflow.CT{Zone: ZoneClusterSNAT, Table: openflow.TableRef(TableL3Forwarding), NAT: &openflow.NAT{}})
}

// narrowSourceNAT keeps a gateway that translates from translating what the host is to have: the lookup would do so, and the host
// would answer to the gateway itself. So packets of other Nodes are looked at before, and what comes back is translated.
func (r *rules) narrowSourceNAT(s State, to netip.Prefix, mtu int, via openflow.Actions) {
	if _, ok := s.natAddress(familyOf(to)); !ok || s.Node.GatewayPort == 0 {
		return
	}
	transit := openflow.Match{}.RegRange(sourceClass, classTunnel).RegRange(peerClass, peerNode).EthDst(MACCluster).
		CTState(0, openflow.CTTracked).IPDst(to)
	r.add(TableConntrackZone, 217, transit.RegRange(narrowPath, 0), narrow(mtu).Resubmit(TableConntrackZone))
	seen := transit.RegRange(narrowPath, 1)
	r.add(TableConntrackZone, 218, seen.RegRange(tooLong, 1), next(TableL3Forwarding))
	r.add(TableConntrackZone, 218, seen.IPProto(openflow.ProtoTCP).WithUint(openflow.FieldTCPFlags, tcpSYN, tcpSYN), next(TableL3Forwarding))
	r.add(TableL3Forwarding, l3Measured, openflow.Match{}.RegRange(narrowPath, 1).IPDst(to), via)
	back := openflow.Match{}.RegRange(destinationClass, classTunnel).RegRange(givenBack, 1).IPDst(to)
	r.add(TableSNAT, 237, back.CTState(openflow.CTInvalid|openflow.CTTracked, 0), next(TableOutput)) // a local Pod's answer: no transit
	r.add(TableSNAT, 236, back.CTState(openflow.CTTracked, openflow.CTReply), openflow.Actions{}.Load(natKind, natCluster).Resubmit(TableOutput))
}

// narrowTransit lets go on what the host does with packets in transit that are too long: what it says of them to their senders, and what
// it has cut up. They are of connections that this Node does not track. Those of its own Pods it does.
func (r *rules) narrowTransit(s State, ranges []netip.Prefix) {
	n := s.Node
	for _, f := range n.families() {
		host := f.match().RegRange(sourceClass, classGateway)
		says := host.IPProto(openflow.ProtoICMPv6).ICMPv6Type(packetTooBig)
		if f == ipv4 {
			says = host.IPProto(openflow.ProtoICMP).ICMPv4Type(unreachable).WithUint(openflow.FieldICMPv4Code, fragmentationNeeded, 0xff)
		}
		r.add(TableConntrackZone, 205, says, next(TableL3Forwarding))
		for _, own := range f.of(n.PodCIDRs) {
			r.add(TableConntrackZone, 206, says.IPDst(own), track())
		}
		for _, to := range f.of(ranges) {
			for _, from := range f.of(n.ClusterPodCIDRs) {
				r.add(TableConntrackZone, 204, host.IPSrc(from).IPDst(to), s.takeBack(f))
			}
			for _, own := range f.of(n.PodCIDRs) {
				r.add(TableConntrackZone, 206, host.IPSrc(own).IPDst(to), track())
			}
		}
	}
}

// familyOf is the family of a range.
func familyOf(p netip.Prefix) family {
	if p.Addr().Is4() {
		return ipv4
	}
	return ipv6
}

// of are the ranges of the family.
func (f family) of(ranges []netip.Prefix) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range ranges {
		if familyOf(p) == f {
			list = append(list, p)
		}
	}
	return list
}

const (
	// tcpSYN is the bit of TCP flags that asks for a connection, or answers such a question.
	tcpSYN = 0x02
	// unreachable and fragmentationNeeded are type and code of ICMP, packetTooBig is the type of ICMPv6.
	unreachable, fragmentationNeeded, packetTooBig = 3, 4, 2
)
