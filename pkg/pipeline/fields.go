package pipeline

import "github.com/antrea-mc/antrea-mc/pkg/openflow"

// The bits of registers and connection marks. Every bit in use is declared here and nowhere else.
var (
	sourceClass      = openflow.Reg(0, 0, 3)   // where the packet came from
	destinationClass = openflow.Reg(0, 4, 7)   // where it goes
	endpointWritten  = openflow.Reg(0, 10, 10) // its destination is an endpoint of the Service that it was sent to
	natKind          = openflow.Reg(0, 11, 12) // which source NAT it leaves with
	fromOtherCluster = openflow.Reg(0, 13, 13) // its source is in another cluster
	hostRefuses      = openflow.Reg(0, 16, 16) // the host's answer to a packet that it refused: no connection, no policy
	endpointChosen   = openflow.Reg(0, 17, 17) // the endpoint is the one that this client had before
	ruleDecided      = openflow.Reg(0, 19, 19) // a policy rule allowed it just now: the connection is to remember which
	tellsEgress      = openflow.Reg(0, 20, 20) // if its sender's policies refuse it, the agent is to hear of it
	tellsIngress     = openflow.Reg(0, 21, 21) // likewise for its receiver's
	auditedEgress    = openflow.Reg(0, 22, 22) // a policy of its sender's would refuse it, but is in audit mode: others like it are not asked
	auditedIngress   = openflow.Reg(0, 23, 23) // likewise one of its receiver's
	tooLong          = openflow.Reg(0, 24, 24) // the way to another cluster does not take packets of its length
	narrowPath       = openflow.Reg(0, 25, 25) // the way to another cluster takes less than a Pod may send
	tellsNames       = openflow.Reg(0, 26, 26) // an answer about names, to a Pod whose policies are about names
	givenBack        = openflow.Reg(0, 27, 27) // the host has made it fit for the way to another cluster
	outputPort       = openflow.Reg(1, 0, 31)  // port of the local Pod it goes to
	peerClass        = openflow.Reg(2, 0, 31)  // who sent it through the tunnel
	peerIsForeign    = openflow.Reg(2, 4, 4)   // the bit that tells peerForeign from the classes of our own cluster
	egressRule       = openflow.Reg(3, 0, 31)  // the rule that lets its source send it, 0 if none had to
	ingressRule      = openflow.Reg(4, 0, 31)  // the rule that lets its destination receive it, 0 if none had to
	affinityService  = openflow.Reg(5, 0, 31)  // the Service, if it is one that remembers its clients
	savedPort        = openflow.Reg(6, 0, 15)  // the port it was sent to, before the endpoint's was written
	endpointPort     = openflow.Reg(6, 16, 31) // the endpoint's port
	gatewayGroup     = openflow.Reg(7, 0, 31)  // the group that chooses a gateway, if one does
	savedIPv4        = openflow.Reg(8, 0, 31)  // the address it was sent to, before the endpoint's was written
	savedIPv6        = openflow.Whole(openflow.FieldXXReg2)
	endpointIPv4     = openflow.Reg(12, 0, 31) // the endpoint's address
	endpointIPv6     = openflow.Whole(openflow.FieldXXReg3)

	// translation is endpointWritten and natKind: what a connection keeps in connectionTranslation.
	translation = openflow.Reg(0, 10, 12)

	// connectionSource is the sourceClass that the first packet of the connection had, kept in ct_mark.
	connectionSource = openflow.FieldRange(openflow.FieldCTMark, 0, 3)
	// connectionTranslation is what the first packet had in translation.
	connectionTranslation = openflow.FieldRange(openflow.FieldCTMark, 4, 6)
	// connectionToService is the bit of connectionTranslation that says that the lookup writes the endpoint.
	connectionToService = openflow.FieldRange(openflow.FieldCTMark, 4, 4)
	// connectionBlocked is set when policies changed and no longer allow the connection.
	connectionBlocked = openflow.FieldRange(openflow.FieldCTMark, 7, 7)
	// connectionEgressRule is the rule that let the connection out, kept in ct_label.
	connectionEgressRule = openflow.FieldRange(openflow.FieldCTLabel, 0, 31)
	// connectionIngressRule is the rule that let the connection in.
	connectionIngressRule = openflow.FieldRange(openflow.FieldCTLabel, 32, 63)
	// connectionGateway is the gateway that the connection came or goes through, kept in ct_label where gateways translate.
	connectionGateway = openflow.FieldRange(openflow.FieldCTLabel, 64, 95)

	// inPort is where the switch thinks that the packet came from.
	inPort = openflow.Whole(openflow.FieldInPort16)
)

// Values of sourceClass, destinationClass and connectionSource.
const (
	classTunnel  = 1
	classGateway = 2 // antrea-gw0, that is the Node itself
	classPod     = 3
)

// Values of peerClass.
const (
	peerNode    = 1    // a Node of this cluster
	peerGateway = 2    // a Node of this cluster that is a gateway: it may also relay what comes from other clusters
	peerForeign = 0x10 // a gateway of another cluster; which one is told by tun_src
)

// noPort is the value of inPort that is no port.
const noPort = 0xffff

// Values of natKind.
const (
	natGateway = 1 // leaves with the address of antrea-gw0, so that the reply comes back to this Node
	natHairpin = 2 // goes back where it came from, with an address that nobody has
	natCluster = 3 // leaves for another cluster with the gateway's address
)

// Connection tracking zones.
const (
	// ZoneMain tracks every connection of a local Pod and of the Node.
	ZoneMain = 65520
	// ZoneSNAT tracks what this Node translates so that replies come back to it: natGateway and natHairpin.
	ZoneSNAT = 65521
	// ZoneClusterSNAT tracks what a gateway translates on the way to other clusters.
	ZoneClusterSNAT = 65522
)

// The destination MACs on tunnels tell where a packet is going. They are not anybody's address.
var (
	// MACNode is the destination of packets to another Node of the cluster. It is also what a Pod is told to be the
	// address of every neighbor but its gateway.
	MACNode = openflow.MAC{0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	// MACCluster is the destination of packets that are on the way to another cluster.
	MACCluster = openflow.MAC{0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xf0}
)

// A family is IPv4 or IPv6.
type family struct {
	ethType uint16
}

var (
	ipv4 = family{openflow.EthTypeIPv4}
	ipv6 = family{openflow.EthTypeIPv6}
)

// match matches all packets of the family.
func (f family) match() openflow.Match { return openflow.Match{}.EthType(f.ethType) }

// dhcpServer matches what a DHCP server says to a client.
func (f family) dhcpServer() openflow.Match {
	if f == ipv4 {
		return f.match().IPProto(openflow.ProtoUDP).UDPSrc(67).UDPDst(68)
	}
	return f.match().IPProto(openflow.ProtoUDP).UDPSrc(547).UDPDst(546)
}
