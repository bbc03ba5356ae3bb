// Package ofconntest is a fake switch: it keeps flows and groups in memory, speaks OpenFlow 1.5 over a Unix socket and
// refuses what Open vSwitch refuses.
//
// Start at [New]. Tests look at what the switch holds, with [Switch.Flows] or by printing it, and not at who sent what. The
// suite of package ofconn runs against it and against ovs-vswitchd alike, so what it checks is true of both.
//
//   - switch.go: the switch, its connections and what tests do to it
//   - state.go: flows and groups, and what changes do to them
package ofconntest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Switch is a fake switch with one bridge.
type Switch struct {
	path string

	mu       sync.Mutex
	state    state
	changes  int
	ports    []openflow.PortDesc
	silent   bool
	listener net.Listener
	conns    map[net.Conn]struct{}
	running  sync.WaitGroup
}

// New starts a switch that ends with the test.
func New(t testing.TB) *Switch {
	t.Helper()
	dir, err := os.MkdirTemp("", "of") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s := &Switch{path: filepath.Join(dir, "switch"), conns: make(map[net.Conn]struct{})}
	s.state.groups = make(map[uint32]openflow.Group)
	s.state.flows = make(map[openflow.FlowKey]openflow.Flow)
	t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(dir)
	})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// Addr is where to connect to.
func (s *Switch) Addr() string { return "unix:" + s.path }

// Start makes the switch reachable again after Stop.
func (s *Switch) Start() error {
	listener, err := net.Listen("unix", s.path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.listener = listener
	s.mu.Unlock()
	s.running.Go(func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[nc] = struct{}{}
			s.mu.Unlock()
			s.running.Go(func() { s.serve(nc) })
		}
	})
	return nil
}

// Stop ends all connections and takes no new ones. The switch keeps what it holds, as Open vSwitch does not: see Clear.
func (s *Switch) Stop() {
	s.mu.Lock()
	_ = s.listener.Close()
	for nc := range s.conns {
		_ = nc.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Clear empties the switch, as a restart does.
func (s *Switch) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.state.flows)
	clear(s.state.groups)
}

// Silence makes the switch take messages without answering any.
func (s *Switch) Silence(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = on
}

// Apply makes changes as if somebody else did.
func (s *Switch) Apply(mods ...openflow.Mod) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.state.applyAll(mods)
	return err
}

// SetPorts is what a dump of ports gives.
func (s *Switch) SetPorts(ports ...openflow.PortDesc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = ports
}

// Changes is how many changes have come over connections and were made.
func (s *Switch) Changes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes
}

// Flows is what the switch holds, in no order.
func (s *Switch) Flows() []openflow.Flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []openflow.Flow
	for _, f := range s.state.flows {
		all = append(all, f)
	}
	return all
}

// Groups is what the switch holds, by number.
func (s *Switch) Groups() []openflow.Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.sortedGroups()
}

// String is all flows and groups, one a line.
func (s *Switch) String() string {
	text := openflow.FormatFlows(s.Flows())
	for _, g := range s.Groups() {
		text += g.String() + "\n"
	}
	return text
}

// session is one connection.
type session struct {
	*Switch
	w       *bufio.Writer
	bundles map[uint32]*bundle
}

// bundle is a bundle that is open.
type bundle struct {
	flags  openflow.BundleFlags
	mods   []openflow.Mod
	raw    [][]byte // the messages, for errors
	xids   []uint32
	closed bool
}

func (s *Switch) serve(nc net.Conn) {
	defer func() {
		_ = nc.Close()
		s.mu.Lock()
		delete(s.conns, nc)
		s.mu.Unlock()
	}()
	r := bufio.NewReader(nc)
	c := &session{Switch: s, w: bufio.NewWriter(nc), bundles: make(map[uint32]*bundle)}
	c.send(0, openflow.Hello{Versions: []uint8{1, openflow.Version15}})
	for {
		if r.Buffered() == 0 && c.w.Flush() != nil {
			return
		}
		raw, err := readRaw(r)
		if err != nil {
			return
		}
		s.mu.Lock()
		if !s.silent {
			c.handle(raw)
		}
		s.mu.Unlock()
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

func (c *session) send(xid uint32, m openflow.Message) {
	b, err := openflow.AppendMessage(nil, xid, m)
	if err != nil {
		panic(fmt.Sprintf("ofconntest: %v", err))
	}
	_, _ = c.w.Write(b) // the next flush reports it
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
	if _, err := c.state.applyAll([]openflow.Mod{mod}); err != nil {
		c.refuse(xid, raw, err)
		return
	}
	c.changes++
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

// maxBody is how much of a dump goes into one message.
const maxBody = 60000

func (c *session) dump(xid uint32, raw []byte, m openflow.Multipart) {
	var items []func([]byte) ([]byte, error)
	switch m.Type {
	case openflow.MultipartFlowDesc:
		q, err := openflow.DecodeFlowQuery(m.Body)
		if err != nil {
			c.refuse(xid, raw, errBadMatch)
			return
		}
		for _, f := range c.state.flows {
			if q.Table != openflow.TableAll && q.Table != f.Table || (q.Cookie^f.Cookie)&q.CookieMask != 0 || !q.Match.Covers(f.Match) {
				continue
			}
			items = append(items, openflow.FlowStats{Flow: f}.AppendBinary)
		}
	case openflow.MultipartGroupDesc:
		for _, g := range c.state.sortedGroups() {
			items = append(items, g.AppendBinary)
		}
	case openflow.MultipartPortDesc:
		for _, p := range c.ports {
			items = append(items, p.AppendBinary)
		}
	default:
		c.refuse(xid, raw, openflow.ErrBadMultipart)
		return
	}
	var body []byte
	for _, item := range items {
		b, err := item(nil)
		if err != nil {
			panic(fmt.Sprintf("ofconntest: %v", err))
		}
		if len(body)+len(b) > maxBody {
			c.send(xid, openflow.Multipart{Reply: true, Type: m.Type, More: true, Body: body})
			body = nil
		}
		body = append(body, b...)
	}
	c.send(xid, openflow.Multipart{Reply: true, Type: m.Type, Body: body})
}
