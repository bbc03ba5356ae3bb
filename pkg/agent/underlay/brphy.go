package underlay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
)

// BridgeName is the bridge through which tunnels of the userspace datapath leave.
const BridgeName = "br-phy"

const (
	kernelEnd = "phy0" // of the veth pair
	switchEnd = "phy1" // a port of br-phy
)

// veth is the pair, by the indexes of its ends.
type veth struct{ kernel, toSwitch int }

// findVeth finds the pair.
func findVeth() (veth, error) {
	kernel, err1 := netlink.LinkByName(kernelEnd)
	toSwitch, err2 := netlink.LinkByName(switchEnd)
	if err := errors.Join(err1, err2); err != nil {
		return veth{}, fmt.Errorf("veth pair %s and %s: %w", kernelEnd, switchEnd, err)
	}
	return veth{kernel.Attrs().Index, toSwitch.Attrs().Index}, nil
}

// compareVeth compares the pair between the kernel and br-phy. Both ends only pass frames on.
func compareVeth(t Transport, sys device.ProcSys) ([]drift.Correction, error) {
	_, err := findVeth()
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return []drift.Correction{drift.One(systemv1alpha1.DriftDevice, kernelEnd+" type veth peer "+switchEnd, "", func(context.Context) error {
			attrs := netlink.NewLinkAttrs()
			attrs.Name, attrs.MTU = kernelEnd, t.MTU
			return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: switchEnd})
		})}, nil
	}
	if err != nil {
		return nil, err
	}
	kernel, err1 := compareEnd(kernelEnd, t.MTU, sys)
	toSwitch, err2 := compareEnd(switchEnd, t.MTU, sys)
	return append(kernel, toSwitch...), errors.Join(err1, err2)
}

func compareEnd(name string, mtu int, sys device.ProcSys) ([]drift.Correction, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	var all []drift.Correction
	if have := link.Attrs().MTU; have != mtu {
		all = append(all, drift.One(systemv1alpha1.DriftDevice, fmt.Sprintf("%s mtu %d", name, mtu), fmt.Sprintf("%s mtu %d", name, have),
			func(context.Context) error { return netlink.LinkSetMTU(link, mtu) }))
	}
	silent, err1 := silence(sys, name)
	ignore, err2 := drift.Sysctl(sys, "net/ipv4/conf/"+name+"/arp_ignore", "8")
	all = append(append(all, silent...), ignore...)
	offloaded, err3 := device.TXChecksum(name)
	if offloaded {
		all = append(all, drift.One(systemv1alpha1.DriftDevice, name+" tx-checksum off", name+" tx-checksum on",
			func(context.Context) error { return device.DisableTXChecksum(name) }))
	}
	return append(all, compareUp(link)...), errors.Join(err1, err2, err3)
}

// indexKey, in external_ids, is the index of the interface that a port was made for.
const indexKey = "antrea-ifindex"

// compareBridge compares br-phy, which has the transport interface's MAC, so that replies of neighbors reach it. It fails
// standalone: its only rule is to pass frames between its two ports. A new veth pair needs a new port: the switch does not look
// for the interface again that it has lost.
func compareBridge(ctx context.Context, db *ovsdb.DB, t Transport, pair veth) ([]drift.Correction, error) {
	all, err1 := drift.Bridge(ctx, db, ovsdb.Bridge{
		Name: BridgeName, DatapathType: Netdev, FailMode: "standalone", OtherConfig: map[string]string{"hwaddr": t.MAC.String()},
		ExternalIDs: map[string]string{"antrea-type": "underlay"},
	})
	index := strconv.Itoa(pair.toSwitch)
	ports, err2 := drift.Port(ctx, db, BridgeName, ovsdb.Port{
		Name: switchEnd, ExternalIDs: map[string]string{"antrea-type": "underlay", indexKey: index},
	})
	for i, c := range ports {
		ports[i].Do = func(ctx context.Context) error {
			if port, err := db.Port(ctx, switchEnd); err == nil && port.ExternalIDs[indexKey] != index {
				if err := errors.Join(db.DeletePort(ctx, BridgeName, switchEnd), db.Applied(ctx)); err != nil {
					return err
				}
			}
			return c.Do(ctx)
		}
	}
	return append(all, ports...), errors.Join(err1, err2)
}

// compareAddress: br-phy is to have the transport address, for the switch to send tunnels from, without a route: the kernel goes
// on using the transport interface.
func compareAddress(link netlink.Link, t Transport, sys device.ProcSys) ([]drift.Correction, error) {
	quiet := silence
	if !t.Address.Addr().Is4() {
		quiet = hold
	}
	all, err1 := quiet(sys, BridgeName)
	have, err2 := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err := errors.Join(err1, err2); err != nil {
		return all, fmt.Errorf("addresses of %s: %w", BridgeName, err)
	}
	there := false
	for _, a := range have {
		p, ok := device.Prefix(a.IPNet)
		if ok && p == t.Address && a.Flags&unix.IFA_F_NOPREFIXROUTE != 0 {
			there = true
			continue
		}
		all = append(all, drift.One(systemv1alpha1.DriftAddress, "", fmt.Sprintf("%s dev %s", p, BridgeName),
			func(context.Context) error { return netlink.AddrDel(link, &a) }))
	}
	if !there {
		all = append(all, drift.One(systemv1alpha1.DriftAddress, fmt.Sprintf("%s dev %s noprefixroute", t.Address, BridgeName), "", func(context.Context) error {
			address := &netlink.Addr{IPNet: device.IPNet(t.Address), Flags: unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_NODAD}
			return netlink.AddrAdd(link, address)
		}))
	}
	return append(all, compareUp(link)...), nil
}

// silence: the kernel is not to speak IPv6 on a device that is not for it.
func silence(sys device.ProcSys, name string) ([]drift.Correction, error) {
	return drift.Sysctl(sys, "net/ipv6/conf/"+name+"/disable_ipv6", "1")
}

// hold: a device is to have an IPv6 address that is also another's, and nothing else: it makes itself none, asks nobody whether
// it has that one, and listens to no router.
func hold(sys device.ProcSys, name string) ([]drift.Correction, error) {
	var all []drift.Correction
	for _, s := range []struct{ name, value string }{
		{"addr_gen_mode", "1"}, {"accept_dad", "0"}, {"dad_transmits", "0"}, {"accept_ra", "0"}, {"router_solicitations", "0"}, {"disable_ipv6", "0"},
	} {
		corrections, err := drift.Sysctl(sys, "net/ipv6/conf/"+name+"/"+s.name, s.value)
		if err != nil {
			return all, err
		}
		all = append(all, corrections...)
	}
	return all, nil
}

func compareUp(link netlink.Link) []drift.Correction {
	if link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	name := link.Attrs().Name
	return []drift.Correction{drift.One(systemv1alpha1.DriftDevice, name+" up", name+" down", func(context.Context) error { return netlink.LinkSetUp(link) })}
}
