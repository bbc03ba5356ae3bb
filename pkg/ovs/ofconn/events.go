package ofconn

import (
	"context"
	"iter"
	"sync"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Event is a message that the switch sent unasked: a packet-in, a change of a port, a flow that is gone.
type Event struct {
	openflow.Header
	openflow.Message
	// Lost is how many events between the last one and this one were dropped, because too many waited to be taken.
	Lost int
}

// events wait here to be taken.
type events struct {
	mu      sync.Mutex
	waiting []waitingEvent
	size    int           // bytes in waiting
	lost    int           // since the last one that was kept
	arrived chan struct{} // has something if waiting may have
}

type waitingEvent struct {
	message
	lost int // before it
}

// eventLimit is how many bytes of events may wait.
const eventLimit = 1 << 20

// add copies a message. It never waits.
func (e *events) add(m message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.size+len(m.bytes) > eventLimit {
		e.lost++
		return
	}
	m.bytes = append([]byte(nil), m.bytes...)
	e.waiting, e.size = append(e.waiting, waitingEvent{m, e.lost}), e.size+len(m.bytes)
	e.lost = 0
	select {
	case e.arrived <- struct{}{}:
	default:
	}
}

func (e *events) take() (m waitingEvent, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) == 0 {
		return m, false
	}
	m = e.waiting[0]
	e.waiting, e.size = e.waiting[1:], e.size-len(m.bytes)
	return m, true
}

// Events goes over what the switch says unasked, from the begin of the connection on, and waits for more. It ends with an
// error, when the connection or ctx has ended. While nobody takes them, events wait up to a limit, and those beyond it are
// dropped and counted; nothing else on the connection waits for who takes them. Each event comes once: take them in one place.
func (c *Conn) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			m, ok := c.events.take()
			if !ok {
				err := c.wait(ctx, c.events.arrived)
				if m, ok = c.events.take(); !ok && err != nil {
					yield(Event{}, err)
					return
				}
			}
			if ok && !yield(Event{Header: m.header, Message: m.decode(), Lost: m.lost}, nil) {
				return
			}
		}
	}
}
