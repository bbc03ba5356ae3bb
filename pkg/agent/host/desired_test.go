package host

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

// text is what the host should have, as an operator would type it.
func (d desired) text() string {
	var b strings.Builder
	for _, a := range d.addresses {
		fmt.Fprintf(&b, "addr %s\n", a)
	}
	for _, r := range d.routes {
		fmt.Fprintf(&b, "route %s via %s", r.dst, r.via)
		if r.src.IsValid() {
			fmt.Fprintf(&b, " src %s", r.src)
		}
		if r.mtu != 0 {
			fmt.Fprintf(&b, " mtu %d", r.mtu)
		}
		b.WriteByte('\n')
	}
	for _, n := range d.neighbors {
		fmt.Fprintf(&b, "neigh %s\n", n)
	}
	tables := []nftable.Table{d.nat.table("antrea-gw0")}
	if d.services != nil {
		tables = append(tables, d.services.nft("antrea-gw0"))
	}
	if len(d.clamps) > 0 {
		tables = append(tables, clampNFT(d.clamps, "antrea-gw0", 1))
	}
	for _, table := range tables {
		for _, s := range table.Sets {
			if len(s.Elements) > 0 {
				fmt.Fprintf(&b, "set %s %s\n", s.Name, strings.Join(s.Elements, ", "))
			}
		}
		for _, c := range table.Chains {
			for _, r := range c.Rules {
				fmt.Fprintf(&b, "%s: %s\n", c.Name, r)
			}
		}
	}
	return b.String()
}

