package leader

import (
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/clock"
)

// silence is how long a member may say nothing before it counts as not connected. It says so every 10 s.
const silence = 35 * time.Second

// heartbeats remembers when each member's Lease was last seen to change, by the leader's own clock: clusters need not agree
// on the time.
type heartbeats struct {
	clock clock.PassiveClock
	mu    sync.Mutex
	last  map[string]heartbeat // by cluster ID
}

type heartbeat struct {
	renewed time.Time // as the member wrote it
	seen    time.Time
}

func newHeartbeats(c clock.PassiveClock) *heartbeats {
	return &heartbeats{clock: c, last: map[string]heartbeat{}}
}

// observe takes note of a member's Lease, which may be nil, and says whether the member is connected.
func (h *heartbeats) observe(clusterID string, l *coordinationv1.Lease) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if l == nil || l.Spec.RenewTime == nil || released(l) {
		delete(h.last, clusterID)
		return false
	}
	last := h.last[clusterID]
	if !last.renewed.Equal(l.Spec.RenewTime.Time) {
		last = heartbeat{renewed: l.Spec.RenewTime.Time, seen: h.clock.Now()}
		h.last[clusterID] = last
	}
	return h.clock.Since(last.seen) < silence
}
