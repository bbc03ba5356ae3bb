package ovsdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	libovsdb "github.com/ovn-kubernetes/libovsdb/ovsdb"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Port is a port with its one interface, which has the same name.
type Port struct {
	Name          string
	Type          string // "", "internal", "geneve", …
	Options       map[string]string
	MAC           string // of an internal port; empty leaves the choice to the switch
	MTU           int    // of an internal port; 0 leaves the choice to the switch
	OFPortRequest openflow.Port
	ExternalIDs   map[string]string
	BFD           map[string]string // nil leaves it as it is

	OFPort    openflow.Port     // given by the switch; 0 until then
	Error     string            // why the switch could not make the port
	BFDStatus map[string]string // what the switch knows of the session; empty without BFD, and while the switch is down
}

// EnsurePort creates the port on the bridge or corrects what differs. External IDs that p does not name, and a MAC, an MTU or BFD
// that p leaves open, stay as they are.
func (d *DB) EnsurePort(ctx context.Context, bridge string, p Port) error {
	port, iface, err := d.port(ctx, p.Name)
	switch {
	case errors.Is(err, ErrNotFound):
		err = d.createPort(ctx, bridge, p)
	case err == nil:
		err = d.correctPort(ctx, port, iface, p)
	}
	if err != nil {
		return fmt.Errorf("port %s of bridge %s: %w", p.Name, bridge, err)
	}
	return nil
}

func (d *DB) createPort(ctx context.Context, bridge string, p Port) error {
	owner, err := d.bridge(ctx, bridge)
	if err != nil {
		return err
	}
	iface := &interfaceRow{
		UUID: "newiface", Name: p.Name, Type: p.Type, Options: p.Options,
		MAC: optional(p.MAC), MTURequest: optional(p.MTU), OFPortRequest: optional(int(p.OFPortRequest)), BFD: p.BFD,
	}
	port := &portRow{UUID: "newport", Name: p.Name, Interfaces: []string{iface.UUID}, ExternalIDs: p.ExternalIDs}
	ops, err := d.client.Create(iface, port)
	if err != nil {
		return err
	}
	attach, err := d.client.Where(owner).Mutate(owner, model.Mutation{
		Field: &owner.Ports, Mutator: libovsdb.MutateOperationInsert, Value: []string{port.UUID},
	})
	if err != nil {
		return err
	}
	return d.change(ctx, append(ops, attach...))
}

func (d *DB) correctPort(ctx context.Context, port *portRow, iface *interfaceRow, p Port) error {
	ops, err := d.correct(port, port.columns(p))
	if err != nil {
		return err
	}
	more, err := d.correct(iface, iface.columns(p))
	if err != nil {
		return err
	}
	return d.change(ctx, append(ops, more...))
}

// ComparePort tells how the database's port differs from what [DB.EnsurePort] would make it, and changes nothing.
func (d *DB) ComparePort(ctx context.Context, p Port) ([]Difference, error) {
	port, iface, err := d.port(ctx, p.Name)
	if errors.Is(err, ErrNotFound) {
		return []Difference{{Want: p.String()}}, nil
	}
	if err != nil {
		return nil, err
	}
	return append(differences("Port "+p.Name, port.columns(p)), differences("Interface "+p.Name, iface.columns(p))...), nil
}

// String is the port as it is asked for, as columns of ovs-vsctl.
func (p Port) String() string {
	text := "Port " + p.Name
	port, iface := &portRow{}, &interfaceRow{}
	for _, c := range append(iface.columns(p), port.columns(p)...) {
		text += " " + c.want
	}
	return text
}

// columns are those that differ from what p asks for.
func (row *portRow) columns(p Port) []column {
	return appendMerged(nil, "external_ids", &row.ExternalIDs, p.ExternalIDs)
}

// columns are those that differ from what p asks for.
func (row *interfaceRow) columns(p Port) (list []column) {
	list = appendColumn(list, "type", &row.Type, p.Type)
	list = appendMap(list, "options", &row.Options, p.Options)
	if p.BFD != nil {
		list = appendMap(list, "bfd", &row.BFD, p.BFD)
	}
	list = appendOptional(list, "mac", &row.MAC, p.MAC)
	list = appendOptional(list, "mtu_request", &row.MTURequest, p.MTU)
	return appendOptional(list, "ofport_request", &row.OFPortRequest, int(p.OFPortRequest))
}

