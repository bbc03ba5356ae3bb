package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// State is all that the flows of one Node depend on. Its zero value compiles to a bridge that drops everything.
type State struct {
	Node     Node
	Pods     map[string]Pod     // by name of the OVS port
	Peers    map[string]Peer    // the other Nodes of this cluster, by Node name
	Gateways []Gateway          // the gateways of this cluster, this Node among them if it is one, sorted by name
	Clusters map[string]Cluster // the other clusters of the ClusterSet, by cluster ID
	// Services are the ports of Services that the switch balances, by namespace/name:port.
	Services map[string]*Service
	// Segments are those that Pods of this Node are in, by their number.
	Segments map[string]Segment
	// Policies are the rules for what Pods send and receive, nil as long as they are not known.
	Policies *Policies
	// Probes are the ports that are up as long as the Node with that address answers.
	Probes map[netip.Addr]openflow.Port
	// PathMTUs are the largest packets, in bytes, that reach gateways of other clusters, for those that take less than Pods may send.
	PathMTUs map[netip.Addr]int
}

// SourceNAT says when the gateway replaces the source address of packets to another cluster.
type SourceNAT string

// The values of multicluster.sourceNAT in antrea-agent.conf.
const (
	SourceNATAuto   SourceNAT = "Auto" // only where clusters overlap
	SourceNATAlways SourceNAT = "Always"
	SourceNATNever  SourceNAT = "Never"
)

// Node is the Node that the flows are for.
type Node struct {
	Name        string
	TunnelPort  openflow.Port  // antrea-tun0
	GatewayPort openflow.Port  // antrea-gw0
	GatewayMAC  openflow.MAC   // of antrea-gw0
	GatewayIPs  []netip.Addr   // of antrea-gw0: the first address of each Pod CIDR
	TransportIP netip.Addr     // the Node's own address on the underlay
	Subnets     []netip.Prefix // its addresses there, of both families, with the lengths of their subnets; only where Encap is not encap
	Encap       EncapMode
	PodCIDRs    []netip.Prefix
	// ClusterPodCIDRs are the ranges of this cluster's Pods; sources on tunnels from this cluster must be in them.
	ClusterPodCIDRs []netip.Prefix
	ServiceCIDRs    []netip.Prefix
	SourceNAT       SourceNAT
	Proxy           Proxy
	// NetworkPolicy lets Pods send and receive only what State.Policies allows.
	NetworkPolicy bool
}

// Pod is one Pod interface on this Node.
type Pod struct {
	Name PodName
	Port openflow.Port
	MAC  openflow.MAC
	IPs  []netip.Addr // at most one of each family in the first network
	// Segment is the number of the segment that the interface is in, 0 for the first network.
	Segment uint32
}

// PodName is a Pod in Kubernetes. It is empty where the runtime does not say which Pod an interface is for.
type PodName struct {
	Namespace, Name, UID string
}

// Peer is another Node of this cluster.
type Peer struct {
	TransportIP netip.Addr
	Addresses   []netip.Addr // the Node's own, of both families, that are reached without a tunnel
	PodCIDRs    []netip.Prefix
}

// Gateway is a Node of this cluster that carries traffic to other clusters.
type Gateway struct {
	Name       string
	InternalIP netip.Addr // where Nodes of this cluster send to
	GatewayIP  netip.Addr // where gateways of other clusters send to
	Weight     int        // its share of what the cluster sends; 0 is 1
	Draining   bool       // it is to go, and tells its peers so itself: no flow depends on it
}

// Cluster is another cluster of the ClusterSet.
type Cluster struct {
	PodCIDRs     []netip.Prefix
	ServiceCIDRs []netip.Prefix
	Gateways     []RemoteGateway // in the order of the cluster's own list
}

// RemoteGateway is a gateway of another cluster.
type RemoteGateway struct {
	Name   string
	IP     netip.Addr
	Weight int // its share of what is sent to its cluster; 0 is 1
}
