package ofconn

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Call sends a request that has one reply and waits for it. An error that the switch sends comes as *[openflow.Error].
func (c *Conn) Call(ctx context.Context, m openflow.Message) (openflow.Message, error) {
	xid, req, err := c.begin(ctx, m)
	if err != nil {
		return nil, err
	}
	defer c.end(req, xid)
	return c.reply(ctx, req)
}

// RefusedError says which of several messages the switch refused.
type RefusedError struct {
	Index   int // in the order in which they were sent
	Message openflow.Message
	Err     error // the switch's own type and code
}

// Error implements error.
func (e *RefusedError) Error() string {
	if text, ok := e.Message.(fmt.Stringer); ok {
		return fmt.Sprintf("message %d, %s: %v", e.Index, text, e.Err)
	}
	return fmt.Sprintf("message %d, %s: %v", e.Index, e.Message.MessageType(), e.Err)
}

// Unwrap is the switch's own error.
func (e *RefusedError) Unwrap() error { return e.Err }

// Send sends messages that have no reply, each in effect by itself, and returns when the switch is done with all of them. Each
// that it refuses is a *[RefusedError] of the result.
func (c *Conn) Send(ctx context.Context, messages ...openflow.Message) error {
	xids := make([]uint32, 0, len(messages)+1)
	b := make([]byte, 0, 256)
	for i, m := range messages {
		xid := c.xid()
		var err error
		if b, err = c.encode(b, xid, m); err != nil {
			return fmt.Errorf("message %d: %w", i, err)
		}
		xids = append(xids, xid)
	}
	barrier := c.xid()
	b, err := c.encode(b, barrier, openflow.Empty(openflow.TypeBarrierRequest))
	if err != nil {
		return err
	}
	xids = append(xids, barrier)
	req := c.expect(xids...)
	defer c.end(req, xids...)
	if err := c.send(ctx, b); err != nil {
		return err
	}
	var refused []error
	for {
		reply, err := c.next(ctx, req)
		if err != nil {
			return err
		}
		m := reply.decode()
		c.dealtWith(reply)
		e, failed := m.(*openflow.Error)
		switch {
		case failed && reply.header.Xid == barrier:
			return fmt.Errorf("barrier: %w", e)
		case failed:
			i := slices.Index(xids, reply.header.Xid)
			refused = append(refused, &RefusedError{Index: i, Message: messages[i], Err: e})
		case m.MessageType() == openflow.TypeBarrierReply:
			return errors.Join(refused...)
		default:
			return fmt.Errorf("switch answered with %s", m.MessageType())
		}
	}
}

// Barrier returns when the switch has done everything that was sent before.
func (c *Conn) Barrier(ctx context.Context) error {
	if err := c.Send(ctx); err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	return nil
}

// Features asks the switch about itself.
func (c *Conn) Features(ctx context.Context) (openflow.Features, error) {
	m, err := c.Call(ctx, openflow.Empty(openflow.TypeFeaturesRequest))
	if err != nil {
		return openflow.Features{}, fmt.Errorf("features: %w", err)
	}
	f, ok := m.(openflow.Features)
	if !ok {
		return openflow.Features{}, fmt.Errorf("features: switch answered with %s", m.MessageType())
	}
	return f, nil
}
