package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// nodeLink is the interface of every node.
const nodeLink = "eth0"

// inNetwork calls f in the network namespace of a process.
func inNetwork(pid int, f func() error) (err error) {
	home, err := netns.Get()
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := netns.GetFromPid(pid)
	if err != nil {
		return fmt.Errorf("network namespace of process %d: %w", pid, err)
	}
	defer there.Close()
	runtime.LockOSThread()
	if err := netns.Set(there); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter the network namespace of process %d: %w", pid, err)
	}
	defer func() {
		if back := netns.Set(home); back != nil { // the thread stays locked and so serves nothing else
			err = errors.Join(err, fmt.Errorf("return to the machine's network namespace: %w", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

// segmentName is the bridge of an underlay network.
func segmentName(i int) string { return fmt.Sprintf("segment%d", i) }

// buildUnderlay makes a bridge for each L2 segment in the lab's network namespace, which is the router between them.
func buildUnderlay(pid int, underlays []Underlay) error {
	return inNetwork(pid, func() error {
		for i, u := range underlays {
			attrs := netlink.NewLinkAttrs()
			attrs.Name, attrs.MTU = segmentName(i), u.MTU
			// A bridge without an address of its own takes one of its links', and another when that Node dies: then nobody
			// finds the router for seconds.
			attrs.HardwareAddr = net.HardwareAddr{0x02, 'l', 'a', 'b', 0, byte(i)}
			bridge := &netlink.Bridge{LinkAttrs: attrs}
			if err := netlink.LinkAdd(bridge); err != nil {
				return fmt.Errorf("underlay %s: %w", u.CIDR, err)
			}
			if err := u.addAddresses(bridge, u.Gateway); err != nil {
				return err
			}
			if err := netlink.LinkSetUp(bridge); err != nil {
				return err
			}
			if err := likeAWire(bridge.Name); err != nil {
				return err
			}
		}
		return nil
	})
}

// plug gives a node its eth0: address, default route and a cable to its segment. A cable that a former life of the node
// left is replaced.
func plug(labPID, nodePID int, u Underlay, n NodePlan) error {
	ns, err := netns.GetFromPid(nodePID)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	defer ns.Close()
	err = inNetwork(labPID, func() error {
		if old, err := netlink.LinkByName(n.Name); err == nil {
			if err := netlink.LinkDel(old); err != nil {
				return err
			}
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = n.Name, u.MTU
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: nodeLink, PeerHardwareAddr: n.MAC, PeerNamespace: netlink.NsFd(int(ns))}
		if err := netlink.LinkAdd(veth); err != nil {
			return fmt.Errorf("make the link: %w", err)
		}
		bridge, err := netlink.LinkByName(segmentName(n.Underlay))
		if err != nil {
			return err
		}
		if err := netlink.LinkSetMaster(veth, bridge); err != nil {
			return err
		}
		if err := likeAWire(n.Name); err != nil {
			return err
		}
		return netlink.LinkSetUp(veth)
	})
	if err != nil {
		return fmt.Errorf("plug in %s: %w", n.Name, err)
	}
	err = inNetwork(nodePID, func() error {
		eth0, err := netlink.LinkByName(nodeLink)
		if err != nil {
			return err
		}
		if err := u.addAddresses(eth0, n.Address); err != nil {
			return err
		}
		if err := netlink.LinkSetMTU(eth0, u.MTU); err != nil {
			return err
		}
		if err := netlink.LinkSetUp(eth0); err != nil {
			return err
		}
		for _, a := range n.Address {
			gateway := u.Gateway[slices.IndexFunc(u.Gateway, func(g netip.Addr) bool { return g.Is4() == a.Is4() })]
			if err := netlink.RouteAdd(&netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: gateway.AsSlice()}); err != nil {
				return fmt.Errorf("route via %s: %w", gateway, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("configure %s of %s: %w", nodeLink, n.Name, err)
	}
	return nil
}

// setCable takes the underlay's end of a node's link down or up: the node sees its carrier go or come.
func setCable(labPID int, node string, up bool) error {
	return inNetwork(labPID, func() error {
		link, err := netlink.LinkByName(node)
		var missing netlink.LinkNotFoundError
		if errors.As(err, &missing) {
			return fmt.Errorf("node %s is not plugged in", node)
		}
		if err != nil {
			return err
		}
		if up {
			return netlink.LinkSetUp(link)
		}
		return netlink.LinkSetDown(link)
	})
}

// likeAWire turns off what a virtual link leaves undone: packets arrive with their checksums and no longer than the MTU.
func likeAWire(link string) error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer e.Close()
	off := map[string]bool{}
	have, err := e.Features(link)
	if err != nil {
		return fmt.Errorf("features of %s: %w", link, err)
	}
	for _, f := range []string{"tx-checksum-ip-generic", "tx-checksum-sctp", "tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-udp-segmentation", "tx-generic-segmentation"} {
		if have[f] {
			off[f] = false
		}
	}
	if err := e.Change(link, off); err != nil {
		return fmt.Errorf("turn off offloads of %s: %w", link, err)
	}
	return nil
}

// addAddresses gives a link addresses in the underlay's ranges. Nobody else has them, so nobody is asked.
func (u Underlay) addAddresses(link netlink.Link, addresses Addrs) error {
	for _, a := range addresses {
		address := &netlink.Addr{IPNet: ipNet(a, u.CIDR[slices.IndexFunc(u.CIDR, func(p netip.Prefix) bool { return p.Contains(a) })])}
		if a.Is6() {
			address.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrAdd(link, address); err != nil {
			return fmt.Errorf("underlay %s: address %s: %w", u.CIDR, a, err)
		}
	}
	return nil
}

func ipNet(a netip.Addr, p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(p.Bits(), a.BitLen())}
}
