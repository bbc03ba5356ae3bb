package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

const (
	// resyncInterval is how often everything is compared, nft included, of which the kernel does not tell.
	resyncInterval = 30 * time.Second
	// attemptTimeout bounds one comparison; the database may hang.
	attemptTimeout = 20 * time.Second
	// retryInterval is the pause after an error.
	retryInterval = time.Second
)

// Config is what a [Reconciler] needs.
type Config struct {
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
	// Repaired is told what somebody else had changed.
	Repaired func([]systemv1alpha1.Drift)
}

// Reconciler makes the host match the store.
type Reconciler struct {
	Config
	part drift.Part
}

// New is a reconciler that does nothing before it runs.
func New(c Config) *Reconciler {
	r := &Reconciler{Config: c}
	r.part = drift.Part{Compare: r.compare, Repaired: c.Repaired}
	return r
}

// Audit tells what of the host differs, and puts it right if it is to.
func (r *Reconciler) Audit(ctx context.Context, repair bool) ([]systemv1alpha1.Drift, error) {
	select {
	case <-r.Store.Synced():
		return r.part.Audit(ctx, repair)
	default:
		return nil, fmt.Errorf("the Node's own network: waiting for %v", r.Store.Pending())
	}
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
		done, err := r.part.Reconcile(attempt, whole)
		cancel()
		if len(done) > 0 {
			klog.FromContext(ctx).V(2).Info("Corrected the Node's own network", "changes", texts(done))
		}
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

func texts(drifts []systemv1alpha1.Drift) []string {
	list := make([]string, len(drifts))
	for i, d := range drifts {
		list[i] = fmt.Sprintf("%s %s %s", d.Kind, d.Object, d.Text())
	}
	return list
}

// basis is what a comparison depends on, beside the host itself.
type basis struct {
	want               desired
	gateway, transport int // indexes: a device that is made again has nothing
	mtu                int
}

// compare leaves out nft and the sysctls of the whole Node unless it is to be the whole.
func (r *Reconciler) compare(ctx context.Context, whole bool) (drift.Comparison, error) {
	want := r.want()
	link, err := netlink.LinkByName(r.Gateway)
	if err != nil {
		return drift.Comparison{}, fmt.Errorf("interface %s: %w", r.Gateway, err) // the switch makes it
	}
	transport, err := r.transport(want.routes)
	b := basis{want: want, gateway: link.Attrs().Index, mtu: r.PodMTU()}
	if transport != nil {
		b.transport = transport.Attrs().Index
	}
	all, errs := []drift.Correction(nil), []error{err}
	note := func(corrections []drift.Correction, err error) {
		all, errs = append(all, corrections...), append(errs, err)
	}
	note(r.compareDevice(link, b.mtu, hasIPv6(want.addresses)))
	note(compareAddresses(link, want.addresses))
	note(compareNeighbors(link, want.neighbors))
	if err == nil {
		note(compareRoutes(link, transport, want.routes))
	}
	if whole {
		note(r.compareSysctls(hasIPv6(want.addresses)))
		note(drift.Table(ctx, want.nat.table(r.Gateway), len(want.nat.sources) > 0))
		note(drift.Table(ctx, clampNFT(want.clamps, r.Gateway, b.gateway), len(want.clamps) > 0))
		if want.services == nil {
			note(drift.Table(ctx, (&services{}).nft(r.Gateway), false))
		} else {
			corrections, err := drift.Table(ctx, want.services.nft(r.Gateway), true)
			for i, c := range corrections {
				corrections[i].Do = func(ctx context.Context) error {
					if err := c.Do(ctx); err != nil {
						return err
					}
					return want.services.forgetUntranslated()
				}
			}
			note(corrections, err)
		}
	}
	if again, err := netlink.LinkByName(r.Gateway); err != nil || again.Attrs().Index != b.gateway {
		return drift.Comparison{}, fmt.Errorf("interface %s was made again meanwhile", r.Gateway)
	}
	return drift.Comparison{Basis: b, Corrections: all}, errors.Join(errs...)
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

// compareDevice compares the device itself.
func (r *Reconciler) compareDevice(link netlink.Link, mtu int, ipv6 bool) ([]drift.Correction, error) {
	var all []drift.Correction
	differs := func(want, have string, do func(context.Context) error) {
		all = append(all, drift.One(systemv1alpha1.DriftDevice, r.Gateway+" "+want, r.Gateway+" "+have, do))
	}
	if have := link.Attrs().MTU; mtu != 0 && have != mtu {
		differs(fmt.Sprintf("mtu %d", mtu), fmt.Sprintf("mtu %d", have), func(ctx context.Context) error {
			return errors.Join(r.SetMTU(ctx, mtu), netlink.LinkSetMTU(link, mtu))
		})
	}
	var errs []error
	if r.NoTXOffload {
		offloaded, err := device.TXChecksum(r.Gateway)
		if offloaded {
			differs("tx-checksum off", "tx-checksum on", func(context.Context) error { return device.DisableTXChecksum(r.Gateway) })
		}
		errs = append(errs, err)
	}
	disabled := "1"
	if ipv6 {
		disabled = "0"
	}
	for _, s := range []struct{ name, value string }{
		{"net/ipv6/conf/" + r.Gateway + "/disable_ipv6", disabled},
		{"net/ipv4/conf/" + r.Gateway + "/rp_filter", "2"}, // replies to Pods of other clusters may come in by another route
		{"net/ipv4/conf/" + r.Gateway + "/forwarding", "1"},
	} {
		corrections, err := drift.Sysctl(r.ProcSys, s.name, s.value)
		all, errs = append(all, corrections...), append(errs, err)
	}
	if link.Attrs().Flags&net.FlagUp == 0 {
		differs("up", "down", func(context.Context) error { return netlink.LinkSetUp(link) })
	}
	return all, errors.Join(errs...)
}

// compareSysctls compares those of the whole Node. Before they are set it is noted what they were.
func (r *Reconciler) compareSysctls(ipv6 bool) ([]drift.Correction, error) {
	names := []string{"net/ipv4/ip_forward"}
	if ipv6 {
		names = append(names, "net/ipv6/conf/all/forwarding")
	}
	var all []drift.Correction
	var errs []error
	for _, name := range names {
		corrections, err := drift.Sysctl(r.ProcSys, name, "1")
		for _, c := range corrections {
			set := c.Do
			c.Do = func(ctx context.Context) error {
				before, err := r.ProcSys.Get(name)
				if err != nil {
					return err
				}
				if err := r.Remember(ctx, name, before); err != nil {
					return err
				}
				return set(ctx)
			}
			all = append(all, c)
		}
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

func hasIPv6(addresses []netip.Prefix) bool {
	for _, a := range addresses {
		if a.Addr().Is6() {
			return true
		}
	}
	return false
}
