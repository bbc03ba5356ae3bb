package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
)

func condition(kind string, status bool, reason, message string) metav1.Condition {
	c := metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message}
	if status {
		c.Status = metav1.ConditionTrue
	}
	return c
}

// tell puts a condition into what the next save of the object writes, if it is not there yet.
func (o *object) tell(kind string, status bool, reason, message string) {
	all := slices.Clone(o.conditions)
	if meta.SetStatusCondition(&all, condition(kind, status, reason, message)) {
		o.told, o.telling = all, true
	}
}

func (o *object) is(kind string) bool { return meta.IsStatusConditionTrue(o.conditions, kind) }

// tellExhausted makes the pool say that a claim has got no address, if that is still so. Other blocks may have some, so theirs do not
// say it. It is not tried again: the next claim without an address does.
func (p *pool) tellExhausted(ctx context.Context, o *op) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-p.turn }()
	if _, err := p.read(ctx, known); err != nil || p.key.Block {
		return
	}
	first, reserved := p.view.objects[""], p.reserved.clone()
	_, err := choose(p.view, p.key.Subnet, &reserved, o)
	var exhausted *ExhaustedError
	if !errors.As(err, &exhausted) || first.version == "" { // without an object, all of it is excluded or reserved for others
		return
	}
	first.tell(v1alpha1.PoolExhausted, true, "NoFreeAddress", fmt.Sprintf("no address from %s to %s is free", exhausted.Span.First, exhausted.Span.Last))
	switch err := p.store.save(ctx, first, nil, patchMetadata{}); {
	case outdated(err):
		p.view.stale[""] = ""
	case err != nil:
		p.view = nil
	}
}

// tellExhausted makes a NodeSlicePool say that a claim has got no address. It is not tried again, as with a pool.
func (p *slicePool) tellExhausted(ctx context.Context, s *Store, c Claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil && p.known.exhausted() {
		return
	}
	d, err := p.read(ctx, s, *c.Blocks)
	if err != nil {
		return
	}
	if _, free := d.free(c.Span, c.Excluded, c.Blocks.Bits); free { // by now
		return
	}
	message := fmt.Sprintf("no address from %s to %s is free", c.Span.First, c.Span.Last)
	p.tell(ctx, s, d, condition(v1alpha1.PoolExhausted, true, "NoFreeAddress", message))
	p.told = time.Now()
}

// tellGiven takes that back for a claim that began later and has got one. A Node learns of what others have told when it looks for
// blocks to hand back.
func (p *slicePool) tellGiven(ctx context.Context, s *Store, c Claim, began time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.told.After(began) {
		return
	}
	if d, err := p.read(ctx, s, *c.Blocks); err == nil && d.exhausted() {
		p.tell(ctx, s, d, condition(v1alpha1.PoolExhausted, false, "AddressGiven", ""))
	}
}

// tell writes a condition.
func (p *slicePool) tell(ctx context.Context, s *Store, d directory, c metav1.Condition) {
	object, changed := d.telling(c)
	if !changed {
		return
	}
	began := time.Now()
	p.known = nil
	if err := s.client.Update(ctx, &object); err != nil {
		return
	}
	if d, err := newDirectory(object); err == nil {
		d.at = began
		p.known = &d
	}
}

// tellReleased makes an exhausted pool say that it has an address again, together with the changes that release one.
func (p *pool) tellReleased(byShard map[string][]change) {
	first := p.view.objects[""]
	if first == nil || !first.is(v1alpha1.PoolExhausted) {
		return
	}
	for _, list := range byShard {
		if slices.ContainsFunc(list, func(c change) bool { return c.holder == nil }) {
			first.tell(v1alpha1.PoolExhausted, false, "AddressReleased", "")
			if _, ok := byShard[""]; !ok { // the address is another object's
				byShard[""] = nil
			}
			return
		}
	}
}

// tellDegraded makes an object say whether there is something in it that cannot be read.
func (o *object) tellDegraded() {
	switch {
	case o.foreign > 0:
		o.tell(v1alpha1.PoolDegraded, true, "UnreadableAllocations", fmt.Sprintf("%d allocations are at no address of %s: nobody frees them", o.foreign, o.subnet))
	case o.is(v1alpha1.PoolDegraded):
		o.tell(v1alpha1.PoolDegraded, false, "AllReadable", "")
	}
}
