package nad

import (
	"fmt"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// claim is a range of a definition.
type claim struct {
	of          int // the definition's place
	ref, key    string
	network     string // key network_name
	overlapping bool
	whereabouts.Range
}

// against is what is wrong with two ranges of one address space.
func (c claim) against(o claim) (Problem, bool) {
	if c.network != o.network || c.Subnet == o.Subnet || !c.Span.Overlaps(o.Span) {
		return Problem{}, false
	}
	both := fmt.Sprintf("%s overlaps %s of %s", c.Subnet, o.Subnet, o.ref)
	const apart = "use the same range, or give each its network_name if they are different networks"
	switch {
	case c.overlapping != o.overlapping:
		return Problem{Error, c.key + ".enable_overlapping_ranges", fmt.Sprintf("%s, where the key is %t: an address may be given twice", both, o.overlapping),
			"write the same there; or " + apart}, true
	case c.overlapping:
		return Problem{Warning, c.key + ".range", both + ", so Pods of one network have addresses of two lengths", apart}, true
	}
	return Problem{}, false // each is a world of its own, as it says
}

// givesGatewayOf is about a Pod that would get the address of the other's router.
func (c claim) givesGatewayOf(o claim) (Problem, bool) {
	sameSpace := c.network == o.network && (c.Subnet == o.Subnet || c.overlapping && o.overlapping)
	if !sameSpace || !o.Gateway.IsValid() || !c.Span.Contains(o.Gateway) || c.Excluded.Contains(o.Gateway) {
		return Problem{}, false
	}
	return Problem{Error, c.key + ".exclude", fmt.Sprintf("%s, the gateway of %s, may be given to a Pod", o.Gateway, o.ref),
		fmt.Sprintf("exclude %s, or make it the gateway here too", o.Gateway)}, true
}
