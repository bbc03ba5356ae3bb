package ofconn

import (
	"context"
	"errors"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn/ofconntest"
)

func dialFake(t *testing.T) (*ofconntest.Switch, *Conn) {
	t.Helper()
	s := ofconntest.New(t)
	c, err := Dial(t.Context(), s.Addr(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, c
}

// packet is a packet-in of n bytes; nothing reads more of it than its type.
func packet(n int) openflow.Message {
	return openflow.Raw{Type: openflow.TypePacketIn, Body: make([]byte, n)}
}

func TestEvents(t *testing.T) {
	s, c := dialFake(t)
	s.Notify(packet(1000))
	s.Notify(packet(2000))
	var lengths []uint16
	for e, err := range c.Events(t.Context()) {
		if err != nil || e.Type != openflow.TypePacketIn || e.Lost != 0 {
			t.Fatalf("event %+v: %v", e, err)
		}
		if lengths = append(lengths, e.Length); len(lengths) == 2 {
			break
		}
	}
	if lengths[0] != 1008 || lengths[1] != 2008 {
		t.Errorf("events of %d bytes", lengths)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(nil)
	for _, err := range c.Events(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	}
	s.Notify(packet(3000))
	if err := c.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Close()
	var last error
	n := 0
	for e, err := range c.Events(t.Context()) {
		if last = err; err == nil {
			n += int(e.Length)
		}
	}
	if n != 3008 || !errors.Is(last, ErrClosed) {
		t.Errorf("after the end: %d bytes of events, then %v", n, last)
	}
}

// Nobody takes events: those beyond the limit are dropped, and all else goes on.
func TestEventsNobodyTakes(t *testing.T) {
	s, c := dialFake(t)
	const length, sent = 50000, 100
	for range sent {
		s.Notify(packet(length))
	}
	if err := c.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Notify(packet(0))
	kept, lost := 0, 0
	for e, err := range c.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if lost += e.Lost; e.Length == openflow.HeaderLen {
			break
		}
		if e.Lost != 0 {
			t.Errorf("a loss is reported before event %d, though what was lost came later", kept)
		}
		kept++
	}
	if kept != eventLimit/(length+openflow.HeaderLen) || kept+lost != sent {
		t.Errorf("%d events kept, %d lost of %d", kept, lost, sent)
	}
}

// What still comes for a dump that was broken off is no event.
func TestBrokenDumpGivesNoEvents(t *testing.T) {
	s, c := dialFake(t)
	if err := c.Bundle(t.Context(), manyMods); err != nil {
		t.Fatal(err)
	}
	for range c.DumpFlows(t.Context(), openflow.AllFlows) {
		break
	}
	if err := c.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Notify(packet(0))
	if e := wantEvent(t, c, openflow.TypePacketIn); e.Lost != 0 {
		t.Errorf("%d events lost", e.Lost)
	}
}
