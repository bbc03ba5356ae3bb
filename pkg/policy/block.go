package policy

import "net/netip"

// without is a range less others, as the fewest ranges that have the rest.
func without(p netip.Prefix, except []netip.Prefix) []netip.Prefix {
	touched := false
	for _, e := range except {
		if e.Bits() <= p.Bits() && e.Contains(p.Addr()) {
			return nil
		}
		touched = touched || p.Overlaps(e)
	}
	if !touched {
		return []netip.Prefix{p}
	}
	low, high := halves(p)
	return append(without(low, except), without(high, except)...)
}

// halves splits a range that has more than one address.
func halves(p netip.Prefix) (low, high netip.Prefix) {
	bits := p.Bits() + 1
	b := p.Addr().AsSlice()
	b[(bits-1)/8] |= 0x80 >> ((bits - 1) % 8)
	upper, _ := netip.AddrFromSlice(b)
	return netip.PrefixFrom(p.Addr(), bits), netip.PrefixFrom(upper, bits)
}

// everything is all addresses of both families.
var everything = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
