package probe

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"
)

func TestWindow(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var w window
	if got := w.roundTrip(at(0)); got != (roundTrip{}) {
		t.Errorf("nothing asked: %+v", got)
	}
	mine, forged := [8]byte{1}, [8]byte{2}
	first := w.next(mine, at(0))
	second := w.next(mine, at(100))
	w.answer(first, mine, at(4))
	w.answer(first, mine, at(50))     // once more
	w.answer(second, forged, at(101)) // by somebody who was not asked
	w.answer(second+1, mine, at(102)) // to what was not asked
	if got, want := w.roundTrip(at(200)), (roundTrip{average: 4 * time.Millisecond, last: at(4), requests: 1}); got != want {
		t.Errorf("one answered, one on the way: %+v, want %+v", got, want)
	}
	if got, want := w.roundTrip(at(1200)), (roundTrip{average: 4 * time.Millisecond, last: at(4), requests: 2, lost: 1}); got != want {
		t.Errorf("one answered, one lost: %+v, want %+v", got, want)
	}
	w.answer(second, mine, at(1300)) // too late
	if got := w.roundTrip(at(1400)); got.lost != 1 {
		t.Errorf("late is lost: %+v", got)
	}
	for i := range windowSize {
		w.answer(w.next(mine, at(2000+10*i)), mine, at(2000+10*i+2))
	}
	if got, want := w.roundTrip(at(3000)), (roundTrip{average: 2 * time.Millisecond, last: at(2192), requests: windowSize}); got != want {
		t.Errorf("what is long ago is forgotten: %+v, want %+v", got, want)
	}
}

// This machine answers, an address that nobody has does not.
func TestRealEchoes(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for a raw socket")
	}
	here, nobody := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("240.0.0.1")
	var e echoes
	e.follow([]Peer{{Address: here, Gateway: true}, {Address: nobody, Gateway: true}, {Address: netip.MustParseAddr("127.0.0.2")}}, 0)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- e.run(ctx) }()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		a, b := e.of(here, time.Now()), e.of(nobody, time.Now())
		if a.average > 0 && !a.last.IsZero() && b.lost > 0 {
			if b.average != 0 {
				t.Errorf("nobody answered in %s", b.average)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatalf("this machine: %+v, nobody: %+v", a, b)
		}
	}
	if got := e.of(netip.MustParseAddr("127.0.0.2"), time.Now()); got != (roundTrip{}) {
		t.Errorf("who is no gateway is asked too: %+v", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
