package fqdn

import (
	"encoding/binary"
	"time"
)

// Bounds of what is kept of connections by TCP: a message has 64 kB at most.
const (
	maxStreams = 256
	maxGaps    = 5 // segments before their turn, until what is missing is taken for gone
	streamIdle = 30 * time.Second
)

// streams put the messages together that come by TCP, each behind two bytes with its length.
type streams map[connection]*stream

// stream is a connection whose next byte is known.
type stream struct {
	next    uint32
	pending []byte // from the begin of a message on
	gaps    int
	seen    time.Time
}

// take takes a segment. It returns the messages that are whole now; release says whether the segment may go on: one that comes before
// its turn may not, or the Pod would have the message first. It will come again.
func (s streams) take(now time.Time, g segment) (messages [][]byte, release bool) {
	if g.start || g.end && len(g.payload) == 0 {
		delete(s, g.connection)
		if g.start {
			s.open(now, g.connection, g.sequence+1)
		}
		return nil, true
	}
	if len(g.payload) == 0 {
		return nil, true
	}
	of, ok := s[g.connection]
	if !ok { // older than the agent: most answers begin with a segment
		of = s.open(now, g.connection, g.sequence)
	}
	of.seen = now
	ahead := int32(g.sequence - of.next) //nolint:gosec // numbers go round
	switch {
	case ahead > 0 && of.gaps < maxGaps:
		of.gaps++
		return nil, false
	case ahead > 0: // the Pod has got what is missing while nobody was heard
		of = s.open(now, g.connection, g.sequence)
		ahead = 0
	case int(-ahead) >= len(g.payload):
		return nil, true // it was here before
	}
	fresh := g.payload[-ahead:]
	of.gaps = 0
	of.next += uint32(len(fresh))
	of.pending = append(of.pending, fresh...)
	messages = of.cut()
	if g.end {
		delete(s, g.connection)
	}
	return messages, true
}

// cut takes whole messages off the front.
func (of *stream) cut() (messages [][]byte) {
	for len(of.pending) >= 2 {
		end := 2 + int(binary.BigEndian.Uint16(of.pending))
		if len(of.pending) < end {
			break
		}
		messages = append(messages, of.pending[2:end])
		of.pending = of.pending[end:]
	}
	of.pending = append([]byte(nil), of.pending...)
	return messages
}

// open begins a stream, and forgets those that are idle, or the idlest if there are too many.
func (s streams) open(now time.Time, c connection, next uint32) *stream {
	if len(s) >= maxStreams {
		var idlest connection
		for c, of := range s {
			if now.Sub(of.seen) > streamIdle {
				delete(s, c)
			} else if was, ok := s[idlest]; !ok || of.seen.Before(was.seen) {
				idlest = c
			}
		}
		if len(s) >= maxStreams {
			delete(s, idlest)
		}
	}
	of := &stream{next: next, seen: now}
	s[c] = of
	return of
}