// SetMTU asks the switch to give an internal port this MTU.
func (d *DB) SetMTU(ctx context.Context, name string, mtu int) error {
	_, iface, err := d.port(ctx, name)
	if err != nil {
		return err
	}
	if valueOf(iface.MTURequest) == mtu {
		return nil
	}
	iface.MTURequest = &mtu
	ops, err := d.client.Where(iface).Update(iface, &iface.MTURequest)
	if err != nil {
		return err
	}
	if err := d.change(ctx, ops); err != nil {
		return fmt.Errorf("port %s: request MTU %d: %w", name, mtu, err)
	}
	return nil
}

// DeletePort deletes a port and returns when it has left the copy of the database. One that does not exist is gone already. Before
// a port of the same name is made again, wait for [DB.Applied].
func (d *DB) DeletePort(ctx context.Context, bridge, name string) error {
	port, _, err := d.port(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, err := d.bridge(ctx, bridge)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	ops, err := d.client.Where(owner).Mutate(owner, model.Mutation{
		Field: &owner.Ports, Mutator: libovsdb.MutateOperationDelete, Value: []string{port.UUID},
	})
	if err != nil {
		return err
	}
	if err := d.change(ctx, ops); err != nil {
		return fmt.Errorf("delete port %s of bridge %s: %w", name, bridge, err)
	}
	return d.wait(ctx, func() (bool, error) {
		_, _, err := d.port(ctx, name)
		if errors.Is(err, ErrNotFound) {
			return true, nil
		}
		return false, err
	})
}

// Port is the port of that name, or [ErrNotFound].
func (d *DB) Port(ctx context.Context, name string) (Port, error) {
	port, iface, err := d.port(ctx, name)
	if err != nil {
		return Port{}, err
	}
	return portOf(port, iface), nil
}

// settleTimeout bounds the wait for a copy whose parts belong together.
const settleTimeout = 2 * time.Second

// Ports are all ports of a bridge. While the copy is being refreshed, and rows refer to others that have not arrived, it
// waits: a port that is left out looks like one that is gone.
func (d *DB) Ports(ctx context.Context, bridge string) (ports []Port, err error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	err = d.wait(ctx, func() (complete bool, err error) {
		ports, complete, err = d.portsNow(ctx, bridge)
		return complete, err
	})
	if err != nil {
		return nil, fmt.Errorf("ports of bridge %s: %w", bridge, err)
	}
	return ports, nil
}

func (d *DB) portsNow(ctx context.Context, bridge string) (ports []Port, complete bool, err error) {
	owner, err := d.bridge(ctx, bridge)
	if err != nil {
		return nil, false, err
	}
	for _, uuid := range owner.Ports {
		port := &portRow{UUID: uuid}
		err := d.client.Get(ctx, port)
		if err == nil && len(port.Interfaces) == 1 {
			iface := &interfaceRow{UUID: port.Interfaces[0]}
			if err = d.client.Get(ctx, iface); err == nil {
				ports = append(ports, portOf(port, iface))
			}
		}
		if errors.Is(err, client.ErrNotFound) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	return ports, true, nil
}

// WaitOFPort returns the number that the switch gave to the port, as soon as it has. A port that the switch cannot make is
// an error at once, with the switch's reason.
func (d *DB) WaitOFPort(ctx context.Context, name string) (openflow.Port, error) {
	var number openflow.Port
	err := d.wait(ctx, func() (bool, error) {
		port, iface, err := d.port(ctx, name)
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		number = portOf(port, iface).OFPort
		if reason := valueOf(iface.Error); number == 0 && reason != "" {
			return false, errors.New(reason)
		}
		return number != 0, nil
	})
	if err != nil {
		return 0, fmt.Errorf("port %s: no number from the switch: %w", name, err)
	}
	return number, nil
}

func (d *DB) port(ctx context.Context, name string) (*portRow, *interfaceRow, error) {
	port, iface := &portRow{Name: name}, &interfaceRow{Name: name}
	err := d.client.Get(ctx, port)
	if err == nil {
		err = d.client.Get(ctx, iface)
	}
	if err != nil {
		if errors.Is(err, client.ErrNotFound) {
			err = ErrNotFound
		}
		return nil, nil, fmt.Errorf("port %s: %w", name, err)
	}
	return port, iface, nil
}

func portOf(port *portRow, iface *interfaceRow) Port {
	p := Port{
		Name: port.Name, Type: iface.Type, Options: iface.Options, MAC: valueOf(iface.MAC), MTU: valueOf(iface.MTURequest),
		OFPortRequest: openflow.Port(valueOf(iface.OFPortRequest)), ExternalIDs: port.ExternalIDs, Error: valueOf(iface.Error),
		BFD: iface.BFD, BFDStatus: iface.BFDStatus,
	}
	if number := valueOf(iface.OFPort); number > 0 {
		p.OFPort = openflow.Port(number)
	}
	return p
}

func optional[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func valueOf[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
