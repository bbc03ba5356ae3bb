package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// Blocks is a range that is given out in blocks: each Node takes addresses from its own as long as it can. A NodeSlicePool says
// which Node has which, an IPPool of each block who has its addresses.
//
// No address is given twice, because of an IPPool that is open, which is the only one from which anybody takes addresses, the
// NodeSlicePool says that its Node has the block: the IPPool is made closed, the NodeSlicePool changed, and then it is opened; to
// hand the block back, it is deleted as it was read, empty, before the NodeSlicePool is changed. Only the last two are ever
// done for another Node, which is gone.
type Blocks struct {
	Name        string // of the NodeSlicePool
	Subnet      netip.Prefix
	Bits        int // length of a block's prefix
	NetworkName string
	Node        string
}

const (
	// annotationBlock is on the IPPool of a block; its value says whether addresses may be taken from it.
	annotationBlock = "whereabouts.antrea.io/block"
	blockOpen       = "open"
	blockClosed     = "closed"
	// annotationNetwork is the network_name of NodeSlicePools and IPPools of blocks.
	annotationNetwork = "whereabouts.antrea.io/network"
	// annotationSlices is the NodeSlicePool of the IPPool of a block.
	annotationSlices = "whereabouts.antrea.io/nodeslicepool"
)

// errNoBlock says that a block is nobody's, or about to change its owner.
var errNoBlock = errors.New("block is not open")

// key is the IPPool of a block.
func (b Blocks) key(of block) PoolKey {
	return PoolKey{whereabouts.BlockName(b.NetworkName, of.node, of.prefix), of.prefix, true}
}

// slicePool is what this process knows of a NodeSlicePool. What follows the mutex is guarded by it.
type slicePool struct {
	mu     sync.Mutex
	known  *directory
	told   time.Time // when this process wrote that a claim has got no address
	rivals contention
}

func (s *Store) slicePool(name string) *slicePool {
	p, _ := s.slicePools.LoadOrStore(name, &slicePool{})
	return p.(*slicePool)
}

// directory is the NodeSlicePool as it was read or written after the given time.
func (s *Store) directory(ctx context.Context, b Blocks, after time.Time) (directory, error) {
	p := s.slicePool(b.Name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil && p.known.at.After(after) {
		return *p.known, nil
	}
	return p.read(ctx, s, b)
}

// read reads the NodeSlicePool, or makes it.
func (p *slicePool) read(ctx context.Context, s *Store, b Blocks) (directory, error) {
	p.known = nil
	began := time.Now()
	size := fmt.Sprintf("/%d", b.Bits)
	var object v1alpha1.NodeSlicePool
	err := s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: b.Name}, &object)
	if apierrors.IsNotFound(err) {
		object = v1alpha1.NodeSlicePool{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: b.Name, Annotations: map[string]string{annotationNetwork: b.NetworkName}},
			Spec:       v1alpha1.NodeSlicePoolSpec{Range: b.Subnet.String(), SliceSize: size},
			Status:     v1alpha1.NodeSlicePoolStatus{Allocations: listed(b.Subnet, b.Bits)},
		}
		if err = s.client.Create(ctx, &object); apierrors.IsAlreadyExists(err) {
			err = s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: b.Name}, &object)
		}
	}
	if err != nil {
		return directory{}, fmt.Errorf("read NodeSlicePool %s: %w", b.Name, err)
	}
	subnet, err := netip.ParsePrefix(object.Spec.Range)
	if err != nil || subnet.Masked() != b.Subnet || object.Spec.SliceSize != size && "/"+object.Spec.SliceSize != size {
		return directory{}, fmt.Errorf("NodeSlicePool %s cuts %s into parts of %s, but the network's configuration cuts %s into %s: "+
			"give one of them another network_name, or delete the NodeSlicePool when none of its addresses is in use", b.Name, object.Spec.Range, object.Spec.SliceSize, b.Subnet, size)
	}
	if _, used := object.Annotations[annotationNetwork]; !used { // of Whereabouts: from now on, empty parts are handed back
		metav1.SetMetaDataAnnotation(&object.ObjectMeta, annotationNetwork, b.NetworkName)
		if err := s.client.Update(ctx, &object); err != nil && !outdated(err) {
			return directory{}, fmt.Errorf("write NodeSlicePool %s: %w", b.Name, err)
		}
	}
	d, err := newDirectory(object)
	d.at = began
	if err == nil {
		p.known = &d
	}
	return d, err
}

