package cniserver

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// nameAttempts is how many names of the host's end are tried. Two Pods with the same first 8 characters on one Node meet in
// their hash once in 16 million.
const nameAttempts = 4

// link is the interface of a container that is to be made.
type link struct {
	ifName    string
	mac       openflow.MAC
	mtu       int
	addresses []ipam.Address
	routes    []*types.Route
	offload   bool // of transmit checksums
}

// stableMAC is the same for the same attachment, so that a repeated ADD gives the same result.
func stableMAC(a cni.Attachment) openflow.MAC {
	hash := sha256.Sum256([]byte(a.ContainerID + "/" + a.IfName))
	mac := openflow.MAC(hash[:6])
	mac[0] = mac[0]&^0x01 | 0x02 // unicast, locally administered
	return mac
}

// createVeth makes the pair, with the first free name for the host's end, which it returns. Neither end is up.
func createVeth(pod *podNetNS, names []string, l link) (string, error) {
	for _, name := range names {
		err := netlink.LinkAdd(&netlink.Veth{
			LinkAttrs:        netlink.LinkAttrs{Name: name, MTU: l.mtu, TxQLen: 1000},
			PeerName:         l.ifName,
			PeerHardwareAddr: net.HardwareAddr(l.mac[:]),
			PeerNamespace:    netlink.NsFd(pod.ns.Fd()),
		})
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("create veth pair %s, %s: %w", name, l.ifName, err)
		}
		return name, nil
	}
	return "", fmt.Errorf("the names %v of a new interface are all taken", names)
}

// configureHost makes the host's end a mere port of the switch and brings it up. OVS's userspace datapath only copies what
// arrives there, so without this the Node's own stack would answer ARP and route beside the switch.
func configureHost(procSys, name string, l link) error {
	err := setSysctls(procSys,
		sysctl{"ipv4/conf/" + name + "/arp_ignore", "8"},
		sysctl{"ipv4/conf/" + name + "/forwarding", "0"},
		sysctl{"ipv6/conf/" + name + "/disable_ipv6", "1"},
	)
	if err != nil {
		return err
	}
	if !l.offload {
		if err := device.DisableTXChecksum(name); err != nil {
			return err
		}
	}
	host, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	if err := netlink.LinkSetUp(host); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// configureContainer gives the container's end its addresses and routes and brings it up.
func configureContainer(procSys string, pod *podNetNS, l link) error {
	err := pod.ns.Do(func(ns.NetNS) error {
		if slices.ContainsFunc(l.addresses, func(a ipam.Address) bool { return a.Prefix.Addr().Is6() }) {
			if err := setSysctls(procSys, sysctl{"ipv6/conf/" + l.ifName + "/disable_ipv6", "0"}); err != nil {
				return err
			}
		}
		if l.offload {
			return nil
		}
		return device.DisableTXChecksum(l.ifName)
	})
	if err != nil {
		return fmt.Errorf("in the container: %w", err)
	}
	eth, err := pod.handle.LinkByName(l.ifName)
	if err != nil {
		return fmt.Errorf("interface %s in the container: %w", l.ifName, err)
	}
	for _, a := range l.addresses {
		address := &netlink.Addr{IPNet: device.IPNet(a.Prefix)}
		if a.Prefix.Addr().Is6() {
			address.Flags = unix.IFA_F_NODAD // the switch gives the address to no other port
		}
		if err := pod.handle.AddrAdd(eth, address); err != nil {
			return fmt.Errorf("add address %s to %s in the container: %w", a.Prefix, l.ifName, err)
		}
	}
	if err := pod.handle.LinkSetUp(eth); err != nil {
		return fmt.Errorf("bring %s in the container up: %w", l.ifName, err)
	}
	for _, r := range l.routes {
		if err := pod.handle.RouteAdd(kernelRoute(eth, r)); err != nil {
			return fmt.Errorf("add route %s in the container: %w", r, err)
		}
	}
	return nil
}

func kernelRoute(eth netlink.Link, r *types.Route) *netlink.Route {
	dst := r.Dst
	route := &netlink.Route{
		LinkIndex: eth.Attrs().Index, Dst: &dst, Gw: r.GW, MTU: r.MTU, AdvMSS: r.AdvMSS, Priority: r.Priority, Table: unix.RT_TABLE_MAIN,
	}
	if r.GW != nil {
		route.Flags = int(netlink.FLAG_ONLINK) // the gateway may be outside a range that is part of the Node's
	}
	if r.Table != nil {
		route.Table = *r.Table
	}
	if r.Scope != nil {
		route.Scope = netlink.Scope(*r.Scope)
	}
	return route
}

// deleteHostLink removes a veth pair by its host's end. It succeeds if there is none.
func deleteHostLink(name string) error {
	host, err := hostLink(name)
	if err != nil || host == nil {
		return err
	}
	if err := netlink.LinkDel(host); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("delete interface %s: %w", name, err)
	}
	return nil
}

// hostLink is the Node's interface of that name, nil if there is none.
func hostLink(name string) (netlink.Link, error) {
	host, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	return host, nil
}

// deleteLeftover removes the interface that an ADD left in the container when the agent was killed before the record was
// written. It is known by the name of its other end; an interface of somebody else is an error.
func deleteLeftover(pod *podNetNS, ifName string, hostNames []string) error {
	eth, err := pod.handle.LinkByName(ifName)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("interface %s in the container: %w", ifName, err)
	}
	if eth.Type() == "veth" {
		host, err := netlink.LinkByIndex(eth.Attrs().ParentIndex)
		if err == nil && host.Attrs().ParentIndex == eth.Attrs().Index && slices.Contains(hostNames, host.Attrs().Name) {
			return deleteHostLink(host.Attrs().Name)
		}
	}
	return fmt.Errorf("the container has an interface %s that this network did not make", ifName)
}
