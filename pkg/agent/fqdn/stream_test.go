package fqdn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

var begin = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func framed(messages ...[]byte) (stream []byte) {
	for _, m := range messages {
		stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(m))), m...)
	}
	return stream
}

func connectionTo(port uint16) connection {
	return connection{netip.MustParseAddrPort("10.0.0.53:53"), netip.AddrPortFrom(netip.MustParseAddr("10.1.0.10"), port)}
}

// Whatever segments messages come in, repeated or too early, they are put together, and none may go on to the Pod before what
// precedes it was heard.
func TestStreams(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		var want [][]byte
		for range 1 + r.IntN(4) {
			want = append(want, bytes.Repeat([]byte{byte(r.Uint32())}, r.IntN(3000)))
		}
		all := framed(want...)
		first := r.Uint32() // which may go round
		s, c := make(streams), connectionTo(40000)
		if _, release := s.take(begin, segment{connection: c, sequence: first - 1, start: true}); !release {
			t.Fatal("the begin of a connection is held back")
		}
		var got [][]byte
		sent := 0 // that the Pod has
		for sent < len(all) {
			at := max(0, sent-r.IntN(2)*r.IntN(100)) + r.IntN(2)*r.IntN(50)
			if at >= len(all) {
				continue
			}
			end := min(len(all), at+1+r.IntN(1460))
			messages, release := s.take(begin, segment{connection: c, sequence: first + uint32(at), payload: all[at:end]})
			got = append(got, messages...)
			switch {
			case release && at > sent:
				t.Fatalf("seed %d: bytes from %d on may go on before those from %d on", seed, at, sent)
			case release:
				sent = max(sent, end)
			}
			if at > sent { // the server sends again what was not heard
				s[c].gaps = 0
			}
		}
		if fmt.Sprintf("%x", got) != fmt.Sprintf("%x", want) {
			t.Fatalf("seed %d: %d messages, want %d", seed, len(got), len(want))
		}
		if len(s[c].pending) != 0 {
			t.Errorf("seed %d: %d bytes left over", seed, len(s[c].pending))
		}
	}
}

func TestStreamsOlderThanTheAgent(t *testing.T) {
	s, m := make(streams), []byte("message")
	got, release := s.take(begin, segment{connection: connectionTo(1), sequence: 1000, payload: framed(m)})
	if len(got) != 1 || !bytes.Equal(got[0], m) || !release {
		t.Errorf("got %q, %t", got, release)
	}
	// What the Pod has got while nobody listened does not come again: the connection goes on all the same.
	for i := range maxGaps {
		if _, release := s.take(begin, segment{connection: connectionTo(1), sequence: 5000, payload: framed(m)}); release {
			t.Fatalf("segment %d before its turn may go on", i)
		}
	}
	if got, release = s.take(begin, segment{connection: connectionTo(1), sequence: 5000, payload: framed(m)}); len(got) != 1 || !release {
		t.Errorf("a connection is held back for ever: %q, %t", got, release)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s := make(streams)
	for port := range uint16(3 * maxStreams) {
		now := begin.Add(time.Duration(port) * time.Millisecond)
		s.take(now, segment{connection: connectionTo(port), sequence: 1, payload: []byte{0xff, 0xff, 1}})
	}
	if len(s) != maxStreams || s[connectionTo(3*maxStreams-1)] == nil || s[connectionTo(0)] != nil {
		t.Errorf("%d connections are kept, of %d the newest", len(s), maxStreams)
	}
	s.take(begin.Add(time.Minute), segment{connection: connectionTo(1), sequence: 1, payload: []byte{0xff}})
	if len(s) != 1 {
		t.Errorf("%d idle connections are kept", len(s)-1)
	}
	s.take(begin, segment{connection: connectionTo(1), end: true})
	if len(s) != 0 {
		t.Error("a connection that has ended is kept")
	}
}
