package ofconn

import (
	"context"
	"fmt"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// pendingLimit is how many bytes wait to be sent before senders wait.
const pendingLimit = 1 << 20

// write sends what is pending, and asks for a sign of life when there is none.
func (c *Conn) write() error {
	tick := time.NewTicker(c.echo)
	defer tick.Stop()
	var sent []byte // the buffer that pending does not use
	for {
		select {
		case <-c.done:
			return c.err
		case <-tick.C:
			silence := time.Since(time.Unix(0, c.heard.Load()))
			if silence > silencesAllowed*c.echo {
				return fmt.Errorf("switch silent for %s", silence.Round(time.Millisecond))
			}
			if silence < c.echo/2 {
				continue
			}
			if err := c.ping(); err != nil {
				return err
			}
		case <-c.wake:
		}
		c.mu.Lock()
		batch := c.pending
		c.pending = sent[:0]
		close(c.drained)
		c.drained = make(chan struct{})
		c.mu.Unlock()
		if len(batch) > 0 {
			// A switch that hangs does not read either, and nobody looks at the clock during a write.
			_ = c.nc.SetWriteDeadline(time.Now().Add(silencesAllowed * c.echo))
			if _, err := c.nc.Write(batch); err != nil {
				return fmt.Errorf("write to switch: %w", err)
			}
		}
		if sent = batch; cap(sent) > 2*pendingLimit {
			sent = nil
		}
	}
}

func (c *Conn) ping() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := c.encode(c.pending, c.xid(), openflow.Echo{})
	if err == nil {
		c.pending = b
	}
	return err
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send hands whole messages to the writer. It waits while much is pending.
func (c *Conn) send(ctx context.Context, b []byte) error {
	for {
		select {
		case <-c.done:
			return c.err
		default:
		}
		c.mu.Lock()
		if len(c.pending) < pendingLimit {
			c.pending = append(c.pending, b...)
			c.mu.Unlock()
			c.signal()
			return nil
		}
		drained := c.drained
		c.mu.Unlock()
		done := c.needReader(nil)
		err := c.wait(ctx, drained)
		done()
		if err != nil {
			return err
		}
	}
}

// wait returns when ready is closed or has something.
func (c *Conn) wait(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
