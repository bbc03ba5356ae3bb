package device

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Pair is a veth pair with one end here and the other in the network namespace of that path.
type Pair struct{ Near, NetNS, Far string }

// ChangeMTU gives both ends the MTU now, if they have the MTU before: another one is somebody's choice. A pair that is gone is
// nobody's.
func (p Pair) ChangeMTU(before, now int) error {
	here, err := netlink.NewHandle()
	if err != nil {
		return err
	}
	defer here.Close()
	near, err := here.LinkByName(p.Near)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("interface %s: %w", p.Near, err)
	}
	namespace, err := netns.GetFromPath(p.NetNS)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", p.NetNS, err)
	}
	defer namespace.Close()
	there, err := netlink.NewHandleAt(namespace)
	if err != nil {
		return fmt.Errorf("network namespace %s: %w", p.NetNS, err)
	}
	defer there.Close()
	far, err := there.LinkByName(p.Far)
	if err != nil {
		return fmt.Errorf("interface %s of %s: %w", p.Far, p.NetNS, err)
	}
	change := func(h *netlink.Handle, link netlink.Link) error {
		if link.Attrs().MTU != before {
			return nil
		}
		return h.LinkSetMTU(link, now)
	}
	// What is too long for the end that it comes to is dropped without a word, so the end that sends is never the larger one.
	if now < before {
		err = errors.Join(change(there, far), change(here, near))
	} else {
		err = errors.Join(change(here, near), change(there, far))
	}
	if err != nil {
		return fmt.Errorf("MTU %d of interface %s and its peer: %w", now, p.Near, err)
	}
	return nil
}
