package store

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// view is what was read of a pool, all its objects together.
type view struct {
	objects map[string]*object // by shard: "" is the pool's first object
	sharded bool
	shut    bool              // a block from which nothing is taken
	stale   map[string]string // shards that others have written since they were read, and the version if it is known
	used    ipam.Set
	holder  map[netip.Addr]v1alpha1.IPAllocation
	byPod   map[podInterface][]netip.Addr
	bySand  map[sandboxInterface][]netip.Addr
	byClaim map[claimInterface][]netip.Addr
}

type (
	podInterface     struct{ uid, ifName string }
	sandboxInterface struct{ id, ifName string }
	claimInterface   struct{ claim, ifName string }
)

func newView() *view {
	return &view{
		objects: map[string]*object{},
		stale:   map[string]string{},
		holder:  map[netip.Addr]v1alpha1.IPAllocation{},
		byPod:   map[podInterface][]netip.Addr{},
		bySand:  map[sandboxInterface][]netip.Addr{},
		byClaim: map[claimInterface][]netip.Addr{},
	}
}

func (v *view) hold(a netip.Addr, h v1alpha1.IPAllocation) {
	v.free(a)
	v.holder[a] = h
	v.used.Add(ipam.Span{First: a, Last: a})
	if h.PodUID != "" {
		k := podInterface{h.PodUID, h.IfName}
		v.byPod[k] = append(v.byPod[k], a)
	}
	if h.ContainerID != "" {
		k := sandboxInterface{h.ContainerID, h.IfName}
		v.bySand[k] = append(v.bySand[k], a)
	}
	if h.Claim != "" {
		k := claimInterface{h.Claim, h.IfName}
		v.byClaim[k] = append(v.byClaim[k], a)
	}
}

func (v *view) free(a netip.Addr) {
	h, ok := v.holder[a]
	if !ok {
		return
	}
	delete(v.holder, a)
	v.used.Remove(a)
	drop(v.byPod, podInterface{h.PodUID, h.IfName}, a)
	drop(v.bySand, sandboxInterface{h.ContainerID, h.IfName}, a)
	drop(v.byClaim, claimInterface{h.Claim, h.IfName}, a)
}

func drop[K comparable](m map[K][]netip.Addr, key K, a netip.Addr) {
	var rest []netip.Addr
	for _, other := range m[key] {
		if other != a {
			rest = append(rest, other)
		}
	}
	if m[key] = rest; rest == nil {
		delete(m, key)
	}
}

// put replaces an object by what was read of it.
func (v *view) put(shard string, o *object) {
	v.remove(shard)
	delete(v.stale, shard)
	v.objects[shard] = o
	for a, h := range o.held {
		v.hold(a, h)
	}
}

// fill takes note that others have filled a part: which addresses are whose is not read before this Node is to change one.
func (v *view) fill(o *object) {
	o.full = true
	v.used.Add(ipam.SpanOf(o.subnet))
}

// inUse is how many addresses are, also of parts that others have filled.
func (v *view) inUse() int {
	count := len(v.holder)
	for _, o := range v.objects {
		if o.part && o.full {
			count += max(0, shardSize-len(o.held))
		}
	}
	return count
}

// clear takes the addresses of a part that was full out, but for those that the pool's first object has.
func (v *view) clear(part *object) {
	for a := part.subnet.Addr(); part.subnet.Contains(a); a = a.Next() {
		if _, ok := v.holder[a]; !ok {
			v.used.Remove(a)
		}
	}
}

// outgrown finds the parts of addresses that are to be released and that others have filled since they were read.
func (v *view) outgrown(subnet netip.Prefix, ops []*op) {
	for _, o := range ops {
		if o.kind != release {
			continue
		}
		shard := v.home(subnet, o.only)
		if part := v.objects[shard]; part != nil && part.full && len(part.held) < shardSize {
			v.stale[shard] = ""
		}
	}
}

// undo takes out of the view what was planned and not written.
func (v *view) undo(subnet netip.Prefix, planned []change) {
	for _, c := range planned {
		o := v.objects[v.home(subnet, c.addr)]
		if o == nil { // a part that was to be made
			v.free(c.addr)
		} else if h, ok := o.held[c.addr]; ok {
			v.hold(c.addr, h)
		} else {
			v.free(c.addr)
		}
	}
}

func (v *view) remove(shard string) {
	if old, ok := v.objects[shard]; ok {
		for a := range old.held {
			v.free(a)
		}
		if old.full {
			v.clear(old)
		}
		delete(v.objects, shard)
	}
}

// of is what the owner has: as this sandbox, as another sandbox of the same Pod, or by its claim.
func (v *view) of(o Owner) []netip.Addr {
	if o.PodUID != "" {
		if addrs := v.byPod[podInterface{o.PodUID, o.IfName}]; len(addrs) > 0 {
			return addrs
		}
	}
	addrs := v.ofSandbox(o)
	if o.Claim != "" && len(addrs) == 0 {
		return v.byClaim[claimInterface{o.Claim, o.IfName}]
	}
	return addrs
}

// ofSandbox is what this sandbox has, whatever the Pod: another sandbox of it is not to lose anything. Entries of old versions
// of Whereabouts have no interface.
func (v *view) ofSandbox(o Owner) []netip.Addr {
	addrs := v.bySand[sandboxInterface{o.ContainerID, o.IfName}]
	return append(addrs[:len(addrs):len(addrs)], v.bySand[sandboxInterface{o.ContainerID, ""}]...)
}
