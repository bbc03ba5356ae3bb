package store

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
)

// pool is what this process does with a pool. Who has the turn works for all who wait, so while one write is under way the next
// one gathers.
type pool struct {
	store *Store
	key   PoolKey

	mu      sync.Mutex
	waiting []*op

	turn chan struct{} // has one element while somebody works; what follows is his
	view *view         // nil if unknown

	unsure map[string]bool // shards of which nobody knows whether the last write will still come about

	reserved reservedElsewhere
	used     atomic.Int64 // as it was read or written last
}

// maxBatch bounds what goes with one write.
const maxBatch = 256

// do has an op done, by whoever has the turn. An error of ctx leaves open whether it was done.
func (p *pool) do(ctx context.Context, o *op) (netip.Addr, error) {
	o.done = make(chan struct{})
	p.mu.Lock()
	p.waiting = append(p.waiting, o)
	p.mu.Unlock()
	select {
	case <-o.done:
		return o.addr, o.err
	case <-ctx.Done():
		p.withdraw(o)
		return netip.Addr{}, context.Cause(ctx)
	case p.turn <- struct{}{}:
	}
	defer func() { <-p.turn }()
	for attempt := 0; ; attempt++ {
		select {
		case <-o.done:
			return o.addr, o.err
		default:
		}
		err := p.work(ctx)
		if ctx.Err() != nil {
			p.withdraw(o)
			if err == nil {
				err = context.Cause(ctx)
			}
			return netip.Addr{}, err
		}
		if err != nil || attempt > 0 {
			pause(ctx, attempt, err != nil)
		}
	}
}

// pause waits for some time after an attempt that failed: others may be about to try too.
func pause(ctx context.Context, attempt int, failed bool) {
	limit := time.Millisecond << min(attempt, 5)
	if failed {
		limit = 50 * time.Millisecond << min(attempt, 5)
	}
	select {
	case <-ctx.Done():
	case <-time.After(limit/2 + rand.N(limit)):
	}
}

// withdraw makes sure that an op is not begun any more. One that is under way now is over when the next one of its pool begins.
func (p *pool) withdraw(o *op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.left = true
	p.waiting = slices.DeleteFunc(p.waiting, func(other *op) bool { return other == o })
}

// work tries to do all that wait, and leaves those waiting again for which it did not work out. The error is the API server's.
func (p *pool) work(ctx context.Context) error {
	p.mu.Lock()
	n := min(len(p.waiting), maxBatch)
	batch := slices.Clone(p.waiting[:n])
	p.waiting = p.waiting[n:]
	p.mu.Unlock()
	if n == 0 {
		return nil
	}
	left, err := p.attempt(ctx, batch)
	p.mu.Lock()
	left = slices.DeleteFunc(left, func(o *op) bool { return o.left })
	p.waiting = append(left, p.waiting...)
	p.mu.Unlock()
	return err
}

// attempt reads what is unknown, plans and writes. It answers the ops that are done.
func (p *pool) attempt(ctx context.Context, batch []*op) (left []*op, err error) {
	fresh, err := p.read(ctx, false)
	if err != nil {
		return batch, err
	}
	reserved := p.reserved.clone()
	changes := plan(p.view, p.key.Subnet, &reserved, batch)
	if !fresh && unchanged(batch, changes) {
		// What is not written is not checked against what others have written meanwhile.
		p.view = nil
		if _, err = p.read(ctx, true); err != nil {
			return batch, err
		}
		changes = plan(p.view, p.key.Subnet, &reserved, batch)
	}
	failed, refused, err := p.write(ctx, changes)
	if p.view != nil {
		p.used.Store(int64(len(p.view.holder)))
	}
	for _, o := range batch {
		switch cause, no := refused[o]; {
		case failed[o]:
			left = append(left, o)
			continue
		case no:
			o.err = cause
		}
		close(o.done)
	}
	return left, err
}

// unchanged reports whether an op of the batch changes nothing.
func unchanged(batch []*op, changes []change) bool {
	changed := map[*op]bool{}
	for _, c := range changes {
		changed[c.op] = true
	}
	return slices.ContainsFunc(batch, func(o *op) bool { return !changed[o] && (o.kind != find || len(o.held) == 0) })
}

// held is what the sandbox has.
func (p *pool) held(ctx context.Context, owner Owner) (map[netip.Addr]v1alpha1.IPAllocation, error) {
	o := &op{kind: find, owner: owner}
	_, err := p.do(ctx, o)
	return o.held, err
}

// forget lets the next op read anew.
func (p *pool) forget() {
	p.turn <- struct{}{}
	p.view = nil
	<-p.turn
}