// claimOfBlocks gives an address of one block, and has the NodeSlicePool say if there is none.
func (s *Store) claimOfBlocks(ctx context.Context, owner Owner, place Place, c Claim, note func(PoolKey) error) (netip.Addr, error) {
	began := time.Now()
	a, wrong, err := s.claimOfAny(ctx, owner, place, c, note)
	var exhausted *ExhaustedError
	switch p := s.slicePool(c.Blocks.Name); {
	case c.Want.IsValid():
	case errors.As(err, &exhausted):
		p.tellExhausted(ctx, s, c)
	case err == nil && wrong:
		p.tellGiven(ctx, s, c, began)
	}
	return a, err
}

// claimOfAny gives an address of the Node's own blocks, then of a block that nobody has, then of others' blocks, and reports whether
// the NodeSlicePool says that there is none although this one is new to the owner. note is told of a pool before anything is taken from it.
func (s *Store) claimOfAny(ctx context.Context, owner Owner, place Place, c Claim, note func(PoolKey) error) (a netip.Addr, wrong bool, err error) {
	b := *c.Blocks
	try := func(of block) (netip.Addr, error) {
		part, ok := c.within(of)
		if !ok {
			return netip.Addr{}, &ExhaustedError{c.Pool, c.Span}
		}
		key := b.key(of)
		if err := note(key); err != nil {
			return netip.Addr{}, err
		}
		return s.claim(ctx, owner, place, Claim{Pool: key, Span: part, Excluded: c.Excluded, Want: c.Want})
	}
	began := time.Now()
	var after time.Time
	if owner.Claim != "" {
		after = began
	}
	for attempt := 0; ; attempt++ {
		d, err := s.directory(ctx, b, after)
		if err != nil {
			return a, false, err
		}
		own, others := d.blocks(b.Node)
		had, own, err := s.hadFirst(ctx, b, own, others, owner, c)
		if err != nil {
			return a, false, err
		}
		// Its own blocks, and where it has an address. Those that were full when they were asked last come last.
		var full []block
		if !c.Want.IsValid() {
			own, full = s.split(b, own)
		}
		changing := false
		for i, of := range slices.Concat(had, own, full) {
			if i >= len(had)+len(own) {
				part, _ := c.within(of)
				if still, err := s.pool(b.key(of)).exhausted(ctx, c, part, began); still || err != nil {
					if err != nil {
						return a, false, err
					}
					continue
				}
			}
			a, err := try(of)
			if !unavailable(err) {
				return a, d.exhausted() && i >= len(had), err
			}
			if errors.Is(err, errNoBlock) {
				changing = true
				if of.node == b.Node { // this process, or one before it, was killed while it took it or handed it back
					if err := s.handBack(ctx, b, of); err != nil {
						return a, false, err
					}
				}
			}
		}
		if !changing {
			took, err := s.take(ctx, b, d, c)
			if err != nil {
				return a, false, err
			}
			if changing = took; !took && d.at.Before(began) {
				after = began
				continue
			}
		}
		if !changing {
			for _, of := range others {
				a, err := try(of)
				if !unavailable(err) {
					return a, d.exhausted(), err
				}
				changing = changing || errors.Is(err, errNoBlock)
			}
			if !changing || attempt > 10 {
				return a, false, &ExhaustedError{c.Pool, c.Span}
			}
		}
		after = d.at
		limit := time.Millisecond << min(attempt, 5)
		sleep(ctx, limit/2+rand.N(limit))
		if ctx.Err() != nil {
			return a, false, context.Cause(ctx)
		}
	}
}

// within is what a claim can get of a block, if anything. An address that is asked for may be outside the span.
func (c Claim) within(of block) (ipam.Span, bool) {
	part, ok := within(c.Span, of.prefix)
	if c.Want.IsValid() {
		ok = of.prefix.Contains(c.Want)
	}
	return part, ok
}

// split tells the blocks apart that were full when they were asked last.
func (s *Store) split(b Blocks, own []block) (rest, full []block) {
	for _, of := range own {
		if s.pool(b.key(of)).full.Load() {
			full = append(full, of)
		} else {
			rest = append(rest, of)
		}
	}
	return rest, full
}

