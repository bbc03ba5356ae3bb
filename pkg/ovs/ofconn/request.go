package ofconn

import (
	"context"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// request collects the replies to one or more messages.
type request struct {
	replies  []message
	arrived  chan struct{} // has something if replies may have
	waiting  int           // how many wait for a reply to this one
	ended    bool
	standing bool // there is no last reply
}

// arrive adds a reply. The caller holds the connection's lock.
func (r *request) arrive(m message) {
	r.replies = append(r.replies, m)
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

// begin sends a request whose replies are collected until end.
func (c *Conn) begin(ctx context.Context, m openflow.Message) (xid uint32, req *request, err error) {
	xid = c.xid()
	b, err := c.encode(make([]byte, 0, 256), xid, m)
	if err != nil {
		return 0, nil, err
	}
	req = c.expect(xid)
	if err := c.send(ctx, b); err != nil {
		c.end(req, xid)
		return 0, nil, err
	}
	return xid, req, nil
}

// expect collects the replies to messages.
func (c *Conn) expect(xids ...uint32) *request {
	req := &request{arrived: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, xid := range xids {
		c.requests[xid] = req
	}
	return req
}

func (c *Conn) end(req *request, xids ...uint32) {
	c.mu.Lock()
	req.ended = true
	for _, xid := range xids {
		delete(c.requests, xid)
	}
	c.mu.Unlock()
	c.goOn()
}

// next waits for one reply. Its bytes are to be given back with dealtWith.
func (c *Conn) next(ctx context.Context, req *request) (message, error) {
	if m, ok := c.take(req); ok {
		return m, nil
	}
	defer c.needReader(req)()
	for {
		if m, ok := c.take(req); ok {
			return m, nil
		}
		if err := c.wait(ctx, req.arrived); err != nil {
			if m, ok := c.take(req); ok && c.Err() != nil {
				return m, nil // what came before the end still counts
			}
			return message{}, err
		}
	}
}

func (c *Conn) take(req *request) (message, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(req.replies) == 0 {
		return message{}, false
	}
	m := req.replies[0]
	req.replies = req.replies[1:]
	if len(req.replies) == patience-1 {
		c.goOn()
	}
	return m, true
}

// dealtWith is for a message that nothing points into any more.
func (c *Conn) dealtWith(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release(m.bytes)
}

// reply waits for one reply and reads it. An error that the switch sends is returned as such.
func (c *Conn) reply(ctx context.Context, req *request) (openflow.Message, error) {
	m, err := c.next(ctx, req)
	if err != nil {
		return nil, err
	}
	defer c.dealtWith(m)
	decoded := m.decode()
	if e, ok := decoded.(*openflow.Error); ok {
		return nil, e
	}
	return decoded, nil
}
