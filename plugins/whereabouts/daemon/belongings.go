package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
)

// belonging is an address of an attachment of this Node.
type belonging struct {
	key   string // of its record
	owner store.Owner
	pool  store.PoolKey
	addr  netip.Addr
}

// belongings are the addresses that ADD has given, or that the pools had at an audit, since the daemon started: somebody else may
// delete them there.
type belongings struct {
	mu  sync.Mutex
	all map[belonging]bool
}

func (b *belongings) note(one belonging) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[belonging]bool{}
	}
	b.all[one] = true
}

// missing are the addresses that an audit has not seen, of what was known when it began. One that another sandbox of the same Pod
// has got is not missing.
func missing(before, seen map[belonging]bool) (all []belonging) {
	type podAddr struct {
		uid, ifName string
		addr        netip.Addr
	}
	pods := map[podAddr]bool{}
	for one := range seen {
		pods[podAddr{one.owner.PodUID, one.owner.IfName, one.addr}] = true
	}
	for one := range before {
		if !seen[one] && (one.owner.PodUID == "" || !pods[podAddr{one.owner.PodUID, one.owner.IfName, one.addr}]) {
			all = append(all, one)
		}
	}
	return all
}

func (b *belongings) known() map[belonging]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := make(map[belonging]bool, len(b.all))
	for one := range b.all {
		known[one] = true
	}
	return known
}

func (b *belongings) drop(one belonging) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, one)
}

// noteGiven notes what ADD has given: in blocks, the pool is the one with the address.
func (d *daemon) noteGiven(r record, owner store.Owner, addrs []netip.Addr) {
	for _, a := range addrs {
		for _, key := range r.Place.Pools {
			if key.Subnet.Contains(a) {
				d.belongings.note(belonging{r.Key(), owner, key, a})
			}
		}
	}
}

// putBack gives an attachment an address that the audit has not found any more: somebody else has deleted it from the pool. If somebody
// has it now, the Pod is told: nothing can be done about it here.
func (d *daemon) putBack(ctx context.Context, lost belonging) error {
	defer d.journal.Lock(lost.key)()
	r, ok := d.journal.Get(lost.key)
	if !ok || r.Releasing {
		d.belongings.drop(lost)
		return nil
	}
	if d.sandboxGone(r) {
		return nil // whoever has deleted it may well have released it
	}
	place := store.Place{Pools: []store.PoolKey{lost.pool}, NetworkName: r.Place.NetworkName, Reserve: r.Place.Reserve}
	want := store.Claim{Pool: lost.pool, Span: ipam.SpanOf(lost.pool.Subnet), Excluded: new(ipam.Set), Want: lost.addr, Back: true}
	_, err := d.Store.Claim(ctx, lost.owner, place, []store.Claim{want}, nil)
	logger := klog.FromContext(ctx).WithValues("address", lost.addr, "pool", lost.pool.Name, "pod", r.Pod.Ref(), "container", r.ContainerID)
	switch {
	case errors.Is(err, store.ErrTaken):
		d.counts.deleted.WithLabelValues("taken").Inc()
		d.events.recorder.Event(involved(r.Pod), corev1.EventTypeWarning, "IPAddressInUse", fmt.Sprintf("%s was deleted from pool %s by somebody else: %v", lost.addr, lost.pool.Name, err))
		logger.Error(err, "An address of this Node was deleted from its pool and given to another Pod: delete one of the two")
		return nil
	case err != nil:
		return fmt.Errorf("put %s back into pool %s: %w", lost.addr, lost.pool.Name, err)
	}
	d.counts.deleted.WithLabelValues("put back").Inc()
	logger.Info("Put an address back that somebody else had deleted from its pool")
	return nil
}
