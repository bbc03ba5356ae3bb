package ofconntest

import "github.com/antrea-mc/antrea-mc/pkg/openflow"

// bundle is a bundle that is open.
type bundle struct {
	flags  openflow.BundleFlags
	mods   []openflow.Mod
	raw    [][]byte // the messages, for errors
	xids   []uint32
	closed bool
}

var (
	errBundleExists = &openflow.Error{Type: openflow.ErrorBundleFailed, Code: 3}
	errBundleClosed = &openflow.Error{Type: openflow.ErrorBundleFailed, Code: 4}
)

func (c *session) control(xid uint32, raw []byte, m openflow.BundleControl) {
	b, ok := c.bundles[m.ID]
	switch {
	case m.Type == openflow.BundleOpen && ok:
		delete(c.bundles, m.ID)
		c.refuse(xid, raw, errBundleExists)
		return
	case m.Type == openflow.BundleOpen:
		c.bundles[m.ID] = &bundle{flags: m.Flags}
	case !ok:
		c.refuse(xid, raw, openflow.ErrBundleBadID)
		return
	case m.Type != openflow.BundleDiscard && b.flags != m.Flags:
		delete(c.bundles, m.ID)
		c.refuse(xid, raw, openflow.ErrBundleBadFlags)
		return
	case m.Type == openflow.BundleClose && b.closed:
		delete(c.bundles, m.ID)
		c.refuse(xid, raw, errBundleClosed)
		return
	case m.Type == openflow.BundleClose:
		b.closed = true
	case m.Type == openflow.BundleCommit:
		delete(c.bundles, m.ID)
		defer c.watch(c, xid)()
		if i, err := c.state.applyAll(b.mods); err != nil {
			c.refuse(b.xids[i], b.raw[i], err)
			c.refuse(xid, raw, openflow.ErrBundleMsgFailed)
			return
		}
		c.changes += len(b.mods)
	case m.Type == openflow.BundleDiscard:
		delete(c.bundles, m.ID)
	}
	c.send(xid, openflow.BundleControl{ID: m.ID, Type: m.Type + 1, Flags: m.Flags})
}

func (c *session) add(xid uint32, raw []byte, m openflow.BundleAdd) {
	b, ok := c.bundles[m.ID]
	if !ok {
		b = &bundle{flags: m.Flags}
		c.bundles[m.ID] = b
	}
	if b.flags != m.Flags {
		delete(c.bundles, m.ID)
		c.refuse(xid, raw, openflow.ErrBundleBadFlags)
		return
	}
	if err := check(m.Mod); err != nil {
		c.refuse(xid, raw, err)
		return
	}
	b.mods, b.raw, b.xids = append(b.mods, m.Mod), append(b.raw, raw), append(b.xids, m.Xid)
}
