package ofconn

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn/ofconntest"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

func TestDialErrors(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ name, addr, want string }{
		{"no scheme", "/var/run/x", "must be unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT"},
		{"no socket", "unix:" + filepath.Join(dir, "none"), "no such file"},
		{"switch of another version", "unix:" + oldSwitch(t), "add OpenFlow15 to its protocols"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Dial(t.Context(), test.addr, Config{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

// oldSwitch speaks OpenFlow 1.0 only.
func oldSwitch(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		nc, err := listener.Accept()
		if err != nil {
			return
		}
		b, _ := openflow.AppendMessage(nil, 1, openflow.Hello{Versions: []uint8{1}})
		_, _ = nc.Write(b)
		_, _ = nc.Read(make([]byte, 1000))
		_ = nc.Close()
	}()
	return path
}

// TestOldVersion agrees on OpenFlow 1.0, where there are dumps and signs of life.
func TestOldVersion(t *testing.T) {
	c, err := Dial(t.Context(), "unix:"+oldSwitch(t), Config{Versions: []uint8{openflow.Version15, openflow.Version10}})
	if err != nil || c.Version() != openflow.Version10 {
		t.Fatalf("%+v: %v", c, err)
	}
	defer c.Close()
	if err := c.Barrier(t.Context()); err == nil || !strings.Contains(err.Error(), "BARRIER_REQUEST on a connection of OpenFlow 1.0") {
		t.Errorf("barrier: %v", err)
	}
	if b, err := c.encode(nil, 5, openflow.Echo{}); err != nil || b[0] != openflow.Version10 {
		t.Errorf("echo %x: %v", b, err)
	}
	m, err := openflow.FlowsRequest(openflow.Version10, openflow.AllFlows)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := c.encode(nil, 5, m); err != nil || b[0] != openflow.Version10 {
		t.Errorf("request %x: %v", b, err)
	}
}

func TestDialCancelled(t *testing.T) {
	s := ofconntest.New(t)
	s.Silence(true)
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path) // takes the connection and never says hello
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, "unix:"+path, Config{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestClose(t *testing.T) {
	s := ofconntest.New(t)
	c, err := Dial(t.Context(), s.Addr(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.Silence(true)
	answer := make(chan error)
	go func() { answer <- c.Barrier(t.Context()) }()
	time.Sleep(10 * time.Millisecond)
	c.Close()
	if err := <-answer; !errors.Is(err, ErrClosed) {
		t.Errorf("barrier during close: %v", err)
	}
	<-c.Done()
	if !errors.Is(c.Err(), ErrClosed) {
		t.Errorf("reason %v", c.Err())
	}
	if err := c.Barrier(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("barrier after close: %v", err)
	}
}

func TestEveryWaitEndsWithItsContext(t *testing.T) {
	s := ofconntest.New(t)
	c, err := Dial(t.Context(), s.Addr(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.Silence(true)
	for _, test := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"barrier", c.Barrier},
		{"features", func(ctx context.Context) error { _, err := c.Features(ctx); return err }},
		{"groups", func(ctx context.Context) error { _, err := Collect(c.DumpGroups(ctx)); return err }},
		{"flows", func(ctx context.Context) error {
			for _, err := range c.DumpFlows(ctx, openflow.AllFlows) {
				return err
			}
			return nil
		}},
		{"bundle", func(ctx context.Context) error { return c.Bundle(ctx, manyMods) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if err := test.run(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
			}
		})
	}
}

func TestSilentSwitch(t *testing.T) {
	s := ofconntest.New(t)
	const interval = 250 * time.Millisecond // a busy machine may keep an answer for some tens of milliseconds
	c, err := Dial(t.Context(), s.Addr(), Config{EchoInterval: interval})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	select {
	case <-c.Done():
		t.Fatalf("connection to a switch that answers ended: %v", c.Err())
	case <-time.After(5 * interval):
	}
	s.Silence(true)
	<-c.Done()
	if !strings.Contains(c.Err().Error(), "switch silent for") {
		t.Errorf("reason %v", c.Err())
	}
}

// A switch that hangs takes nothing: the connection must not wait for it for ever in a write.
func TestSwitchThatDoesNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, err := listener.Accept()
		if err != nil {
			return
		}
		b, _ := openflow.AppendMessage(nil, 1, openflow.Hello{Versions: []uint8{openflow.Version15}})
		_, _ = nc.Write(b)
		accepted <- nc
	}()
	c, err := Dial(t.Context(), "unix:"+path, Config{EchoInterval: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	defer (<-accepted).Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Bundle(ctx, manyMods); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("bundle to a switch that does not read: %v", err)
	}
}

func TestRunConnectsAgain(t *testing.T) {
	s := ofconntest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	connections := make(chan *Conn)
	reports := make(chan error, 100)
	ended := make(chan error)
	go func() {
		ended <- Run(ctx, s.Addr(), Config{Report: func(err error) { reports <- err }}, func(ctx context.Context, c *Conn) error {
			connections <- c
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	first := <-connections
	s.Stop()
	if err := <-reports; !strings.Contains(err.Error(), "read from switch") {
		t.Errorf("report: %v", err)
	}
	if err := <-reports; !strings.Contains(err.Error(), "connect to switch") {
		t.Errorf("report: %v", err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	second := <-connections
	if second == first || second.Err() != nil || first.Err() == nil {
		t.Errorf("first connection %v, second %v", first.Err(), second.Err())
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
}

func TestRealRestart(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	ctx, cancel := context.WithCancel(t.Context())
	connections := make(chan *Conn)
	ended := make(chan error)
	go func() {
		ended <- Run(ctx, s.OpenFlow("br-int"), Config{}, func(ctx context.Context, c *Conn) error {
			connections <- c
			<-ctx.Done()
			return nil
		})
	}()
	c := <-connections
	apply(t, c, "add table=1,priority=1,actions=drop")
	s.StopVswitchd(true)
	<-c.Done()
	s.StartVswitchd()
	holds(t, <-connections)
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
}
