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
// Pods may send; 0 if it is not, or if this Node is no gateway. A gateway that translates has no way to shorten: its packets have
// another source by then than the one to tell.
func (s State) PathMTU(id string) int {
	if _, ok := s.ThisGateway(); !ok || s.Node.SourceNAT == SourceNATAlways {
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
func (r *rules) narrowOutput(n Node) {
	if n.GatewayPort == 0 {
		return
	}
	leaving := openflow.Match{}.RegRange(destinationClass, classTunnel).RegRange(narrowPath, 1).RegRange(natKind, 0)
	for _, from := range []openflow.Match{
		leaving.RegRange(sourceClass, classPod),
		leaving.RegRange(sourceClass, classTunnel).RegRange(peerClass, peerNode),
	} {
		r.add(TableOutput, 241, from.RegRange(tooLong, 1), openflow.Actions{}.SetEthSrc(MACNode).SetEthDst(n.GatewayMAC).Output(n.GatewayPort))
		for _, f := range n.families() {
			r.add(TableOutput, 240, from.EthType(f.ethType).IPProto(openflow.ProtoTCP).WithUint(openflow.FieldTCPFlags, tcpSYN, tcpSYN),
				openflow.Actions{}.SetEthDst(MACClamp).Output(n.GatewayPort))
		}
	}
	for _, f := range n.families() {
		r.add(TableClassifier, 210, f.match().InPort(n.GatewayPort).EthDst(MACClamp),
			openflow.Actions{}.Load(sourceClass, classGateway).Resubmit(TableL3Forwarding))
	}
}

// narrowTransit lets go on what the host does with packets in transit that are too long: what it says of them to their senders, and what
// it has cut up. They are of connections that this Node does not track. Those of its own Pods it does.
func (r *rules) narrowTransit(n Node, ranges []netip.Prefix) {
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
				r.add(TableConntrackZone, 205, host.IPSrc(from).IPDst(to), next(TableL3Forwarding))
			}
			for _, own := range f.of(n.PodCIDRs) {
				r.add(TableConntrackZone, 206, host.IPSrc(own).IPDst(to), track())
			}
		}
	}
}

// of are the ranges of the family.
func (f family) of(ranges []netip.Prefix) []netip.Prefix {
	var list []netip.Prefix
	for _, p := range ranges {
		if p.Addr().Is4() == (f == ipv4) {
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
