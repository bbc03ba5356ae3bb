package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
)

// Cleanup takes back what a [Reconciler] has done, but for the device, which goes with its bridge. before are the values
// that sysctls of the whole Node had.
func Cleanup(ctx context.Context, sys device.ProcSys, before map[string]string) error {
	var errs []error
	routes, err := ourRoutes()
	errs = append(errs, err)
	for _, route := range routes {
		if err := netlink.RouteDel(&route); err != nil {
			errs = append(errs, fmt.Errorf("delete route %s: %w", route.Dst, err))
		}
	}
	for _, table := range []nftable.Table{nat{}.table(""), (&services{}).nft(""), clampNFT(nil, "", 0)} {
		_, err = table.Remove(ctx)
		errs = append(errs, err)
	}
	for name, value := range before {
		_, err := sys.Ensure(name, value)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
