package underlay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// remotes are the addresses that this Node may send tunnel packets to.
func remotes(s pipeline.State) map[netip.Addr]bool {
	ips := make(map[netip.Addr]bool)
	for _, p := range s.Peers {
		ips[p.TransportIP] = true
	}
	for _, g := range s.Gateways {
		ips[g.InternalIP] = true
	}
	for _, c := range s.Clusters {
		for _, g := range c.Gateways {
			ips[g.IP] = true
		}
	}
	delete(ips, s.Node.TransportIP)
	return ips
}

// nextHops are the neighbors on the transport interface through which remotes are reached, by the longest route.
func nextHops(remotes map[netip.Addr]bool, routes map[netip.Prefix]route) map[netip.Addr]bool {
	hops := make(map[netip.Addr]bool)
	for ip := range remotes {
		var best route
		for dst, r := range routes {
			if dst.Contains(ip) && (!best.dst.IsValid() || dst.Bits() > best.dst.Bits()) {
				best = r
			}
		}
		switch {
		case best.gw.IsValid():
			hops[best.gw] = true
		case best.dst.IsValid():
			hops[ip] = true
		}
	}
	return hops
}

// switchNeighbors reads the output of tnl/neigh/show.
func switchNeighbors(text string) map[netip.Addr]string {
	neighbors := make(map[netip.Addr]string)
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[2] != BridgeName {
			continue
		}
		if ip, err := netip.ParseAddr(words[0]); err == nil {
			neighbors[ip] = words[1]
		}
	}
	return neighbors
}

// ensureNeighbors tells the switch the MACs of next hops, which it would otherwise ask for at the cost of the first packet. It
// reports whether the kernel, which is made to ask, does not know one yet.
func ensureNeighbors(ctx context.Context, socket string, t Transport, hops map[netip.Addr]bool) (pending bool, err error) {
	known, err := kernelNeighbors(t)
	if err != nil {
		return false, err
	}
	text, err := unixctl.Call(ctx, socket, "tnl/neigh/show")
	if err != nil {
		return false, err
	}
	have := switchNeighbors(text)
	var errs []error
	for ip := range hops {
		mac, ok := known[ip]
		switch {
		case !ok:
			pending = true
			errs = append(errs, resolve(t, ip))
		case have[ip] != mac.String():
			_, err := unixctl.Call(ctx, socket, "tnl/neigh/set", BridgeName, ip.String(), mac.String())
			errs = append(errs, err)
		}
	}
	return pending, errors.Join(errs...)
}

// kernelNeighbors are those that the kernel has an address for.
func kernelNeighbors(t Transport) (map[netip.Addr]net.HardwareAddr, error) {
	list, err := netlink.NeighList(t.Index, t.family())
	if err != nil {
		return nil, fmt.Errorf("neighbors on %s: %w", t.Name, err)
	}
	known := make(map[netip.Addr]net.HardwareAddr)
	for _, n := range list {
		ip, ok := netip.AddrFromSlice(n.IP)
		if ok && n.State&(netlink.NUD_INCOMPLETE|netlink.NUD_FAILED|netlink.NUD_NOARP) == 0 && len(n.HardwareAddr) == 6 {
			known[ip.Unmap()] = n.HardwareAddr
		}
	}
	return known, nil
}

// resolve makes the kernel ask for the MAC of a neighbor.
func resolve(t Transport, ip netip.Addr) error {
	err := netlink.NeighSet(&netlink.Neigh{LinkIndex: t.Index, IP: ip.AsSlice(), State: netlink.NUD_NONE, Flags: netlink.NTF_USE})
	if err != nil {
		return fmt.Errorf("resolve neighbor %s on %s: %w", ip, t.Name, err)
	}
	return nil
}
