package probe

import (
	"net/netip"
	"time"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

const (
	// youth is how long after its session has come up a peer is to send to others. BFD is slow at first: a fault would be found
	// after 3 s; and what has just come back may go again.
	youth = 3 * time.Second
	// alone is the same if no other gateway of the cluster answers: only as long as others take to come back, if all were away.
	alone = time.Second
)

// rising are the peers that are to send to others because their sessions are down or young, so that a link that flaps costs its
// first loss only. until is when the next one has grown up; zero if none is young.
func rising(histories map[netip.Addr]*history, sessions []Session, now time.Time) (young map[netip.Addr]bool, until time.Time) {
	age := alone
	for _, s := range sessions {
		if s.Peer.Gateway && s.Peer.Cluster == "" && s.answers() {
			age = youth
		}
	}
	young = make(map[netip.Addr]bool)
	for _, s := range sessions {
		h := histories[s.Peer.Address]
		switch {
		case s.State == systemv1alpha1.PeerDown:
			young[s.Peer.Address] = true
		case s.answers() && h != nil && !h.risen.IsZero() && now.Before(h.risen.Add(age)):
			young[s.Peer.Address] = true
			if end := h.risen.Add(age); until.IsZero() || end.Before(until) {
				until = end
			}
		}
	}
	return young, until
}
