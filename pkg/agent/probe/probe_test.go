package probe

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixes(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

// two is a cluster with two gateways and an ordinary Node, and two other clusters, as one of its Nodes knows them.
func two(self, address string) pipeline.State {
	s := pipeline.State{
		Node: pipeline.Node{Name: self, TransportIP: ip(address), ClusterPodCIDRs: prefixes("10.244.0.0/20")},
		Peers: map[string]pipeline.Peer{
			"gw1":  {TransportIP: ip("192.168.1.1"), PodCIDRs: prefixes("10.244.1.0/24")},
			"gw2":  {TransportIP: ip("192.168.1.2"), PodCIDRs: prefixes("10.244.2.0/24")},
			"node": {TransportIP: ip("192.168.1.3"), PodCIDRs: prefixes("10.244.3.0/24")},
		},
		Gateways: []pipeline.Gateway{
			{Name: "gw1", InternalIP: ip("192.168.1.1"), GatewayIP: ip("192.168.1.1"), Weight: 100},
			{Name: "gw2", InternalIP: ip("192.168.1.2"), GatewayIP: ip("192.168.1.2"), Weight: 50},
		},
		Clusters: map[string]pipeline.Cluster{
			"west": {PodCIDRs: prefixes("10.244.16.0/20"), Gateways: []pipeline.RemoteGateway{{Name: "w1", IP: ip("192.168.2.1")}, {Name: "w6", IP: ip("fd00::1")}}},
			"east": {PodCIDRs: prefixes("10.244.32.0/20"), Gateways: []pipeline.RemoteGateway{{Name: "e1", IP: ip("192.168.3.1"), Weight: 7}}},
		},
	}
	delete(s.Peers, self)
	return s
}

func TestPeers(t *testing.T) {
	labels := func(peers []Peer) (names []string) {
		for _, p := range peers {
			names = append(names, p.label())
		}
		return names
	}
	tests := map[string]struct {
		state pipeline.State
		want  []string
	}{
		"ordinary Node": {two("node", "192.168.1.3"), []string{"gateway gw1 (192.168.1.1)", "gateway gw2 (192.168.1.2)"}},
		"gateway": {two("gw2", "192.168.1.2"), []string{"gateway gw1 (192.168.1.1)", "Node node (192.168.1.3)",
			"gateway e1 (192.168.3.1) of cluster east", "gateway w1 (192.168.2.1) of cluster west"}},
		"alone": {func() pipeline.State { s := two("gw1", "192.168.1.1"); s.Clusters = nil; return s }(), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, labels(Peers(test.state))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	if got := Peers(two("gw2", "192.168.1.2"))[2]; got.Weight != 7 || len(got.Subnets) != 1 || got.Subnets[0].String() != "10.244.32.0/20" {
		t.Errorf("gateway of cluster east: %+v", got)
	}
	// A session needs both its sides.
	for _, p := range Peers(two("gw1", "192.168.1.1")) {
		if p.Cluster != "" {
			continue
		}
		back := false
		for _, q := range Peers(two(p.Name, p.Address.String())) {
			back = back || q.Name == "gw1"
		}
		if !back {
			t.Errorf("%s does not watch gw1", p.label())
		}
	}
}

func TestPorts(t *testing.T) {
	peers := Peers(two("gw2", "192.168.1.2"))
	want := ports(peers, attraction{gateway: true, reason: systemv1alpha1.ReasonRemoteLost}, config.Tunnel{Type: "geneve"}, nil)
	p := want["probe-c0a80301"]
	if p.Options["remote_ip"] != "192.168.3.1" || p.Options["key"] != "0xfffffd" || p.ExternalIDs[clusterKey] != "east" || p.BFD["min_tx"] != "50" {
		t.Errorf("port for e1: %+v", p)
	}
	for name, port := range want {
		if down, own := port.BFD["cpath_down"] == "true", port.ExternalIDs[clusterKey] == ""; down != own {
			t.Errorf("%s: cpath_down=%v", name, port.BFD["cpath_down"])
		}
		if !correct(port, want[name]) || len(name) > 15 {
			t.Errorf("%s is not correct", name)
		}
	}
	if a, b := Name(ip("fd00::1")), Name(ip("fd00::2")); a == b || len(a) > 15 {
		t.Errorf("names of IPv6 addresses: %s, %s", a, b)
	}
}

func TestInterval(t *testing.T) {
	last := 0
	for n := range 500 {
		if i := interval(n); i < last || i < 50 || i > 1000 {
			t.Errorf("%d sessions at %d ms", n, i)
		} else {
			last = i
		}
	}
}

func TestAttraction(t *testing.T) {
	now := time.Now()
	session := func(cluster string, state systemv1alpha1.PeerState) Session {
		return Session{Peer: Peer{Cluster: cluster, Gateway: true}, State: state}
	}
	lost := []Session{session("", "Up"), session("west", "Down"), session("west", "Draining"), session("east", "Down")}
	tests := []struct {
		name  string
		facts facts
		want  string
	}{
		{"ordinary Node", facts{holdUntil: now.Add(time.Second), sessions: lost}, "Active"},
		{"gateway", facts{gateway: true, sessions: []Session{session("west", "Up")}}, "Active"},
		{"drains", facts{gateway: true, draining: true, holdUntil: now.Add(time.Second)}, "Draining"},
		{"its switch ends", facts{gateway: true, leaving: true}, "Draining"},
		{"started a moment ago", facts{gateway: true, holdUntil: now.Add(time.Second), sessions: lost}, "HoldDown"},
		{"started long ago", facts{gateway: true, holdUntil: now.Add(-time.Second)}, "Active"},
		{"cut off from all other clusters", facts{gateway: true, sessions: lost}, "RemoteLost"},
		{"cut off from one", facts{gateway: true, sessions: append(lost, session("east", "Up"))}, "Active"},
		{"knows nothing yet", facts{gateway: true, sessions: append(lost, session("east", "Unknown"))}, "Active"},
	}
	for _, test := range tests {
		if got := test.facts.attraction(now).reason; got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// A gateway that nobody has answered stays away for a while; one that some have not answered does not.
func TestCutOff(t *testing.T) {
	type peers struct{ own, node, west systemv1alpha1.PeerState }
	f := func(p peers) facts {
		return facts{gateway: true, sessions: []Session{
			{Peer: Peer{Gateway: true}, State: p.own}, {Peer: Peer{}, State: p.node}, {Peer: Peer{Cluster: "west", Gateway: true}, State: p.west},
		}}
	}
	for _, test := range []struct {
		peers  peers
		cutOff bool
		hold   time.Duration
	}{
		{peers{"Down", "Down", "Down"}, true, aloneHold},
		{peers{"Up", "Up", "Down"}, false, backHold},
		{peers{"Draining", "Down", "Down"}, false, backHold},
		{peers{"Down", "Down", "Up"}, false, aloneHold},
		{peers{"Unknown", "Down", "Down"}, false, aloneHold},
	} {
		now, f := time.Now(), f(test.peers)
		if got := f.cutOff(); got != test.cutOff {
			t.Errorf("%v: cut off %v", test.peers, got)
		}
		if got := f.backUntil(now).Sub(now); got != test.hold {
			t.Errorf("%v: away for %s, want %s", test.peers, got, test.hold)
		}
	}
	if (facts{gateway: true}).cutOff() || (facts{sessions: f(peers{"Down", "Down", "Down"}).sessions}).cutOff() {
		t.Error("cut off without peers, or without being a gateway")
	}
}

func TestSession(t *testing.T) {
	port := func(status ...string) ovsdb.Port {
		p := ovsdb.Port{OFPort: 9, BFDStatus: map[string]string{"flap_count": "3"}}
		for _, s := range status {
			k, v, _ := strings.Cut(s, "=")
			p.BFDStatus[k] = v
		}
		return p
	}
	tests := []struct {
		name          string
		port          ovsdb.Port
		there, silent bool
		state         systemv1alpha1.PeerState
		message       string
	}{
		{"no port", ovsdb.Port{}, false, false, "Unknown", "not watched yet"},
		{"no number", ovsdb.Port{Error: "could not open"}, true, false, "Unknown", "no probe port yet could not open"},
		{"the switch is dead", port("state=up", "forwarding=true"), true, true, "Unknown", "ovs-vswitchd does not answer on this Node"},
		{"no status", port(), true, false, "Unknown", "no session yet"},
		{"up", port("state=up", "forwarding=true"), true, false, "Up", ""},
		{"wants no traffic", port("state=up", "forwarding=false"), true, false, "Draining", "it asks to send to others"},
		{"lost", port("state=down", "diagnostic=Control Detection Time Expired"), true, false, "Down", "nothing heard from it"},
		{"lost, and this Node tells it so", port("state=down", "diagnostic=Concatenated Path Down", "remote_state=down"), true, false, "Down", "nothing heard from it"},
		{"never there", port("state=down", "diagnostic=No Diagnostic", "remote_state=down"), true, false, "Down", "no answer"},
		{"coming", port("state=init", "diagnostic=No Diagnostic"), true, false, "Down", "the session is coming up"},
	}
	for _, test := range tests {
		s := sessionOf(Peer{}, test.port, test.there, test.silent)
		if s.State != test.state || s.Message != test.message {
			t.Errorf("%s: %s %q, want %s %q", test.name, s.State, s.Message, test.state, test.message)
		}
	}
}

const show = `---- probe-c0a80201 ----
  Forwarding: true
  Detect Multiplier: 3
  TX Interval: Approx 50ms
  RX Interval: Approx 50ms
  Detect Time: now +120ms

  Remote Minimum TX Interval: 50ms
  Remote Detect Multiplier: 3
---- probe-c0a80301 ----
  RX Interval: Approx 1000ms
  Remote Detect Multiplier: 0
`

func TestObserve(t *testing.T) {
	detect := detectTimes(show)
	if diff := cmp.Diff(map[string]time.Duration{"probe-c0a80201": 150 * time.Millisecond}, detect); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	w1 := Peer{Cluster: "west", Name: "w1", Address: ip("192.168.2.1"), Gateway: true}
	w2 := Peer{Cluster: "west", Name: "w2", Address: ip("192.168.2.2"), Gateway: true}
	node := Peer{Name: "node", Address: ip("192.168.1.3")}
	m, histories, now := newMetrics(prometheus.NewRegistry()), make(map[netip.Addr]*history), time.Now()
	step := func(states ...systemv1alpha1.PeerState) (reasons []string) {
		now = now.Add(time.Second)
		var sessions []Session
		for i, p := range []Peer{w1, w2, node} {
			sessions = append(sessions, Session{Peer: p, Port: openflow.Port(i + 1), State: states[i]})
		}
		changes := observe(histories, sessions, detect, now)
		m.observe(sessions, changes, func(p Peer) roundTrip {
			if p.Name != "w1" {
				return roundTrip{}
			}
			return roundTrip{average: 3 * time.Millisecond, last: now, requests: 4, lost: 1}
		})
		for _, e := range events(changes, attraction{}, attraction{}) {
			reasons = append(reasons, e.Reason+": "+e.Message)
		}
		return reasons
	}
	check := func(got []string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	check(step("Unknown", "Unknown", "Unknown"))
	check(step("Down", "Down", "Down")) // never there
	check(step("Up", "Up", "Up"), "PeerConnected: gateway w1 (192.168.2.1) of cluster west answers", "PeerConnected: gateway w2 (192.168.2.2) of cluster west answers")
	check(step("Down", "Up", "Down"), "PeerLost: gateway w1 (192.168.2.1) of cluster west is lost: ",
		"GatewayFailover: traffic goes through gateway w2 (192.168.2.2) of cluster west instead of gateway w1 (192.168.2.1) of cluster west, lost for up to 150ms")
	h := histories[w1.Address]
	if h.silence != 150*time.Millisecond || !h.lost.Equal(now) || !h.since.Equal(now) {
		t.Errorf("history: %+v", h)
	}
	if n := testutil.ToFloat64(m.failovers.WithLabelValues("west")); n != 1 {
		t.Errorf("%v failovers", n)
	}
	if rtt, lost := testutil.ToFloat64(m.rtt.WithLabelValues("west", "w1")), testutil.ToFloat64(m.loss.WithLabelValues("west", "w1")); rtt != 0.003 || lost != 0.25 {
		t.Errorf("round trip %v, lost %v", rtt, lost)
	}
	if n := testutil.CollectAndCount(m.rtt); n != 1 {
		t.Errorf("%d round trips where one is known", n)
	}
	check(step("Unknown", "Unknown", "Unknown"))
	if n := testutil.ToFloat64(m.up.WithLabelValues("west", "w2")); n != 0 {
		t.Error("unknown is shown as up")
	}
	check(step("Up", "Up", "Up"), "PeerConnected: gateway w1 (192.168.2.1) of cluster west answers", "PeerConnected: gateway w2 (192.168.2.2) of cluster west answers")
	check(step("Up", "Draining", "Up"),
		"GatewayFailover: traffic goes through gateway w1 (192.168.2.1) of cluster west instead of gateway w2 (192.168.2.2) of cluster west, which asked for it; none is lost")
	if n := testutil.ToFloat64(m.sessions.WithLabelValues("Draining")); n != 1 {
		t.Errorf("%v sessions drain", n)
	}
	if observe(histories, nil, nil, now); len(histories) != 0 {
		t.Errorf("remembers peers that are watched no longer: %v", histories)
	}
}
