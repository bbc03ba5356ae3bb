package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/host"
	"github.com/antrea-mc/antrea-mc/pkg/agent/underlay"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
)

const (
	// cleanupConnect bounds the wait for ovsdb-server.
	cleanupConnect = time.Minute
	// cleanupFollow bounds the wait for ovs-vswitchd to let go of the bridges.
	cleanupFollow = 30 * time.Second
)

// userspaceDevice is the port that the userspace datapath has of its own.
const userspaceDevice = "ovs-netdev"

// Cleanup undoes on this Node what the agent has done: network configuration, the copy of policies, bridges with the interfaces of Pods, routes,
// nft tables, sysctls. It needs Open vSwitch to run and the agent not to. Again is nothing.
func Cleanup(ctx context.Context, c Config) error {
	var errs []error
	for _, file := range []string{filepath.Join(c.ConflistDir, cni.ConflistName), c.policyCopy()} {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.cleanNetwork(ctx))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	klog.FromContext(ctx).Info("This Node is as it was before the agent came")
	return nil
}

// cleanNetwork undoes what is in the kernel and in the switch. The bridges go last: they know what sysctls were before.
func (c Config) cleanNetwork(ctx context.Context) error {
	connect, cancel := context.WithTimeout(ctx, cleanupConnect)
	defer cancel()
	db, err := ovsdb.Connect(connect, filepath.Join(c.OVSRunDir, "db.sock"))
	if err != nil {
		return err
	}
	defer db.Close()
	ids, err := db.BridgeExternalIDs(ctx, c.OVSBridge)
	if err != nil && !errors.Is(err, ovsdb.ErrNotFound) {
		return err
	}
	ports, err := db.Ports(ctx, c.OVSBridge)
	if err != nil && !errors.Is(err, ovsdb.ErrNotFound) {
		return err
	}
	if err := errors.Join(host.Cleanup(ctx, c.ProcSys, remembered(ids)), underlay.Cleanup(ctx)); err != nil {
		return err
	}
	// The switch must not wait for flows any more, or it would not let go; and the database comes before the interfaces, or the
	// switch would open again what goes before it.
	err = errors.Join(db.EndFlowRestoreWait(ctx), db.DeleteBridge(ctx, c.OVSBridge), db.DeleteBridge(ctx, underlay.BridgeName))
	follow, cancel := context.WithTimeout(ctx, cleanupFollow)
	defer cancel()
	if err := errors.Join(err, db.Applied(follow)); err != nil {
		return err
	}
	// What is still there is nobody's: tap devices of the userspace datapath outlive a switch that was killed, and the one that
	// runs now may never have had them.
	err = c.deleteKernelDatapath(ctx)
	names := []string{c.OVSBridge, c.HostGateway, underlay.BridgeName, userspaceDevice}
	for _, port := range ports {
		if _, err := podport.Parse(port.Name, port.ExternalIDs); err == nil {
			names = append(names, port.Name)
		}
	}
	for _, name := range names {
		err = errors.Join(err, deleteLink(name))
	}
	return err
}

// deleteKernelDatapath deletes the kernel's datapath if ovs-vswitchd has no bridge on it. A switch that was killed leaves it behind with
// ports that netlink deletes no other way, and the one that runs now has never opened it.
func (c Config) deleteKernelDatapath(ctx context.Context) error {
	const name = "ovs-system"
	datapath, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return err
	}
	socket, err := unixctl.VSwitchd(c.OVSRunDir)
	if err != nil {
		return err
	}
	if open, err := unixctl.Call(ctx, socket, "dpif/dump-dps"); err != nil || strings.Contains(open, name) {
		return err
	}
	links, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.Attrs().MasterIndex != datapath.Attrs().Index {
			continue
		}
		if _, portErr := unixctl.Call(ctx, socket, "dpctl/del-if", name, l.Attrs().Name); portErr != nil {
			err = errors.Join(err, portErr)
		}
	}
	_, dpErr := unixctl.Call(ctx, socket, "dpctl/del-dp", name)
	return errors.Join(err, dpErr)
}

func deleteLink(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("delete interface %s: %w", name, err)
	}
	return nil
}
