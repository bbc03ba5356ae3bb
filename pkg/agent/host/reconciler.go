package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
)

const (
	// resyncInterval is how often everything is compared, nft included, of which the kernel does not tell.
	resyncInterval = 30 * time.Second
	// attemptTimeout bounds one comparison; the database may hang.
	attemptTimeout = 20 * time.Second
	// retryInterval is the pause after an error.
	retryInterval = time.Second
)

// Reconciler makes the host match the store.
type Reconciler struct {
	Store   *state.Store
	Gateway string // the device antrea-gw0
	NoSNAT  bool
	// NodePortAddresses are the Node's addresses that have NodePorts; all if there are none.
	NodePortAddresses []netip.Prefix
	// NoTXOffload turns transmit checksum offload of the device off.
	NoTXOffload bool
	ProcSys     device.ProcSys
	// Transport is the index of the interface for traffic between Nodes. It is only asked for where that has routes to Pods.
	Transport func() (index int, err error)
	// PodMTU is the MTU of Pods, 0 as long as it is not known.
	PodMTU func() int
	// SetMTU asks the switch to give the device this MTU; it would undo what netlink sets.
	SetMTU func(ctx context.Context, mtu int) error
	// Remember is told the values that sysctls of the whole Node had before.
	Remember func(ctx context.Context, sysctl, value string) error
}

// Run reconciles until ctx is done. It starts when every source has synced, so that it takes away no route that a source is
// about to name.
func (r *Reconciler) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-r.Store.Synced():
	}
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
	whole := true
	for {
		var retry <-chan time.Time
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		want := r.want()
		err := r.reconcile(attempt, want, whole)
		cancel()
		if err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "The Node's own network is not as it should be yet")
			retry = time.After(retryInterval)
		}
		whole = true
		for waiting := true; waiting; {
			waiting = false
			select {
			case <-ctx.Done():
				return nil
			case <-changes: // most endpoints come and go without anything for the host to do
				waiting = err == nil && reflect.DeepEqual(r.want(), want)
			case <-resync.C:
			case <-retry:
			case <-kernel:
				device.Settle(ctx)
				whole = false
			}
		}
	}
}

func (r *Reconciler) want() desired {
	snapshot, _ := r.Store.Snapshot()
	return compute(snapshot, r.NoSNAT, r.NodePortAddresses)
}

// reconcile compares and corrects once; nft only if whole.
func (r *Reconciler) reconcile(ctx context.Context, want desired, whole bool) error {
	link, err := netlink.LinkByName(r.Gateway)
	if err != nil {
		return fmt.Errorf("interface %s: %w", r.Gateway, err) // the switch makes it
	}
	var errs []error
	note := func(changes []string, err error) {
		if len(changes) > 0 {
			klog.FromContext(ctx).V(2).Info("Corrected the Node's own network", "changes", strings.Join(changes, ", "))
		}
		errs = append(errs, err)
	}
	note(nil, r.configure(ctx, link, hasIPv6(want.addresses)))
	note(ensureAddresses(link, want.addresses))
	note(ensureNeighbors(link, want.neighbors))
	if transport, err := r.transport(want.routes); err != nil {
		note(nil, err)
	} else {
		note(ensureRoutes(link, transport, want.routes))
	}
	if whole {
		note(nil, r.sysctls(ctx, hasIPv6(want.addresses)))
		note(r.ensureTable(ctx, want.nat.table(r.Gateway), len(want.nat.sources) > 0))
		if want.services == nil {
			note(r.ensureTable(ctx, (&services{}).nft(r.Gateway), false))
		} else {
			changes, err := r.ensureTable(ctx, want.services.nft(r.Gateway), true)
			if len(changes) > 0 && err == nil {
				err = want.services.forgetUntranslated()
			}
			note(changes, err)
		}
	}
	return errors.Join(errs...)
}

// transport is the interface for traffic between Nodes, nil if no route goes through it.
func (r *Reconciler) transport(routes []route) (netlink.Link, error) {
	if !slices.ContainsFunc(routes, func(r route) bool { return r.transport }) {
		return nil, nil
	}
	index, err := r.Transport()
	if err != nil {
		return nil, err
	}
	return netlink.LinkByIndex(index)
}

// configure brings the device itself in order.
func (r *Reconciler) configure(ctx context.Context, link netlink.Link, ipv6 bool) error {
	if mtu := r.PodMTU(); mtu != 0 && link.Attrs().MTU != mtu {
		if err := r.SetMTU(ctx, mtu); err != nil {
			return err
		}
		if err := netlink.LinkSetMTU(link, mtu); err != nil {
			return fmt.Errorf("MTU %d of %s: %w", mtu, r.Gateway, err)
		}
	}
	if r.NoTXOffload {
		if err := device.DisableTXChecksum(r.Gateway); err != nil {
			return err
		}
	}
	disabled := "1"
	if ipv6 {
		disabled = "0"
	}
	for name, value := range map[string]string{
		"net/ipv6/conf/" + r.Gateway + "/disable_ipv6": disabled,
		"net/ipv4/conf/" + r.Gateway + "/rp_filter":    "2", // replies to Pods of other clusters may come in by another route
		"net/ipv4/conf/" + r.Gateway + "/forwarding":   "1",
	} {
		if _, err := r.ProcSys.Ensure(name, value); err != nil {
			return err
		}
	}
	if link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up: %w", r.Gateway, err)
	}
	return nil
}

// sysctls sets those of the whole Node, and tells what they were.
func (r *Reconciler) sysctls(ctx context.Context, ipv6 bool) error {
	names := []string{"net/ipv4/ip_forward"}
	if ipv6 {
		names = append(names, "net/ipv6/conf/all/forwarding")
	}
	for _, name := range names {
		before, err := r.ProcSys.Get(name)
		if err != nil || before == "1" {
			continue // one that the kernel does not have
		}
		if err := r.Remember(ctx, name, before); err != nil {
			return err
		}
		if _, err := r.ProcSys.Ensure(name, "1"); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) ensureTable(ctx context.Context, table nftable.Table, wanted bool) (changes []string, err error) {
	do, what := table.Ensure, "wrote "
	if !wanted {
		do, what = table.Remove, "removed "
	}
	if changed, err := do(ctx); err != nil || !changed {
		return nil, err
	}
	return []string{what + table.String()}, nil
}

func hasIPv6(addresses []netip.Prefix) bool {
	for _, a := range addresses {
		if a.Addr().Is6() {
			return true
		}
	}
	return false
}
