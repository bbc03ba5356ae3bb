package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

const (
	// plugTimeout is for one change of a Pod that runs.
	plugTimeout = 100 * time.Second
	// plugWorkers is how many Pods are changed at a time.
	plugWorkers = 4
)

// newPlugQueue has the sandboxes of which the networks may have to change. What fails is tried again, ever more rarely.
func newPlugQueue() workqueue.TypedRateLimitingInterface[string] {
	return workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](time.Second, 5*time.Minute))
}

// changed queues the sandboxes of a Pod whose annotation is not the one that they were attached by.
func (d *daemon) changed(pod *corev1.Pod) {
	if !d.HotPlug {
		return
	}
	for _, r := range d.journal.All() {
		if r.State == done && r.of(pod) && r.stale(pod) {
			d.plugs.Add(r.ContainerID)
		}
	}
}

func (r record) of(pod *corev1.Pod) bool {
	return r.Pod.Namespace == pod.Namespace && r.Pod.Name == pod.Name && slices.Contains(uids(pod), r.Pod.UID)
}

// stale reports whether there is something to do: another annotation, or a change that has not ended.
func (r record) stale(pod *corev1.Pod) bool {
	return r.Conf != nil && pod.DeletionTimestamp == nil && (r.Changing || pod.Annotations[netplan.NetworksAnnotation] != r.Networks)
}

// keepNetworks changes the networks of Pods that run.
func (d *daemon) keepNetworks(ctx context.Context) error {
	stop := context.AfterFunc(ctx, d.plugs.ShutDown)
	defer stop()
	for {
		container, ended := d.plugs.Get()
		if ended {
			return nil
		}
		if err := d.plug(ctx, container); err != nil {
			klog.FromContext(ctx).Error(err, "The networks of a Pod could not be changed; trying again", "container", container)
			d.plugs.AddRateLimited(container)
		} else {
			d.plugs.Forget(container)
		}
		d.plugs.Done(container)
	}
}

// plug gives a sandbox the networks that its Pod asks for now. The change goes on when ctx ends, as a request does.
func (d *daemon) plug(ctx context.Context, container string) error {
	defer d.journal.Lock(container)()
	r, ok := d.journal.Get(container)
	if ok && r.State == done && r.Untold {
		return d.tellLater(ctx, r)
	}
	if !ok || r.State != done || d.namespaceOf(r) == "" || !d.api.seems(r.stale, r.Pod) {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), plugTimeout, fmt.Errorf("not done within %s", plugTimeout))
	defer cancel()
	pod, err := d.api.podNow(ctx, r.Pod) // what is watched may be older than what ADD was told
	switch {
	case errors.Is(err, errNoPod):
		return nil
	case err != nil:
		return err
	case !r.stale(pod):
		return nil
	}
	p := plugging{daemon: d, record: r, pod: pod}
	err = p.change(ctx)
	if err != nil {
		d.api.events.Event(pod, corev1.EventTypeWarning, "NetworkChangeFailed", err.Error())
	}
	return err
}
