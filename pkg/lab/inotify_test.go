package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInotifyLimitIsRaisedAndRestored(t *testing.T) {
	dir := t.TempDir()
	labs := filepath.Join(dir, "labs")
	l := inotifyLimit{setting: filepath.Join(dir, "setting"), before: filepath.Join(labs, ".before")}
	write := func(file, text string) {
		t.Helper()
		if err := writeFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is := func(when, want string) {
		t.Helper()
		if got, _ := os.ReadFile(l.setting); strings.TrimSpace(string(got)) != want {
			t.Errorf("%s: limit %s, want %s", when, got, want)
		}
	}
	write(l.setting, "128\n")
	if raised, err := l.ensure(1); raised || err != nil {
		t.Errorf("there are enough: raised %v, %v", raised, err)
	}
	const tooMany = 1 << 20 // more than there are file descriptors
	for range 2 {
		if raised, err := l.ensure(tooMany); !raised || err != nil {
			t.Fatalf("raised %v, %v", raised, err)
		}
	}
	write(filepath.Join(labs, "other", "lab.json"), "")
	for _, step := range []struct{ when, want string }{{"another lab is up", "2097280"}, {"the last one is gone", "128"}, {"again", "128"}} {
		if err := l.restore(); err != nil {
			t.Fatal(err)
		}
		is(step.when, step.want)
		if err := os.RemoveAll(filepath.Join(labs, "other")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(l.before); err == nil {
		t.Error("the file stays")
	}
}
