package ofconn

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// BundleError says which change of a bundle the switch refused. Nothing of the bundle is in effect.
type BundleError struct {
	Index int    // in the order of the changes
	Text  string // the change as ovs-ofctl spells it
	Err   error  // the switch's own type and code
}

// Error implements error.
func (e *BundleError) Error() string {
	return fmt.Sprintf("bundle: change %d, %s: %v", e.Index, e.Text, e.Err)
}

// Unwrap is the switch's own error.
func (e *BundleError) Unwrap() error { return e.Err }

// bundle is the one that is being sent.
type bundle struct {
	first   uint32        // xid of the first change
	refused chan struct{} // closed when index and err are set
	index   int
	err     *openflow.Error
}

// refuse keeps the first error. The caller holds the connection's lock.
func (b *bundle) refuse(xid uint32, err *openflow.Error) {
	index := (xid - b.first) &^ bundleXid
	if index >= bundleXid/2 || b.err != nil {
		return // of an earlier bundle, whose caller did not wait for the end
	}
	b.index, b.err = int(index), err
	close(b.refused)
}

const bundleFlags = openflow.BundleAtomic | openflow.BundleOrdered

// discardTimeout is how long a bundle that failed may take to go away.
const discardTimeout = time.Second

// Bundle makes all changes at once and in order, or none of them. It goes over mods as it sends, and if the switch refuses
// one of them a second time, to say in the *[BundleError] which; so mods must give the same again. Any other error means
// that it is not known whether the changes are in effect.
func (c *Conn) Bundle(ctx context.Context, mods iter.Seq[openflow.Mod]) error {
	select {
	case c.bundles <- struct{}{}:
	case <-c.done:
		return fmt.Errorf("bundle: %w", c.err)
	case <-ctx.Done():
		return fmt.Errorf("bundle: %w", ctx.Err())
	}
	defer func() { <-c.bundles }()

	// The connection's own bundles end before the next begins, so one id does for all.
	const id = 1
	b := &bundle{first: c.nextChange | bundleXid, refused: make(chan struct{})}
	c.mu.Lock()
	c.bundle = b
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.bundle = nil
		c.mu.Unlock()
	}()
	n, err := c.stream(ctx, id, b, mods)
	c.nextChange += uint32(n)
	if n == 0 && err == nil {
		return nil
	}
	if err == nil {
		err = ctx.Err() // the last chance to give up for certain
	}
	if index, refusal := c.refusal(b); refusal != nil {
		c.discard(ctx, id)
		return &BundleError{Index: index, Text: textOf(mods, index), Err: refusal}
	}
	if err != nil {
		c.discard(ctx, id)
		return fmt.Errorf("bundle: %w", err)
	}
	if err := c.control(ctx, id, openflow.BundleCommit); err != nil {
		if index, refusal := c.refusal(b); refusal != nil && errors.Is(err, openflow.ErrBundleMsgFailed) {
			return &BundleError{Index: index, Text: textOf(mods, index), Err: refusal}
		}
		return fmt.Errorf("bundle: commit: %w", err)
	}
	return nil
}

// batch is how many bytes of changes go to the writer at once.
const batch = 32 << 10

// stream opens the bundle, sends the changes, closes it and waits until the switch has taken all of that; with no changes it
// sends nothing. Errors of the changes come before the answer to the closing, and only a bundle without any is committed: the
// switch would commit the rest of one.
func (c *Conn) stream(ctx context.Context, id uint32, b *bundle, mods iter.Seq[openflow.Mod]) (n int, err error) {
	opening := c.xid()
	opened := c.expect(opening)
	defer c.end(opened, opening)
	space, err := c.encode(nil, opening, openflow.BundleControl{ID: id, Type: openflow.BundleOpen, Flags: bundleFlags})
	if err != nil {
		return 1, err
	}
	add := openflow.BundleAdd{ID: id, Flags: bundleFlags}
	for mod := range mods {
		add.Xid, add.Mod = (b.first+uint32(n))|bundleXid, mod
		n++
		if space, err = c.encode(space, add.Xid, &add); err != nil {
			return n, fmt.Errorf("change %d, %s: %w", n-1, mod, err)
		}
		if len(space) < batch {
			continue
		}
		select {
		case <-b.refused:
			return n, nil
		default:
		}
		if err := c.send(ctx, space); err != nil {
			return n, err
		}
		space = space[:0]
	}
	if n == 0 {
		return 0, nil
	}
	closing := c.xid()
	last := openflow.BundleControl{ID: id, Type: openflow.BundleClose, Flags: bundleFlags}
	if space, err = c.encode(space, closing, last); err != nil {
		return n, err
	}
	closed := c.expect(closing)
	defer c.end(closed, closing)
	if err := c.send(ctx, space); err != nil {
		return n, err
	}
	if _, err := c.reply(ctx, opened); err != nil {
		return n, fmt.Errorf("open: %w", err)
	}
	if _, err := c.reply(ctx, closed); err != nil {
		return n, fmt.Errorf("close: %w", err)
	}
	return n, nil
}

func (c *Conn) control(ctx context.Context, id uint32, step openflow.BundleType) error {
	m, err := c.Call(ctx, openflow.BundleControl{ID: id, Type: step, Flags: bundleFlags})
	if err != nil {
		return err
	}
	if reply, ok := m.(openflow.BundleControl); !ok || reply.Type != step+1 {
		return fmt.Errorf("switch answered with %s", m.MessageType())
	}
	return nil
}

// discard gives up a bundle, whatever became of the caller's context: the id is needed again.
func (c *Conn) discard(ctx context.Context, id uint32) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	var refused *openflow.Error
	if err := c.control(ctx, id, openflow.BundleDiscard); err != nil && !errors.As(err, &refused) {
		c.fail(fmt.Errorf("discard bundle: %w", err))
	}
}

func (c *Conn) refusal(b *bundle) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b.err == nil {
		return 0, nil
	}
	return b.index, b.err
}

// textOf goes over the changes again for the text of one.
func textOf(mods iter.Seq[openflow.Mod], index int) string {
	i := 0
	for mod := range mods {
		if i == index {
			return mod.String()
		}
		i++
	}
	return "unknown change"
}
