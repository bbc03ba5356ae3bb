package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
)

// routeProtocol marks the agent's routes, as "proto 109" in ip route.
const routeProtocol = 109

// ensureAddresses gives a device exactly these addresses, link-local ones aside.
func ensureAddresses(link netlink.Link, want []netip.Prefix) (changes []string, err error) {
	have, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", link.Attrs().Name, err)
	}
	missing := make(map[netip.Prefix]bool)
	for _, p := range want {
		missing[p] = true
	}
	for _, a := range have {
		p, ok := device.Prefix(a.IPNet)
		switch {
		case !ok || p.Addr().IsLinkLocalUnicast():
		case missing[p]:
			delete(missing, p)
		default:
			if err := netlink.AddrDel(link, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
				return changes, fmt.Errorf("delete address %s from %s: %w", p, link.Attrs().Name, err)
			}
			changes = append(changes, "deleted address "+p.String())
		}
	}
	for _, p := range want {
		if !missing[p] {
			continue
		}
		address := &netlink.Addr{IPNet: device.IPNet(p)}
		if p.Addr().Is6() {
			address.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return changes, fmt.Errorf("add address %s to %s: %w", p, link.Attrs().Name, err)
		}
		changes = append(changes, "added address "+p.String())
	}
	return changes, nil
}

// ensureNeighbors makes permanent neighbors of next hops that nobody has.
func ensureNeighbors(link netlink.Link, want []netip.Addr) (changes []string, err error) {
	mac := net.HardwareAddr(virtualMAC[:])
	have, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("neighbors on %s: %w", link.Attrs().Name, err)
	}
	there := make(map[netip.Addr]bool)
	for _, n := range have {
		if ip, ok := device.Addr(n.IP); ok && n.State&netlink.NUD_PERMANENT != 0 && n.HardwareAddr.String() == mac.String() {
			there[ip] = true
		}
	}
	for _, ip := range want {
		if there[ip] {
			continue
		}
		neighbor := &netlink.Neigh{LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: ip.AsSlice(), HardwareAddr: mac}
		if err := netlink.NeighSet(neighbor); err != nil {
			return changes, fmt.Errorf("neighbor %s on %s: %w", ip, link.Attrs().Name, err)
		}
		changes = append(changes, "added neighbor "+ip.String())
	}
	return changes, nil
}

// ensureRoutes makes the routes with the agent's protocol number exactly these.
func ensureRoutes(gateway, transport netlink.Link, want []route) (changes []string, err error) {
	have, err := ourRoutes()
	if err != nil {
		return nil, err
	}
	var errs []error
	wanted := make(map[netip.Prefix]bool)
	for _, r := range want {
		wanted[r.dst] = true
	}
	there := make(map[netip.Prefix]netlink.Route)
	for _, h := range have {
		dst, _ := device.Prefix(h.Dst)
		if wanted[dst] {
			there[dst] = h
			continue
		}
		if err := netlink.RouteDel(&h); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("delete route %s: %w", dst, err))
			continue
		}
		changes = append(changes, "deleted route "+dst.String())
	}
	for _, r := range want {
		link := gateway
		if r.transport {
			link = transport
		}
		h, exists := there[r.dst]
		if exists && sameRoute(h, link, r) {
			continue
		}
		// A route of ours is replaced, one of somebody else is not.
		set := netlink.RouteAdd
		if exists {
			set = netlink.RouteReplace
		}
		if err := set(kernelRoute(link, r)); err != nil {
			if errors.Is(err, unix.EEXIST) {
				err = errors.New("there is one already that is not the agent's: remove it")
			}
			errs = append(errs, fmt.Errorf("route %s via %s dev %s: %w", r.dst, r.via, link.Attrs().Name, err))
			continue
		}
		changes = append(changes, "set route "+r.dst.String())
	}
	return changes, errors.Join(errs...)
}

func ourRoutes() ([]netlink.Route, error) {
	filter := &netlink.Route{Protocol: routeProtocol, Table: unix.RT_TABLE_MAIN}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, filter, netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	return routes, nil
}

func kernelRoute(link netlink.Link, r route) *netlink.Route {
	k := &netlink.Route{
		LinkIndex: link.Attrs().Index, Dst: device.IPNet(r.dst), Gw: r.via.AsSlice(), Flags: int(netlink.FLAG_ONLINK),
		Protocol: routeProtocol, Table: unix.RT_TABLE_MAIN,
	}
	if r.src.IsValid() {
		k.Src = r.src.AsSlice()
	}
	return k
}

func sameRoute(h netlink.Route, link netlink.Link, r route) bool {
	via, _ := device.Addr(h.Gw)
	src, _ := device.Addr(h.Src)
	return h.LinkIndex == link.Attrs().Index && via == r.via && src == r.src && h.Flags&int(netlink.FLAG_ONLINK) != 0
}
