package cniserver

import (
	"context"
	"errors"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/hostlocal"
)

// gc is GC: it removes the attachments of this network that the runtime does not know.
func (c *call) gc(ctx context.Context) error {
	valid, err := c.conf.Valid()
	if err != nil {
		return err
	}
	if err := c.server.network.Ready(); err != nil {
		return again(err)
	}
	containers := map[string]bool{}
	for a := range valid {
		containers[a.ContainerID] = true
	}
	_, err = c.removeAll(ctx, func(rec podport.Record) bool {
		return !valid[rec.Attachment()] && (rec.Network == c.conf.Name || rec.Network == "")
	})
	return errors.Join(err, c.releaseImported(func(o hostlocal.Owner) bool {
		return !containers[o.ContainerID]
	}))
}

// reclaim removes the Pods whose interface is gone, because their network namespace is, although no DEL came. It returns how
// many there were.
func (c *call) reclaim(ctx context.Context) int {
	n, err := c.removeAll(ctx, func(rec podport.Record) bool {
		host, err := hostLink(rec.PortName)
		return err == nil && host == nil && rec.Attachment() != c.attachment()
	})
	if err != nil {
		klog.FromContext(ctx).Error(err, "Cannot reclaim all addresses of Pods that are gone")
	}
	return n
}

// removeAll removes the Pods that are stale, each under its lock, and returns how many it removed.
func (c *call) removeAll(ctx context.Context, stale func(podport.Record) bool) (n int, err error) {
	records, err := c.records(ctx)
	if err != nil {
		return 0, err
	}
	for _, rec := range records {
		if !stale(rec) {
			continue
		}
		err = errors.Join(err, c.removeStale(ctx, rec, stale))
		n++
	}
	return n, err
}

func (c *call) removeStale(ctx context.Context, rec podport.Record, stale func(podport.Record) bool) error {
	unlock, err := c.server.locks.lock(ctx, rec.Attachment())
	if err != nil {
		return err
	}
	defer unlock()
	records, err := c.records(ctx)
	if err != nil {
		return err
	}
	for _, now := range records {
		if now.PortName == rec.PortName && now.Attachment() == rec.Attachment() && stale(now) {
			klog.FromContext(ctx).Info("Removing a Pod that is gone", "pod", klog.KRef(rec.PodNamespace, rec.PodName), "port", rec.PortName)
			return c.remove(ctx, rec.PortName)
		}
	}
	return nil
}
