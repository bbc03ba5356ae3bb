package underlay

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func TestChoose(t *testing.T) {
	tests := []struct {
		configured string
		kernel     bool
		want       string
		fallback   bool
	}{
		{"", true, System, false},
		{"", false, Netdev, true},
		{"netdev", true, Netdev, false},
		{"netdev", false, Netdev, false},
		{"system", false, System, false}, // the operator says so; the switch will tell what is wrong
	}
	for _, test := range tests {
		got, fallback := Choose(test.configured, test.kernel)
		if got != test.want || fallback != test.fallback {
			t.Errorf("Choose(%q, %t) = %q, %t", test.configured, test.kernel, got, fallback)
		}
	}
}

func TestPodMTU(t *testing.T) {
	for address, want := range map[string]int{"192.168.150.102/24": 1450, "fd00::2/64": 1430} {
		if got := (Transport{MTU: 1500, Address: netip.MustParsePrefix(address)}).PodMTU(true); got != want {
			t.Errorf("%s: %d, want %d", address, got, want)
		}
		if got := (Transport{MTU: 1500, Address: netip.MustParsePrefix(address)}).PodMTU(false); got != 1500 {
			t.Errorf("%s without tunnels: %d", address, got)
		}
	}
}

func TestSwitchRoutes(t *testing.T) {
	const output = `Route Table:
Cached: 127.0.0.1/32 dev lo SRC 127.0.0.1 local
User: 192.168.150.0/24 dev br-phy SRC 192.168.150.102
Cached: 10.244.1.0/24 dev antrea-gw0 SRC 10.244.1.1
User: 0.0.0.0/0 dev br-phy GW 192.168.150.1 SRC 192.168.150.102
`
	got, err := switchRoutes(output)
	if err != nil {
		t.Fatal(err)
	}
	want := map[netip.Prefix]route{
		netip.MustParsePrefix("192.168.150.0/24"): {dst: netip.MustParsePrefix("192.168.150.0/24")},
		netip.MustParsePrefix("0.0.0.0/0"):        {dst: netip.MustParsePrefix("0.0.0.0/0"), gw: netip.MustParseAddr("192.168.150.1")},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := switchRoutes("User: nonsense dev br-phy SRC 1.2.3.4\n"); err == nil {
		t.Error("no error for a route that cannot be read")
	}
}

func TestSwitchNeighbors(t *testing.T) {
	const output = `IP                                            MAC                 Bridge
==========================================================================
192.168.150.101                               02:00:00:00:00:01   br-phy
10.0.0.1                                      02:00:00:00:00:02   br-other
`
	got := switchNeighbors(output)
	if len(got) != 1 || got[netip.MustParseAddr("192.168.150.101")] != "02:00:00:00:00:01" {
		t.Errorf("got %v", got)
	}
}

func TestNextHops(t *testing.T) {
	ip := netip.MustParseAddr
	state := pipeline.State{
		Node:     pipeline.Node{TransportIP: ip("192.168.150.102")},
		Peers:    map[string]pipeline.Peer{"master": {TransportIP: ip("192.168.150.101")}},
		Gateways: []pipeline.Gateway{{Name: "self", InternalIP: ip("192.168.150.102")}},
		Clusters: map[string]pipeline.Cluster{
			"west": {Gateways: []pipeline.RemoteGateway{{IP: ip("192.168.200.102")}, {IP: ip("192.168.200.103")}}},
			"east": {Gateways: []pipeline.RemoteGateway{{IP: ip("172.16.0.9")}}},
		},
	}
	routes := map[netip.Prefix]route{}
	for dst, gw := range map[string]string{"192.168.150.0/24": "", "0.0.0.0/0": "192.168.150.1", "172.16.0.0/12": "192.168.150.254"} {
		r := route{dst: netip.MustParsePrefix(dst)}
		if gw != "" {
			r.gw = ip(gw)
		}
		routes[r.dst] = r
	}
	got := slices.SortedFunc(maps.Keys(nextHops(remotes(state), routes)), netip.Addr.Compare)
	if want := "[192.168.150.1 192.168.150.101 192.168.150.254]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if got := nextHops(remotes(state), nil); len(got) != 0 {
		t.Errorf("next hops without routes: %v", got)
	}
}
