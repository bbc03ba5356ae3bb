package underlay

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
)

// route is a route of the switch, out of br-phy.
type route struct {
	dst netip.Prefix
	gw  netip.Addr // invalid if the destination is on the link
}

// kernelRoutes are those of the main table, of the family that tunnels are of, that leave through the transport interface.
func kernelRoutes(t Transport) (map[netip.Prefix]route, error) {
	filter := &netlink.Route{LinkIndex: t.Index, Table: unix.RT_TABLE_MAIN}
	list, err := netlink.RouteListFiltered(t.family(), filter, netlink.RT_FILTER_OIF|netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("routes of %s: %w", t.Name, err)
	}
	routes := make(map[netip.Prefix]route)
	for _, k := range list {
		r := route{dst: netip.PrefixFrom(t.Address.Addr(), 0).Masked()}
		if k.Dst != nil {
			r.dst, _ = device.Prefix(k.Dst)
		}
		if r.dst.Addr().IsLinkLocalUnicast() || r.dst.Addr().IsMulticast() { // no tunnel ends there
			continue
		}
		if k.Gw != nil {
			gw, _ := netip.AddrFromSlice(k.Gw)
			r.gw = gw.Unmap()
		}
		if _, taken := routes[r.dst]; !taken { // the kernel lists the one with the best metric first
			routes[r.dst] = r
		}
	}
	return routes, nil
}

// switchRoutes reads the output of ovs/route/show; routes that the switch has taken from the kernel by itself are left out.
func switchRoutes(text string) (map[netip.Prefix]route, error) {
	routes := make(map[netip.Prefix]route)
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 4 || words[0] != "User:" {
			continue
		}
		dst, err := netip.ParsePrefix(words[1])
		if addr, addrErr := netip.ParseAddr(words[1]); addrErr == nil { // a single IPv6 address has no length there
			dst, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("route of the switch %q: %w", strings.TrimSpace(line), err)
		}
		r := route{dst: dst}
		for i := 2; i+1 < len(words); i += 2 {
			if words[i] != "GW" {
				continue
			}
			if r.gw, err = netip.ParseAddr(words[i+1]); err != nil {
				return nil, fmt.Errorf("route of the switch %q: %w", strings.TrimSpace(line), err)
			}
		}
		routes[dst] = r
	}
	return routes, nil
}

// compareRoutes: the switch, which forgets its routes whenever it starts, is to mirror the kernel's.
func compareRoutes(ctx context.Context, socket string, want map[netip.Prefix]route) ([]drift.Correction, error) {
	text, err := unixctl.Call(ctx, socket, "ovs/route/show")
	if err != nil {
		return nil, err
	}
	have, err := switchRoutes(text)
	if err != nil {
		return nil, err
	}
	var all []drift.Correction
	differs := func(want, have, command string, args ...string) {
		all = append(all, drift.One(systemv1alpha1.DriftRoute, want, have, func(ctx context.Context) error {
			_, err := unixctl.Call(ctx, socket, command, args...)
			return err
		}))
	}
	for dst, h := range have {
		if want[dst] != h {
			differs("", "ovs/route "+strings.Join(h.args(), " "), "ovs/route/del", dst.String())
		}
	}
	for dst, w := range want {
		if h, there := have[dst]; !there || h != w {
			differs("ovs/route "+strings.Join(w.args(), " "), "", "ovs/route/add", w.args()...)
		}
	}
	return all, nil
}

// args are those that ovs/route/add takes.
func (r route) args() []string {
	args := []string{r.dst.String(), BridgeName}
	if r.gw.IsValid() {
		args = append(args, r.gw.String())
	}
	return args
}
