package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
)

// attached remembers the records of Pods that the database has had, so that a port which somebody else deletes or changes can be
// made again. Only the CNI plugin changes records; meanwhile nothing is remembered of a port. An agent that starts believes the
// database.
type attached struct {
	records map[string]podport.Record // by port, without the number that the switch gives
	busy    map[string]int            // ports that are being attached or detached
}

func newAttached() attached {
	return attached{make(map[string]podport.Record), make(map[string]int)}
}

// begin forgets a port until end.
func (a attached) begin(port string) {
	delete(a.records, port)
	a.busy[port]++
}

func (a attached) end(port string) {
	if a.busy[port]--; a.busy[port] == 0 {
		delete(a.busy, port)
	}
}

// found tells of a record in the database. The first one counts.
func (a attached) found(r podport.Record) {
	if _, known := a.records[r.PortName]; !known && a.busy[r.PortName] == 0 {
		a.records[r.PortName] = r
	}
}

// change marks a port as one that the plugin changes, until done is called.
func (p *pods) change(port string) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attached.begin(port)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.attached.end(port)
	}
}

// remakeTimeout bounds the wait for the switch to have a port again.
const remakeTimeout = 5 * time.Second

// compare compares the ports of Pods with what they were. A port whose interface is gone goes with its Pod.
func (p *pods) compare(ctx context.Context, _ bool) (drift.Comparison, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.db.Connected() {
		return drift.Comparison{}, nil // what it holds is not known
	}
	var all []drift.Correction
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p.attached.records)) {
		r := p.attached.records[name]
		corrections, err := drift.Port(ctx, p.db, p.bridge.name, ovsdb.Port{Name: name, ExternalIDs: r.ExternalIDs()})
		errs = append(errs, err)
		if len(corrections) == 0 {
			continue
		}
		if _, err := netlink.LinkByName(name); errors.As(err, &netlink.LinkNotFoundError{}) {
			delete(p.attached.records, name)
			continue
		}
		for _, c := range corrections {
			all = append(all, drift.Correction{Found: c.Found, Do: func(ctx context.Context) error { return p.remake(ctx, r, c.Do) }})
		}
	}
	return drift.Comparison{Corrections: all}, errors.Join(errs...)
}

// remake makes a port again, unless the plugin has begun to change it. It returns when the copy of the database has the port:
// who detaches it then must find it.
func (p *pods) remake(ctx context.Context, r podport.Record, do func(context.Context) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !reflect.DeepEqual(p.attached.records[r.PortName], r) {
		return fmt.Errorf("port %s: being attached or detached", r.PortName)
	}
	if err := do(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, remakeTimeout)
	defer cancel()
	_, err := p.db.WaitOFPort(ctx, r.PortName)
	return err
}
