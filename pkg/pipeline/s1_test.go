package pipeline

import (
	"fmt"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Ports of every Node in these tests.
const (
	tunnelPort  openflow.Port = 1
	gatewayPort openflow.Port = 2
	podAPort    openflow.Port = 10
	podBPort    openflow.Port = 11
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// s1Cluster is one of the three clusters of scenario S1: master, node1 (the gateway) and node2. Node k has Pods .2 and .3.
type s1Cluster struct {
	id       string
	number   int // the cluster's Pods are in 10.244.(16*number).0/20
	underlay string
}

var s1Clusters = []s1Cluster{
	{"demo-cluster-leader", 0, "192.168.150"},
	{"demo-cluster-member2", 1, "192.168.200"},
	{"demo-cluster-member3", 2, "192.168.210"},
}

func (c s1Cluster) podCIDR() netip.Prefix { return prefix(fmt.Sprintf("10.244.%d.0/20", 16*c.number)) }
func (c s1Cluster) serviceCIDR() netip.Prefix {
	return prefix(fmt.Sprintf("10.96.%d.0/20", 16*c.number))
}
func (c s1Cluster) nodeCIDR(k int) netip.Prefix {
	return prefix(fmt.Sprintf("10.244.%d.0/24", 16*c.number+k))
}
func (c s1Cluster) nodeName(k int) string {
	return fmt.Sprintf("cl%d-%s", c.number+1, []string{"master", "node1", "node2"}[k])
}
func (c s1Cluster) nodeIP(k int) netip.Addr { return addr(fmt.Sprintf("%s.%d", c.underlay, 101+k)) }

// pod is the address of a Pod on node k of the cluster: 2 is Pod a, 3 is Pod b, 1 the Node's antrea-gw0.
func (c s1Cluster) pod(k, n int) netip.Addr {
	return addr(fmt.Sprintf("10.244.%d.%d", 16*c.number+k, n))
}

func gatewayMAC(c s1Cluster, k int) openflow.MAC {
	return openflow.MAC{0x02, 0xbb, 0, 0, byte(c.number), byte(k)}
}

func podMAC(ip netip.Addr) openflow.MAC {
	b := ip.As4()
	return openflow.MAC{0x02, 0xaa, b[0], b[1], b[2], b[3]}
}

// s1 is the state of node k of cluster c in scenario S1: k is 0 for the master, 1 for the gateway, 2 for the other one.
func s1(c, k int) State {
	own := s1Clusters[c]
	s := State{
		Node: Node{
			Name:            own.nodeName(k),
			TunnelPort:      tunnelPort,
			GatewayPort:     gatewayPort,
			GatewayMAC:      gatewayMAC(own, k),
			GatewayIPs:      []netip.Addr{own.pod(k, 1)},
			TransportIP:     own.nodeIP(k),
			PodCIDRs:        []netip.Prefix{own.nodeCIDR(k)},
			ClusterPodCIDRs: []netip.Prefix{own.podCIDR()},
			ServiceCIDRs:    []netip.Prefix{own.serviceCIDR()},
			SourceNAT:       SourceNATAuto,
		},
		Pods:     map[string]Pod{},
		Peers:    map[string]Peer{},
		Gateways: []Gateway{{Name: own.nodeName(1), InternalIP: own.nodeIP(1), GatewayIP: own.nodeIP(1)}},
		Clusters: map[string]Cluster{},
	}
	for i, port := range []openflow.Port{podAPort, podBPort} {
		ip := own.pod(k, 2+i)
		s.Pods[fmt.Sprintf("pod-%c", 'a'+i)] = Pod{Port: port, MAC: podMAC(ip), IPs: []netip.Addr{ip}}
	}
	for j := range 3 {
		if j != k {
			s.Peers[own.nodeName(j)] = Peer{TransportIP: own.nodeIP(j), PodCIDRs: []netip.Prefix{own.nodeCIDR(j)}}
		}
	}
	for i, other := range s1Clusters {
		if i != c {
			s.Clusters[other.id] = Cluster{
				PodCIDRs:     []netip.Prefix{other.podCIDR()},
				ServiceCIDRs: []netip.Prefix{other.serviceCIDR()},
				Gateways:     []RemoteGateway{{Name: other.nodeName(1), IP: other.nodeIP(1)}},
			}
		}
	}
	return s
}

// alone is a Node whose cluster is not in any ClusterSet.
func alone() State {
	s := s1(0, 2)
	s.Gateways, s.Clusters = nil, nil
	return s
}

// translating is the gateway of cluster 1 with sourceNAT Always.
func translating() State {
	s := s1(0, 1)
	s.Node.SourceNAT = SourceNATAlways
	return s
}

// narrowed is the gateway of cluster 1 whose way to cluster 2 takes packets of 1300 bytes.
func narrowed() State {
	s := s1(0, 1)
	s.PathMTUs = map[netip.Addr]int{addr("192.168.200.102"): 1300}
	return s
}

// narrowTranslating is narrowed with sourceNAT Always.
func narrowTranslating() State {
	s := narrowed()
	s.Node.SourceNAT = SourceNATAlways
	return s
}

// several is s1 with a second gateway, node2, in clusters 1 and 2, of twice the weight in cluster 2. All probe ports are there
// that the Node needs: those of gateways have numbers from 100 on, by the order of addresses.
func several(c, k int) State {
	s := s1(c, k)
	own := s1Clusters[c]
	if c < 2 {
		s.Gateways = append(s.Gateways, Gateway{Name: own.nodeName(2), InternalIP: own.nodeIP(2), GatewayIP: own.nodeIP(2)})
	}
	s.Probes = map[netip.Addr]openflow.Port{}
	for i, other := range s1Clusters {
		for j := range 3 {
			s.Probes[other.nodeIP(j)] = openflow.Port(100 + 10*i + j)
		}
		if i == c || i > 1 {
			continue
		}
		o := s.Clusters[other.id]
		o.Gateways = append(o.Gateways, RemoteGateway{Name: other.nodeName(2), IP: other.nodeIP(2), Weight: 2})
		s.Clusters[other.id] = o
	}
	delete(s.Probes, s.Node.TransportIP)
	return s
}

// severalTranslating is an ordinary Node of cluster 1 with two gateways and sourceNAT Always, severalTranslators one of them.
func severalTranslating() State {
	s := several(0, 0)
	s.Node.SourceNAT = SourceNATAlways
	return s
}

func severalTranslators() State {
	s := several(0, 1)
	s.Node.SourceNAT = SourceNATAlways
	return s
}

// dualStack is the gateway of cluster 1 with IPv6 beside IPv4. The underlay is IPv4.
func dualStack() State {
	s := s1(0, 1)
	s.Node.GatewayIPs = append(s.Node.GatewayIPs, addr("fd00:a:0:1::1"))
	s.Node.PodCIDRs = append(s.Node.PodCIDRs, prefix("fd00:a:0:1::/64"))
	s.Node.ClusterPodCIDRs = append(s.Node.ClusterPodCIDRs, prefix("fd00:a::/48"))
	s.Node.ServiceCIDRs = append(s.Node.ServiceCIDRs, prefix("fd00:96::/112"))
	for name, p := range s.Pods {
		p.IPs = append(p.IPs, addr(fmt.Sprintf("fd00:a:0:1::%d", p.Port-podAPort+2)))
		s.Pods[name] = p
	}
	for name, p := range s.Peers {
		p.PodCIDRs = append(p.PodCIDRs, prefix(fmt.Sprintf("fd00:a:0:%d::/64", p.PodCIDRs[0].Addr().As4()[2])))
		s.Peers[name] = p
	}
	for id, c := range s.Clusters {
		c.PodCIDRs = append(c.PodCIDRs, prefix(fmt.Sprintf("fd00:%x::/48", 0xa+c.PodCIDRs[0].Addr().As4()[2]/16)))
		s.Clusters[id] = c
	}
	return s
}

// withoutTunnels is a Node with a master in its own subnet, and everybody else in others.
func withoutTunnels(s State, mode EncapMode) State {
	s.Node.Encap, s.Node.Subnets = mode, []netip.Prefix{netip.PrefixFrom(s.Node.TransportIP, 24)}
	for name, p := range s.Peers {
		if name != "cl1-master" {
			p.TransportIP = addr("192.168.151.9")
		}
		p.Addresses = []netip.Addr{p.TransportIP}
		s.Peers[name] = p
	}
	return s
}
