package whereabouts

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// Range is what an attachment gets one address of.
type Range struct {
	Subnet   netip.Prefix
	Span     ipam.Span // addresses that are given unasked
	Excluded *ipam.Set // of them, those that are not
	Gateway  netip.Addr
	exclude  []string
}

// String is the range as errors tell it.
func (r Range) String() string {
	text := fmt.Sprintf("ip: %s / - %s / range: %s", r.Span.First, r.Span.Last, r.Subnet)
	return text + fmt.Sprintf(" / excludeRanges: [%s]", strings.Join(r.exclude, " "))
}

// parseRange reads a range that stands under the given key of the configuration.
func parseRange(at string, s rangeSection) (Range, error) {
	wrong := func(name string, err error, fix string) error { return &KeyError{"ipam." + at + name, err, fix} }
	cidr, first, last, err := splitRange(s.Range)
	if err != nil {
		return Range{}, wrong("range", err, "write CIDR or FIRST-LAST/LENGTH")
	}
	usable, err := hosts(cidr)
	if err != nil {
		return Range{}, wrong("range", err, "make the range larger: its first and last address are not given")
	}
	r := Range{Subnet: cidr, Span: usable, Excluded: new(ipam.Set), exclude: s.Exclude}
	var errs []error
	bound := func(name, text string, inRange netip.Addr, ends netip.Addr, limit *netip.Addr) {
		a := inRange
		if text != "" {
			if a, err = parseAddr(text); err != nil {
				errs = append(errs, wrong(name, err, "write an address of "+cidr.String()))
				return
			}
			if inRange.IsValid() && a != inRange {
				errs = append(errs, wrong(name, fmt.Errorf("is %s, but range says %s", a, inRange), "leave one of them out"))
				return
			}
		}
		switch {
		case !a.IsValid() || a == ends: // the network's own address stands for the first that can be used, broadcast for the last
		case !usable.Contains(a):
			errs = append(errs, wrong(name, fmt.Errorf("%s is not from %s to %s, the addresses of %s", a, usable.First, usable.Last, cidr), "write one of them, or leave the key out"))
		default:
			*limit = a
		}
	}
	whole := ipam.SpanOf(cidr)
	bound("range_start", s.RangeStart, first, whole.First, &r.Span.First)
	bound("range_end", s.RangeEnd, last, whole.Last, &r.Span.Last)
	if len(errs) == 0 && r.Span.Last.Less(r.Span.First) {
		errs = append(errs, wrong("range_end", fmt.Errorf("%s is before the range's first address, %s", r.Span.Last, r.Span.First), "swap them"))
	}
	for i, text := range s.Exclude {
		excluded, err := parseExclude(text)
		if err != nil {
			errs = append(errs, wrong(fmt.Sprintf("exclude[%d]", i), err, "write a CIDR or an address"))
			continue
		}
		r.Excluded.Add(excluded)
	}
	if err := errors.Join(errs...); err != nil {
		return Range{}, err
	}
	if _, ok := r.Span.Lowest(r.Excluded); !ok {
		return Range{}, wrong("exclude", fmt.Errorf("leaves no address of %s", r.Span), "exclude less, or make the range larger")
	}
	return r, nil
}

// splitRange reads a CIDR, or the form FIRST-LAST/LENGTH. Host bits and leading zeros are allowed.
func splitRange(text string) (cidr netip.Prefix, first, last netip.Addr, err error) {
	from, to, both := strings.Cut(text, "-")
	if !both {
		cidr, err = parsePrefix(text)
		return cidr.Masked(), first, last, err
	}
	end, err := parsePrefix(to)
	if err != nil {
		return cidr, first, last, err
	}
	if first, err = parseAddr(from); err != nil {
		return cidr, first, last, err
	}
	if cidr, err = first.Prefix(end.Bits()); err != nil {
		return cidr, first, last, err
	}
	if !cidr.Contains(end.Addr()) {
		return cidr, first, last, fmt.Errorf("%s is not in %s, the network of %s", end.Addr(), cidr, first)
	}
	return cidr, first, end.Addr(), nil
}

// hosts are the addresses of a network but for its first and last.
func hosts(cidr netip.Prefix) (ipam.Span, error) {
	if cidr.Addr().BitLen()-cidr.Bits() < 2 {
		return ipam.Span{}, fmt.Errorf("net mask is too short, must be %d or less: %s", cidr.Addr().BitLen()-2, cidr)
	}
	whole := ipam.SpanOf(cidr)
	return ipam.Span{First: whole.First.Next(), Last: whole.Last.Prev()}, nil
}

// parseExclude reads a CIDR or a single address.
func parseExclude(text string) (ipam.Span, error) {
	if !strings.Contains(text, "/") {
		a, err := parseAddr(text)
		return ipam.Span{First: a, Last: a}, err
	}
	p, err := parsePrefix(text)
	if err != nil {
		return ipam.Span{}, err
	}
	return ipam.SpanOf(p), nil
}

func parsePrefix(text string) (netip.Prefix, error) {
	addr, length, _ := strings.Cut(strings.TrimSpace(text), "/")
	p, err := netip.ParsePrefix(noLeadingZeros(addr) + "/" + length)
	if err != nil {
		return p, fmt.Errorf("%q is not a CIDR such as 192.168.20.0/24", text)
	}
	return p, nil
}

func parseAddr(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(noLeadingZeros(strings.TrimSpace(text)))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an address", text)
	}
	return a.Unmap(), nil
}

// noLeadingZeros reads 192.168.020.010 as the decimal numbers that are meant.
func noLeadingZeros(addr string) string {
	if strings.Contains(addr, ":") {
		return addr
	}
	octets := strings.Split(addr, ".")
	for i, o := range octets {
		if trimmed := strings.TrimLeft(o, "0"); trimmed != "" {
			octets[i] = trimmed
		} else if o != "" {
			octets[i] = "0"
		}
	}
	return strings.Join(octets, ".")
}
