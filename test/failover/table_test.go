package failover

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPhases(t *testing.T) {
	start := time.UnixMilli(10_000)
	var all []report
	for i := range 4 {
		var r report
		r.UDP.Sent = 1000
		r.TCPs.Echoes, r.New.OK, r.New.Tried = 1, 1, 100
		if i == 1 {
			r.UDP.Holes = []gap{{9_000, 5, 1}, {12_000, 130, 26}, {13_000, 10, 2}, {15_100, 20, 4}}
			r.TCP = []gap{{At: 12_001, Millis: 220}, {At: 15_200, Millis: 70}}
			r.New.Failed = []int64{12_100, 15_300, 15_301}
			r.New.Resets = 1
		}
		all = append(all, r)
	}
	got, err := phases(all, 5*time.Millisecond, []string{"before", "failover", "fail-back"}, []time.Time{{}, start.Add(2 * time.Second), start.Add(5 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	want := []Phase{
		{Name: "before", LostMillis: 5, HoleMillis: 5, NewTried: 400, Resets: 1},
		{Name: "failover", LostMillis: 140, HoleMillis: 130, StallTCP: 220, NewFailed: 1, NewTried: 400},
		{Name: "fail-back", LostMillis: 20, HoleMillis: 20, StallTCP: 70, NewFailed: 2, NewTried: 400},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := phases([]report{{}}, 5*time.Millisecond, []string{"all"}, []time.Time{{}}); err == nil {
		t.Error("traffic that never came through is no result")
	}
}

func TestTable(t *testing.T) {
	run := func(fault string, lost, back int64) Run {
		return Run{Fault: fault, Side: "cl1", Failover: Phase{LostMillis: lost, StallTCP: 2 * lost, NewTried: 100, NewFailed: 1}, FailBack: Phase{LostMillis: back}}
	}
	var out bytes.Buffer
	if err := Print(&out, Rows([]Run{run("a", 130, 0), run("b", 0, 0), run("a", 120, 5), run("a", 155, 0)})); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"a cl1 3 120/130/155 310 3 of 300 0 0 0/5 0 0/0", "b cl1 1 0/0/0 0 1 of 100 0 0 0/0 0 0/0"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// Where nothing can get through, what counts is how long after the mend it does.
func TestCut(t *testing.T) {
	var all [2]report
	all[0].UDP.Holes = []gap{{9_000, 500, 100}, {10_000, 3_040, 608}, {14_000, 5_000, 1}}
	all[1].UDP.Holes = []gap{{10_000, 2_900, 580}}
	var runs []Run
	for _, mended := range []int64{13_000, 13_020, 12_900} {
		runs = append(runs, Run{Fault: "a", Side: "cl1", Cuts: true, Back: beyond(all[:], time.UnixMilli(mended))})
	}
	if beyond(all[1:], time.UnixMilli(13_000)) != 0 {
		t.Error("a hole that ended before the mend is beyond it")
	}
	var out bytes.Buffer
	if err := Print(&out, Rows(runs)); err != nil {
		t.Fatal(err)
	}
	if want := "all, and 40/140 after it was mended (med/max)"; !strings.Contains(out.String(), want) {
		t.Errorf("no %q in\n%s", want, out.String())
	}
}

// The same seed is the same trouble.
func TestDouble(t *testing.T) {
	seen := map[[2]string]bool{}
	for seed := range uint64(20) {
		_, a := Double(seed)
		_, b := Double(seed)
		if a != b || a[0] == a[1] {
			t.Errorf("seed %d: %v and %v", seed, a, b)
		}
		seen[a] = true
	}
	if len(seen) != 2 {
		t.Errorf("20 seeds chose %v", seen)
	}
}
