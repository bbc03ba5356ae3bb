package ipam

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
)

// Range is a stretch of a subnet from which addresses are given out.
type Range struct {
	Subnet  netip.Prefix
	Start   netip.Addr // the first, and
	End     netip.Addr // the last address that may be given out
	Gateway netip.Addr // never given out
}

// NewRange checks a range and fills in what is not set: all of the subnet but its own address, the last one (in IPv4 the
// broadcast address) and the gateway, which is the first host address.
func NewRange(subnet netip.Prefix, start, end, gateway netip.Addr) (Range, error) {
	if !subnet.IsValid() {
		return Range{}, errors.New("range without a subnet")
	}
	if subnet != subnet.Masked() {
		return Range{}, fmt.Errorf("subnet %s has host bits set: write %s", subnet, subnet.Masked())
	}
	if subnet.Addr().BitLen()-subnet.Bits() < 2 {
		return Range{}, fmt.Errorf("subnet %s has no room for a gateway and a container", subnet)
	}
	first, last := subnet.Addr().Next(), lastAddr(subnet).Prev()
	r := Range{Subnet: subnet, Start: orElse(start, first), End: orElse(end, last), Gateway: orElse(gateway, first)}
	var errs []error
	for _, bound := range []struct {
		key  string
		addr netip.Addr
	}{{"rangeStart", r.Start}, {"rangeEnd", r.End}} {
		if bound.addr.Less(first) || last.Less(bound.addr) || bound.addr.BitLen() != first.BitLen() {
			errs = append(errs, fmt.Errorf("%s %s is not from %s to %s, the host addresses of %s", bound.key, bound.addr, first, last, subnet))
		}
	}
	if r.End.Less(r.Start) {
		errs = append(errs, fmt.Errorf("rangeStart %s is after rangeEnd %s", r.Start, r.End))
	}
	return r, errors.Join(errs...)
}

func orElse(a, otherwise netip.Addr) netip.Addr {
	if a.IsValid() {
		return a
	}
	return otherwise
}

func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Contains reports whether a may be given out.
func (r Range) Contains(a netip.Addr) bool {
	return a.BitLen() == r.Start.BitLen() && !a.Less(r.Start) && !r.End.Less(a) && a != r.Gateway
}

// Size is the number of addresses that may be given out, or the highest number there is.
func (r Range) Size() uint64 {
	diff := toUint128(r.End).minus(toUint128(r.Start))
	low, carry := bits.Add64(diff.low, 1, 0)
	if diff.high > 0 || carry > 0 {
		return ^uint64(0)
	}
	if !r.Gateway.Less(r.Start) && !r.End.Less(r.Gateway) {
		low--
	}
	return low
}

// String is the range as its first and last address.
func (r Range) String() string { return r.Start.String() + "-" + r.End.String() }
