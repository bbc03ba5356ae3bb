package failover

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Times of a run besides the fault's own.
const (
	before = 4 * time.Second  // traffic that nothing happens to; it takes a moment to start
	after  = 14 * time.Second // for the victim to come back: hold-down and BFD
)

// Run is one fault at one victim.
type Run struct {
	Fault, Side, Victim string
	Quiet               Phase // before the fault
	Failover            Phase // until it was mended
	FailBack            Phase // after that
	Settled             time.Duration
}

// Run sends traffic, breaks the victim, mends it, and waits until all is well again.
func (s *Scene) Run(ctx context.Context, f Fault, victim string) (Run, error) {
	r := Run{Fault: f.Name, Side: victim[:3], Victim: victim}
	type result struct {
		all []report
		err error
	}
	// How long a fault takes to set off is not known before; an antctl that waits until a gateway has drained takes longest.
	length := before + f.Hold + after
	if f.Harmless && f.Hold != hold {
		length += drained
	}
	done := make(chan result, 1)
	go func() {
		all, err := s.traffic(ctx, length, victim)
		done <- result{all, err}
	}()
	time.Sleep(before)
	starts := []time.Time{{}, time.Now(), {}}
	doErr := f.Do(ctx, s, victim)
	if doErr == nil {
		time.Sleep(f.Hold)
	}
	starts[2] = time.Now()
	undoErr := f.Undo(ctx, s, victim)
	got := <-done
	if err := errors.Join(doErr, undoErr, got.err); err != nil {
		return r, fmt.Errorf("%s of %s: %w", f.Name, victim, err)
	}
	all, err := phases(got.all, s.Load.Interval, []string{"before", "failover", "fail-back"}, starts)
	if err != nil {
		return r, fmt.Errorf("%s of %s: %w", f.Name, victim, err)
	}
	r.Quiet, r.Failover, r.FailBack = all[0], all[1], all[2]
	r.Failover.Resets += r.Quiet.Resets // they have no time
	if err := s.findPods(ctx); err != nil {
		return r, err
	}
	if r.Settled, err = s.Settle(ctx, 2*time.Minute); err != nil {
		return r, fmt.Errorf("%s of %s: %w", f.Name, victim, err)
	}
	return r, nil
}
