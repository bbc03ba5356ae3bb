package store

import (
	"fmt"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

type kind int

const (
	claim kind = iota
	release
	find
)

// op is something that somebody wants of a pool.
type op struct {
	kind     kind
	owner    Owner
	claim    Claim
	reserved bool       // claim: addresses that others have reserved are not free
	only     netip.Addr // release: this address,
	keep     bool       // which stays for its claim

	addr netip.Addr
	kept bool                                 // claim: the owner had it before
	held map[netip.Addr]v1alpha1.IPAllocation // find
	err  error
	done chan struct{}

	left bool // nobody waits for it any more; guarded by the pool's mutex
}

// wanted is what has to be known of a pool for the ops: nothing new for what a sandbox of this Node has, parts that have free addresses
// for a claim, and everything if another Node may have written what the owner is to get.
func wanted(ops []*op) freshness {
	want := known
	for _, o := range ops {
		switch {
		case o.kind == claim && o.owner.Claim != "":
			return latest
		case o.kind == claim:
			want = recent
		}
	}
	return want
}

// lacks is what has to be read before changes may be written: what is not written is not checked against what others have written
// meanwhile, and a part that is not known may be full.
func (v *view) lacks(subnet netip.Prefix, batch []*op, changes []change) freshness {
	if unchanged(batch, changes) {
		return latest
	}
	for _, c := range changes {
		if shard := v.home(subnet, c.addr); shard != "" && (v.objects[shard] == nil || v.objects[shard].version == "") {
			return whole
		}
	}
	return known
}

// change is an address that gets another holder, or none.
type change struct {
	op     *op
	addr   netip.Addr
	holder *v1alpha1.IPAllocation
}

// plan decides what each op does, in their order, as if those before had been done. An op without a change is answered with what
// the view says. Everything is put into the view at once; it has to be read again if a change cannot be written.
func plan(v *view, subnet netip.Prefix, reserved *ipam.Set, ops []*op) []change {
	var changes []change
	for _, o := range ops {
		o.addr, o.kept, o.held, o.err = netip.Addr{}, false, nil, nil
		switch o.kind {
		case find:
			o.held = map[netip.Addr]v1alpha1.IPAllocation{}
			for _, a := range v.ofSandbox(o.owner) {
				o.held[a] = v.holder[a]
			}
		case release:
			h, ok := v.holder[o.only]
			if !ok || h.ContainerID != o.owner.ContainerID || h.IfName != o.owner.IfName && h.IfName != "" {
				continue
			}
			if o.keep && h.Claim != "" {
				kept := ownerOf(h).Kept().Allocation()
				v.hold(o.only, kept)
				changes = append(changes, change{o, o.only, &kept})
				continue
			}
			v.free(o.only)
			changes = append(changes, change{o, o.only, nil})
		case claim:
			if o.addr, o.err = choose(v, subnet, reserved, o); o.err != nil {
				continue
			}
			h := o.owner.Allocation()
			if v.holder[o.addr] != h {
				v.hold(o.addr, h)
				changes = append(changes, change{o, o.addr, &h})
			}
		}
	}
	return changes
}

func choose(v *view, subnet netip.Prefix, reserved *ipam.Set, o *op) (netip.Addr, error) {
	if v.shut {
		return netip.Addr{}, errNoBlock
	}
	had := v.of(o.owner)
	if o.claim.Back {
		had = v.ofSandbox(o.owner) // another sandbox of the Pod may have got it
	}
	for _, a := range had {
		if a != o.claim.Want && (o.claim.Want.IsValid() || !o.claim.Span.Contains(a)) {
			continue
		}
		if h := v.holder[a]; h.ContainerID != "" && h.ContainerID != o.owner.ContainerID && (h.PodUID == "" || h.PodUID != o.owner.PodUID) {
			return a, fmt.Errorf("%w: %s of range %s stays for %s, but sandbox %s of %s on Node %s has not been released: "+
				"delete that Node or give it the taint node.kubernetes.io/out-of-service if it is off", ErrTaken, a, subnet, h.Claim, h.ContainerID, h.PodRef, h.Node)
		}
		o.kept = true
		return a, nil
	}
	if want := o.claim.Want; want.IsValid() {
		if h, ok := v.holder[want]; ok {
			return want, fmt.Errorf("%w: %s of range %s is held by %s, sandbox %s, interface %s", ErrTaken, want, subnet, h.PodRef, h.ContainerID, h.IfName)
		}
		return want, nil
	}
	taken := []*ipam.Set{&v.used, o.claim.Excluded}
	if o.reserved {
		taken = append(taken, reserved)
	}
	if a, ok := o.claim.Span.Lowest(taken...); ok {
		return a, nil
	}
	return netip.Addr{}, &ExhaustedError{o.claim.Pool, o.claim.Span}
}
