package store

import (
	"context"
	"math/rand/v2"
	"time"
)

// contention spaces the writes of a pool while other Nodes write it too: of those who write at the same time only one succeeds, and
// the others' work is for nothing. The more often a write is lost, the longer the time within which the next one begins, at random; it
// shrinks again with those that succeed. Without rivals there is no wait.
type contention struct {
	level int           // the time is took << level; none at 0
	took  time.Duration // the last attempt
}

const (
	firstLevel, maxLevel = 2, 5
	maxSpread            = 2 * time.Second
)

// tried takes note of an attempt.
func (c *contention) tried(took time.Duration, lost bool) {
	c.took = took
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

// wait waits until the next attempt.
func (c *contention) wait(ctx context.Context) {
	if limit := c.spread(); limit > 0 {
		sleep(ctx, rand.N(limit))
	}
}
