package underlay

import (
	"context"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
)

// Cleanup removes what a [Reconciler] has made, but for the bridge, which is in the database.
func Cleanup(ctx context.Context) error {
	_, err := steering(Transport{}, veth{}, 0).Remove(ctx)
	link, linkErr := netlink.LinkByName(kernelEnd)
	if errors.As(linkErr, &netlink.LinkNotFoundError{}) {
		return err
	}
	if linkErr == nil {
		linkErr = netlink.LinkDel(link)
	}
	if linkErr != nil {
		linkErr = fmt.Errorf("delete interface %s: %w", kernelEnd, linkErr)
	}
	return errors.Join(err, linkErr)
}
