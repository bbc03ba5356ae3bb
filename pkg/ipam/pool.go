package ipam

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Pool is a list of ranges of one family. An attachment gets one address of it.
type Pool []Range

// ErrExhausted says that a pool has no free address.
var ErrExhausted = errors.New("no free address")

// NewPool checks that the ranges can be one pool.
func NewPool(ranges ...Range) (Pool, error) {
	if len(ranges) == 0 {
		return nil, errors.New("pool without a range")
	}
	for i, r := range ranges {
		for _, other := range ranges[:i] {
			if r.Start.BitLen() != other.Start.BitLen() {
				return nil, fmt.Errorf("ranges %s and %s of one pool are of two families", other, r)
			}
			if !r.End.Less(other.Start) && !other.End.Less(r.Start) {
				return nil, fmt.Errorf("ranges %s and %s overlap", other, r)
			}
		}
	}
	return ranges, nil
}

// Next is the first free address after the one given, going round the pool: an address that was just released is taken last,
// because peers may still know it as another Pod's. With the zero address it is the first free one.
func (p Pool) Next(after netip.Addr, used func(netip.Addr) bool) (Address, error) {
	first := 0
	for i, r := range p {
		if r.Contains(after) {
			first = i
		}
	}
	// The range of the last address is visited twice: from behind that address, and from its start up to it.
	for i := range len(p) + 1 {
		r := p[(first+i)%len(p)]
		start, end := r.Start, r.End
		if r.Contains(after) {
			if i == 0 {
				start = after.Next()
			} else {
				end = after
			}
		}
		for a := start; a.IsValid() && !end.Less(a); a = a.Next() {
			if r.Contains(a) && !used(a) {
				return Address{netip.PrefixFrom(a, r.Subnet.Bits()), r.Gateway}, nil
			}
		}
	}
	return Address{}, fmt.Errorf("pool %s: %w, all %d are in use", p, ErrExhausted, p.Size())
}

// Take is the address that was asked for, if the pool has it and it is free.
func (p Pool) Take(want netip.Addr, used func(netip.Addr) bool) (Address, error) {
	for _, r := range p {
		switch {
		case !r.Contains(want):
		case used(want):
			return Address{}, fmt.Errorf("address %s is in use", want)
		default:
			return Address{netip.PrefixFrom(want, r.Subnet.Bits()), r.Gateway}, nil
		}
	}
	return Address{}, fmt.Errorf("address %s is not one of pool %s", want, p)
}

// Contains reports whether a may be given out.
func (p Pool) Contains(a netip.Addr) bool {
	for _, r := range p {
		if r.Contains(a) {
			return true
		}
	}
	return false
}

// Size is the number of addresses that may be given out, or the highest number there is.
func (p Pool) Size() uint64 {
	var sum uint64
	for _, r := range p {
		n := r.Size()
		if sum+n < sum {
			return ^uint64(0)
		}
		sum += n
	}
	return sum
}

// String is the pool as its ranges.
func (p Pool) String() string {
	texts := make([]string, len(p))
	for i, r := range p {
		texts[i] = r.String()
	}
	return strings.Join(texts, ",")
}

// Address is what an attachment gets.
type Address struct {
	Prefix  netip.Prefix // the address, with the length of its subnet
	Gateway netip.Addr
}
