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

// ensureVeth makes the pair between the kernel and br-phy. Both ends only pass frames on.
func ensureVeth(t Transport, sys device.ProcSys) (veth, error) {
	_, err := netlink.LinkByName(kernelEnd)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = kernelEnd, t.MTU
		err = netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: switchEnd})
	}
	if err != nil {
		return veth{}, fmt.Errorf("veth pair %s and %s: %w", kernelEnd, switchEnd, err)
	}
	kernel, err1 := ensureEnd(kernelEnd, t.MTU, sys)
	toSwitch, err2 := ensureEnd(switchEnd, t.MTU, sys)
	return veth{kernel, toSwitch}, errors.Join(err1, err2)
}

func ensureEnd(name string, mtu int, sys device.ProcSys) (index int, err error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return 0, fmt.Errorf("interface %s: %w", name, err)
	}
	if link.Attrs().MTU != mtu {
		if err := netlink.LinkSetMTU(link, mtu); err != nil {
			return 0, fmt.Errorf("MTU of %s: %w", name, err)
		}
	}
	if err := silence(sys, name); err != nil {
		return 0, err
	}
	if _, err := sys.Ensure("net/ipv4/conf/"+name+"/arp_ignore", "8"); err != nil {
		return 0, err
	}
	if err := device.DisableTXChecksum(name); err != nil {
		return 0, err
	}
	return link.Attrs().Index, ensureUp(link)
}

// indexKey, in external_ids, is the index of the interface that a port was made for.
const indexKey = "antrea-ifindex"

// ensureBridge makes br-phy, with the transport interface's MAC, so that replies of neighbors reach it. It fails standalone:
// its only rule is to pass frames between its two ports. A new veth pair needs a new port: the switch does not look for the
// interface again that it has lost.
func ensureBridge(ctx context.Context, db *ovsdb.DB, t Transport, pair veth) error {
	err := db.EnsureBridge(ctx, ovsdb.Bridge{
		Name: BridgeName, DatapathType: Netdev, FailMode: "standalone", OtherConfig: map[string]string{"hwaddr": t.MAC.String()},
		ExternalIDs: map[string]string{"antrea-type": "underlay"},
	})
	if err != nil {
		return err
	}
	index := strconv.Itoa(pair.toSwitch)
	if port, err := db.Port(ctx, switchEnd); err == nil && port.ExternalIDs[indexKey] != index {
		if err := errors.Join(db.DeletePort(ctx, BridgeName, switchEnd), db.Applied(ctx)); err != nil {
			return err
		}
	}
	return db.EnsurePort(ctx, BridgeName, ovsdb.Port{
		Name: switchEnd, ExternalIDs: map[string]string{"antrea-type": "underlay", indexKey: index},
	})
}

// ensureAddress gives br-phy the transport address, for the switch to send tunnels from, without a route: the kernel goes on
// using the transport interface.
func ensureAddress(t Transport, sys device.ProcSys) error {
	link, err := netlink.LinkByName(BridgeName)
	if err != nil {
		return fmt.Errorf("interface %s: %w", BridgeName, err) // the switch makes it
	}
	if t.Address.Addr().Is4() {
		err = silence(sys, BridgeName)
	} else {
		err = hold(sys, BridgeName)
	}
	if err != nil {
		return err
	}
	have, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("addresses of %s: %w", BridgeName, err)
	}
	there := false
	for _, a := range have {
		if p, ok := device.Prefix(a.IPNet); ok && p == t.Address && a.Flags&unix.IFA_F_NOPREFIXROUTE != 0 {
			there = true
			continue
		}
		if err := netlink.AddrDel(link, &a); err != nil {
			return fmt.Errorf("delete address %s from %s: %w", a.IPNet, BridgeName, err)
		}
	}
	if !there {
		address := &netlink.Addr{IPNet: device.IPNet(t.Address), Flags: unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_NODAD}
		if err := netlink.AddrAdd(link, address); err != nil {
			return fmt.Errorf("add address %s to %s: %w", t.Address, BridgeName, err)
		}
	}
	return ensureUp(link)
}

// silence keeps the kernel from speaking IPv6 on a device that is not for it.
func silence(sys device.ProcSys, name string) error {
	_, err := sys.Ensure("net/ipv6/conf/"+name+"/disable_ipv6", "1")
	return err
}

// hold lets a device have an IPv6 address that is also another's, and nothing else: it makes itself none, asks nobody whether
// it has that one, and listens to no router.
func hold(sys device.ProcSys, name string) error {
	for _, s := range []struct{ name, value string }{
		{"addr_gen_mode", "1"}, {"accept_dad", "0"}, {"dad_transmits", "0"}, {"accept_ra", "0"}, {"router_solicitations", "0"}, {"disable_ipv6", "0"},
	} {
		if _, err := sys.Ensure("net/ipv6/conf/"+name+"/"+s.name, s.value); err != nil {
			return err
		}
	}
	return nil
}

func ensureUp(link netlink.Link) error {
	if link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up: %w", link.Attrs().Name, err)
	}
	return nil
}
