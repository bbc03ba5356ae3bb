package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// routeProtocol marks the agent's routes, as "proto 109" in ip route.
const routeProtocol = 109

// compareAddresses: a device is to have exactly these addresses, link-local ones aside.
func compareAddresses(link netlink.Link, want []netip.Prefix) ([]drift.Correction, error) {
	name := link.Attrs().Name
	have, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("addresses of %s: %w", name, err)
	}
	var all []drift.Correction
	missing := make(map[netip.Prefix]bool)
	for _, p := range want {
		missing[p] = true
	}
	text := func(p netip.Prefix) string { return fmt.Sprintf("%s dev %s", p, name) }
	for _, a := range have {
		p, ok := device.Prefix(a.IPNet)
		switch {
		case !ok || p.Addr().IsLinkLocalUnicast():
		case missing[p]:
			delete(missing, p)
		default:
			all = append(all, drift.One(systemv1alpha1.DriftAddress, "", text(p), func(context.Context) error {
				if err := netlink.AddrDel(link, &a); !errors.Is(err, unix.EADDRNOTAVAIL) {
					return err
				}
				return nil
			}))
		}
	}
	for _, p := range want {
		if !missing[p] {
			continue
		}
		all = append(all, drift.One(systemv1alpha1.DriftAddress, text(p), "", func(context.Context) error {
			address := &netlink.Addr{IPNet: device.IPNet(p)}
			if p.Addr().Is6() {
				address.Flags = unix.IFA_F_NODAD
			}
			return netlink.AddrAdd(link, address)
		}))
	}
	return all, nil
}

// compareNeighbors: next hops that nobody has are to be permanent neighbors.
func compareNeighbors(link netlink.Link, want []netip.Addr) ([]drift.Correction, error) {
	name, mac := link.Attrs().Name, net.HardwareAddr(virtualMAC[:])
	list, err := netlink.NeighList(link.Attrs().Index, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("neighbors on %s: %w", name, err)
	}
	have := make(map[netip.Addr]netlink.Neigh)
	for _, n := range list {
		if ip, ok := device.Addr(n.IP); ok {
			have[ip] = n
		}
	}
	var all []drift.Correction
	for _, ip := range want {
		n, there := have[ip]
		if there && n.State&netlink.NUD_PERMANENT != 0 && n.HardwareAddr.String() == mac.String() {
			continue
		}
		was := ""
		if there && len(n.HardwareAddr) > 0 {
			was = fmt.Sprintf("%s lladdr %s dev %s", ip, n.HardwareAddr, name)
		}
		all = append(all, drift.One(systemv1alpha1.DriftNeighbor, fmt.Sprintf("%s lladdr %s dev %s PERMANENT", ip, mac, name), was, func(context.Context) error {
			return netlink.NeighSet(&netlink.Neigh{LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: ip.AsSlice(), HardwareAddr: mac})
		}))
	}
	return all, nil
}

// compareRoutes: the routes with the agent's protocol number are to be exactly these.
func compareRoutes(gateway, transport netlink.Link, want []route) ([]drift.Correction, error) {
	have, err := ourRoutes()
	if err != nil {
		return nil, err
	}
	wanted := make(map[netip.Prefix]bool)
	for _, r := range want {
		wanted[r.dst] = true
	}
	var all []drift.Correction
	there := make(map[netip.Prefix]netlink.Route)
	for _, h := range have {
		dst, _ := device.Prefix(h.Dst)
		if _, twice := there[dst]; wanted[dst] && !twice {
			there[dst] = h
			continue
		}
		all = append(all, drift.One(systemv1alpha1.DriftRoute, "", routeText(h), func(context.Context) error {
			if err := netlink.RouteDel(&h); !errors.Is(err, unix.ESRCH) {
				return err
			}
			return nil
		}))
	}
	for _, r := range want {
		link := gateway
		if r.transport {
			link = transport
		}
		if link == nil {
			continue
		}
		h, exists := there[r.dst]
		if exists && sameRoute(h, link, r) {
			continue
		}
		// A route of ours is replaced, one of somebody else is not.
		set, was := netlink.RouteAdd, ""
		if exists {
			set, was = netlink.RouteReplace, routeText(h)
		}
		k := kernelRoute(link, r)
		all = append(all, drift.One(systemv1alpha1.DriftRoute, routeText(*k), was, func(context.Context) error {
			err := set(k)
			if errors.Is(err, unix.EEXIST) {
				err = errors.New("there is one already that is not the agent's: remove it")
			}
			return err
		}))
	}
	return all, nil
}

// routeText is a route as ip route shows it.
func routeText(r netlink.Route) string {
	dst, _ := device.Prefix(r.Dst)
	text := dst.String()
	if via, ok := device.Addr(r.Gw); ok {
		text += " via " + via.String()
	}
	name := fmt.Sprintf("if%d", r.LinkIndex)
	if link, err := netlink.LinkByIndex(r.LinkIndex); err == nil {
		name = link.Attrs().Name
	}
	text += " dev " + name + fmt.Sprintf(" proto %d", r.Protocol)
	if src, ok := device.Addr(r.Src); ok {
		text += " src " + src.String()
	}
	if r.MTU != 0 {
		text += fmt.Sprintf(" mtu %d", r.MTU)
	}
	return text
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
		Protocol: routeProtocol, Table: unix.RT_TABLE_MAIN, MTU: r.mtu,
	}
	if r.src.IsValid() {
		k.Src = r.src.AsSlice()
	}
	return k
}

func sameRoute(h netlink.Route, link netlink.Link, r route) bool {
	via, _ := device.Addr(h.Gw)
	src, _ := device.Addr(h.Src)
	return h.LinkIndex == link.Attrs().Index && via == r.via && src == r.src && h.MTU == r.mtu && h.Flags&int(netlink.FLAG_ONLINK) != 0
}
