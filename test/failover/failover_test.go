package failover

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

var (
	labName = flag.String("lab", "failover", "name of the lab")
	keep    = flag.Bool("keep", false, "use the lab if it runs, and leave it running")
	full    = flag.Bool("full", false, "all faults, on both sides, and print the table")
	runs    = flag.Int("runs", 5, "with -full: how often each fault")
	only    = flag.String("only", "", "with -full: the faults whose names match this expression")
	seed    = flag.Uint64("seed", 1, "with -full: the first seed of double faults")
	file    = flag.String("json", "", "with -full: write the table there as JSON after each fault, and beside it as text")
)

// TestRealFailover does, with -full, everything that can happen to gateways. TestRealGateways of pkg/agent is what make test runs of it.
func TestRealFailover(t *testing.T) {
	if !*full {
		t.Skip("make e2e-failover runs it")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root for the lab")
	}
	t.Chdir("../..")
	for _, need := range []string{"bin/antrea-lab", "out/images/antrea-agent.tar"} {
		if _, err := os.Stat(need); err != nil {
			t.Skip("needs `make setup images`: ", err)
		}
	}
	ctx := t.Context()
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.1fs "+format+"\n", append([]any{time.Since(start).Seconds()}, args...)...)
	}
	scene := &Scene{Lab: s1.Lab{Bin: "bin", Name: *labName, Out: t.TempDir()}, Say: say, Load: dense, pods: map[string][podsPerNode]s1.Pod{}}
	if !*keep {
		t.Cleanup(func() {
			if err := scene.Down(context.WithoutCancel(ctx)); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := scene.Tool(ctx, "status"); *keep && err == nil {
		require.NoError(t, scene.Adopt(ctx))
	} else {
		require.NoError(t, scene.Play(ctx))
	}
	everything(t, scene)
}

// everything runs all faults on both sides, and prints the table after each.
func everything(t *testing.T, scene *Scene) {
	chosen, err := regexp.Compile(*only)
	require.NoError(t, err)
	var all []Run
	one := func(f Fault, victim string) {
		r, err := scene.Run(t.Context(), f, victim)
		if err != nil {
			t.Error(err)
			if _, err := scene.Settle(t.Context(), 2*time.Minute); err != nil {
				t.Fatal("the lab does not recover: ", err)
			}
			return
		}
		scene.Say("%s of %s: lost %d ms, TCP stalled %d ms, %d new connections failed; back: lost %d ms; settled after %.1f s", f.Name, victim,
			r.Failover.LostMillis, r.Failover.StallTCP, r.Failover.NewFailed, r.FailBack.LostMillis, r.Settled.Seconds())
		all = append(all, r)
		write(t, all)
		if (f.Harmless || f.Beside) && r.Failover.LostMillis+r.FailBack.LostMillis > 0 {
			t.Errorf("%s of %s lost packets: %+v", f.Name, victim, r)
		}
		if f.Harmless && r.Failover.NewFailed+r.FailBack.NewFailed > 0 {
			t.Errorf("new connections failed though %s of %s was announced: %+v", f.Name, victim, r)
		}
		if r.Failover.Broken+r.Failover.Resets+r.FailBack.Resets > 0 && !f.Beside {
			t.Errorf("%s of %s broke connections: %+v", f.Name, victim, r)
		}
	}
	everyFault := func(round int, faults []Fault) {
		for i, f := range faults {
			switch {
			case !chosen.MatchString(f.Name) || f.Rounds > 0 && round >= f.Rounds:
			case f.Both:
				for _, c := range Clusters {
					one(f, Victims[c][round%len(Victims[c])])
				}
			default:
				c := cmp.Or(f.Side, Clusters[(round+i)%len(Clusters)])
				one(f, Victims[c][round/2%len(Victims[c])])
			}
		}
	}
	faults := slices.Concat(Single, []Fault{drainAlone}, Without("leader's API frozen", "cl1"), Without("both APIs frozen", Clusters...))
	for round := range *runs {
		everyFault(round, faults)
		if f, victims := Double(*seed + uint64(round)); chosen.MatchString(f.Name) {
			one(f, victims[0])
		}
	}
	if slices.ContainsFunc(Translated(), func(f Fault) bool { return chosen.MatchString(f.Name) }) {
		require.NoError(t, scene.Translate(t.Context()))
		for round := range *runs {
			everyFault(round, Translated())
		}
	}
	require.NoError(t, Print(os.Stdout, Rows(all)))
}

// write keeps the figures of what has been run so far, as JSON and as the table.
func write(t *testing.T, all []Run) {
	if *file == "" {
		return
	}
	text, err := json.MarshalIndent(map[string]any{"made": time.Now().UTC().Format(time.RFC3339), "rows": Rows(all), "runs": all}, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(*file), 0o755))
	require.NoError(t, os.WriteFile(*file, text, 0o644))
	var table bytes.Buffer
	require.NoError(t, Print(&table, Rows(all)))
	require.NoError(t, os.WriteFile(strings.TrimSuffix(*file, ".json")+".txt", table.Bytes(), 0o644))
}
