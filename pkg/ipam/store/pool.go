package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// pool is what this process does with a pool. Who has the turn works for all who wait, so while one write is under way the next
// one gathers.
type pool struct {
	store *Store
	key   PoolKey

	mu      sync.Mutex
	waiting []*op

	turn    chan struct{} // has one element while somebody works; what follows is his
	view    *view         // nil if unknown
	asked   time.Time     // when all of it was read or asked about last
	doubted bool          // whether all of it is to be asked about

	coming atomic.Int64    // releases whose reservations are being deleted
	unsure map[string]bool // shards of which nobody knows whether the last write will still come about
	rivals contention

	reserved reservedElsewhere
	used     atomic.Int64 // as it was read or written last
	full     atomic.Bool  // a claim has found no address, and none was released here since
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
		if o.kind != find {
			p.rivals.wait(ctx) // meanwhile more ops gather
		}
		if o.kind == release {
			p.gather(ctx)
		}
		err := p.work(ctx, o.kind == find)
		if ctx.Err() != nil {
			p.withdraw(o)
			if err == nil {
				err = context.Cause(ctx)
			}
			return netip.Addr{}, err
		}
		if err != nil {
			pause(ctx, attempt)
		}
	}
}

// gather waits for releases that are about to come.
func (p *pool) gather(ctx context.Context) {
	for end := time.Now().Add(maxGathering); p.coming.Load() > 0 && time.Now().Before(end) && ctx.Err() == nil; {
		sleep(ctx, time.Millisecond)
	}
}

// pause waits for some time after an attempt that failed: others may be about to try too.
func pause(ctx context.Context, attempt int) {
	limit := 50 * time.Millisecond << min(attempt, 5)
	sleep(ctx, limit/2+rand.N(limit))
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// withdraw makes sure that an op is not begun any more. One that is under way now is over when the next release of its pool begins.
func (p *pool) withdraw(o *op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	o.left = true
	p.waiting = slices.DeleteFunc(p.waiting, func(other *op) bool { return other == o })
}

// work tries to do all that wait, or what only reads, and leaves those waiting again for which it did not work out. The error is the
// API server's.
func (p *pool) work(ctx context.Context, reading bool) error {
	var batch, later []*op
	p.mu.Lock()
	for _, o := range p.waiting {
		if len(batch) < maxBatch && (o.kind == find || !reading) {
			batch = append(batch, o)
		} else {
			later = append(later, o)
		}
	}
	p.waiting = later
	p.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	began := time.Now()
	left, done, err := p.attempt(ctx, batch)
	if done.wrote {
		p.rivals.tried(time.Since(began), done.lost, done.ops)
	}
	p.mu.Lock()
	left = slices.DeleteFunc(left, func(o *op) bool { return o.left })
	p.waiting = append(left, p.waiting...)
	p.mu.Unlock()
	return err
}

// attempt reads what is unknown, plans and writes. It answers the ops that are done.
func (p *pool) attempt(ctx context.Context, batch []*op) (left []*op, done outcome, err error) {
	if p.view != nil {
		p.view.outgrown(p.key.Subnet, batch)
	}
	asked := wanted(batch)
	fresh, err := p.read(ctx, asked)
	if err != nil {
		return batch, done, err
	}
	joining := p.takeJoining(maxBatch-len(batch), min(asked, whole))
	batch = append(batch, joining...)
	if len(joining) > 0 && fresh { // what was read may be older than they are
		fresh, asked = false, whole
	}
	reserved := p.reserved.clone()
	changes := plan(p.view, p.key.Subnet, &reserved, batch)
	for !fresh {
		more := p.view.lacks(p.key.Subnet, batch, changes)
		if more <= asked {
			break
		}
		asked = more
		p.view.undo(p.key.Subnet, changes)
		if fresh, err = p.read(ctx, asked); err != nil {
			return batch, done, err
		}
		changes = plan(p.view, p.key.Subnet, &reserved, batch)
	}
	done, err = p.write(ctx, changes)
	done.ops = len(batch)
	if p.view != nil {
		p.used.Store(int64(p.view.inUse()))
	}
	p.takeNote(batch, changes)
	for _, o := range batch {
		switch cause, no := done.refused[o]; {
		case done.failed[o]:
			left = append(left, o)
			continue
		case no:
			o.err = cause
		}
		close(o.done)
	}
	return left, done, err
}

// takeJoining takes claims that have come while the pool was read, if they need to know no more.
func (p *pool) takeJoining(limit int, asked freshness) (joining []*op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(o *op) bool {
		joins := len(joining) < limit && o.kind == claim && wanted([]*op{o}) <= asked
		if joins {
			joining = append(joining, o)
		}
		return joins
	})
	return joining
}

// unchanged reports whether an op of the batch changes nothing.
func unchanged(batch []*op, changes []change) bool {
	changed := map[*op]bool{}
	for _, c := range changes {
		changed[c.op] = true
	}
	return slices.ContainsFunc(batch, func(o *op) bool { return !changed[o] && (o.kind != find || len(o.held) == 0) })
}

// takeNote remembers whether the pool is full.
func (p *pool) takeNote(batch []*op, changes []change) {
	var exhausted *ExhaustedError
	switch {
	case slices.ContainsFunc(changes, func(c change) bool { return c.holder == nil }):
		p.full.Store(false)
	case slices.ContainsFunc(batch, func(o *op) bool { return errors.As(o.err, &exhausted) }):
		p.full.Store(true)
	}
}

// exhausted reports whether a span has no free address, as it was at some time after the given one.
func (p *pool) exhausted(ctx context.Context, c Claim, span ipam.Span, since time.Time) (bool, error) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.doubted = p.doubted || p.asked.Before(since)
	if _, err := p.read(ctx, known); err != nil {
		return false, err
	}
	_, some := span.Lowest(&p.view.used, c.Excluded)
	p.full.Store(!some)
	return !some, nil
}

// held is what the sandbox has.
func (p *pool) held(ctx context.Context, owner Owner) (map[netip.Addr]v1alpha1.IPAllocation, error) {
	o := &op{kind: find, owner: owner}
	_, err := p.do(ctx, o)
	return o.held, err
}

// doubt lets the next op read what has changed.
func (p *pool) doubt() {
	p.turn <- struct{}{}
	p.doubted = true
	<-p.turn
}
