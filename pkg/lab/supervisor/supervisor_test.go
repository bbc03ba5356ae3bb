package supervisor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// start runs a supervisor and returns a client of it.
func start(t *testing.T) (*Client, string) {
	t.Helper()
	dir := t.TempDir()
	socket := filepath.Join(dir, "orders")
	s := New()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { s.Reap(ctx); done <- struct{}{} }()
	go func() {
		if err := s.Serve(ctx, socket); err != nil {
			t.Error(err)
		}
		done <- struct{}{}
	}()
	c := NewClient(socket)
	t.Cleanup(func() {
		for _, v := range s.Status() {
			_ = s.Stop(context.Background(), v.Name, syscall.SIGKILL)
		}
		cancel()
		<-done
		<-done
	})
	until(t, "it listens", func() bool { _, err := c.PID(); return err == nil })
	return c, dir
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func status(t *testing.T, c *Client, name string) Status {
	t.Helper()
	all, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no service %s among %v", name, all)
	return Status{}
}

func sh(dir, name, script string, restart bool) Service {
	return Service{Name: name, Args: []string{"/bin/sh", "-c", script}, Log: filepath.Join(dir, name), Restart: restart}
}

func TestServiceRunsOnceOrAgain(t *testing.T) {
	c, dir := start(t)
	for _, s := range []Service{
		sh(dir, "once", "echo hello; exit 3", false),
		sh(dir, "again", "echo hello; kill -TERM $$", true),
		{Name: "nothing", Args: []string{"/no/such/program"}, Log: filepath.Join(dir, "nothing")},
	} {
		if err := c.Start(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the one that restarts has ended twice", func() bool { return status(t, c, "again").Exits >= 2 })
	for _, want := range []struct {
		name, last, log string
	}{
		{"once", "ended with status 3", "hello\n"},
		{"again", "killed by signal terminated", "hello\nhello\n"},
		{"nothing", "no such file", ""},
	} {
		s := status(t, c, want.name)
		if !strings.Contains(s.Last, want.last) {
			t.Errorf("%s: %q, want %q", want.name, s.Last, want.last)
		}
		if log, _ := os.ReadFile(s.Log); !strings.HasPrefix(string(log), want.log) {
			t.Errorf("%s: log %q, want %q", want.name, log, want.log)
		}
	}
	if n := status(t, c, "once").Exits; n != 1 {
		t.Errorf("once ended %d times", n)
	}
}

func TestStopSignalAndStartAnew(t *testing.T) {
	c, dir := start(t)
	svc := sh(dir, "s", "exec sleep 1000", true)
	if err := c.Start(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
	running := func() bool { return status(t, c, "s").Running }
	until(t, "it runs", running)
	if err := c.Start(t.Context(), svc); err == nil || !strings.Contains(err.Error(), ErrRunning.Error()) {
		t.Errorf("started twice: %v", err)
	}
	if err := c.Signal(t.Context(), "s", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "it runs again", func() bool { return running() && status(t, c, "s").Exits == 1 })
	if err := c.Stop(t.Context(), "s", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if running() {
		t.Error("it runs although stopped")
	}
	if err := c.Start(t.Context(), svc); err != nil {
		t.Errorf("start anew: %v", err)
	}
	for _, err := range []error{c.Stop(t.Context(), "x", syscall.SIGKILL), c.Signal(t.Context(), "x", 0)} {
		if err == nil || !strings.Contains(err.Error(), ErrNoService.Error()) {
			t.Errorf("unknown service: %v", err)
		}
	}
}

func TestWaitFor(t *testing.T) {
	c, dir := start(t)
	svc := sh(dir, "s", "exec sleep 1000", false)
	svc.WaitFor = filepath.Join(dir, "flag")
	if err := c.Start(t.Context(), svc); err != nil {
		t.Fatal(err)
	}
	if status(t, c, "s").Running {
		t.Error("it did not wait")
	}
	if err := os.WriteFile(svc.WaitFor, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "it runs", func() bool { return status(t, c, "s").Running })
}

func TestPIDAndDown(t *testing.T) {
	c, dir := start(t)
	if pid, err := c.PID(); err != nil || pid != os.Getpid() {
		t.Errorf("PID %d, %v; want %d", pid, err, os.Getpid())
	}
	if _, err := NewClient(filepath.Join(dir, "none")).PID(); !Down(err) {
		t.Errorf("no socket: %v", err)
	}
}
