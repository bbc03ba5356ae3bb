package probe

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Peer is one Node that this Node watches.
type Peer struct {
	Address netip.Addr
	Cluster string // empty in this Node's own
	Name    string
	Gateway bool // or an ordinary Node, which is only watched by gateways, because it watches them
	Weight  int
	Subnets []netip.Prefix // what is reached through it
}

// Peers are those whom a Node watches: an ordinary Node the gateways of its cluster, a gateway all Nodes of its cluster and the
// gateways of the others. While there is no other cluster, nobody watches anybody. A session needs both sides, so who watches is
// watched.
func Peers(s pipeline.State) []Peer {
	if len(s.Clusters) == 0 {
		return nil
	}
	own := make(map[string]pipeline.Gateway)
	for _, g := range s.Gateways {
		own[g.Name] = g
	}
	_, isGateway := own[s.Node.Name]
	peers := make(map[netip.Addr]Peer)
	add := func(p Peer) {
		if _, taken := peers[p.Address]; !taken && p.Address.IsValid() && p.Address != s.Node.TransportIP &&
			p.Address.Is4() == s.Node.TransportIP.Is4() {
			peers[p.Address] = p
		}
	}
	var everything []netip.Prefix
	for id := range s.Clusters {
		everything = append(everything, s.Reachable(id)...)
	}
	slices.SortFunc(everything, netip.Prefix.Compare)
	for _, g := range s.Gateways {
		if g.Name != s.Node.Name {
			add(Peer{Address: g.InternalIP, Name: g.Name, Gateway: true, Weight: max(g.Weight, 1), Subnets: everything})
		}
	}
	if isGateway {
		for name, p := range s.Peers {
			if _, gateway := own[name]; !gateway {
				add(Peer{Address: p.TransportIP, Name: name, Subnets: p.PodCIDRs})
			}
		}
		for id, c := range s.Clusters {
			for _, g := range c.Gateways {
				add(Peer{Address: g.IP, Cluster: id, Name: g.Name, Gateway: true, Weight: max(g.Weight, 1), Subnets: s.Reachable(id)})
			}
		}
	}
	list := make([]Peer, 0, len(peers))
	for _, p := range peers {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Peer) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Name, b.Name), a.Address.Compare(b.Address))
	})
	return list
}
