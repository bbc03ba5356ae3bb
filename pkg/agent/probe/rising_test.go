package probe

import (
	"net/netip"
	"testing"
	"time"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// What a gateway tells a peer whose session goes down and comes up again.
func TestRising(t *testing.T) {
	other := Peer{Name: "gw2", Address: ip("192.168.1.2"), Gateway: true}
	west := Peer{Cluster: "west", Name: "w1", Address: ip("192.168.2.1"), Gateway: true}
	at := func(d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }
	type step struct {
		at          time.Duration
		other, west systemv1alpha1.PeerState
		want        bool
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"up when the agent starts", []step{{0, "Up", "Unknown", false}, {1, "Up", "Up", false}}},
		{"comes back", []step{
			{0, "Up", "Up", false}, {1, "Up", "Down", true}, {time.Second, "Up", "Draining", true}, {2 * time.Second, "Up", "Up", true},
			{time.Second + youth, "Up", "Up", false},
		}},
		{"flaps", []step{{0, "Up", "Down", true}, {1, "Up", "Up", true}, {2, "Up", "Down", true}, {3, "Up", "Up", true}, {2 + youth, "Up", "Up", true}, {3 + youth, "Up", "Up", false}}},
		{"no other gateway", []step{{0, "Down", "Down", true}, {1, "Down", "Up", true}, {1 + alone, "Down", "Up", false}}},
		{"the switch does not answer", []step{{0, "Up", "Down", true}, {1, "Unknown", "Unknown", false}, {2, "Up", "Up", false}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			histories := make(map[netip.Addr]*history)
			for _, s := range test.steps {
				sessions := []Session{{Peer: other, State: s.other}, {Peer: west, State: s.west}}
				observe(histories, sessions, nil, at(s.at))
				young, until := rising(histories, sessions, at(s.at))
				if got := young[west.Address]; got != s.want {
					t.Errorf("after %s, %s: %v, want %v", s.at, s.west, got, s.want)
				}
				if s.west != systemv1alpha1.PeerDown && s.want && !until.After(at(s.at)) {
					t.Errorf("after %s: until %s", s.at, until)
				}
			}
		})
	}
	young := map[netip.Addr]bool{west.Address: true}
	for _, gateway := range []bool{false, true} {
		a := attraction{gateway: gateway, reason: systemv1alpha1.ReasonActive}
		have := ports([]Peer{other, west}, a, young)
		if down := have[Name(west.Address)].BFD["cpath_down"] == "true"; down != gateway {
			t.Errorf("gateway %v asks for no traffic: %v", gateway, down)
		}
		if have[Name(other.Address)].BFD["cpath_down"] != "false" {
			t.Error("of one peer, others know nothing")
		}
	}
}
