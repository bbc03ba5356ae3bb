package host

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// untranslated are UDP connections to NodePorts of this Node that go to the Node itself, because they are older than the NodePort.
// A client that goes on sending would never reach an endpoint: the kernel translates by a connection's first packet.
type untranslated struct {
	local map[netip.Addr]bool
	ports map[uint16]bool
}

// MatchConntrackFlow implements netlink.CustomConntrackFilter.
func (u untranslated) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	to, _ := netip.AddrFromSlice(f.Forward.DstIP)
	return f.Forward.Protocol == unix.IPPROTO_UDP && u.ports[f.Forward.DstPort] && u.local[to.Unmap()] && f.Reverse.SrcIP.Equal(f.Forward.DstIP)
}

// forgetUntranslated ends them.
func (v *services) forgetUntranslated() error {
	u := untranslated{local: make(map[netip.Addr]bool), ports: make(map[uint16]bool)}
	for _, p := range v.nodePorts {
		if number, udp := strings.CutPrefix(p, "udp . "); udp {
			port, _ := strconv.ParseUint(number, 10, 16) // it was a number
			u.ports[uint16(port)] = true
		}
	}
	if len(u.ports) == 0 {
		return nil
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("addresses of the Node: %w", err)
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			u.local[prefix.Addr()] = true
		}
	}
	for _, family := range []netlink.InetFamily{unix.AF_INET, unix.AF_INET6} {
		if _, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, family, u); err != nil {
			return fmt.Errorf("end UDP connections that are older than a NodePort: %w", err)
		}
	}
	return nil
}
