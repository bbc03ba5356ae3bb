package policies

import (
	"sync"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// queue is what has been told, in order, until somebody takes it.
type queue struct {
	mu      sync.Mutex
	pending []policy.Batch
	more    chan struct{} // has a value if something is pending
}

func newQueue() *queue { return &queue{more: make(chan struct{}, 1)} }

func (q *queue) put(b policy.Batch) {
	q.mu.Lock()
	q.pending = append(q.pending, b)
	q.mu.Unlock()
	select {
	case q.more <- struct{}{}:
	default:
	}
}

// take returns all that is pending.
func (q *queue) take() []policy.Batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := q.pending
	q.pending = nil
	return taken
}
