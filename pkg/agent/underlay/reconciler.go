package underlay

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
)

const (
	// resyncInterval is how often everything is compared, also what nobody tells about: the switch's routes, nft.
	resyncInterval = 15 * time.Second
	// attemptTimeout bounds one comparison; the switch may hang.
	attemptTimeout = 20 * time.Second
	// retryInterval is the pause after an error.
	retryInterval = 500 * time.Millisecond
	// pendingInterval is the pause while a neighbor does not answer.
	pendingInterval = 200 * time.Millisecond
	// pendingLimit is how often in a row that is waited for; then it may be down.
	pendingLimit = 10
)

// Reconciler keeps br-phy in order. It is for the userspace datapath only; the kernel's sends tunnels through the transport
// interface by itself.
type Reconciler struct {
	Store   *state.Store
	DB      *ovsdb.DB
	RunDir  string // of ovs-vswitchd
	ProcSys device.ProcSys
	Port    int // that tunnel packets are sent to

	steered [2]int // the interfaces that nft was last told of
}

// Run reconciles until ctx is done.
func (r *Reconciler) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	kernel := make(chan struct{}, 1)
	group.Go(func() error { return device.Watch(ctx, kernel) })
	group.Go(func() error { return r.loop(ctx, kernel) })
	return group.Wait()
}

func (r *Reconciler) loop(ctx context.Context, kernel <-chan struct{}) error {
	changes, stop := r.Store.WatchAllButPods()
	defer stop()
	resync := time.NewTicker(resyncInterval)
	defer resync.Stop()
	whole, waits := true, 0
	for {
		var retry <-chan time.Time
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		pending, err := r.reconcile(attempt, whole)
		cancel()
		switch {
		case err != nil && ctx.Err() == nil:
			klog.FromContext(ctx).Error(err, "Tunnels may not work yet", "bridge", BridgeName)
			retry = time.After(retryInterval)
		case !pending:
			waits = 0
		case waits < pendingLimit:
			waits++
			retry = time.After(pendingInterval)
		}
		whole = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
			waits = 0
		case <-resync.C:
			whole = true
		case <-retry:
		case <-kernel:
			device.Settle(ctx)
		}
	}
}

// reconcile compares and corrects once; nft only if whole, because that takes processes. It reports whether a neighbor did not
// answer yet.
func (r *Reconciler) reconcile(ctx context.Context, whole bool) (pending bool, err error) {
	snapshot, _ := r.Store.Snapshot()
	if !snapshot.Node.TransportIP.IsValid() {
		return false, nil
	}
	t, err := Find(snapshot.Node.TransportIP)
	if err != nil {
		return false, err
	}
	pair, err := ensureVeth(t, r.ProcSys)
	if err != nil {
		return false, err
	}
	if err := ensureBridge(ctx, r.DB, t, pair); err != nil {
		return false, err
	}
	if err := ensureAddress(t, r.ProcSys); err != nil {
		return false, err
	}
	if between := [2]int{t.Index, pair.kernel}; whole || between != r.steered {
		changed, err := steering(t, pair, r.Port).Ensure(ctx)
		if err != nil {
			return false, err
		}
		r.steered = between
		if changed {
			klog.FromContext(ctx).Info("Steering tunnel packets", "interface", t.Name, "bridge", BridgeName)
		}
	}
	socket, err := unixctl.VSwitchd(r.RunDir)
	if err != nil {
		return false, err
	}
	changes, err := ensureRoutes(ctx, socket, t)
	if len(changes) > 0 {
		klog.FromContext(ctx).V(2).Info("Corrected the switch's routes", "changes", strings.Join(changes, ", "))
	}
	if err != nil {
		return false, fmt.Errorf("routes of the switch: %w", err)
	}
	routes, err := kernelRoutes(t)
	if err != nil {
		return false, err
	}
	pending, err = ensureNeighbors(ctx, socket, t, nextHops(remotes(snapshot), routes))
	if err != nil {
		return false, fmt.Errorf("neighbors of the switch: %w", err)
	}
	return pending, nil
}
