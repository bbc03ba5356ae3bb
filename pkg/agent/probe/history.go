package probe

import (
	"net/netip"
	"time"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// history is what the switch does not remember of a peer.
type history struct {
	state   systemv1alpha1.PeerState
	since   time.Time
	detect  time.Duration // after which silence the peer is given up, as it was when it was last up
	lost    time.Time     // when it was last given up; zero if never
	silence time.Duration // and after how long
}

// Transition is a change of a peer's state.
type Transition struct {
	Peer     Peer
	From, To systemv1alpha1.PeerState
	Message  string
	Silence  time.Duration // after which a peer that is lost was given up; 0 if not known
	Heirs    []Peer        // the gateways that take over from a gateway that is lost or drains
}

// observe brings histories up to sessions as they are now and returns what has changed. Peers that are watched no longer are
// forgotten.
func observe(histories map[netip.Addr]*history, sessions []Session, detect map[string]time.Duration, now time.Time) []Transition {
	var changes []Transition
	known := make(map[netip.Addr]bool)
	for _, s := range sessions {
		known[s.Peer.Address] = true
		h := histories[s.Peer.Address]
		if h == nil {
			h = &history{state: systemv1alpha1.PeerUnknown, since: now}
			histories[s.Peer.Address] = h
		}
		if d := detect[Name(s.Peer.Address)]; d > 0 && s.State == systemv1alpha1.PeerUp {
			h.detect = d
		}
		if h.state == s.State {
			continue
		}
		t := Transition{Peer: s.Peer, From: h.state, To: s.State, Message: s.Message}
		carried := h.state == systemv1alpha1.PeerUp || h.state == systemv1alpha1.PeerDraining
		if s.State == systemv1alpha1.PeerDown && carried {
			t.Silence = h.detect
			h.lost, h.silence = now, h.detect
		}
		if s.State != systemv1alpha1.PeerUp {
			t.Heirs = heirs(sessions, s.Peer)
		}
		h.state, h.since = s.State, now
		changes = append(changes, t)
	}
	for address := range histories {
		if !known[address] {
			delete(histories, address)
		}
	}
	return changes
}

// heirs are the other gateways of a gateway's cluster that live.
func heirs(sessions []Session, of Peer) []Peer {
	var list []Peer
	for _, s := range sessions {
		if of.Gateway && s.Peer.Gateway && s.Peer.Cluster == of.Cluster && s.Peer.Address != of.Address && s.State == systemv1alpha1.PeerUp {
			list = append(list, s.Peer)
		}
	}
	return list
}
