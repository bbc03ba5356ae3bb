package ovsdb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	libovsdb "github.com/ovn-kubernetes/libovsdb/ovsdb"
)

// Bridge is a bridge as it should be. Keys of the maps that it does not name are left as they are.
type Bridge struct {
	Name         string
	DatapathType string   // "system" or "netdev"
	FailMode     string   // "secure" or "standalone"
	Protocols    []string // as in "OpenFlow15"; empty is what the switch offers by default
	OtherConfig  map[string]string
	ExternalIDs  map[string]string
}

// EnsureBridge creates the bridge or corrects what differs.
func (d *DB) EnsureBridge(ctx context.Context, b Bridge) error {
	row := &bridgeRow{Name: b.Name}
	err := d.client.Get(ctx, row)
	switch {
	case errors.Is(err, client.ErrNotFound):
		err = d.createBridge(ctx, b)
	case err == nil:
		err = d.correctBridge(ctx, row, b)
	}
	if err != nil {
		return fmt.Errorf("bridge %s: %w", b.Name, err)
	}
	return nil
}

func (d *DB) createBridge(ctx context.Context, b Bridge) error {
	root, err := d.root(ctx)
	if err != nil {
		return err
	}
	// Every bridge has a port and an interface of its own name.
	iface := &interfaceRow{UUID: "newiface", Name: b.Name, Type: "internal"}
	port := &portRow{UUID: "newport", Name: b.Name, Interfaces: []string{iface.UUID}}
	bridge := &bridgeRow{
		UUID: "newbridge", Name: b.Name, Ports: []string{port.UUID}, FailMode: &b.FailMode, Protocols: b.Protocols,
		DatapathType: b.DatapathType, OtherConfig: b.OtherConfig, ExternalIDs: b.ExternalIDs,
	}
	ops, err := d.client.Create(iface, port, bridge)
	if err != nil {
		return err
	}
	attach, err := d.client.Where(root).Mutate(root, model.Mutation{
		Field: &root.Bridges, Mutator: libovsdb.MutateOperationInsert, Value: []string{bridge.UUID},
	})
	if err != nil {
		return err
	}
	return d.change(ctx, append(ops, attach...))
}

func (d *DB) correctBridge(ctx context.Context, row *bridgeRow, b Bridge) error {
	ops, err := d.correct(row, row.columns(b))
	if err != nil {
		return err
	}
	return d.change(ctx, ops)
}

// CompareBridge tells how the database's bridge differs from what [DB.EnsureBridge] would make it, and changes nothing.
func (d *DB) CompareBridge(ctx context.Context, b Bridge) ([]Difference, error) {
	row, err := d.bridge(ctx, b.Name)
	if errors.Is(err, ErrNotFound) {
		return []Difference{{Want: "Bridge " + b.Name}}, nil
	}
	if err != nil {
		return nil, err
	}
	return differences("Bridge "+b.Name, row.columns(b)), nil
}

// columns are those that differ from what b asks for.
func (row *bridgeRow) columns(b Bridge) (list []column) {
	list = appendColumn(list, "datapath_type", &row.DatapathType, b.DatapathType)
	list = appendOptional(list, "fail_mode", &row.FailMode, b.FailMode)
	if !sameSet(row.Protocols, b.Protocols) {
		list = append(list, column{
			"protocols=" + strings.Join(b.Protocols, ","), "protocols=" + strings.Join(row.Protocols, ","), &row.Protocols, func() { row.Protocols = b.Protocols },
		})
	}
	list = appendMerged(list, "other_config", &row.OtherConfig, b.OtherConfig)
	return appendMerged(list, "external_ids", &row.ExternalIDs, b.ExternalIDs)
}

// BridgeExternalIDs are the external_ids of a bridge, or [ErrNotFound].
func (d *DB) BridgeExternalIDs(ctx context.Context, name string) (map[string]string, error) {
	row, err := d.bridge(ctx, name)
	if err != nil {
		return nil, err
	}
	return row.ExternalIDs, nil
}

// SetBridgeExternalIDs sets some of the external_ids of a bridge at once.
func (d *DB) SetBridgeExternalIDs(ctx context.Context, name string, ids map[string]string) error {
	row, err := d.bridge(ctx, name)
	if err != nil {
		return err
	}
	row.ExternalIDs, _ = merge(row.ExternalIDs, ids)
	ops, err := d.client.Where(row).Update(row, &row.ExternalIDs)
	if err != nil {
		return err
	}
	if err := d.change(ctx, ops); err != nil {
		return fmt.Errorf("bridge %s: external_ids %v: %w", name, ids, err)
	}
	return nil
}

// DeleteBridge deletes a bridge with all its ports. One that does not exist is gone already.
func (d *DB) DeleteBridge(ctx context.Context, name string) error {
	row, err := d.bridge(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	root, err := d.root(ctx)
	if err != nil {
		return err
	}
	// Rows that nothing refers to vanish by themselves.
	ops, err := d.client.Where(root).Mutate(root, model.Mutation{
		Field: &root.Bridges, Mutator: libovsdb.MutateOperationDelete, Value: []string{row.UUID},
	})
	if err != nil {
		return err
	}
	if err := d.change(ctx, ops); err != nil {
		return fmt.Errorf("delete bridge %s: %w", name, err)
	}
	return nil
}

func (d *DB) bridge(ctx context.Context, name string) (*bridgeRow, error) {
	row := &bridgeRow{Name: name}
	if err := d.client.Get(ctx, row); err != nil {
		if errors.Is(err, client.ErrNotFound) {
			err = ErrNotFound
		}
		return nil, fmt.Errorf("bridge %s: %w", name, err)
	}
	return row, nil
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// merge returns have with what want has on top, and whether that is a change.
func merge(have, want map[string]string) (map[string]string, bool) {
	merged := maps.Clone(have)
	if merged == nil {
		merged = make(map[string]string)
	}
	maps.Copy(merged, want)
	return merged, !maps.Equal(have, merged)
}