func TestCompute(t *testing.T) {
	node := pipeline.Node{
		PodCIDRs: prefixes("10.244.1.0/24"), GatewayIPs: []netip.Addr{netip.MustParseAddr("10.244.1.1")}, ClusterPodCIDRs: prefixes("10.244.0.0/20"),
	}
	dual := node
	dual.PodCIDRs = prefixes("10.244.1.0/24", "fd00:a:0:1::/64")
	dual.GatewayIPs = []netip.Addr{netip.MustParseAddr("10.244.1.1"), netip.MustParseAddr("fd00:a:0:1::1")}
	dual.ClusterPodCIDRs = prefixes("10.244.0.0/20", "fd00:a::/56")
	serving := node
	serving.Proxy, serving.ServiceCIDRs = pipeline.ProxyAll, prefixes("10.96.0.0/20")
	serves := func(endpoint string, frontends ...pipeline.Frontend) *pipeline.Service {
		v := &pipeline.Service{Protocol: openflow.ProtoTCP, Frontends: frontends}
		if endpoint != "" {
			v.Cluster = []netip.AddrPort{netip.MustParseAddrPort(endpoint)}
		}
		return v
	}
	at := func(address string, clients pipeline.Clients) pipeline.Frontend {
		return pipeline.Frontend{Address: netip.MustParseAddrPort(address), Clients: clients}
	}
	services := map[string]*pipeline.Service{
		"default/web":  serves("10.244.2.2:80", at("10.96.0.10:80", pipeline.Everybody), at("169.254.0.252:30080", pipeline.OutsideOnly), at("203.0.113.7:80", pipeline.Everybody)),
		"default/none": serves("", at("10.96.0.11:80", pipeline.Everybody), at("169.254.0.252:30081", pipeline.OutsideOnly)),
	}
	tests := []struct {
		name   string
		state  pipeline.State
		noSNAT bool
		want   string
	}{
		{name: "nothing known", want: ""},
		{
			name: "peers and another cluster",
			state: pipeline.State{
				Node:  node,
				Peers: map[string]pipeline.Peer{"node2": {PodCIDRs: prefixes("10.244.2.0/24")}, "master": {PodCIDRs: prefixes("10.244.0.0/24")}},
				Clusters: map[string]pipeline.Cluster{"west": {
					PodCIDRs: prefixes("10.244.16.0/20"), ServiceCIDRs: prefixes("10.96.16.0/20"), Gateways: []pipeline.RemoteGateway{{IP: netip.MustParseAddr("192.168.200.102")}},
				}},
			},
			want: `addr 10.244.1.1/24
route 10.244.0.0/24 via 10.244.0.1
route 10.244.2.0/24 via 10.244.2.1
route 10.244.16.0/20 via 169.254.0.253 src 10.244.1.1
route 10.96.16.0/20 via 169.254.0.253 src 10.244.1.1
neigh 169.254.0.253
set known-ipv4 10.96.16.0/20, 10.244.0.0/20, 10.244.16.0/20
postrouting: ip saddr 10.244.1.0/24 oifname != "antrea-gw0" ip daddr != @known-ipv4 masquerade
`,
		},
		{
			name: "gateway with a narrow way to another cluster, and a wide one",
			state: pipeline.State{
				Node:     func() pipeline.Node { n := dual; n.Name = "node1"; return n }(),
				Gateways: []pipeline.Gateway{{Name: "node1"}},
				Clusters: map[string]pipeline.Cluster{
					"east": {PodCIDRs: prefixes("10.244.32.0/20"), Gateways: []pipeline.RemoteGateway{{IP: netip.MustParseAddr("192.168.210.102")}}},
					"west": {PodCIDRs: prefixes("10.244.16.0/20", "fd00:b::/56"), Gateways: []pipeline.RemoteGateway{{IP: netip.MustParseAddr("192.168.200.102")}}},
				},
				PathMTUs: map[netip.Addr]int{netip.MustParseAddr("192.168.200.102"): 1300},
			},
			noSNAT: true,
			want: `addr 10.244.1.1/24
addr fd00:a:0:1::1/64
route 10.244.32.0/20 via 169.254.0.253 src 10.244.1.1
route 10.244.16.0/20 via 169.254.0.253 src 10.244.1.1 mtu 1300
route fd00:b::/56 via fc01::aabb:ccdd:eeff src fd00:a:0:1::1 mtu 1300
neigh 169.254.0.253
neigh fc01::aabb:ccdd:eeff
set known-ipv4 10.244.0.0/20, 10.244.16.0/20, 10.244.32.0/20
set known-ipv6 fd00:a::/56, fd00:b::/56
from-switch: ether daddr aa:bb:cc:dd:ee:f1 ip daddr 10.244.16.0/20 tcp flags syn tcp option maxseg size set 1260
from-switch: ether daddr aa:bb:cc:dd:ee:f1 ip6 daddr fd00:b::/56 tcp flags syn tcp option maxseg size set 1240
from-switch: ether daddr aa:bb:cc:dd:ee:f1 fwd to "antrea-gw0"
`,
		},
		{
			name: "Pods of a range that is no more",
			state: pipeline.State{Node: node, Pods: map[string]pipeline.Pod{
				"old": {IPs: []netip.Addr{netip.MustParseAddr("10.244.7.2")}}, "new": {IPs: []netip.Addr{netip.MustParseAddr("10.244.1.2")}},
				"apart": {IPs: []netip.Addr{netip.MustParseAddr("172.16.0.2")}, Segment: 7},
			}},
			want: `addr 10.244.1.1/24
route 10.244.7.2/32 via 169.254.0.253 src 10.244.1.1
neigh 169.254.0.253
set known-ipv4 10.244.0.0/20
postrouting: ip saddr 10.244.1.0/24 oifname != "antrea-gw0" ip daddr != @known-ipv4 masquerade
postrouting: ip saddr 10.244.7.2/32 oifname != "antrea-gw0" ip daddr != @known-ipv4 masquerade
`,
		},
		{
			name: "another cluster that overlaps, two that are equal",
			state: pipeline.State{Node: node, Clusters: map[string]pipeline.Cluster{
				"a": {PodCIDRs: prefixes("10.244.8.0/24", "10.245.0.0/16")}, "b": {PodCIDRs: prefixes("10.245.0.0/16")},
			}},
			noSNAT: true,
			want: `addr 10.244.1.1/24
route 10.245.0.0/16 via 169.254.0.253 src 10.244.1.1
neigh 169.254.0.253
set known-ipv4 10.244.0.0/20, 10.245.0.0/16
`,
		},
		{name: "Services for Pods alone", state: pipeline.State{Node: func() pipeline.Node { n := node; n.Proxy = pipeline.ProxyPods; return n }(), Services: services}, noSNAT: true,
			want: "addr 10.244.1.1/24\nneigh 169.254.0.253\nset known-ipv4 10.244.0.0/20\n"},
		{
			name:   "Services",
			state:  pipeline.State{Node: serving, Services: services},
			noSNAT: true,
			want: `addr 10.244.1.1/24
route 169.254.0.253/32 via 169.254.0.253 src 10.244.1.1
route 169.254.0.252/32 via 169.254.0.253 src 10.244.1.1
route 10.96.0.0/20 via 169.254.0.253 src 10.244.1.1
route 203.0.113.7/32 via 169.254.0.253 src 10.244.1.1
neigh 169.254.0.253
set known-ipv4 10.244.0.0/20
set nodeports tcp . 30080
set refused-ipv4 10.96.0.11 . tcp . 80
prerouting: fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport @nodeports dnat ip to 169.254.0.252
output-nat: fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport @nodeports dnat ip to 169.254.0.252
postrouting: ip saddr 169.254.0.253 oifname != "antrea-gw0" masquerade
output: ip daddr . meta l4proto . th dport @refused-ipv4 meta l4proto tcp reject with tcp reset
output: ip daddr . meta l4proto . th dport @refused-ipv4 reject
refuse: ip daddr . meta l4proto . th dport @refused-ipv4 meta l4proto tcp reject with tcp reset
refuse: ip daddr . meta l4proto . th dport @refused-ipv4 reject
refuse: iifname "antrea-gw0" ip daddr 10.96.0.0/20 meta l4proto tcp reject with tcp reset
refuse: iifname "antrea-gw0" ip daddr 10.96.0.0/20 reject
`,
		},
		{
			name: "dual stack",
			state: pipeline.State{
				Node:     dual,
				Peers:    map[string]pipeline.Peer{"node2": {PodCIDRs: prefixes("10.244.2.0/24", "fd00:a:0:2::/64")}},
				Clusters: map[string]pipeline.Cluster{"west": {PodCIDRs: prefixes("fd00:b::/56")}},
			},
			want: `addr 10.244.1.1/24
addr fd00:a:0:1::1/64
route 10.244.2.0/24 via 10.244.2.1
route fd00:a:0:2::/64 via fc01::aabb:ccdd:eeff
route fd00:b::/56 via fc01::aabb:ccdd:eeff src fd00:a:0:1::1
neigh 169.254.0.253
neigh fc01::aabb:ccdd:eeff
set known-ipv4 10.244.0.0/20
set known-ipv6 fd00:a::/56, fd00:b::/56
postrouting: ip saddr 10.244.1.0/24 oifname != "antrea-gw0" ip daddr != @known-ipv4 masquerade
postrouting: ip6 saddr fd00:a:0:1::/64 oifname != "antrea-gw0" ip6 daddr != @known-ipv6 masquerade
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, compute(test.state, test.noSNAT, nil).text()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Intervals of a set must not overlap: a range within a known one is left out.
func TestElements(t *testing.T) {
	n := nat{known: prefixes("10.0.0.0/8", "10.244.0.0/20", "192.168.0.0/16", "fd00::/16")}
	if got := fmt.Sprint(n.elements(netip.Addr.Is4)); got != "[10.0.0.0/8 192.168.0.0/16]" {
		t.Errorf("got %s", got)
	}
}
