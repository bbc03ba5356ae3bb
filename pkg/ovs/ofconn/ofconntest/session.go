package ofconntest

import (
	"bufio"
	"fmt"
	"io"
	"net"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// session is one connection.
type session struct {
	*Switch
	nc      net.Conn
	bundles map[uint32]*bundle
	monitor *openflow.FlowMonitor
	out     []byte        // to be sent
	wake    chan struct{} // has something if out may have
}

func newSession(s *Switch, nc net.Conn) *session {
	return &session{Switch: s, nc: nc, bundles: make(map[uint32]*bundle), wake: make(chan struct{}, 1)}
}

// serve takes messages until the connection ends, and writes in a goroutine of its own: a test may ask without listening.
func (c *session) serve() {
	ended, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		c.write(ended)
	}()
	c.locked(func() { c.send(0, openflow.Hello{Versions: []uint8{1, openflow.Version15}}) })
	r := bufio.NewReader(c.nc)
	for {
		raw, err := readRaw(r)
		if err != nil {
			break
		}
		c.locked(func() {
			if !c.silent {
				c.handle(raw)
			}
		})
	}
	_ = c.nc.Close()
	close(ended)
	<-written
	c.locked(func() { delete(c.sessions, c) })
}

func (c *session) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func (c *session) write(ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		case <-c.wake:
		}
		var b []byte
		c.locked(func() { b, c.out = c.out, nil })
		if _, err := c.nc.Write(b); err != nil {
			return
		}
	}
}

func readRaw(r io.Reader) ([]byte, error) {
	raw := make([]byte, openflow.HeaderLen)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	h, err := openflow.DecodeHeader(raw)
	if err != nil {
		return nil, err
	}
	raw = append(raw, make([]byte, int(h.Length)-len(raw))...)
	_, err = io.ReadFull(r, raw[openflow.HeaderLen:])
	return raw, err
}

// send queues a message. The caller holds the switch's lock.
func (c *session) send(xid uint32, m openflow.Message) {
	b, err := openflow.AppendMessage(c.out, xid, m)
	if err != nil {
		panic(fmt.Sprintf("ofconntest: %v", err))
	}
	c.out = b
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// errorData is how much of a refused message an error has.
const errorData = 64

func (c *session) refuse(xid uint32, raw []byte, err *openflow.Error) {
	e := *err
	e.Data = raw[:min(len(raw), errorData)]
	c.send(xid, &e)
}

var (
	errBadType  = &openflow.Error{Type: openflow.ErrorBadRequest, Code: 1}
	errBadMatch = &openflow.Error{Type: openflow.ErrorBadMatch, Code: 1}
)

// handle answers one message. The caller holds the switch's lock.
func (c *session) handle(raw []byte) {
	h, m, err := openflow.Decode(raw)
	if err != nil {
		c.refuse(h.Xid, raw, errBadMatch)
		return
	}
	switch m := m.(type) {
	case openflow.Hello:
	case openflow.Echo:
		if !m.Reply {
			c.send(h.Xid, openflow.Echo{Reply: true, Data: m.Data})
		}
	case openflow.Empty:
		switch h.Type {
		case openflow.TypeBarrierRequest:
			c.send(h.Xid, openflow.Empty(openflow.TypeBarrierReply))
		case openflow.TypeFeaturesRequest:
			c.send(h.Xid, openflow.Features{DatapathID: 1, Tables: 254})
		}
	case openflow.FlowMod:
		c.change(h.Xid, raw, m)
	case openflow.GroupMod:
		c.change(h.Xid, raw, m)
	case openflow.MeterMod:
		if err := c.state.applyMeter(m); err != nil {
			c.refuse(h.Xid, raw, err)
		}
	case openflow.BundleControl:
		c.control(h.Xid, raw, m)
	case openflow.BundleAdd:
		c.add(h.Xid, raw, m)
	case openflow.Multipart:
		c.dump(h.Xid, raw, m)
	default:
		c.refuse(h.Xid, raw, errBadType)
	}
}

func (c *session) change(xid uint32, raw []byte, mod openflow.Mod) {
	if err := check(mod); err != nil {
		c.refuse(xid, raw, err)
		return
	}
	defer c.watch(c, xid)()
	if _, err := c.state.applyAll([]openflow.Mod{mod}); err != nil {
		c.refuse(xid, raw, err)
		return
	}
	c.changes++
}
