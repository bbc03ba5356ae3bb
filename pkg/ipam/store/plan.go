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
	only     netip.Addr // release: this address

	addr  netip.Addr
	kept  bool         // claim: the owner had it before
	addrs []netip.Addr // find
	err   error
	done  chan struct{}

	left bool // nobody waits for it any more; guarded by the pool's mutex
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
		o.addr, o.kept, o.addrs, o.err = netip.Addr{}, false, nil, nil
		switch o.kind {
		case find:
			o.addrs = v.ofSandbox(o.owner)
		case release:
			if h, ok := v.holder[o.only]; ok && h.ContainerID == o.owner.ContainerID && (h.IfName == o.owner.IfName || h.IfName == "") {
				v.free(o.only)
				changes = append(changes, change{o, o.only, nil})
			}
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
	have := v.of(o.owner)
	for _, a := range have {
		if a == o.claim.Want || !o.claim.Want.IsValid() && o.claim.Span.Contains(a) {
			o.kept = true
			return a, nil
		}
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
