package store

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// directory is a NodeSlicePool as it was read: which Node has which blocks of a range.
type directory struct {
	object v1alpha1.NodeSlicePool
	at     time.Time               // it was so then, or later
	owners map[netip.Prefix]string // without blocks that nobody has
	order  []netip.Prefix          // of those with an owner
}

// maxListed is how many free blocks a new NodeSlicePool lists: Whereabouts gives Nodes only what is listed.
const maxListed = 256

func newDirectory(object v1alpha1.NodeSlicePool) (directory, error) {
	d := directory{object: object, at: time.Now(), owners: map[netip.Prefix]string{}}
	for _, a := range object.Status.Allocations {
		p, err := netip.ParsePrefix(a.SliceRange)
		if err != nil {
			return d, fmt.Errorf("NodeSlicePool %s: key status.allocations: %w", object.Name, err)
		}
		if p = p.Masked(); a.NodeName != "" && d.owners[p] == "" {
			d.owners[p] = a.NodeName
			d.order = append(d.order, p)
		}
	}
	return d, nil
}

// block is one with its Node.
type block struct {
	node   string
	prefix netip.Prefix
}

// blocks are those of one Node in their order, then those of the others.
func (d directory) blocks(node string) (own, others []block) {
	for _, p := range d.order {
		if b := (block{d.owners[p], p}); b.node == node {
			own = append(own, b)
		} else {
			others = append(others, b)
		}
	}
	return own, others
}

// free is the lowest block without an owner that has an address of the span which is not excluded.
func (d directory) free(span ipam.Span, excluded *ipam.Set, bits int) (netip.Prefix, bool) {
	var owned ipam.Set
	for p := range d.owners {
		owned.Add(ipam.SpanOf(p))
	}
	a, ok := span.Lowest(&owned, excluded)
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := a.Prefix(bits)
	return p, err == nil
}

func (d directory) exhausted() bool {
	return meta.IsStatusConditionTrue(d.object.Status.Conditions, v1alpha1.PoolExhausted)
}

// copy is the object, to be changed.
func (d directory) copy() v1alpha1.NodeSlicePool {
	object := *d.object.DeepCopy()
	object.ManagedFields = []metav1.ManagedFieldsEntry{{}} // none, see [patchMetadata]
	return object
}

// telling is the object with a condition, and whether that changes it.
func (d directory) telling(c metav1.Condition) (object v1alpha1.NodeSlicePool, changed bool) {
	object = d.copy()
	return object, meta.SetStatusCondition(&object.Status.Conditions, c)
}

// with is the object after a block has got another owner, or none.
func (d directory) with(p netip.Prefix, node string) v1alpha1.NodeSlicePool {
	object := d.copy()
	object.Status.Allocations = slices.DeleteFunc(object.Status.Allocations, func(a v1alpha1.NodeSliceAllocation) bool {
		listed, err := netip.ParsePrefix(a.SliceRange)
		return err == nil && listed.Masked() == p
	})
	at, _ := slices.BinarySearchFunc(object.Status.Allocations, p, func(a v1alpha1.NodeSliceAllocation, p netip.Prefix) int {
		listed, err := netip.ParsePrefix(a.SliceRange)
		if err != nil {
			return -1
		}
		return listed.Addr().Compare(p.Addr())
	})
	if node == "" && d.exhausted() {
		meta.SetStatusCondition(&object.Status.Conditions, condition(v1alpha1.PoolExhausted, false, "BlockReleased", ""))
	}
	object.Status.Allocations = slices.Insert(object.Status.Allocations, at, v1alpha1.NodeSliceAllocation{NodeName: node, SliceRange: p.String()})
	return object
}

// listed are the first blocks of a range, nobody's.
func listed(subnet netip.Prefix, bits int) []v1alpha1.NodeSliceAllocation {
	all := []v1alpha1.NodeSliceAllocation{}
	for a := subnet.Masked().Addr(); len(all) < maxListed && subnet.Contains(a); {
		p := netip.PrefixFrom(a, bits)
		all = append(all, v1alpha1.NodeSliceAllocation{SliceRange: p.String()})
		a = ipam.SpanOf(p).Last.Next()
	}
	return all
}

// within is the part of a span that is in a block.
func within(span ipam.Span, p netip.Prefix) (ipam.Span, bool) {
	part := ipam.SpanOf(p)
	if !part.Overlaps(span) {
		return ipam.Span{}, false
	}
	if part.First.Less(span.First) {
		part.First = span.First
	}
	if span.Last.Less(part.Last) {
		part.Last = span.Last
	}
	return part, true
}
