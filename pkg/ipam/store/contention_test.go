package store

import (
	"testing"
	"time"
)

func TestContention(t *testing.T) {
	var c contention
	const took = 10 * time.Millisecond
	for i, step := range []struct {
		lost bool
		want time.Duration
	}{
		{false, 0},
		{true, 4 * took},
		{true, 8 * took},
		{true, 16 * took},
		{true, 32 * took},
		{true, 32 * took}, // no longer than that
		{false, 8 * took},
		{true, 16 * took},
		{false, 4 * took},
		{false, 0},
		{false, 0},
	} {
		c.tried(took, step.lost, 1)
		if got := c.spread(); got != step.want {
			t.Errorf("attempt %d: the next begins within %s, want %s", i, got, step.want)
		}
	}
	for _, step := range []struct {
		ops  int
		took time.Duration
		want time.Duration
	}{{1, took, 0}, {2, took, 2 * took}, {10, took, 2 * took}, {10, time.Second, maxGathering}} {
		c.tried(step.took, false, step.ops)
		if got := c.gather(); got != step.want {
			t.Errorf("after %d ops in %s, more are waited for for %s, want %s", step.ops, step.took, got, step.want)
		}
	}
	c.tried(time.Minute, true, 1) // the API server was away
	if got := c.spread(); got != maxSpread {
		t.Errorf("after a long attempt, the next begins within %s, want %s", got, maxSpread)
	}
}
