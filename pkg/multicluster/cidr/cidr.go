// Package cidr compares and sums up address ranges. It is pure: [Aggregate] finds the fewest prefixes for a set of
// addresses, [Overlap] the first pair that two sets have in common, [Parse] reads what an operator or an API wrote.
package cidr

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Parse reads prefixes such as 10.244.0.0/20. All that are wrong are reported at once.
func Parse(texts []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	var errs []error
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%q is not a CIDR such as 10.244.0.0/20", text))
		case p.Addr().Is4In6():
			errs = append(errs, fmt.Errorf("%q is an IPv4 range written as IPv6: write it as IPv4", text))
		case p != p.Masked():
			errs = append(errs, fmt.Errorf("%q has bits set after its prefix length: did you mean %s?", text, p.Masked()))
		default:
			prefixes = append(prefixes, p)
		}
	}
	return prefixes, errors.Join(errs...)
}

// Strings is the opposite of Parse.
func Strings(prefixes []netip.Prefix) []string {
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return texts
}

// Aggregate returns the fewest prefixes that hold exactly the same addresses, sorted, IPv4 first.
func Aggregate(prefixes []netip.Prefix) []netip.Prefix {
	sorted := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if p.IsValid() {
			sorted = append(sorted, p.Masked())
		}
	}
	slices.SortFunc(sorted, netip.Prefix.Compare)
	var out []netip.Prefix
	for _, p := range sorted {
		if n := len(out); n > 0 && covers(out[n-1], p) {
			continue
		}
		out = append(out, p)
		for len(out) > 1 {
			merged, ok := merge(out[len(out)-2], out[len(out)-1])
			if !ok {
				break
			}
			out = append(out[:len(out)-2], merged)
		}
	}
	return out
}

// covers says whether every address of b is in a.
func covers(a, b netip.Prefix) bool { return a.Bits() <= b.Bits() && a.Contains(b.Addr()) }

// merge joins the two halves of a prefix.
func merge(a, b netip.Prefix) (netip.Prefix, bool) {
	if a.Bits() != b.Bits() || a.Bits() == 0 || a.Addr().BitLen() != b.Addr().BitLen() {
		return netip.Prefix{}, false
	}
	parent := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
	return parent, a != b && parent.Contains(b.Addr())
}

// Overlap returns the first pair of prefixes that share an address.
func Overlap(as, bs []netip.Prefix) (a, b netip.Prefix, found bool) {
	for _, a := range as {
		for _, b := range bs {
			if a.Overlaps(b) {
				return a, b, true
			}
		}
	}
	return netip.Prefix{}, netip.Prefix{}, false
}
