package pipeline

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
)

// spread is a packet to another cluster and where it goes: for each of the values that the datapath's hash may have, by
// ofproto/trace, while the probes of some gateways are down.
type spread struct {
	name   string
	packet string
	ct     string
	down   []string // addresses whose probes are down
	want   string   // how many of the 64 hashes go where
}

const (
	gw1, gw2       = "192.168.150.102", "192.168.150.103" // of cluster 1
	far1, far2     = "192.168.200.102", "192.168.200.103" // of cluster 2, the second with twice the weight
	allOfTheFirst  = gw1 + ":64"
	allOfTheSecond = gw2 + ":64"
)

var spreads = []struct {
	name    string
	state   State
	spreads []spread
}{
	{"ordinary Node", several(0, 0), []spread{
		{name: "Pod", packet: fromPod("10.244.0.2", "10.244.18.2"), want: gw1 + ":32 " + gw2 + ":32"},
		{name: "established", packet: fromPod("10.244.0.2", "10.244.18.2"), ct: "trk,est", want: gw1 + ":32 " + gw2 + ":32"},
		{name: "reply", packet: fromPod("10.244.0.2", "10.244.18.2"), ct: "trk,est,rpl", want: gw1 + ":32 " + gw2 + ":32"},
		{name: "host", packet: fromGateway("10.244.0.1", "10.244.18.2"), want: gw1 + ":32 " + gw2 + ":32"},
		{name: "one is dead", packet: fromPod("10.244.0.2", "10.244.18.2"), down: []string{gw1}, want: allOfTheSecond},
		{name: "all seem dead", packet: fromPod("10.244.0.2", "10.244.18.2"), down: []string{gw1, gw2}, want: gw1 + ":32 " + gw2 + ":32"},
	}},
	{"gateway", several(0, 1), []spread{
		{name: "Pod", packet: fromPod("10.244.1.2", "10.244.18.2"), want: far1 + ":21 " + far2 + ":43"},
		{name: "transit", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.18.2", 63), want: far1 + ":21 " + far2 + ":43"},
		{name: "transit, one is dead", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.18.2", 63), down: []string{far2}, want: far1 + ":64"},
		{name: "transit, cut off", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.18.2", 63), down: []string{far1, far2}, want: allOfTheSecond},
		{name: "Pod, cut off", packet: fromPod("10.244.1.2", "10.244.18.2"), down: []string{far1, far2}, want: allOfTheSecond},
		{name: "transit, all seem dead", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.18.2", 63), down: []string{far1, far2, gw2},
			want: far1 + ":21 " + far2 + ":43"},
		{name: "relayed by the other gateway", packet: fromTunnel(gw2, macCluster, "10.244.0.2", "10.244.18.2", 63), want: far1 + ":21 " + far2 + ":43"},
		{name: "relayed, and cut off too", packet: fromTunnel(gw2, macCluster, "10.244.0.2", "10.244.18.2", 63), down: []string{far1, far2},
			want: far1 + ":21 " + far2 + ":43"}, // never back
		{name: "transit to the cluster with one gateway", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.33.2", 63),
			want: "192.168.210.102:64"},
		{name: "the same, cut off", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.33.2", 63), down: []string{"192.168.210.102"},
			want: allOfTheSecond},
		{name: "reply in transit to a peer that translates", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", far2, 63), want: far2 + ":64"},
		{name: "from cluster 2 to an own Node", packet: fromTunnel(far1, macCluster, "10.244.18.2", "10.244.0.2", 63), want: "192.168.150.101:64"},
	}},
	{"ordinary Node, sourceNAT Always", severalTranslating(), []spread{
		{name: "new", packet: fromPod("10.244.0.2", "10.244.18.2"), want: gw1 + ":32 " + gw2 + ":32"},
		{name: "began with the first", packet: "ct_label=0xc0a896660000000000000000," + fromPod("10.244.0.2", "10.244.18.2"), ct: "trk,est", want: allOfTheFirst},
		{name: "came by the second", packet: "ct_label=0xc0a896670000000000000000," + fromPod("10.244.0.2", "10.244.18.2"), ct: "trk,est,rpl", want: allOfTheSecond},
		{name: "came by the second, of a peer that translates", packet: "ct_label=0xc0a896670000000000000000," + fromPod("10.244.0.2", far1), ct: "trk,est,rpl",
			want: allOfTheSecond},
		{name: "new, one is dead", packet: fromPod("10.244.0.2", "10.244.18.2"), down: []string{gw1}, want: allOfTheSecond},
	}},
	{"gateway, sourceNAT Always", severalTranslators(), []spread{
		{name: "transit", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.18.2", 63), want: far1 + ":21 " + far2 + ":43"},
		{name: "cut off, and nobody else can take it", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.18.2", 63),
			down: []string{far1, far2}, want: far1 + ":21 " + far2 + ":43"},
	}},
}

func TestRealSeveralGateways(t *testing.T) {
	sw := startTraceSwitch(t)
	all := several(0, 0).Probes
	maps.Copy(all, several(0, 1).Probes)
	sw.addProbes(all)
	for _, suite := range spreads {
		t.Run(suite.name, func(t *testing.T) {
			load(t, sw.Switch, compile(t, suite.state))
			for _, s := range suite.spreads {
				t.Run(s.name, func(t *testing.T) {
					for _, address := range s.down {
						sw.setLink(t, address, "down")
						defer sw.setLink(t, address, "up")
					}
					if got, text := sw.spread(t, s); got != s.want {
						t.Errorf("goes to %q, want %q\n%s", got, s.want, text)
					}
				})
			}
		})
	}
}

// Two clusters whose hashes collide get different numbers, in every State alike; other clusters keep theirs.
func TestGroupNumbers(t *testing.T) {
	byHash := make(map[uint64]string)
	var a, b string
	for i := 0; a == ""; i++ {
		id := fmt.Sprintf("cluster-%d", i)
		h := Owner{KindCluster, id}.hash() & (1<<(24-roleBits) - 1)
		if other, taken := byHash[h]; taken {
			a, b = other, id
		}
		byHash[h] = id
	}
	base := func(id string, clusters ...string) uint32 {
		s := State{Clusters: make(map[string]Cluster)}
		for _, c := range clusters {
			s.Clusters[c] = Cluster{}
		}
		return s.GroupBase(Owner{KindCluster, id})
	}
	if base(a, a) != base(b, b) {
		t.Fatalf("%s and %s do not collide", a, b)
	}
	if base(a, a, b) == base(b, a, b) {
		t.Errorf("%s and %s have the same number", a, b)
	}
	if base("west", "west") != base("west", "west", a, b) {
		t.Error("another cluster's number depends on them")
	}
	if base(a, a)&GroupMagicMask != GroupMagic {
		t.Errorf("%#x does not look like one of ours", base(a, a))
	}
}

func probeName(address string) string { return "p" + strings.TrimPrefix(address, "192.168.") }

// addProbes adds a port for every probe.
func (sw traceSwitch) addProbes(probes map[netip.Addr]openflow.Port) {
	var args []string
	for address, port := range probes {
		name := probeName(address.String())
		args = append(args, "--", "add-port", "br-int", name, "--", "set", "Interface", name, "type=dummy", fmt.Sprintf("ofport_request=%d", port))
	}
	sw.Vsctl(args...)
}

// setLink sets whether a probe is up, and waits until the switch has seen it.
func (sw traceSwitch) setLink(t *testing.T, address, state string) {
	t.Helper()
	sw.Appctl("netdev-dummy/set-admin-state", probeName(address), state)
	want := "LINK_DOWN"
	if state == "up" {
		want = "LIVE"
	}
	for range 1000 {
		description := sw.Ofctl("-O OpenFlow15 dump-ports-desc", "br-int", probeName(address))
		if strings.Contains(description, want) {
			return
		}
	}
	t.Fatalf("the probe of %s is not %s", address, state)
}

var tunnelTo = regexp.MustCompile(`set_field:([0-9.]+)->tun_dst`)

// spread tells how many of the hashes go where, and one trace.
func (sw traceSwitch) spread(t *testing.T, s spread) (got, text string) {
	t.Helper()
	ct := s.ct
	if ct == "" {
		ct = "trk,new"
	}
	numbers := make(map[string]int)
	for h := range slotCount {
		// The hash 0 means that there is none; only the lower bits count.
		packet := fmt.Sprintf("dp_hash=%#x,%s", h+slotCount, s.packet)
		var err error
		text, err = unixctl.Call(t.Context(), sw.Ctl, "ofproto/trace", "br-int", packet, "--ct-next", ct, "--ct-next", ct)
		if err != nil {
			t.Fatal(err)
		}
		chosen, actions := tunnelTo.FindAllStringSubmatch(text, -1), datapathActions.FindAllStringSubmatch(text, -1)
		where := "nowhere"
		if m := outputs.FindStringSubmatch(actions[len(actions)-1][1]); m != nil && sw.ports[m[1]] == "tun0" && len(chosen) > 0 {
			where = chosen[len(chosen)-1][1]
		}
		numbers[where]++
	}
	var parts []string
	for _, where := range slices.Sorted(maps.Keys(numbers)) {
		parts = append(parts, fmt.Sprintf("%s:%d", where, numbers[where]))
	}
	return strings.Join(parts, " "), text
}
