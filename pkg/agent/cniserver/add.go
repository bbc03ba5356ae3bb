package cniserver

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// add is ADD. Each step that leaves something behind is undone if a later one fails.
func (c *call) add(ctx context.Context) (_ *current.Result, err error) {
	if err := c.unused(); err != nil {
		return nil, err
	}
	if err := c.ready(); err != nil {
		return nil, again(err)
	}
	node := c.server.node()
	config, err := c.ipamConfig(node)
	if err != nil {
		return nil, err
	}
	pod, err := openPodNetNS(c.netnsFile)
	if err != nil {
		return nil, err
	}
	defer pod.Close()
	unlock, err := c.server.locks.lock(ctx, c.attachment())
	if err != nil {
		return nil, err
	}
	defer unlock()

	rec, ok, err := c.record(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		if c.stands(pod, rec) {
			return c.result(rec, config, node)
		}
		if err := c.remove(ctx, rec.PortName); err != nil {
			return nil, err
		}
	}
	names, err := c.portNames(ctx)
	if err != nil {
		return nil, err
	}
	if err := deleteLeftover(pod, c.req.IfName, names); err != nil {
		return nil, interfaceError(err)
	}

	defer c.server.addresses.release(c.attachment())
	rec, err = c.newRecord(ctx, config, node)
	if err != nil {
		return nil, err
	}
	l := c.link(rec, config, node)
	if rec.PortName, err = createVeth(pod, names, l); err != nil {
		return nil, interfaceError(err)
	}
	defer func() {
		if err == nil {
			return
		}
		// The time for the request may be over, but not for cleaning up.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.server.config.Timeout)
		defer cancel()
		if undoErr := c.remove(undo, rec.PortName); undoErr != nil {
			klog.FromContext(ctx).Error(undoErr, "Cannot undo a failed ADD; the runtime's DEL tries again", "port", rec.PortName)
		}
	}()
	if err := configureHost(c.server.config.ProcSys, rec.PortName, l); err != nil {
		return nil, interfaceError(err)
	}
	if err := configureContainer(c.server.config.ProcSys, pod, l); err != nil {
		return nil, interfaceError(err)
	}
	if err := c.attach(ctx, rec); err != nil {
		return nil, err
	}
	return c.result(rec, config, node)
}

// unused reports whether a plugin before this one has made the interface that this one is to make.
func (c *call) unused() error {
	if c.previous == nil {
		return nil
	}
	for _, i := range c.previous.Interfaces {
		if i.Name == c.req.IfName && i.Sandbox != "" {
			return types.NewError(types.ErrInvalidNetworkConfig, fmt.Sprintf(
				"key prevResult: a plugin before antrea in the list has made %s; put antrea first, or give that plugin another name", i.Name), "")
		}
	}
	return nil
}

func interfaceError(err error) error { return types.NewError(cni.CodeInterface, err.Error(), "") }

// portNames are the names that the host's end may have, best first.
func (c *call) portNames(ctx context.Context) ([]string, error) {
	records, err := c.records(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, nameAttempts)
	for i := range nameAttempts {
		name := podport.PortName(c.args.PodName, c.attachment(), i)
		if !slices.ContainsFunc(records, func(r podport.Record) bool { return r.PortName == name }) {
			names = append(names, name)
		}
	}
	return names, nil
}

// stands reports whether an earlier ADD's interface is still there.
func (c *call) stands(pod *podNetNS, rec podport.Record) bool {
	eth, err := pod.handle.LinkByName(rec.IfName)
	if err != nil || !slices.Equal(eth.Attrs().HardwareAddr, rec.MAC[:]) {
		return false
	}
	host, err := hostLink(rec.PortName)
	return err == nil && host != nil && host.Attrs().Index == eth.Attrs().ParentIndex
}

// newRecord chooses the addresses and the MAC.
func (c *call) newRecord(ctx context.Context, config ipamConfig, node Node) (podport.Record, error) {
	rec := podport.Record{
		Network: c.conf.Name, ContainerID: c.req.ContainerID, NetNS: c.req.NetNS, IfName: c.req.IfName,
		PodNamespace: c.args.PodNamespace, PodName: c.args.PodName, PodUID: c.args.PodUID, MAC: stableMAC(c.attachment()), VNI: c.conf.VNI,
	}
	for _, want := range []struct{ key, mac string }{{"CNI_ARGS: MAC", c.args.MAC}, {"key runtimeConfig.mac", c.conf.RuntimeConfig.MAC}} {
		if want.mac == "" {
			continue
		}
		mac, err := openflow.ParseMAC(want.mac)
		if err == nil && (mac.IsZero() || mac[0]&1 == 1) {
			err = fmt.Errorf("%s is not the address of one interface", mac)
		}
		if err != nil {
			return rec, types.NewError(types.ErrInvalidNetworkConfig, want.key+": "+err.Error(), "")
		}
		rec.MAC = mac
	}
	chosen := config.chosen
	if len(chosen) == 0 {
		var err error
		if chosen, err = c.allocate(ctx, config, node); err != nil {
			return rec, err
		}
	}
	for _, a := range chosen {
		rec.IPs = append(rec.IPs, a.Prefix)
	}
	if rec.VNI != 0 {
		return rec, c.aloneInSegment(ctx, rec)
	}
	return rec, nil
}

func (c *call) link(rec podport.Record, config ipamConfig, node Node) link {
	addresses := config.addressesOf(rec, node)
	return link{
		ifName: rec.IfName, mac: rec.MAC, mtu: c.mtu(node), addresses: addresses, routes: config.routesOf(addresses),
		offload: !node.UserspaceDatapath,
	}
}

func (c *call) mtu(node Node) int {
	if c.conf.MTU != 0 {
		return c.conf.MTU
	}
	return node.MTU
}

// result describes an attachment to the runtime and to the plugins that follow, behind what the plugins before have made.
func (c *call) result(rec podport.Record, config ipamConfig, node Node) (*current.Result, error) {
	host, err := hostLink(rec.PortName)
	if err == nil && host == nil {
		err = fmt.Errorf("interface %s has vanished", rec.PortName)
	}
	if err != nil {
		return nil, interfaceError(err)
	}
	addresses := config.addressesOf(rec, node)
	result := &current.Result{
		CNIVersion: current.ImplementedSpecVersion,
		Interfaces: []*current.Interface{
			{Name: rec.PortName, Mac: host.Attrs().HardwareAddr.String(), Mtu: host.Attrs().MTU},
			{Name: rec.IfName, Mac: rec.MAC.String(), Mtu: host.Attrs().MTU, Sandbox: c.req.NetNS},
		},
		Routes: config.routesOf(addresses),
		DNS:    config.dns,
	}
	own := 1
	if c.previous != nil {
		own += len(c.previous.Interfaces)
		result.Interfaces = slices.Concat(c.previous.Interfaces, result.Interfaces)
		result.Routes = slices.Concat(c.previous.Routes, result.Routes)
		result.IPs = slices.Clone(c.previous.IPs)
		if result.DNS.IsEmpty() {
			result.DNS = c.previous.DNS
		}
	}
	for _, a := range addresses {
		ip := &current.IPConfig{Interface: current.Int(own), Address: *device.IPNet(a.Prefix)}
		if a.Gateway.IsValid() {
			ip.Gateway = net.IP(a.Gateway.AsSlice())
		}
		result.IPs = append(result.IPs, ip)
	}
	return result, nil
}
