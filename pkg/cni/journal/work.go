package journal

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Lock waits until nobody else works on the record of that key, whether there is one or not.
func (j *Journal[R]) Lock(key string) (unlock func()) {
	for {
		j.mu.Lock()
		busy, ok := j.locked[key]
		if !ok {
			busy = make(chan struct{})
			j.locked[key] = busy
			j.mu.Unlock()
			return func() {
				j.mu.Lock()
				defer j.mu.Unlock()
				delete(j.locked, key)
				close(busy)
			}
		}
		j.mu.Unlock()
		<-busy
	}
}

const (
	// maxWait is the longest time between two attempts.
	maxWait = 30 * time.Second
	// atATime is how many records are worked off side by side, so that they can share what they have to write.
	atATime = 32
)

// WorkOff calls do with each record that is due, locked, until it says that it is done: at once, when it is woken, and ever more
// rarely as long as something is left and nothing is done. It calls do for several records at the same time, and returns when ctx and these have ended.
func (j *Journal[R]) WorkOff(ctx context.Context, woken <-chan struct{}, due func(R) bool, do func(context.Context, R) (done bool)) {
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-woken:
		case <-time.After(wait):
		}
		switch done, left := j.workOffAll(ctx, due, do); {
		case left == 0:
			wait = time.Hour // until something comes
		case done > 0 || wait == 0 || wait > maxWait:
			wait = time.Second
		default:
			wait = min(2*wait, maxWait)
		}
	}
}

// workOffAll tries each record once, and says how many are done and left.
func (j *Journal[R]) workOffAll(ctx context.Context, due func(R) bool, do func(context.Context, R) bool) (int64, int64) {
	var done, left atomic.Int64
	var working sync.WaitGroup
	places := make(chan struct{}, atATime)
	for _, r := range j.All() {
		if !due(r) {
			continue
		}
		places <- struct{}{}
		working.Go(func() {
			defer func() { <-places }()
			if ctx.Err() == nil && j.workOff(ctx, r.Key(), due, do) {
				done.Add(1)
			} else {
				left.Add(1)
			}
		})
	}
	working.Wait()
	return done.Load(), left.Load()
}

func (j *Journal[R]) workOff(ctx context.Context, key string, due func(R) bool, do func(context.Context, R) bool) (done bool) {
	defer j.Lock(key)()
	r, ok := j.Get(key) // as it is now that nobody else has it
	return !ok || !due(r) || do(ctx, r)
}
