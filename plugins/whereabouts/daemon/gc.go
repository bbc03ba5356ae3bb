package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/klog/v2"
)

// goneNodeInterval is how often addresses are looked at while Pods of a Node that is gone are still in the API.
const goneNodeInterval = 10 * time.Second

// collect looks at the records when a Pod of this Node has gone, and at all addresses from time to time.
func (d *daemon) collect(ctx context.Context) error {
	next := time.Duration(0)
	unowned := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.look:
			d.lookAtRecords(ctx)
			continue
		case <-d.audit:
		case <-time.After(next):
		}
		if next = time.Second; !d.pods.synced() {
			continue
		}
		d.lookAtRecords(ctx)
		var soon bool
		var err error
		if unowned, soon, err = d.auditAll(ctx, unowned); err != nil {
			klog.FromContext(ctx).Error(err, "Not all addresses could be looked at")
		}
		if next = jitter(d.AuditInterval); soon {
			next = jitter(min(d.AuditInterval, goneNodeInterval))
		}
	}
}

// lookAtRecords releases the attachments whose Pod is gone from the API and whose sandbox is gone from this Node.
func (d *daemon) lookAtRecords(ctx context.Context) {
	for _, r := range d.journal.All() {
		if r.Releasing || ctx.Err() != nil || !d.pods.synced() {
			continue
		}
		if pod := d.pods.get(r.Pod.Ref()); pod != nil && (r.Pod.UID == "" || slices.Contains(uids(pod), r.Pod.UID)) {
			continue
		}
		logger := klog.FromContext(ctx).WithValues("pod", r.Pod.Ref(), "uid", r.Pod.UID, "container", r.ContainerID, "interface", r.IfName)
		gone, err := d.pods.gone(ctx, r.Pod.Ref(), r.Pod.UID)
		switch {
		case err != nil:
			logger.Error(err, "Keeping the addresses of a Pod that may be gone")
		case !gone:
		case !d.sandboxGone(r):
			logger.Info("Keeping the addresses of a Pod that is gone: its sandbox may still run")
		default:
			if err := d.releaseIfThere(ctx, r.attachment()); err != nil {
				logger.Error(err, "Addresses of a Pod that is gone could not be released")
				continue
			}
			d.counts.freed.WithLabelValues("Pod and sandbox are gone").Inc()
			logger.Info("Released the addresses of a Pod that is gone")
		}
	}
}

// netnsDir is where runtimes give network namespaces their names. In a container it has to be the Node's.
const netnsDir = "/run/netns"

// sandboxGone reports whether it is certain that the sandbox does not run: it was made before the Node booted, or its network
// namespace had a name and has it no more.
func (d *daemon) sandboxGone(r record) bool {
	if r.Boot != d.boot {
		return true
	}
	name, ok := strings.CutPrefix(strings.TrimPrefix(r.NetNS, "/var"), netnsDir+"/")
	if !ok {
		return false
	}
	dir, err := os.OpenRoot(netnsDir)
	if err != nil {
		return false
	}
	defer dir.Close()
	_, err = dir.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}
