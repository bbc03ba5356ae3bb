package agent

import (
	"context"
	"errors"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
)

// mtuKey, in external_ids of the bridge, is the MTU that Pods have been given.
const mtuKey = "pod-mtu"

// followMTU gives the Pods that are there another MTU when the network between Nodes has got one, until ctx is done.
func (a *agent) followMTU(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	kernel := make(chan struct{}, 1)
	group.Go(func() error { return device.Watch(ctx, kernel) })
	group.Go(func() error {
		changes, stop := a.store.WatchAllButPods()
		defer stop()
		for {
			var retry <-chan time.Time
			if err := a.changeMTU(ctx); err != nil && ctx.Err() == nil {
				klog.FromContext(ctx).Error(err, "Pods may not have the MTU yet that the network between Nodes asks for")
				retry = time.After(openTimeout)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-changes:
			case <-retry:
			case <-kernel:
				device.Settle(ctx)
			}
		}
	})
	return group.Wait()
}

// changeMTU compares the MTU of Pods with the one that they were given, by this agent or the one before it.
func (a *agent) changeMTU(ctx context.Context) error {
	now := a.podMTU()
	if now == 0 {
		return nil // not known yet
	}
	ids, err := a.db.BridgeExternalIDs(ctx, a.bridge.name)
	if errors.Is(err, ovsdb.ErrNotFound) {
		return nil // somebody has deleted it; when it is back, there is a change
	}
	if err != nil || ids[mtuKey] == strconv.Itoa(now) {
		return err
	}
	if before, err := strconv.Atoi(ids[mtuKey]); err == nil {
		records, err := a.pods.Records(ctx)
		if err != nil {
			return err
		}
		for _, r := range records {
			pair := device.Pair{Near: r.PortName, NetNS: r.NetNS, Far: r.IfName}
			if err := pair.ChangeMTU(before, now); err != nil {
				klog.FromContext(ctx).Error(err, "This Pod keeps its MTU until it is made anew", "pod", r.PodNamespace+"/"+r.PodName)
			}
		}
		klog.FromContext(ctx).Info("Pods have another MTU", "before", before, "now", now)
	}
	return a.db.SetBridgeExternalIDs(ctx, a.bridge.name, map[string]string{mtuKey: strconv.Itoa(now)})
}
