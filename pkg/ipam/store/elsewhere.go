package store

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// learnAgain is how long a pool that has met reservations of other ranges goes by the list it has read.
const learnAgain = 2 * time.Second

// reservedElsewhere is what other ranges have of a pool's addresses, as it was some time ago: only a hint, because the
// reservation itself decides. A pool that no other range overlaps never asks for it.
type reservedElsewhere struct {
	mu    sync.Mutex
	addrs ipam.Set
	at    time.Time // zero as long as no such reservation was met
}

func (r *reservedElsewhere) clone() ipam.Set {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addrs.Clone()
}

func (p *pool) learned() time.Time {
	p.reserved.mu.Lock()
	defer p.reserved.mu.Unlock()
	return p.reserved.at
}

// learn reads the reservations of a pool that has met some, if what is known is from before the given time.
func (p *pool) learn(ctx context.Context, networkName string, notBefore time.Time) error {
	if at := p.learned(); at.IsZero() || !at.Before(notBefore) {
		return nil
	}
	return p.meet(ctx, networkName, netip.Addr{})
}

// meet reads all reservations of the pool's range that are not those of its own addresses, because of one that was met.
func (p *pool) meet(ctx context.Context, networkName string, met netip.Addr) error {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.turn }()
	p.view = nil // the own addresses first: one that is released meanwhile does not look like another range's
	if _, err := p.read(ctx, known); err != nil {
		return err
	}
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("OverlappingRangeIPReservationList"))
	if err := p.store.client.List(ctx, &list, client.InNamespace(p.store.namespace)); err != nil {
		return fmt.Errorf("read reservations: %w", err)
	}
	var addrs ipam.Set
	for _, item := range list.Items {
		a, ok := whereabouts.Reserved(networkName, item.Name)
		if !ok || !p.key.Subnet.Contains(a) {
			continue
		}
		if _, own := p.view.holder[a]; !own {
			addrs.Add(ipam.Span{First: a, Last: a})
		}
	}
	if met.IsValid() {
		addrs.Add(ipam.Span{First: met, Last: met})
	}
	p.reserved.mu.Lock()
	defer p.reserved.mu.Unlock()
	p.reserved.addrs, p.reserved.at = addrs, time.Now()
	return nil
}
