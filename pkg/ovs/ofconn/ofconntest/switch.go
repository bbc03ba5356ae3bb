// Package ofconntest is a fake switch: it keeps flows, groups and meters in memory, speaks OpenFlow 1.5 over a Unix socket and
// refuses what Open vSwitch refuses.
//
// Start at [New]. Tests look at what the switch holds, with [Switch.Flows] or by printing it, and not at who sent what. The
// suite of package ofconn runs against it and against ovs-vswitchd alike, so what it checks is true of both.
//
//   - switch.go: the switch and what tests do to it
//   - session.go: a connection; bundle.go, dump.go: what is asked over it
//   - monitor.go: who hears of changes of flows
//   - state.go: flows, groups and meters, and what changes do to them
package ofconntest

import (
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

	mu        sync.Mutex
	state     state
	changes   int
	ports     []openflow.PortDesc
	silent    bool
	listeners []net.Listener
	sessions  map[*session]struct{}
	running   sync.WaitGroup
}

// New starts a switch that ends with the test.
func New(t testing.TB) *Switch {
	t.Helper()
	dir, err := os.MkdirTemp("", "of") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	s, err := Listen(filepath.Join(dir, "switch"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(dir)
	})
	return s
}

// Listen starts a switch at a socket, where there is no test that it could end with: call Stop.
func Listen(path string) (*Switch, error) {
	s := &Switch{path: path, sessions: make(map[*session]struct{})}
	s.state.groups = make(map[uint32]openflow.Group)
	s.state.flows = make(map[openflow.FlowKey]openflow.Flow)
	s.state.meters = make(map[uint32]openflow.Meter)
	return s, s.Start()
}

// Addr is where to connect to.
func (s *Switch) Addr() string { return "unix:" + s.path }

// Start makes the switch reachable again after Stop.
func (s *Switch) Start() error {
	listener, err := net.Listen("unix", s.path)
	if err != nil {
		return err
	}
	s.Serve(listener)
	return nil
}

// Serve takes connections from a listener as well, until Stop.
func (s *Switch) Serve(listener net.Listener) {
	s.mu.Lock()
	s.listeners = append(s.listeners, listener)
	s.mu.Unlock()
	s.running.Go(func() {
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			c := newSession(s, nc)
			s.mu.Lock()
			s.sessions[c] = struct{}{}
			s.mu.Unlock()
			s.running.Go(c.serve)
		}
	})
}

// Stop ends all connections and takes no new ones. The switch keeps what it holds, as Open vSwitch does not: see Clear.
func (s *Switch) Stop() {
	s.mu.Lock()
	for _, listener := range s.listeners {
		_ = listener.Close()
	}
	s.listeners = nil
	for c := range s.sessions {
		_ = c.nc.Close()
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
	clear(s.state.meters)
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
	defer s.watch(nil, 0)()
	if _, err := s.state.applyAll(mods); err != nil {
		return err
	}
	return nil
}

// Notify sends a message that nobody has asked for to all who are connected.
func (s *Switch) Notify(m openflow.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		c.send(0, m)
	}
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
