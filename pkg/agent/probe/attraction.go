package probe

import (
	"time"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// holdDown is how long after its switch has its flows a gateway asks for no traffic: BFD needs 3 s to come up, and 1.5 s more
// until it is quick to find a fault.
const holdDown = 6 * time.Second

const (
	// backHold is the same after nobody has answered it: what has just come back may go again, and for the first 1.5 s that would be
	// found after 3 s. So a link that flaps costs its first loss only.
	backHold = 3 * time.Second
	// aloneHold is the same if no other gateway of the cluster answers: as long as they take to come back if all were away.
	aloneHold = time.Second
)

// attraction says whether a gateway wants traffic, and if not, why. What does not want it says so by BFD, and forwards what comes
// all the same.
type attraction struct {
	gateway bool
	reason  string // one of those in the API
}

// wants tells whether a peer is to send here. One that is cut off from other clusters says so to its own only: packets from
// another cluster that reach it are as good as at their end.
func (a attraction) wants(p Peer) bool {
	switch a.reason {
	case systemv1alpha1.ReasonActive:
		return true
	case systemv1alpha1.ReasonRemoteLost:
		return p.Cluster != ""
	}
	return !a.gateway
}

// facts are what an attraction follows from.
type facts struct {
	gateway   bool
	draining  bool      // the cluster wants it to drain
	leaving   bool      // its switch is about to end
	holdUntil time.Time // after the start of the switch, after it has become a gateway, or after it was cut off
	sessions  []Session
}

func (f facts) attraction(now time.Time) attraction {
	a := attraction{gateway: f.gateway, reason: systemv1alpha1.ReasonActive}
	switch {
	case !f.gateway:
	case f.draining || f.leaving:
		a.reason = systemv1alpha1.ReasonDraining
	case now.Before(f.holdUntil):
		a.reason = systemv1alpha1.ReasonHoldDown
	case f.remoteLost():
		a.reason = systemv1alpha1.ReasonRemoteLost
	}
	return a
}

// cutOff reports whether no peer answers. If only some do not, it may be they who were away, and they need somebody to send to.
func (f facts) cutOff() bool {
	for _, s := range f.sessions {
		if s.State != systemv1alpha1.PeerDown {
			return false
		}
	}
	return f.gateway && len(f.sessions) > 0
}

// backUntil is how long to ask for no traffic because of a time at which this gateway was cut off.
func (f facts) backUntil(cutOff time.Time) time.Time {
	for _, s := range f.sessions {
		if s.Peer.Gateway && s.Peer.Cluster == "" && s.answers() {
			return cutOff.Add(backHold)
		}
	}
	return cutOff.Add(aloneHold)
}

// remoteLost reports whether there are gateways of other clusters and none of them can be reached. What is not known, as just
// after the start of the switch, is not lost.
func (f facts) remoteLost() bool {
	lost := false
	for _, s := range f.sessions {
		if s.Peer.Cluster == "" {
			continue
		}
		if s.State != systemv1alpha1.PeerDown && s.State != systemv1alpha1.PeerDraining {
			return false
		}
		lost = true
	}
	return lost
}
