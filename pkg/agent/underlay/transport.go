// Package underlay connects the switch to the network between Nodes: which interface that is, which datapath the switch uses,
// and, on the userspace datapath, the bridge br-phy through which tunnels leave.
//
// transport.go finds the interface, datapath.go chooses the datapath. Start at [Reconciler] for br-phy. The Node's interface
// and address stay with the kernel: only tunnel packets are steered into the bridge, so that a switch that is down never takes
// the Node's own network with it.
//
//   - reconciler.go: the loop
//   - brphy.go: the bridge, its veth pair and its address
//   - steering.go: the nft table that sends tunnel packets there
//   - routes.go: the kernel's routes, mirrored into the switch
//   - neighbors.go: the next hops of tunnels, resolved before the first packet
//   - cleanup.go: everything taken back when the agent is removed
package underlay

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Transport is the Node's interface for traffic between Nodes.
type Transport struct {
	Name    string
	Index   int
	MTU     int
	MAC     openflow.MAC
	Address netip.Prefix // with the length of its subnet
}

// Find returns the interface that has this address. It never is br-phy, which has the address too.
func Find(ip netip.Addr) (Transport, error) {
	addresses, err := netlink.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return Transport{}, fmt.Errorf("list addresses: %w", err)
	}
	for _, a := range addresses {
		p, ok := device.Prefix(a.IPNet)
		if !ok || p.Addr() != ip {
			continue
		}
		link, err := netlink.LinkByIndex(a.LinkIndex)
		if err == nil && link.Attrs().Name != BridgeName {
			return transportOf(link, p), nil
		}
	}
	return Transport{}, fmt.Errorf("no interface of this Node has its address %s", ip)
}

// FindByName returns the interface of that name, with its first global address.
func FindByName(name string) (Transport, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return Transport{}, fmt.Errorf("transport interface %s: %w", name, err)
	}
	addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return Transport{}, fmt.Errorf("transport interface %s: list addresses: %w", name, err)
	}
	for _, a := range addresses {
		if p, ok := device.Prefix(a.IPNet); ok && p.Addr().IsGlobalUnicast() {
			return transportOf(link, p), nil
		}
	}
	return Transport{}, fmt.Errorf("transport interface %s has no address", name)
}

func transportOf(link netlink.Link, address netip.Prefix) Transport {
	t := Transport{Name: link.Attrs().Name, Index: link.Attrs().Index, MTU: link.Attrs().MTU, Address: address}
	copy(t.MAC[:], link.Attrs().HardwareAddr)
	return t
}

// family is the one that tunnels are of, as netlink calls it.
func (t Transport) family() int {
	if t.Address.Addr().Is6() {
		return netlink.FAMILY_V6
	}
	return netlink.FAMILY_V4
}

// What a tunnel adds to a packet: the outer IP header, UDP, Geneve without options or VXLAN, the inner Ethernet header.
const (
	overheadIPv4 = 20 + 8 + 8 + 14
	overheadIPv6 = 40 + 8 + 8 + 14
)

// PodMTU is the largest packet of a Pod that fits: through a tunnel, if there are any.
func (t Transport) PodMTU(tunnels bool) int {
	switch {
	case !tunnels:
		return t.MTU
	case t.Address.Addr().Is6():
		return t.MTU - overheadIPv6
	}
	return t.MTU - overheadIPv4
}

// Subnets are the global addresses of the interface, of both families, with the lengths of their subnets.
func (t Transport) Subnets() ([]netip.Prefix, error) {
	link, err := netlink.LinkByIndex(t.Index)
	if err != nil {
		return nil, fmt.Errorf("transport interface %s: %w", t.Name, err)
	}
	addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("transport interface %s: list addresses: %w", t.Name, err)
	}
	var subnets []netip.Prefix
	for _, a := range addresses {
		if p, ok := device.Prefix(a.IPNet); ok && p.Addr().IsGlobalUnicast() {
			subnets = append(subnets, p)
		}
	}
	return subnets, nil
}
