package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// EncapMode says which packets to Pods of other Nodes of the cluster go through a tunnel. What goes to other clusters always does.
type EncapMode string

// The values of trafficEncapMode in antrea-agent.conf.
const (
	Encap   EncapMode = "encap"   // all; so is the zero value
	NoEncap EncapMode = "noEncap" // none: the network between Nodes knows the way to Pods
	Hybrid  EncapMode = "hybrid"  // those to Nodes of other subnets
)

// Direct tells whether packets to a range of a peer's Pods go without a tunnel, which takes Nodes with addresses of the same family.
// Then via is the peer's address if it is in a subnet of this Node, or else invalid: the network between Nodes is to know the way.
func (n Node) Direct(p Peer, pods netip.Prefix) (via netip.Addr, direct bool) {
	if n.Encap != NoEncap && n.Encap != Hybrid {
		return netip.Addr{}, false
	}
	has := false
	for _, own := range n.Subnets {
		if own.Addr().Is4() != pods.Addr().Is4() {
			continue
		}
		has = true
		for _, a := range p.Addresses {
			if own.Contains(a) {
				return a, true
			}
		}
	}
	return netip.Addr{}, has && n.Encap == NoEncap
}

// Tunnels tells whether a packet of this Node's Pods may go through a tunnel: to another cluster, which is to be told, or to another
// Node of this one.
func (n Node) Tunnels(otherClusters bool) bool {
	if n.Encap != NoEncap || otherClusters {
		return true
	}
	for _, pods := range n.PodCIDRs {
		if _, direct := n.Direct(Peer{}, pods); !direct {
			return true
		}
	}
	return false
}

// viaHost forwards what Pods of this Node send to a peer's, which the host routes, and what comes through the tunnel on the way from
// other clusters, which the host would not know how to.
func (r *rules) viaHost(n Node, p Peer, pods netip.Prefix) {
	to := openflow.Match{}.IPDst(pods)
	r.add(TableL3Forwarding, l3OwnCluster, to.RegRange(sourceClass, classPod), n.toGateway())
	r.add(TableL3Forwarding, l3OwnCluster, to.RegRange(sourceClass, classTunnel).EthDst(MACCluster), n.toTunnel(MACNode, p.TransportIP))
}
