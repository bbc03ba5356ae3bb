package daemon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"

	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// links is the interfaces of a sandbox.
type links struct{ *netlink.Handle }

func openLinks(ns *os.File) (links, error) {
	h, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()))
	if err != nil {
		return links{}, fmt.Errorf("network namespace of the sandbox: %w", err)
	}
	return links{h}, nil
}

// free reports whether the sandbox has no interface of that name yet.
func (l links) free(name string) (bool, error) {
	_, err := l.LinkByName(name)
	var notFound netlink.LinkNotFoundError
	if errors.As(err, &notFound) {
		return true, nil
	}
	return false, err
}

// unnamed is the name that macvlan, ipvlan, vlan and tap give an interface in the sandbox until they rename it (RandomVethName of
// containernetworking/plugins). Their DEL knows it by its final name only.
var unnamed = regexp.MustCompile(`^veth[0-9a-f]{8}$`)

// removeUnnamed deletes the interfaces of a sandbox that their plugin has not come to rename and set up. A namespace that is no more has none.
func removeUnnamed(path string) error {
	err := ns.IsNSorErr(path)
	if errors.As(err, new(ns.NSPathNotExistErr)) || errors.As(err, new(ns.NSPathNotNSErr)) {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("network namespace of the sandbox: %w", err)
	}
	defer file.Close()
	l, err := openLinks(file)
	if err != nil {
		return err
	}
	defer l.Close()
	all, err := l.LinkList()
	if err != nil {
		return fmt.Errorf("interfaces of the sandbox: %w", err)
	}
	for _, link := range all {
		a := link.Attrs()
		if link.Type() == "veth" || a.Flags&net.FlagUp != 0 || !unnamed.MatchString(a.Name) {
			continue
		}
		if err := l.LinkDel(link); err != nil {
			return fmt.Errorf("delete interface %s, which no plugin has finished: %w", a.Name, err)
		}
	}
	return nil
}

// reroute changes the default routes that lead through an interface.
func (l links) reroute(name string, r netplan.Routes) error {
	if r.V4.Keeps() && r.V6.Keeps() {
		return nil
	}
	link, err := l.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	for _, family := range []struct {
		netplan.Route
		number, bits int
	}{{r.V4, netlink.FAMILY_V4, 32}, {r.V6, netlink.FAMILY_V6, 128}} {
		if family.Keeps() {
			continue
		}
		found, err := l.RouteList(link, family.number)
		if err != nil {
			return fmt.Errorf("routes of interface %s: %w", name, err)
		}
		for _, route := range found {
			if !isDefault(route.Dst) {
				continue
			}
			if err := l.RouteDel(&route); err != nil {
				return fmt.Errorf("delete the default route of interface %s: %w", name, err)
			}
		}
		if family.Gateway.IsValid() {
			if err := l.addDefault(link, family.Gateway, family.bits); err != nil {
				return fmt.Errorf("default route of interface %s to %s: %w", name, family.Gateway, err)
			}
		}
	}
	return nil
}

func (l links) addDefault(link netlink.Link, gw netip.Addr, bits int) error {
	dst := &net.IPNet{IP: make(net.IP, bits/8), Mask: net.CIDRMask(0, bits)}
	return l.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Gw: gw.AsSlice()})
}

func isDefault(dst *net.IPNet) bool {
	if dst == nil {
		return true
	}
	ones, _ := dst.Mask.Size()
	return ones == 0 && dst.IP.IsUnspecified()
}
