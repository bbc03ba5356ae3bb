package faults

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

var (
	labName = flag.String("lab", "faults", "name of the lab")
	keep    = flag.Bool("keep", false, "use the lab if it runs, and leave it running")
	full    = flag.Bool("full", false, "run the faults, and print the table")
	runs    = flag.Int("runs", 3, "how often each fault")
	only    = flag.String("only", "", "the faults whose names match this expression")
	file    = flag.String("json", "", "write the table there as JSON")
)

// Row is what a fault cost, the worst of all runs.
type Row struct {
	Fault               string
	Runs                int
	Sent, Lost          int           // packets of a flow every 10 ms between Nodes
	Hole                time.Duration // the longest time in which nothing came through
	LocalHole           time.Duration // between two Pods of the victim
	NewTried, NewFailed int           // TCP connections, 50 a second
	Resets              int           // of connections
	Recovered           time.Duration // from the end of the fault until everything was proven to be well
	Strangers           int           // packets that a third Pod got and that were not for it
	Leaks               []string      // what nothing needs any more and was left
}

// stream is what probe stream prints of one destination.
type stream struct {
	UDP struct {
		Sent, Lost int
		Holes      []struct{ Millis int64 }
	}
	TCPs struct{ Resets int }
	New  struct {
		Tried, OK, Resets int
	}
}

func (s stream) hole() time.Duration {
	var longest int64
	for _, h := range s.UDP.Holes {
		longest = max(longest, h.Millis)
	}
	return time.Duration(longest) * time.Millisecond
}

// TestRealFaults breaks everything that a Node has, and prints the table.
func TestRealFaults(t *testing.T) {
	if !*full {
		t.Skip("make e2e-faults runs it")
	}
	t.Chdir("../..")
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.1fs "+format+"\n", append([]any{time.Since(start).Seconds()}, args...)...)
	}
	ctx := t.Context()
	s := &Scene{Lab: s1.Lab{Bin: "bin", Name: *labName, Out: t.TempDir()}}
	if !*keep {
		t.Cleanup(func() {
			if err := s.Down(context.WithoutCancel(ctx)); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := s.Tool(ctx, "status"); *keep && err == nil {
		require.NoError(t, s.findPods(ctx))
	} else {
		require.NoError(t, s.Play(ctx))
	}
	_, err := s.Wait(ctx, time.Minute)
	require.NoError(t, err)
	say("the lab is up, and every Pod reaches every other")
	chosen, err := regexp.Compile(*only)
	require.NoError(t, err)
	var rows []Row
	for _, f := range Faults {
		if !chosen.MatchString(f.Name) && f.Name != quiet {
			continue
		}
		row := Row{Fault: f.Name}
		for range *runs {
			require.NoError(t, f.errorf(s.run(ctx, f, &row)))
		}
		rows = append(rows, row)
		say("%s: lost %d of %d packets, hole %s, %d of %d connections, recovered in %s", f.Name, row.Lost, row.Sent, row.Hole, row.NewFailed, row.NewTried, row.Recovered.Round(time.Millisecond))
		if f.Name == quiet && row.Lost+row.NewFailed > 0 {
			t.Errorf("this machine is too busy to tell what a fault costs: %+v", row)
		}
		if f.Harmless && row.Lost+row.NewFailed > 0 {
			t.Errorf("%s lost something: %+v", f.Name, row)
		}
		if limit := f.Hold + f.Back; f.Back > 0 && row.Hole > limit {
			t.Errorf("%s: nothing came through for %s, more than %s", f.Name, row.Hole, limit)
		}
		if len(row.Leaks) > 0 {
			t.Errorf("%s left over: %s", f.Name, strings.Join(row.Leaks, ", "))
		}
		if row.Strangers > 0 {
			t.Errorf("%s: %d packets went to a Pod that they were not for", f.Name, row.Strangers)
		}
	}
	print(t, rows)
}

// run breaks the victim once, under traffic.
func (s *Scene) run(ctx context.Context, f Fault, row *Row) error {
	const before = 2 * time.Second
	after := 6 * time.Second
	if f.Away {
		after = 20 * time.Second // it takes a while to come back
	}
	length := before + f.Hold + after
	remote, local := stream{}, stream{}
	strangers := 0
	type task func() error
	done := make(chan error, 3)
	for _, do := range []task{
		func() error { return s.stream(ctx, s.receivers["cl1-node1"], s.receivers[f.target()], length, &remote) },
		func() error { return s.stream(ctx, s.bystanders[f.target()], s.receivers[f.target()], length, &local) },
		func() (err error) {
			strangers, err = s.strangers(ctx, f.target(), length)
			return err
		},
	} {
		go func() { done <- do() }()
	}
	time.Sleep(before)
	err := f.Do(ctx, s)
	time.Sleep(f.Hold)
	err = errors.Join(err, f.Undo(ctx, s))
	took, waited := s.Wait(ctx, 2*time.Minute)
	err = errors.Join(err, waited, <-done, <-done, <-done)
	if err != nil {
		return err
	}
	row.Runs++
	row.Sent += remote.UDP.Sent + local.UDP.Sent
	row.Lost += remote.UDP.Lost + local.UDP.Lost
	row.Hole, row.LocalHole = max(row.Hole, remote.hole()), max(row.LocalHole, local.hole())
	row.NewTried += remote.New.Tried + local.New.Tried
	row.NewFailed += remote.New.Tried - remote.New.OK + local.New.Tried - local.New.OK
	row.Resets += remote.TCPs.Resets + remote.New.Resets + local.TCPs.Resets + local.New.Resets
	row.Recovered = max(row.Recovered, took)
	row.Strangers += strangers
	return s.lookForLeaks(ctx, row)
}

// lookForLeaks gives what collects what is left over half a minute.
func (s *Scene) lookForLeaks(ctx context.Context, row *Row) error {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		left, err := s.leaks(ctx)
		if err == nil && len(left) == 0 {
			return nil
		}
		if time.Now().After(end) {
			row.Leaks = append(row.Leaks, left...)
			return err
		}
	}
}

// stream sends traffic from a Pod to another.
func (s *Scene) stream(ctx context.Context, from, to s1.Pod, length time.Duration, into *stream) error {
	out, err := s.Pod(ctx, from, "probe", "stream", "-interval", "10ms", "-line-interval", "40ms", "-connections", "2", "-rate", "50",
		"-for", length.String(), to.IP.String()+":8080")
	if err != nil {
		return err
	}
	var all []stream
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 {
		return fmt.Errorf("report of traffic: %w: %s", err, out)
	}
	if *into = all[0]; into.UDP.Sent == 0 || into.New.OK == 0 {
		return fmt.Errorf("no traffic came through: %s", out)
	}
	return nil
}

func print(t *testing.T, rows []Row) {
	t.Helper()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FAULT\tRUNS\tLOST\tLONGEST HOLE\tON THE SAME NODE\tNEW FAILED\tRESETS\tRECOVERED\tTO STRANGERS\tLEAKS")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%d\t%d of %d\t%s\t%s\t%d of %d\t%d\t%s\t%d\t%d\n", r.Fault, r.Runs, r.Lost, r.Sent, r.Hole, r.LocalHole, r.NewFailed, r.NewTried,
			r.Resets, r.Recovered.Round(10*time.Millisecond), r.Strangers, len(r.Leaks))
	}
	require.NoError(t, w.Flush())
	if *file != "" {
		text, err := json.MarshalIndent(map[string]any{"made": time.Now().UTC().Format(time.RFC3339), "rows": rows}, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(*file), 0o755))
		require.NoError(t, os.WriteFile(*file, text, 0o644))
	}
}
