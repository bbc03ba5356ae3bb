package underlay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
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

// Config is what a [Reconciler] needs.
type Config struct {
	Store   *state.Store
	DB      *ovsdb.DB
	RunDir  string // of ovs-vswitchd
	ProcSys device.ProcSys
	Port    int // that tunnel packets are sent to
	// Repaired is told what somebody else had changed.
	Repaired func([]systemv1alpha1.Drift)
}

// Reconciler keeps br-phy in order. It is for the userspace datapath only; the kernel's sends tunnels through the transport
// interface by itself.
type Reconciler struct {
	Config
	parts   []*drift.Part // each needs those before it
	steered [2]int        // the interfaces that nft was last compared for
}

// New is a reconciler that does nothing before it runs.
func New(c Config) *Reconciler {
	r := &Reconciler{Config: c}
	for _, compare := range []func(context.Context, Transport, bool) (drift.Comparison, error){r.compareVeth, r.compareBridge, r.compareWays} {
		r.parts = append(r.parts, &drift.Part{Repaired: c.Repaired, Compare: func(ctx context.Context, whole bool) (drift.Comparison, error) {
			t, err := r.transport()
			if err != nil {
				return drift.Comparison{}, err
			}
			return compare(ctx, t, whole)
		}})
	}
	return r
}

// Audit tells what differs, and puts it right if it is to.
func (r *Reconciler) Audit(ctx context.Context, repair bool) ([]systemv1alpha1.Drift, error) {
	var all []systemv1alpha1.Drift
	for _, part := range r.parts {
		found, err := part.Audit(ctx, repair)
		if all = append(all, found...); err != nil {
			return all, fmt.Errorf("bridge %s: %w", BridgeName, err)
		}
	}
	return all, nil
}

// errNoAddress: the Node's address is not known.
var errNoAddress = errors.New("the Node's address is not known yet")

// transport is the interface for traffic between Nodes.
func (r *Reconciler) transport() (Transport, error) {
	snapshot, _ := r.Store.Snapshot()
	if !snapshot.Node.TransportIP.IsValid() {
		return Transport{}, errNoAddress
	}
	return Find(snapshot.Node.TransportIP)
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
	t, err := r.transport()
	if err != nil {
		if errors.Is(err, errNoAddress) {
			err = nil
		}
		return false, err
	}
	for i, part := range r.parts {
		done, err := part.Reconcile(ctx, whole || i < len(r.parts)-1) // the last one has nft
		for _, d := range done {
			klog.FromContext(ctx).V(2).Info("Corrected the way to other Nodes", "kind", d.Kind, "object", d.Object, "what", d.Text())
		}
		if err != nil {
			return false, err
		}
	}
	socket, err := unixctl.VSwitchd(r.RunDir)
	if err != nil {
		return false, err
	}
	routes, err := kernelRoutes(t)
	if err != nil {
		return false, err
	}
	snapshot, _ := r.Store.Snapshot()
	pending, err = ensureNeighbors(ctx, socket, t, nextHops(remotes(snapshot), routes))
	if err != nil {
		return false, fmt.Errorf("neighbors of the switch: %w", err)
	}
	return pending, nil
}

func (r *Reconciler) compareVeth(_ context.Context, t Transport, _ bool) (drift.Comparison, error) {
	all, err := compareVeth(t, r.ProcSys)
	return drift.Comparison{Basis: t, Corrections: all}, err
}

func (r *Reconciler) compareBridge(ctx context.Context, t Transport, _ bool) (drift.Comparison, error) {
	pair, err := findVeth()
	if err != nil {
		return drift.Comparison{}, err
	}
	all, err := compareBridge(ctx, r.DB, t, pair)
	return drift.Comparison{Basis: [2]any{t, pair}, Corrections: all}, err
}

// ways is what leads packets through br-phy, and what it depends on.
type ways struct {
	transport Transport
	pair      veth
	bridge    int       // index of br-phy
	started   time.Time // of ovs-vswitchd: it forgets
	routes    map[netip.Prefix]route
}

// compareWays compares the address of br-phy, what is steered into it, and the switch's routes.
func (r *Reconciler) compareWays(ctx context.Context, t Transport, whole bool) (drift.Comparison, error) {
	basis := ways{transport: t}
	var err error
	if basis.pair, err = findVeth(); err != nil {
		return drift.Comparison{}, err
	}
	link, err := netlink.LinkByName(BridgeName)
	if err != nil {
		return drift.Comparison{}, fmt.Errorf("interface %s: %w", BridgeName, err) // the switch makes it
	}
	basis.bridge = link.Attrs().Index
	socket, err := unixctl.VSwitchd(r.RunDir)
	if err != nil {
		return drift.Comparison{}, err
	}
	info, err := os.Stat(socket)
	if err != nil {
		return drift.Comparison{}, fmt.Errorf("ovs-vswitchd: %w", err)
	}
	basis.started = info.ModTime()
	if basis.routes, err = kernelRoutes(t); err != nil {
		return drift.Comparison{}, err
	}
	all, err1 := compareAddress(link, t, r.ProcSys)
	var err2 error
	if between := [2]int{t.Index, basis.pair.kernel}; whole || between != r.steered {
		var corrections []drift.Correction
		corrections, err2 = drift.Table(ctx, steering(t, basis.pair, r.Port), true)
		all = append(all, corrections...)
		if err2 == nil && len(corrections) == 0 {
			r.steered = between
		}
	}
	corrections, err3 := compareRoutes(ctx, socket, basis.routes)
	if info, err := os.Stat(socket); err != nil || !info.ModTime().Equal(basis.started) {
		return drift.Comparison{}, errors.New("ovs-vswitchd was started again meanwhile")
	}
	return drift.Comparison{Basis: basis, Corrections: append(all, corrections...)}, errors.Join(err1, err2, err3)
}