// unavailable reports whether the block has no address, so that another one may have.
func unavailable(err error) bool {
	var exhausted *ExhaustedError
	return errors.As(err, &exhausted) || errors.Is(err, errNoBlock)
}

// hadFirst tells the blocks apart in which the owner has an address already, of any Node, and the Node's other blocks.
func (s *Store) hadFirst(ctx context.Context, b Blocks, own, others []block, owner Owner, c Claim) (had, rest []block, err error) {
	if len(c.Known) == 0 && owner.Claim == "" {
		return nil, own, nil
	}
	for i, of := range slices.Concat(own, others) {
		key := b.key(of)
		has := false
		if owner.Claim != "" || slices.Contains(c.Known, key) {
			p := s.pool(key)
			if owner.Claim != "" {
				p.doubt() // others may have written what stays for the claim
			}
			if has, err = p.has(ctx, owner, c.Span); err != nil {
				return nil, nil, err
			}
		}
		switch {
		case has:
			had = append(had, of)
		case i < len(own):
			rest = append(rest, of)
		}
	}
	return had, rest, nil
}

// has reports whether the owner has an address of the span, as far as is known.
func (p *pool) has(ctx context.Context, owner Owner, span ipam.Span) (bool, error) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if _, err := p.read(ctx, known); err != nil {
		return false, err
	}
	for _, a := range p.view.of(owner) {
		if span.Contains(a) {
			return true, nil
		}
	}
	return false, nil
}

// take makes a block that nobody has the Node's own, and reports whether it is worth to look again at what the Node has. Where other
// Nodes take blocks at the same time it keeps out of their way, as with the writes of a pool.
func (s *Store) take(ctx context.Context, b Blocks, seen directory, c Claim) (bool, error) {
	p := s.slicePool(b.Name)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || p.known.object.ResourceVersion != seen.object.ResourceVersion {
		return true, nil
	}
	span, excluded := c.Span, c.Excluded
	if c.Want.IsValid() {
		span, excluded = ipam.Span{First: c.Want, Last: c.Want}, new(ipam.Set)
	}
	for {
		prefix, ok := seen.free(span, excluded, b.Bits)
		if !ok {
			return false, nil
		}
		p.known = nil // until all is done
		began := time.Now()
		lost, err := p.tryTake(ctx, s, b, seen, prefix)
		p.rivals.tried(time.Since(began), lost, 1)
		if err != nil || !lost {
			return true, err
		}
		s.conflicts.Add(1)
		p.rivals.wait(ctx)
		if seen, err = p.read(ctx, s, b); err != nil {
			return true, err
		}
	}
}

// tryTake reports whether somebody else has changed the NodeSlicePool meanwhile.
func (p *slicePool) tryTake(ctx context.Context, s *Store, b Blocks, seen directory, prefix netip.Prefix) (lost bool, err error) {
	pool, err := s.closedPool(ctx, b, b.key(block{b.Node, prefix}))
	if err != nil || pool == nil {
		return false, err
	}
	object := seen.with(prefix, b.Node)
	metav1.SetMetaDataAnnotation(&object.ObjectMeta, annotationNetwork, b.NetworkName)
	if err := s.client.Update(ctx, &object); err != nil {
		if !outdated(err) {
			return false, fmt.Errorf("write NodeSlicePool %s: %w", b.Name, err)
		}
		return true, s.deletePool(ctx, pool)
	}
	body := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"annotations":{%q:%q}}}`, pool.ResourceVersion, annotationBlock, blockOpen)
	if err := s.client.Patch(ctx, pool, client.RawPatch(types.MergePatchType, body)); err != nil {
		return false, ignoreOutdated(err)
	}
	d, err := newDirectory(object)
	if err == nil {
		p.known = &d
	}
	return false, err
}

// closedPool makes the IPPool of a block that is about to be taken. It is nil if the block is not to be had as things are.
func (s *Store) closedPool(ctx context.Context, b Blocks, key PoolKey) (*v1alpha1.IPPool, error) {
	annotations := map[string]string{annotationBlock: blockClosed, annotationNetwork: b.NetworkName, annotationSlices: b.Name}
	pool := &v1alpha1.IPPool{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: key.Name, Annotations: annotations},
		Spec:       v1alpha1.IPPoolSpec{Range: key.Subnet.String(), Allocations: map[string]v1alpha1.IPAllocation{}},
		Status:     v1alpha1.IPPoolStatus{Capacity: capacity(key.Subnet, true)},
	}
	err := s.client.Create(ctx, pool)
	if err == nil {
		return pool, nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("make pool %s: %w", key.Name, err)
	}
	if err := s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: key.Name}, pool); err != nil {
		return nil, ignoreOutdated(err)
	}
	switch state, slices := pool.Annotations[annotationBlock], pool.Annotations[annotationSlices]; {
	case state == blockOpen && slices == b.Name: // the directory was read before it was opened
		return nil, nil
	case state != "" && slices != b.Name:
		return nil, fmt.Errorf("pool %s is of NodeSlicePool %s: give one of the networks another network_name", key.Name, slices)
	case state == "": // left by Whereabouts
		body := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"annotations":{%q:%q,%q:%q,%q:%q}}}`, pool.ResourceVersion,
			annotationBlock, blockClosed, annotationNetwork, b.NetworkName, annotationSlices, b.Name)
		if err := s.client.Patch(ctx, pool, client.RawPatch(types.MergePatchType, body)); err != nil {
			return nil, ignoreOutdated(err)
		}
	}
	return pool, nil
}

