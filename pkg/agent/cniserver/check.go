package cniserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/vishvananda/netlink"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
)

// check is CHECK: whether all that ADD made is as it was, every difference named.
func (c *call) check(ctx context.Context) error {
	if err := c.server.network.Ready(); err != nil {
		return again(err)
	}
	pod, err := openPodNetNS(c.netnsFile)
	if err != nil {
		return err
	}
	defer pod.Close()
	unlock, err := c.server.locks.lock(ctx, c.attachment())
	if err != nil {
		return err
	}
	defer unlock()

	rec, ok, err := c.record(ctx)
	if err != nil {
		return err
	}
	if !ok {
		return types.NewError(types.ErrUnknownContainer, fmt.Sprintf("the switch has no port for %s of container %s", c.req.IfName, c.req.ContainerID), "")
	}
	if err := errors.Join(checkRecord(rec, c.previous), checkHost(rec), checkContainer(pod, rec, c.previous)); err != nil {
		return types.NewError(cni.CodeCheck, err.Error(), "")
	}
	return nil
}

// checkRecord compares what the switch knows with what the runtime was told.
func checkRecord(rec podport.Record, previous *current.Result) error {
	var errs []error
	if rec.OFPort == 0 {
		errs = append(errs, fmt.Errorf("port %s has no number: the switch does not find the interface", rec.PortName))
	}
	for _, prefix := range rec.IPs {
		if !slices.ContainsFunc(previous.IPs, func(ip *current.IPConfig) bool { return ip.Address.String() == prefix.String() }) {
			errs = append(errs, fmt.Errorf("port %s has address %s, which key prevResult has not", rec.PortName, prefix))
		}
	}
	return errors.Join(errs...)
}

func checkHost(rec podport.Record) error {
	host, err := hostLink(rec.PortName)
	switch {
	case err != nil:
		return err
	case host == nil:
		return fmt.Errorf("interface %s is missing on the Node", rec.PortName)
	case host.Attrs().Flags&net.FlagUp == 0:
		return fmt.Errorf("interface %s is down on the Node", rec.PortName)
	}
	return nil
}

func checkContainer(pod *podNetNS, rec podport.Record, previous *current.Result) error {
	eth, err := pod.handle.LinkByName(rec.IfName)
	if err != nil {
		return fmt.Errorf("interface %s in the container: %w", rec.IfName, err)
	}
	var errs []error
	if eth.Attrs().Flags&net.FlagUp == 0 {
		errs = append(errs, fmt.Errorf("interface %s is down in the container", rec.IfName))
	}
	if got := eth.Attrs().HardwareAddr; !slices.Equal(got, rec.MAC[:]) {
		errs = append(errs, fmt.Errorf("interface %s in the container has the MAC %s, not %s", rec.IfName, got, rec.MAC))
	}
	addresses, err := pod.handle.AddrList(eth, netlink.FAMILY_ALL)
	if err != nil {
		return fmt.Errorf("addresses of %s in the container: %w", rec.IfName, err)
	}
	for _, prefix := range rec.IPs {
		if !slices.ContainsFunc(addresses, func(a netlink.Addr) bool { return a.IPNet.String() == prefix.String() }) {
			errs = append(errs, fmt.Errorf("interface %s in the container lacks the address %s", rec.IfName, prefix))
		}
	}
	return errors.Join(append(errs, checkRoutes(pod, eth, previous))...)
}

func checkRoutes(pod *podNetNS, eth netlink.Link, previous *current.Result) error {
	var errs []error
	for _, want := range previous.Routes {
		if viaAnother(want, eth.Attrs().Name, previous) {
			continue
		}
		family := netlink.FAMILY_V4
		if want.Dst.IP.To4() == nil {
			family = netlink.FAMILY_V6
		}
		filter := kernelRoute(eth, want)
		routes, err := pod.handle.RouteListFiltered(family, filter, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_DST|netlink.RT_FILTER_OIF)
		if err != nil {
			return fmt.Errorf("routes of the container: %w", err)
		}
		if !slices.ContainsFunc(routes, func(r netlink.Route) bool { return want.GW == nil || r.Gw.Equal(want.GW) }) {
			errs = append(errs, fmt.Errorf("the container lacks the route to %s via %s", want.Dst.String(), want.GW))
		}
	}
	return errors.Join(errs...)
}

// viaAnother is true of a route whose gateway is that of an interface which another plugin of the list has made.
func viaAnother(r *types.Route, ifName string, previous *current.Result) bool {
	return r.GW != nil && slices.ContainsFunc(previous.IPs, func(ip *current.IPConfig) bool {
		if ip.Interface == nil || *ip.Interface < 0 || *ip.Interface >= len(previous.Interfaces) {
			return false
		}
		of := previous.Interfaces[*ip.Interface]
		return of.Sandbox != "" && of.Name != ifName && ip.Gateway.Equal(r.GW)
	})
}
