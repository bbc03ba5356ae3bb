package pipeline

import "github.com/antrea-mc/antrea-mc/pkg/openflow"

// The bits of registers and connection marks. Every bit in use is declared here and nowhere else.
var (
	sourceClass      = openflow.Reg(0, 0, 3)   // where the packet came from
	destinationClass = openflow.Reg(0, 4, 7)   // where it goes
	natKind          = openflow.Reg(0, 11, 12) // which source NAT it leaves with
	fromOtherCluster = openflow.Reg(0, 13, 13) // its source is in another cluster
	outputPort       = openflow.Reg(1, 0, 31)  // port of the local Pod it goes to
	peerClass        = openflow.Reg(2, 0, 31)  // who sent it through the tunnel
	gatewayGroup     = openflow.Reg(7, 0, 31)  // the group that chooses a gateway, if one does
	peerIsForeign    = openflow.Reg(2, 4, 4)   // the bit that tells peerForeign from the classes of our own cluster

	// connectionSource is the sourceClass that the first packet of the connection had, kept in ct_mark.
	connectionSource = openflow.FieldRange(openflow.FieldCTMark, 0, 3)
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

// natCluster is the value of natKind for packets that leave for another cluster with the gateway's address.
const natCluster = 3

// Connection tracking zones.
const (
	// ZoneMain tracks every connection of a local Pod and of the Node.
	ZoneMain = 65520
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