func ignoreOutdated(err error) error {
	if outdated(err) {
		return nil
	}
	return err
}

// deletePool deletes an IPPool if it is still as it was read.
func (s *Store) deletePool(ctx context.Context, pool *v1alpha1.IPPool) error {
	return ignoreOutdated(s.client.Delete(ctx, pool, client.Preconditions{UID: &pool.UID, ResourceVersion: &pool.ResourceVersion}))
}

// handBack makes a block nobody's, unless an address of it is in use. Its Node has to be this one, or gone.
func (s *Store) handBack(ctx context.Context, b Blocks, of block) error {
	p := s.slicePool(b.Name)
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.read(ctx, s, b)
	if err != nil || d.owners[of.prefix] != of.node {
		return err
	}
	var pool v1alpha1.IPPool
	err = s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: b.key(of).Name}, &pool)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("read pool %s: %w", b.key(of).Name, err)
	case len(pool.Spec.Allocations) > 0:
		return nil
	default:
		err := s.client.Delete(ctx, &pool, client.Preconditions{UID: &pool.UID, ResourceVersion: &pool.ResourceVersion})
		if err != nil {
			return ignoreOutdated(err) // somebody has taken an address
		}
	}
	object := d.with(of.prefix, "")
	metav1.SetMetaDataAnnotation(&object.ObjectMeta, annotationNetwork, b.NetworkName)
	p.known = nil
	return ignoreOutdated(s.client.Update(ctx, &object))
}

// HandBack hands back all empty blocks of a Node, and of those that are gone.
func (s *Store) HandBack(ctx context.Context, node string, gone func(ctx context.Context, node string) bool) error {
	var all v1alpha1.NodeSlicePoolList
	if err := s.client.List(ctx, &all, client.InNamespace(s.namespace)); err != nil {
		return fmt.Errorf("read NodeSlicePools: %w", err)
	}
	var errs []error
	for _, object := range all.Items {
		network, known := object.Annotations[annotationNetwork]
		if !known { // of Whereabouts, which has not been used here
			continue
		}
		d, err := newDirectory(object)
		subnet, parseErr := netip.ParsePrefix(object.Spec.Range)
		if err = errors.Join(err, parseErr); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, p := range d.order {
			if of := (block{d.owners[p], p}); of.node == node || gone(ctx, of.node) {
				errs = append(errs, s.handBack(ctx, Blocks{object.Name, subnet.Masked(), p.Bits(), network, node}, of))
			}
		}
	}
	return errors.Join(errs...)
}

// BlockPools are the IPPools of the Node's own blocks.
func (s *Store) BlockPools(ctx context.Context, b Blocks) ([]PoolKey, error) {
	d, err := s.directory(ctx, b, time.Now())
	if err != nil {
		return nil, err
	}
	own, _ := d.blocks(b.Node)
	var keys []PoolKey
	for _, of := range own {
		keys = append(keys, b.key(of))
	}
	return keys, nil
}
