package journal

import (
	"context"
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

// maxWait is the longest time between two attempts.
const maxWait = 30 * time.Second

// WorkOff calls do with each record that is due, locked, until it says that it is done: at once, when it is woken, and ever more
// rarely as long as something is left. It returns when ctx ends.
func (j *Journal[R]) WorkOff(ctx context.Context, woken <-chan struct{}, due func(R) bool, do func(context.Context, R) (done bool)) {
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-woken:
		case <-time.After(wait):
		}
		left := 0
		for _, r := range j.All() {
			if due(r) && ctx.Err() == nil && !j.workOff(ctx, r.Key(), due, do) {
				left++
			}
		}
		switch {
		case left == 0:
			wait = time.Hour // until something comes
		case wait == 0 || wait > maxWait:
			wait = time.Second
		default:
			wait = min(2*wait, maxWait)
		}
	}
}

func (j *Journal[R]) workOff(ctx context.Context, key string, due func(R) bool, do func(context.Context, R) bool) (done bool) {
	defer j.Lock(key)()
	r, ok := j.Get(key) // as it is now that nobody else has it
	return !ok || !due(r) || do(ctx, r)
}
