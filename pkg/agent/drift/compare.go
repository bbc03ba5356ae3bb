package drift

import (
	"context"
	"errors"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
)

// Bridge compares a bridge and some of its ports.
func Bridge(ctx context.Context, db *ovsdb.DB, b ovsdb.Bridge, ports ...ovsdb.Port) ([]Correction, error) {
	var all []Correction
	diffs, err := db.CompareBridge(ctx, b)
	if len(diffs) > 0 {
		all = append(all, Correction{ofDatabase(systemv1alpha1.DriftBridge, diffs), func(ctx context.Context) error { return db.EnsureBridge(ctx, b) }})
	}
	errs := []error{err}
	for _, port := range ports {
		corrections, err := Port(ctx, db, b.Name, port)
		all, errs = append(all, corrections...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// Port compares a port of a bridge.
func Port(ctx context.Context, db *ovsdb.DB, bridge string, port ovsdb.Port) ([]Correction, error) {
	diffs, err := db.ComparePort(ctx, port)
	if len(diffs) == 0 {
		return nil, err
	}
	ensure := func(ctx context.Context) error { return db.EnsurePort(ctx, bridge, port) }
	return []Correction{{ofDatabase(systemv1alpha1.DriftPort, diffs), ensure}}, err
}

func ofDatabase(object systemv1alpha1.DriftObject, diffs []ovsdb.Difference) []systemv1alpha1.Drift {
	all := make([]systemv1alpha1.Drift, len(diffs))
	for i, d := range diffs {
		all[i] = systemv1alpha1.NewDrift(object, d.Want, d.Have)
	}
	return all
}

// Table compares an nft table, which is replaced as a whole, or is not to be there.
func Table(ctx context.Context, table nftable.Table, wanted bool) ([]Correction, error) {
	compare, do := table.Compare, table.Ensure
	if !wanted {
		compare, do = table.Extra, table.Remove
	}
	found, err := compare(ctx)
	if len(found) == 0 {
		return nil, err
	}
	return []Correction{{found, func(ctx context.Context) error {
		_, err := do(ctx)
		return err
	}}}, err
}

// Sysctl compares a sysctl. One that the kernel does not have, such as those of IPv6 where it is off, is left out.
func Sysctl(sys device.ProcSys, name, value string) ([]Correction, error) {
	have, ok, err := sys.Lookup(name)
	if err != nil || !ok || have == value {
		return nil, err
	}
	return []Correction{One(systemv1alpha1.DriftSysctl, name+"="+value, name+"="+have, func(context.Context) error {
		_, err := sys.Ensure(name, value)
		return err
	})}, nil
}
