package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

type box struct {
	ID     string   `json:"id"`
	Ports  []string `json:"ports,omitempty"`
	Leaves bool     `json:"leaves,omitempty"`
}

func (b box) Key() string { return b.ID }

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j, err := Open[box](dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"c1", "c2", "c3", "c4"} {
		b := box{ID: id, Ports: []string{"net1"}}
		if err := j.Put(b); err != nil {
			t.Fatal(err)
		}
		b.Ports[0] = "changed later"
	}
	if err := j.Remove("c4"); err != nil {
		t.Fatal(err)
	}
	if err := j.Remove("c4"); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if got, ok := j.Get("c1"); !ok || got.Ports[0] != "net1" {
		t.Errorf("c1 is %v", got)
	}
	change(t, filepath.Join(dir, "c2"), func(text string) string { return strings.Replace(text, "net1", "net2", 1) })
	change(t, filepath.Join(dir, "c3"), func(text string) string { return text[:len(text)/2] })
	change(t, filepath.Join(dir, "c5"), func(string) string { return `{"id":"c5"}` }) // as it was before there were checksums
	change(t, filepath.Join(dir, "c6"), func(string) string { return `{"id":"c7"}` })
	change(t, filepath.Join(dir, ".tmp"), func(string) string { return "half" })
	change(t, filepath.Join(dir, ".beside"), func(string) string { return "else" })

	again, err := Open[box](dir, ".beside")
	if again == nil || err == nil {
		t.Fatalf("opened %v, %v", again, err)
	}
	for _, text := range []string{"c2 is set aside: its checksum is", "c3 is set aside: its checksum is", "c6 is set aside: it is another record"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %v", text, err)
		}
	}
	if again.Whole() {
		t.Error("the journal says that it is whole")
	}
	all := again.All()
	slices.SortFunc(all, func(a, b box) int { return strings.Compare(a.ID, b.ID) })
	if diff := cmp.Diff([]box{{ID: "c1", Ports: []string{"net1"}}, {ID: "c5"}}, all); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, there := range map[string]bool{
		"c1": true, "c2": false, "c2.damaged": true, "c3.damaged": true, "c4": false, "c6.damaged": true, ".tmp": false, ".beside": true,
	} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if third, err := Open[box](dir, ".beside"); err != nil || third.Whole() {
		t.Errorf("whole %v, %v: what was set aside is still missing", third.Whole(), err)
	}
}

func change(t *testing.T, file string, f func(string) string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(f(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What is left is tried again, ever more rarely, and at once when something comes. What somebody else has locked waits for it.
func TestWorkOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := Open[box](t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		put := func(b box) {
			t.Helper()
			if err := j.Put(b); err != nil {
				t.Fatal(err)
			}
		}
		put(box{ID: "stays"})
		put(box{ID: "busy", Leaves: true})
		start, woken := time.Now(), make(chan struct{}, 1)
		var attempts []time.Duration
		var succeed atomic.Bool
		unlock := j.Lock("busy")
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			j.WorkOff(ctx, woken, func(b box) bool { return b.Leaves }, func(_ context.Context, b box) bool {
				if attempts = append(attempts, time.Since(start)); !succeed.Load() {
					return false
				}
				if err := j.Remove(b.ID); err != nil {
					t.Error(err)
				}
				return true
			})
		}()
		time.Sleep(500 * time.Millisecond)
		unlock()
		time.Sleep(100*time.Second - 500*time.Millisecond)
		succeed.Store(true)
		woken <- struct{}{}
		time.Sleep(10 * time.Minute)
		cancel()
		<-ended
		var want []time.Duration
		for _, seconds := range []float64{0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5, 100} {
			want = append(want, time.Duration(seconds*float64(time.Second)))
		}
		if diff := cmp.Diff(want, attempts); diff != "" {
			t.Errorf("attempts (-want +got)\n%s", diff)
		}
		if all := j.All(); len(all) != 1 || all[0].ID != "stays" {
			t.Errorf("left: %v", all)
		}
	})
}

// Records are worked off side by side.
func TestWorkOffAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := Open[box](t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		const records = 2*atATime + 1
		for i := range records {
			if err := j.Put(box{ID: fmt.Sprint(i), Leaves: true}); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var last atomic.Int64
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			j.WorkOff(ctx, nil, func(b box) bool { return b.Leaves }, func(_ context.Context, b box) bool {
				time.Sleep(time.Second)
				last.Store(int64(time.Since(start)))
				return j.Remove(b.ID) == nil
			})
		}()
		time.Sleep(time.Minute)
		if left := len(j.All()); left != 0 {
			t.Errorf("%d records are left", left)
		}
		if got := time.Duration(last.Load()); got != 3*time.Second {
			t.Errorf("%d records that take a second each are done after %s, want 3s", records, got)
		}
		cancel()
		<-ended
	})
}
