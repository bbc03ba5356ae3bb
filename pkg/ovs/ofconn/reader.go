package ofconn

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// message is one as it came, header included.
type message struct {
	header openflow.Header
	bytes  []byte
}

// decode never fails: the boundaries of messages are known, so one that cannot be read does not cost the connection.
func (m message) decode() openflow.Message {
	if _, decoded, err := openflow.Decode(m.bytes); err == nil {
		return decoded
	}
	return openflow.Raw{Type: m.header.Type, Body: append([]byte(nil), m.bytes[openflow.HeaderLen:]...)}
}

// isMultipart is true of replies with a body of any length, whose number is another one in OpenFlow 1.0.
func (m message) isMultipart() bool {
	const in10 = 17
	return m.header.Type == openflow.TypeMultipartReply || m.header.Type == in10 && m.header.Version == openflow.Version10
}

func peekHeader(r *bufio.Reader) (openflow.Header, error) {
	b, err := r.Peek(openflow.HeaderLen)
	if err != nil {
		return openflow.Header{}, err
	}
	return openflow.DecodeHeader(b)
}

// read takes messages until the connection ends. It waits for nobody who may be waiting for it: the switch stops reading
// while its replies are not taken.
func (c *Conn) read(r *bufio.Reader) error {
	for {
		h, err := peekHeader(r)
		if err != nil {
			return fmt.Errorf("read from switch: %w", err)
		}
		b := c.buffer(int(h.Length))
		if _, err := io.ReadFull(r, b); err != nil {
			return fmt.Errorf("read from switch: %w", err)
		}
		c.heard.Store(time.Now().UnixNano())
		if req := c.dispatch(message{h, b}); req != nil {
			c.holdBack(req)
		}
	}
}

// dispatch gives a message to whom it is for, and returns that one.
func (c *Conn) dispatch(m message) *request {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.header.Type == openflow.TypeEchoRequest {
		c.pending = append(c.pending, m.bytes...)
		c.pending[len(c.pending)-len(m.bytes)+1] = byte(openflow.TypeEchoReply)
		c.release(m.bytes)
		c.signal()
		return nil
	}
	if m.header.Type == openflow.TypeError && m.header.Xid&bundleXid != 0 {
		if e, ok := m.decode().(*openflow.Error); ok && c.bundle != nil {
			c.bundle.refuse(m.header.Xid, e)
		}
		c.release(m.bytes)
		return nil
	}
	if req, ok := c.requests[m.header.Xid]; ok {
		req.arrive(m)
		return req
	}
	if m.header.Type == openflow.TypeMultipartReply && m.header.Xid == 0 && c.monitor != nil {
		c.monitor.arrive(m)
		return c.monitor
	}
	if !isReply(m.header) {
		c.events.add(m)
	}
	c.release(m.bytes)
	return nil
}

// isReply is true of what can only come for a request: one that nobody waits for any more.
func isReply(h openflow.Header) bool {
	switch h.Type {
	case openflow.TypeEchoReply, openflow.TypeFeaturesReply, openflow.TypeGetConfigReply, openflow.TypeMultipartReply,
		openflow.TypeBarrierReply, openflow.TypeRoleReply, openflow.TypeGetAsyncReply, openflow.TypeBundleControl:
		return true
	}
	return false
}

// patience is how many replies to one request may wait before the reader waits as well.
const patience = 16

// holdBack waits while the caller has enough to do with the replies it has, so that a dump never lies in memory as a whole.
// It does not if anybody else needs the reader to go on, and takes one message an interval in any case, to hear echo requests.
func (c *Conn) holdBack(req *request) {
	var pause *time.Timer
	for {
		c.mu.Lock()
		enough := len(req.replies) >= patience && !req.ended && c.waiting == req.waiting
		c.mu.Unlock()
		if !enough {
			return
		}
		if pause == nil {
			pause = time.NewTimer(c.echo)
			defer pause.Stop()
		}
		select {
		case <-c.resume:
		case <-c.done:
			return
		case <-pause.C:
			return
		}
	}
}

// needReader makes the reader go on, whatever has come so far, until the result is called. If it is replies to req that are
// waited for, it does so only until there are enough of them; if there is no end to them, it need not.
func (c *Conn) needReader(req *request) (done func()) {
	if req != nil && req.standing {
		return func() {}
	}
	count := func(n int) {
		c.mu.Lock()
		c.waiting += n
		if req != nil {
			req.waiting += n
		}
		c.mu.Unlock()
	}
	count(1)
	c.goOn()
	return func() { count(-1) }
}

// goOn tells the reader to look again whether it should wait.
func (c *Conn) goOn() {
	select {
	case c.resume <- struct{}{}:
	default:
	}
}

// Messages of a dump are as long as they can be, and their buffers are used again and again.
const (
	largeBuffer = 1 << 16
	smallBuffer = 1 << 10
)

// buffer has space for one message.
func (c *Conn) buffer(n int) []byte {
	if n <= smallBuffer {
		return make([]byte, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.free) - 1; last >= 0 {
		b := c.free[last]
		c.free = c.free[:last]
		return b[:n]
	}
	return make([]byte, n, largeBuffer)
}

// release gives a buffer back that nothing points into. The caller holds the lock.
func (c *Conn) release(b []byte) {
	if cap(b) == largeBuffer && len(c.free) < patience {
		c.free = append(c.free, b)
	}
}
