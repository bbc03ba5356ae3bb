package store

import (
	"context"
	"math/rand/v2"
	"time"
)

// contention spaces the writes of a pool while other Nodes write it too: of those who write at the same time only one succeeds, and
// the others' work is for nothing. The more often a write is lost, the longer the time within which the next one begins, at random; it
// shrinks again with those that succeed. Without rivals there is no wait, unless several ops went with the last write: then more are
// about to come, and go together if they are waited for.
type contention struct {
	level int           // the time is took << level; none at 0
	took  time.Duration // the last attempt
	ended time.Time     // as well,
	ops   int           // and how many went with it
}

const (
	firstLevel, maxLevel = 2, 5
	maxSpread            = 2 * time.Second
	// gathering is how long the ops that come after a write are waited for, in what the write took. What one Node does, writes and
	// reservations together, takes a third less of the processors than without.
	gathering    = 2
	maxGathering = 100 * time.Millisecond
)

// tried takes note of an attempt that ends now.
func (c *contention) tried(took time.Duration, lost bool, ops int) {
	c.took, c.ended, c.ops = took, time.Now(), ops
	if lost {
		c.level = min(max(c.level+1, firstLevel), maxLevel)
	} else {
		c.level = max(c.level-2, 0)
	}
}

// spread is the time within which the next attempt begins.
func (c *contention) spread() time.Duration {
	if c.level == 0 {
		return 0
	}
	return min(c.took<<c.level, maxSpread)
}

// gather is the time that the next attempt waits for more ops.
func (c *contention) gather() time.Duration {
	if c.ops <= 1 || c.level > 0 {
		return 0
	}
	return min(gathering*c.took, maxGathering)
}

// wait waits until the next attempt.
func (c *contention) wait(ctx context.Context) {
	if limit := c.spread(); limit > 0 {
		sleep(ctx, rand.N(limit))
	} else if limit := c.gather(); limit > 0 {
		sleep(ctx, time.Until(c.ended.Add(limit)))
	}
}
