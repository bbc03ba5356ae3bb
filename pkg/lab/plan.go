package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
)

// Plan is what follows from a description: every node with all that is particular to it.
type Plan struct {
	Description
	Clusters []ClusterPlan
}

// ClusterPlan is a cluster with what follows from its description.
type ClusterPlan struct {
	Cluster
	API   netip.AddrPort // of its API server
	DNS   netip.Addr     // of the Service kube-dns
	First netip.Addr     // of the Service kubernetes
	Nodes []NodePlan
}

// NodePlan is a node with what follows from its description.
type NodePlan struct {
	Node
	Cluster  string
	Underlay int              // index in the description
	MAC      net.HardwareAddr // of eth0; the same after a restart
	PodCIDRs Prefixes         // what it is given when nodes register in order
}

// apiPort is the port of every API server.
const apiPort = 6443

// NewPlan derives a plan from a valid description.
func NewPlan(d Description) Plan {
	p := Plan{Description: d}
	for _, c := range d.Clusters {
		cp := ClusterPlan{Cluster: c, First: c.ServiceCIDR[0].Addr().Next(), DNS: addrAt(c.ServiceCIDR[0], 10)}
		for i, n := range c.Nodes {
			if n.ControlPlane {
				cp.API = netip.AddrPortFrom(n.Address[0], apiPort)
			}
			np := NodePlan{Node: n, Cluster: c.Name, Underlay: n.underlay(d.Underlays), MAC: macOf(n.Address[0])}
			for _, p := range c.PodCIDR {
				np.PodCIDRs = append(np.PodCIDRs, part(p, i, c.maskSize(p)))
			}
			cp.Nodes = append(cp.Nodes, np)
		}
		p.Clusters = append(p.Clusters, cp)
	}
	return p
}

// Lane is the lane of the lab's nodes.
func (p Plan) Lane() Lane { return p.Nodes }

// Cluster finds a cluster by name.
func (p Plan) Cluster(name string) (ClusterPlan, error) {
	var have []string
	for _, c := range p.Clusters {
		if c.Name == name {
			return c, nil
		}
		have = append(have, c.Name)
	}
	return ClusterPlan{}, fmt.Errorf("the lab has no cluster %q, only %v", name, have)
}

// Node finds a node by name, with its cluster.
func (p Plan) Node(name string) (ClusterPlan, NodePlan, error) {
	var have []string
	for _, c := range p.Clusters {
		for _, n := range c.Nodes {
			if n.Name == name {
				return c, n, nil
			}
			have = append(have, n.Name)
		}
	}
	return ClusterPlan{}, NodePlan{}, fmt.Errorf("the lab has no node %q, only %v", name, have)
}

// All lists the nodes of all clusters.
func (p Plan) All() []NodePlan {
	var all []NodePlan
	for _, c := range p.Clusters {
		all = append(all, c.Nodes...)
	}
	return all
}

// ControlPlane is the node that runs the API server.
func (c ClusterPlan) ControlPlane() NodePlan {
	return c.Nodes[slices.IndexFunc(c.Nodes, func(n NodePlan) bool { return n.ControlPlane })]
}
