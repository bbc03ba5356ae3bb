package failover

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// before is traffic that nothing happens to, after a moment in which it starts.
const before = 2 * time.Second

// Run is one fault at one victim.
type Run struct {
	Fault, Side, Victim string
	Cuts                bool  `json:",omitempty"`
	Quiet               Phase // before the fault
	Failover            Phase // until it was mended
	FailBack            Phase // after that
	Back                int64 `json:",omitempty"` // if it cuts: milliseconds from when all was mended until every UDP flow came through
	Ways                []string
	Holes               []Hole `json:",omitempty"` // of all UDP flows
	Settled             time.Duration
}

// Run sends traffic, breaks the victim, mends it, and waits until all is well again.
func (s *Scene) Run(ctx context.Context, f Fault, victim string) (Run, error) {
	r := Run{Fault: f.Name, Side: cluster(victim), Victim: victim, Cuts: f.Cuts}
	through := []string{victim}
	if f.With != nil {
		through = append(through, f.With(victim)...)
	}
	var ends []pair
	var err error
	if f.Beside {
		ends, err = s.ways.beside(victim)
	} else {
		ends, err = s.ways.choose(through)
	}
	if err != nil {
		return r, err
	}
	defer favoring(s.Name)()
	length := before + f.Takes + f.Hold + f.After
	type result struct {
		all []report
		err error
	}
	done := make(chan result, 1)
	r.Ways = make([]string, len(ends))
	for i, e := range ends {
		r.Ways[i] = s.ways.of(e)
	}
	begin := time.Now()
	go func() {
		all, err := s.traffic(ctx, length, ends)
		done <- result{all, err}
	}()
	time.Sleep(before)
	starts := []time.Time{begin, begin.Add(time.Second), time.Now(), {}}
	err = f.Do(ctx, s, victim)
	if err == nil {
		time.Sleep(f.Hold)
	}
	starts[3] = time.Now()
	err = errors.Join(err, f.Undo(ctx, s, victim))
	mended := time.Now()
	got := <-done
	if err := errors.Join(err, got.err); err != nil {
		return r, fmt.Errorf("%s of %s: %w", f.Name, victim, err)
	}
	if left := begin.Add(length).Sub(starts[3]); left < f.After/2 {
		return r, fmt.Errorf("%s of %s: took so long that traffic ended %s after it", f.Name, victim, left)
	}
	all, err := phases(got.all, s.Load.Interval, []string{"start", "before", "failover", "fail-back"}, starts)
	if err != nil {
		return r, fmt.Errorf("%s of %s: %w", f.Name, victim, err)
	}
	r.Quiet, r.Failover, r.FailBack = all[1], all[2], all[3]
	r.Holes = holes(got.all, starts[2])
	if f.Cuts {
		r.Back = beyond(got.all, mended)
	}
	r.Failover.Broken, r.Failover.Resets = all[0].Broken, all[0].Resets // they have no time
	if err := s.findPods(ctx); err != nil {
		return r, err
	}
	if r.Settled, err = s.Settle(ctx, 2*time.Minute); err != nil {
		return r, fmt.Errorf("%s of %s: %w", f.Name, victim, err)
	}
	return r, nil
}
