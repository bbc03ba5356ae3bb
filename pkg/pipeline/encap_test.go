package pipeline

import (
	"net/netip"
	"testing"
)

func TestDirect(t *testing.T) {
	near, far := Peer{Addresses: []netip.Addr{addr("10.0.0.2"), addr("fd00::2")}}, Peer{Addresses: []netip.Addr{addr("10.0.1.2"), addr("fd00:1::2")}}
	only4 := Peer{Addresses: []netip.Addr{addr("10.0.0.2")}}
	both, one := []netip.Prefix{prefix("10.0.0.1/24"), prefix("fd00::1/64")}, []netip.Prefix{prefix("10.0.0.1/24")}
	v4, v6 := prefix("10.244.2.0/24"), prefix("fd00:10:244:2::/64")
	tests := []struct {
		name    string
		mode    EncapMode
		subnets []netip.Prefix
		peer    Peer
		pods    netip.Prefix
		via     string // empty if there is none
		direct  bool
	}{
		{"zero value", "", both, near, v4, "", false},
		{"encap", Encap, both, near, v4, "", false},
		{"hybrid, neighbor", Hybrid, both, near, v4, "10.0.0.2", true},
		{"hybrid, neighbor, IPv6", Hybrid, both, near, v6, "fd00::2", true},
		{"hybrid, other subnet", Hybrid, both, far, v4, "", false},
		{"hybrid, peer without IPv6", Hybrid, both, only4, v6, "", false},
		{"noEncap, neighbor", NoEncap, both, near, v4, "10.0.0.2", true},
		{"noEncap, other subnet", NoEncap, both, far, v6, "", true},
		{"noEncap, Nodes without IPv6", NoEncap, one, only4, v6, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			via, direct := Node{Encap: test.mode, Subnets: test.subnets}.Direct(test.peer, test.pods)
			if want := test.via; direct != test.direct || via.IsValid() != (want != "") || via.IsValid() && via.String() != want {
				t.Errorf("via %v, direct %t", via, direct)
			}
		})
	}
}

func TestTunnels(t *testing.T) {
	both := []netip.Prefix{prefix("10.244.1.0/24"), prefix("fd00:10:244:1::/64")}
	subnets := []netip.Prefix{prefix("10.0.0.1/24"), prefix("fd00::1/64")}
	for _, test := range []struct {
		name          string
		node          Node
		otherClusters bool
		want          bool
	}{
		{"encap", Node{PodCIDRs: both}, false, true},
		{"hybrid", Node{PodCIDRs: both, Encap: Hybrid, Subnets: subnets}, false, true},
		{"noEncap", Node{PodCIDRs: both, Encap: NoEncap, Subnets: subnets}, false, false},
		{"noEncap with other clusters", Node{PodCIDRs: both, Encap: NoEncap, Subnets: subnets}, true, true},
		{"noEncap without IPv6 between Nodes", Node{PodCIDRs: both, Encap: NoEncap, Subnets: subnets[:1]}, false, true},
	} {
		if got := test.node.Tunnels(test.otherClusters); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
