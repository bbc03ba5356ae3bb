package ovsdb

import (
	"context"
	"fmt"

	"github.com/ovn-kubernetes/libovsdb/model"
	libovsdb "github.com/ovn-kubernetes/libovsdb/ovsdb"
)

const restoreWaitKey = "flow-restore-wait"

// FlowRestoreWait reports whether the switch was started with the order to wait for its flows.
func (d *DB) FlowRestoreWait(ctx context.Context) (bool, error) {
	root, err := d.root(ctx)
	if err != nil {
		return false, err
	}
	return root.OtherConfig[restoreWaitKey] == "true", nil
}

// EndFlowRestoreWait tells the switch that its flows are complete. It is nothing if the switch does not
// wait; the copy is not asked, which may be older than the switch.
func (d *DB) EndFlowRestoreWait(ctx context.Context) error {
	root, err := d.root(ctx)
	if err != nil {
		return err
	}
	ops, err := d.client.Where(root).Mutate(root, model.Mutation{
		Field: &root.OtherConfig, Mutator: libovsdb.MutateOperationDelete, Value: []string{restoreWaitKey},
	})
	if err != nil {
		return err
	}
	if err := d.change(ctx, ops); err != nil {
		return fmt.Errorf("end flow-restore-wait: %w", err)
	}
	return nil
}
