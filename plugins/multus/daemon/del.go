package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// del undoes a sandbox. The runtime is told of what fails and tries again; so does the daemon, in case the runtime gives up.
func (d *daemon) del(ctx context.Context, req cni.Request) error {
	c, err := parse(req)
	if err != nil {
		return err
	}
	defer d.journal.Lock(c.ContainerID)()
	ctx, cancel := context.WithTimeout(ctx, delTimeout)
	defer cancel()
	r, err := d.known(ctx, c)
	if err != nil {
		return err
	}
	if err := d.releaseOrRetry(ctx, r, c.NetNS); err != nil {
		return types.NewError(types.ErrTryAgainLater, "detach Pod "+r.Pod.String()+": "+err.Error(), "")
	}
	return nil
}

// known is the record of a sandbox: its own, what Multus has kept of it, or what its Pod would get.
func (d *daemon) known(ctx context.Context, c call) (record, error) {
	ok, err := d.adopt(ctx, c.ContainerID, c.conf.CNIDir, d.record(c).Path)
	if err != nil {
		klog.FromContext(ctx).Error(err, "The cache of Multus is of no use for DEL", "pod", c.pod, "container", c.ContainerID)
	}
	if !ok {
		return d.reconstruct(ctx, c)
	}
	r, _ := d.journal.Get(c.ContainerID)
	if r.Pod.Name == "" { // Multus has kept no result
		r.Pod, r.Args = c.pod, c.args
	}
	return r, nil
}

// reconstruct is the record of a sandbox of which there is none: the journal or the cache of Multus is lost, or it is deleted already.
// Plugins have to bear a second DEL, so what the Pod would get now is deleted; if that is not known, the default network at least.
func (d *daemon) reconstruct(ctx context.Context, c call) (record, error) {
	var pod *corev1.Pod
	var err error
	if c.pod.Name != "" {
		if pod, err = d.api.pod(ctx, c.pod); err != nil && !errors.Is(err, errNoPod) {
			return record{}, types.NewError(types.ErrTryAgainLater, err.Error(), "")
		}
	}
	planned, _, err := d.plan(ctx, c, pod)
	if err != nil {
		klog.FromContext(ctx).Error(err, "DEL of a sandbox that is not known, of whose networks only the default network can be found", "pod", c.pod, "container", c.ContainerID)
		c.conf.DefaultNetworks, c.conf.AuxiliaryChain = nil, ""
		if planned, _, err = d.plan(ctx, c, nil); err != nil {
			return record{}, types.NewError(types.ErrTryAgainLater, err.Error(), "")
		}
	}
	r := d.record(c)
	for _, a := range planned {
		r.Attachments = append(r.Attachments, attached{Attachment: a, Begun: true})
	}
	return r, nil
}

// releaseOrRetry is release for those who do not try again themselves.
func (d *daemon) releaseOrRetry(ctx context.Context, r record, netns string) error {
	err := d.release(ctx, r, netns)
	if err != nil {
		wake(d.retry)
	}
	return err
}

// release deletes all attachments of a record backwards, and ends the record. Those that fail remain in it. The caller has locked the
// sandbox; netns is empty if it is no more.
func (d *daemon) release(ctx context.Context, r record, netns string) error {
	s := r.sandbox()
	s.NetNS = netns
	var left []attached
	var errs []error
	for _, a := range slices.Backward(r.Attachments) {
		if !a.Begun {
			continue
		}
		if err := d.plugins.undo(ctx, s, a); err != nil {
			left, errs = append(left, a), append(errs, err)
		}
	}
	if len(left) == 0 {
		if err := d.host.dropCache(r); err != nil {
			return fmt.Errorf("cache of Multus: %w", err)
		}
		return d.journal.Remove(r.ContainerID)
	}
	slices.Reverse(left)
	r.State, r.Attachments = releasing, left
	return errors.Join(append(errs, d.journal.Put(r))...)
}

// namespaceOf is the network namespace of a sandbox, empty if it is no more.
func (d *daemon) namespaceOf(r record) string {
	if r.Boot != d.boot || !d.host.exists(r.NetNS) {
		return ""
	}
	return r.NetNS
}

// keepReleasing undoes what the runtime believes undone or never knew of, until it is.
func (d *daemon) keepReleasing(ctx context.Context) {
	d.journal.WorkOff(ctx, d.retry, func(r record) bool { return r.State == releasing }, d.releaseAgain)
}

// releaseAgain undoes a sandbox that is to be undone. The caller has locked it.
func (d *daemon) releaseAgain(ctx context.Context, r record) (done bool) {
	d.counts.retries.Inc()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), delTimeout)
	defer cancel()
	if err := d.release(ctx, r, d.namespaceOf(r)); err != nil {
		klog.FromContext(ctx).Error(err, "A sandbox could not be undone; trying again", "pod", r.Pod, "container", r.ContainerID)
		return false
	}
	klog.FromContext(ctx).Info("Sandbox undone", "pod", r.Pod, "container", r.ContainerID)
	return true
}

// takeUp decides what becomes of the records of earlier processes: ADD that had not ended has failed, and after a boot no sandbox is left.
func (d *daemon) takeUp() error {
	var errs []error
	for _, r := range d.journal.All() {
		if r.State == adding || r.Boot != d.boot {
			r.State = releasing
			errs = append(errs, d.journal.Put(r))
		}
	}
	return errors.Join(errs...)
}

// collect undoes sandboxes whose network namespace and Pod are gone: the runtime has forgotten them.
func (d *daemon) collect(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.look:
		case <-time.After(collectInterval):
		}
		for _, r := range d.journal.All() {
			if r.State != done || r.NetNS == "" || d.namespaceOf(r) != "" || r.Pod.UID == "" {
				continue
			}
			if _, err := d.api.pod(ctx, r.Pod); errors.Is(err, errNoPod) {
				d.forget(ctx, r)
			}
		}
	}
}

func (d *daemon) forget(ctx context.Context, r record) {
	defer d.journal.Lock(r.ContainerID)()
	now, ok := d.journal.Get(r.ContainerID)
	if !ok || now.State != done {
		return
	}
	klog.FromContext(ctx).Info("Undoing a sandbox that the runtime has forgotten", "pod", r.Pod, "container", r.ContainerID)
	now.State = releasing
	if err := d.journal.Put(now); err != nil {
		klog.FromContext(ctx).Error(err, "Trying again later", "container", r.ContainerID)
		return
	}
	wake(d.retry)
}
