package drift

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// routes are a part: names that are to be there. Who takes an address away takes the routes of it too, as a kernel does.
type routes struct {
	want, have map[string]bool
	refused    string
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool)
	for _, name := range names {
		m[name] = true
	}
	return m
}

func (r *routes) compare(context.Context, bool) (Comparison, error) {
	c := Comparison{Basis: maps.Clone(r.want)}
	for _, name := range slices.Sorted(maps.Keys(r.have)) {
		if !r.want[name] {
			c.Corrections = append(c.Corrections, One(systemv1alpha1.DriftRoute, "", name, func(context.Context) error {
				maps.DeleteFunc(r.have, func(have string, _ bool) bool { return have == name || strings.HasPrefix(have, name+"/") })
				return nil
			}))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.want)) {
		if !r.have[name] {
			c.Corrections = append(c.Corrections, One(systemv1alpha1.DriftRoute, name, "", func(context.Context) error {
				if name == r.refused {
					return errors.New("refused")
				}
				r.have[name] = true
				return nil
			}))
		}
	}
	return c, nil
}

func TestPart(t *testing.T) {
	r := &routes{want: set("a", "b"), have: set()}
	var repaired []string
	p := Part{Compare: r.compare, Repaired: func(drifts []systemv1alpha1.Drift) {
		for _, d := range drifts {
			repaired = append(repaired, fmt.Sprintf("%s %s", d.Kind, d.Text()))
		}
	}}
	for _, step := range []struct {
		name     string
		do       func()
		done     int
		err      string
		repaired []string
	}{
		{"what was never there is not missed", func() {}, 2, "", nil},
		{"nothing", func() {}, 0, "", nil},
		{"somebody takes one and leaves another", func() { delete(r.have, "a"); r.have["x"] = true }, 2, "", []string{"unwanted x", "missing a"}},
		{"the agent wants another", func() { r.want = set("a", "b", "c") }, 1, "", nil},
		{"that one is taken", func() { delete(r.have, "c") }, 1, "", []string{"missing c"}},
		{"one goes, and takes what is still wanted along", func() { r.have["c/1"], r.want = true, set("a", "b", "c/1") }, 2, "", nil},
		{"which is not anybody's doing", func() {}, 0, "", nil},
		{"what cannot be repaired is not counted", func() { r.refused = "a"; clear(r.have) }, 2, "route a: refused", []string{"missing b", "missing c/1"}},
		{"until it can be", func() { r.refused = "" }, 1, "", []string{"missing a"}},
	} {
		repaired = nil
		step.do()
		done, err := p.Reconcile(t.Context(), true)
		if got := fmt.Sprint(err); len(done) != step.done || step.err == "" && err != nil || step.err != "" && got != step.err {
			t.Errorf("%s: %v, %v", step.name, done, err)
		}
		if diff := cmp.Diff(step.repaired, repaired); diff != "" {
			t.Errorf("%s: told of (-want +got)\n%s", step.name, diff)
		}
		if left, err := p.Audit(t.Context(), false); err != nil || len(left) > 0 != (step.err != "") {
			t.Errorf("%s: left %v, %v", step.name, left, err)
		}
	}
	clear(r.have)
	for i, repair := range []bool{false, true, false} {
		found, err := p.Audit(t.Context(), repair)
		if want := []int{3, 3, 0}[i]; err != nil || len(found) != want {
			t.Errorf("audit %d: %v, %v", i, found, err)
		}
	}
}

// What leaves something out does not settle what is.
func TestPartOfAPart(t *testing.T) {
	r := &routes{want: set("a"), have: set()}
	told := 0
	p := Part{Repaired: func([]systemv1alpha1.Drift) { told++ }, Compare: func(ctx context.Context, whole bool) (Comparison, error) {
		if !whole {
			return Comparison{Basis: r.want}, nil
		}
		return r.compare(ctx, whole)
	}}
	for _, whole := range []bool{false, true, true} {
		if _, err := p.Reconcile(t.Context(), whole); err != nil || told > 0 {
			t.Errorf("told %d times, %v", told, err)
		}
	}
	delete(r.have, "a")
	if _, err := p.Reconcile(t.Context(), true); err != nil || told != 1 {
		t.Errorf("told %d times, %v", told, err)
	}
}

// One Event tells of what is found together; somebody who goes on makes no flood of them.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var messages []string
		r := NewRecorder(prometheus.NewRegistry(), func(m string) { messages = append(messages, m) })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		port := systemv1alpha1.NewDrift(systemv1alpha1.DriftPort, "Port antrea-gw0", "")
		r.Repaired([]systemv1alpha1.Drift{port})
		time.Sleep(gather / 2)
		r.Repaired([]systemv1alpha1.Drift{
			systemv1alpha1.NewDrift(systemv1alpha1.DriftRoute, "10.0.0.0/8", ""), systemv1alpha1.NewDrift(systemv1alpha1.DriftRoute, "", "10.1.0.0/16"),
			{Kind: systemv1alpha1.DriftForeign, Object: systemv1alpha1.DriftFlow, Have: "actions=drop"},
		})
		for range 100 {
			time.Sleep(pause / 100)
			r.Repaired([]systemv1alpha1.Drift{port})
		}
		time.Sleep(2 * pause)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := "route 2. First: missing port Port antrea-gw0"
		if len(messages) != 2 || !strings.HasSuffix(messages[0], want) {
			t.Errorf("Events: %q", messages)
		}
		if n := testutil.ToFloat64(r.counts.WithLabelValues("port", "missing")); n != 101 {
			t.Errorf("%v ports counted", n)
		}
		if n := testutil.ToFloat64(r.counts.WithLabelValues("route", "unwanted")); n != 1 {
			t.Errorf("%v unwanted routes counted", n)
		}
	})
}
