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
	defer d.lock(a)()
	r, ok := d.journal.get(a)
	if !ok {
		// Attached by Whereabouts, or released already.
		conf, err := whereabouts.Parse(req.Stdin, req.IPAMFile, req.Args)
		if err != nil {
			klog.FromContext(ctx).Error(err, "DEL of an attachment that is not known, with a configuration that cannot have given addresses",
				"container", a.ContainerID, "interface", a.IfName)
			return nil
		}
		r = record{Network: conf.Network, ContainerID: a.ContainerID, IfName: a.IfName, Boot: d.boot, Pod: conf.Pod, Place: place(conf)}
	}
	if err := d.release(ctx, r); err != nil {
		klog.FromContext(ctx).Error(err, "Addresses could not be released yet", "pod", r.Pod.Ref(), "container", a.ContainerID, "interface", a.IfName)
		r.Releasing = true
		if err := d.journal.put(r); err != nil {
			return types.NewError(types.ErrTryAgainLater, "error at storage engine: "+err.Error(), "")
		}
		wake(d.retry)
	}
	return nil
}

// release frees what a record stands for, and then ends it. The caller has locked the attachment.
func (d *daemon) release(ctx context.Context, r record) error {
	ctx, cancel := context.WithTimeout(ctx, delTimeout)
	defer cancel()
	if err := d.Store.Release(ctx, d.owner(r), r.Place); err != nil {
		return err
	}
	return d.journal.remove(r.attachment())
}

// releaseLater notes that nothing of the record is in use. The caller has locked the attachment.
func (d *daemon) releaseLater(ctx context.Context, r record) {
	r.Releasing = true
	if err := d.journal.put(r); err != nil {
		// The record is there as it was, and the runtime's DEL comes.
		klog.FromContext(ctx).Error(err, "Could not note that an attachment failed", "pod", r.Pod.Ref(), "container", r.ContainerID)
	}
	wake(d.retry)
}

// keepReleasing releases what the runtime believes released, until it is.
func (d *daemon) keepReleasing(ctx context.Context) error {
	wait := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.retry:
		case <-time.After(wait):
		}
		left := 0
		for _, r := range d.journal.all() {
			if r.Releasing && ctx.Err() == nil && !d.releaseAgain(ctx, r.attachment()) {
				left++
			}
		}
		switch {
		case left == 0:
			wait = time.Hour // until something comes
		case wait == 0 || wait > maxRetry:
			wait = time.Second
		default:
			wait = min(2*wait, maxRetry)
		}
	}
}

func (d *daemon) releaseAgain(ctx context.Context, a cni.Attachment) (done bool) {
	defer d.lock(a)()
	r, ok := d.journal.get(a)
	if !ok || !r.Releasing {
		return true
	}
	d.counts.retries.Inc()
	if err := d.release(ctx, r); err != nil {
		klog.FromContext(ctx).Error(err, "Addresses could still not be released; trying again", "pod", r.Pod.Ref(), "container", a.ContainerID)
		return false
	}
	klog.FromContext(ctx).Info("Addresses released", "pod", r.Pod.Ref(), "container", a.ContainerID, "interface", a.IfName)
	return true
}
