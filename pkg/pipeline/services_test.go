package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

func endpoints(texts ...string) []netip.AddrPort {
	var list []netip.AddrPort
	for _, text := range texts {
		list = append(list, netip.MustParseAddrPort(text))
	}
	return list
}

func frontend(address string) Frontend { return Frontend{Address: netip.MustParseAddrPort(address)} }

// serving is node1 of cluster 1, alone, with Services. Its Pods are 10.244.1.2 and .3, node2 has 10.244.2.0/24.
func serving() State {
	s := s1(0, 1)
	s.Gateways, s.Clusters = nil, nil
	s.Node.Proxy = ProxyAll
	external := func(address string, clients Clients, local bool) Frontend {
		return Frontend{Address: netip.MustParseAddrPort(address), Clients: clients, Local: local}
	}
	s.Services = map[string]*Service{
		"default/web:http": {ID: 1, Protocol: openflow.ProtoTCP, Frontends: []Frontend{
			frontend("10.96.0.10:80"), external("169.254.0.252:30080", OutsideOnly, false),
		}, Cluster: endpoints("10.244.1.2:8080", "10.244.1.3:8080", "10.244.2.2:8080")},
		"default/one:":        {ID: 2, Protocol: openflow.ProtoTCP, Frontends: []Frontend{frontend("10.96.0.11:80"), external("169.254.0.252:30083", OutsideOnly, false)}, Cluster: endpoints("10.244.1.2:8080")},
		"default/remote:":     {ID: 3, Protocol: openflow.ProtoTCP, Frontends: []Frontend{frontend("10.96.0.12:80"), external("169.254.0.252:30081", OutsideOnly, false)}, Cluster: endpoints("10.244.2.2:8080")},
		"default/none:":       {ID: 4, Protocol: openflow.ProtoTCP, Frontends: []Frontend{frontend("10.96.0.13:80")}},
		"default/host:":       {ID: 5, Protocol: openflow.ProtoTCP, Frontends: []Frontend{frontend("10.96.0.14:443")}, Cluster: endpoints("192.168.150.101:6443")},
		"default/affinity:":   {ID: 6, Protocol: openflow.ProtoTCP, Affinity: 10800, Frontends: []Frontend{frontend("10.96.0.15:80")}, Cluster: endpoints("10.244.1.2:8080", "10.244.2.2:8080")},
		"kube-system/dns:udp": {ID: 7, Protocol: openflow.ProtoUDP, Frontends: []Frontend{frontend("10.96.0.2:53")}, Cluster: endpoints("10.244.1.3:53")},
		"default/sctp:":       {ID: 8, Protocol: openflow.ProtoSCTP, Frontends: []Frontend{frontend("10.96.0.16:9")}, Cluster: endpoints("10.244.1.3:9")},
		"default/lb:": {ID: 9, Protocol: openflow.ProtoTCP, Frontends: []Frontend{
			frontend("10.96.0.17:80"), external("203.0.113.7:80", InsideOnly, false),
			{Address: netip.MustParseAddrPort("203.0.113.7:80"), Clients: OutsideOnly, Local: true, Sources: []netip.Prefix{prefix("198.51.100.0/24")}},
			external("169.254.0.252:30082", InsideOnly, false), external("169.254.0.252:30082", OutsideOnly, true),
		}, Cluster: endpoints("10.244.1.3:8080", "10.244.2.2:8080"), Local: endpoints("10.244.1.3:8080")},
		"default/away:": {ID: 10, Protocol: openflow.ProtoTCP, Frontends: []Frontend{
			frontend("10.96.0.18:80"), external("203.0.113.8:80", InsideOnly, false), external("203.0.113.8:80", OutsideOnly, true),
		}, Cluster: endpoints("10.244.2.2:8080")},
		"default/unready-lb:": {ID: 11, Protocol: openflow.ProtoTCP, Frontends: []Frontend{frontend("203.0.113.9:80")}},
	}
	return s
}

// servingBoth is a dual-stack Node with Services of both families.
func servingBoth() State {
	s := dualStack()
	s.Node.Proxy = ProxyAll
	s.Services = map[string]*Service{
		"default/web:http": {ID: 1, Protocol: openflow.ProtoTCP, Affinity: 60, Frontends: []Frontend{
			frontend("10.96.0.10:80"), frontend("[fd00:96::10]:80"),
			{Address: netip.MustParseAddrPort("[fc01::aabb:ccdd:eefe]:30080"), Clients: OutsideOnly},
		}, Cluster: endpoints("10.244.1.2:8080", "10.244.2.2:8080", "[fd00:a:0:1::2]:8080", "[fd00:a:0:2::2]:8080")},
		"default/one:":  {ID: 2, Protocol: openflow.ProtoTCP, Frontends: []Frontend{frontend("[fd00:96::11]:80")}, Cluster: endpoints("[fd00:a:0:1::2]:8080")},
		"default/none:": {ID: 3, Protocol: openflow.ProtoUDP, Frontends: []Frontend{frontend("[fd00:96::12]:53")}},
	}
	return s
}

func addrPort(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }
