package daemon

import (
	"context"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// del releases what the attachment has. If the API server does not take it, the runtime is told that it is done once the journal
// says that it is to be done.
func (d *daemon) del(ctx context.Context, req cni.Request) error {
	a := cni.Attachment{ContainerID: req.ContainerID, IfName: req.IfName}
	defer d.journal.Lock(keyOf(a))()
	r, ok := d.journal.Get(keyOf(a))
	if !ok {
		// Attached by Whereabouts, or released already.
		conf, err := whereabouts.Parse(req.Stdin, req.IPAMFile, req.Args)
		if err != nil {
			klog.FromContext(ctx).Error(err, "DEL of an attachment that is not known, with a configuration that cannot have given addresses",
				"container", a.ContainerID, "interface", a.IfName)
			return nil
		}
		where, err := d.placeOf(ctx, conf)
		if err != nil {
			return err
		}
		r = record{Network: conf.Network, ContainerID: a.ContainerID, IfName: a.IfName, Boot: d.boot, Pod: conf.Pod, Place: where}
	}
	if err := d.release(ctx, r, delTimeout); err != nil {
		klog.FromContext(ctx).Error(err, "Addresses could not be released yet", "pod", r.Pod.Ref(), "container", a.ContainerID, "interface", a.IfName)
		r.Releasing = true
		if err := d.journal.Put(r); err != nil {
			return types.NewError(types.ErrTryAgainLater, "error at storage engine: "+err.Error(), "")
		}
		wake(d.retry)
	}
	return nil
}

// release frees what a record stands for, and then ends it. The caller has locked the attachment.
func (d *daemon) release(ctx context.Context, r record, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := d.Store.Release(ctx, d.owner(r), r.Place, d.wanted); err != nil {
		return err
	}
	return d.journal.Remove(r.Key())
}

// releaseLater notes that nothing of the record is in use. The caller has locked the attachment.
func (d *daemon) releaseLater(ctx context.Context, r record) {
	r.Releasing = true
	if err := d.journal.Put(r); err != nil {
		// The record is there as it was, and the runtime's DEL comes.
		klog.FromContext(ctx).Error(err, "Could not note that an attachment failed", "pod", r.Pod.Ref(), "container", r.ContainerID)
	}
	wake(d.retry)
}

// keepReleasing releases what the runtime believes released, until it is.
func (d *daemon) keepReleasing(ctx context.Context) {
	d.journal.WorkOff(ctx, d.retry, func(r record) bool { return r.Releasing }, d.releaseAgain)
}

// releaseAgain releases what could not be released. The caller has locked the attachment.
func (d *daemon) releaseAgain(ctx context.Context, r record) (done bool) {
	d.counts.retries.Inc()
	logger := klog.FromContext(ctx).WithValues("pod", r.Pod.Ref(), "container", r.ContainerID, "interface", r.IfName)
	if err := d.release(ctx, r, retryTimeout); err != nil {
		logger.Error(err, "Addresses could still not be released; trying again")
		return false
	}
	logger.Info("Addresses released")
	return true
}
