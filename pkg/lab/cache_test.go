package lab

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPruneKeepsWhatIsUsed(t *testing.T) {
	c := Cache{t.TempDir()}
	now := time.Now()
	for _, f := range []struct {
		name string
		age  time.Duration
		kept bool
	}{
		{"store/full-old", 2 * time.Hour, false},
		{"store/full-new", time.Minute, true},
		{"store/base-x", 2 * time.Hour, true},
		{"unpacked/named", 2 * time.Hour, true},
		{"unpacked/forgotten", 2 * time.Hour, false},
		{"images/x.tar", 24 * 365 * time.Hour, false},
		{"bin/kubernetes", 24 * 365 * time.Hour, true},
		{"labs/a", 24 * 365 * time.Hour, true},
	} {
		dir := filepath.Join(c.Dir, f.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if f.name == "labs/a" {
			if err := writeFile(filepath.Join(dir, "fast", imageIndex), []byte(`{"x": {"Root": "/run/lab/unpacked/named/root"}}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(dir, now, now.Add(-f.age)); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := os.Stat(dir); (err == nil) != f.kept {
				t.Errorf("%s: kept %v, want %v", f.name, err == nil, f.kept)
			}
		}()
	}
	if err := c.prune(now); err != nil {
		t.Fatal(err)
	}
}

func TestOnceLeavesNothingHalfDone(t *testing.T) {
	b := Builder{Cache: Cache{t.TempDir()}}
	target := filepath.Join(b.Cache.Dir, "x", "y")
	failing := func(tmp string) error {
		if err := os.WriteFile(tmp, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return os.ErrInvalid
	}
	if err := b.once(target, failing); err == nil {
		t.Error("no error")
	}
	if left, _ := os.ReadDir(filepath.Dir(target)); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	made := 0
	for range 2 {
		if err := b.once(target, func(tmp string) error { made++; return os.WriteFile(tmp, nil, 0o600) }); err != nil {
			t.Fatal(err)
		}
	}
	if made != 1 {
		t.Errorf("made %d times", made)
	}
}
