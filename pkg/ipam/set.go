package ipam

import (
	"net/netip"
	"slices"
	"sort"
)

// Span is the addresses from First to Last, both included, of one family.
type Span struct{ First, Last netip.Addr }

// SpanOf is all addresses of a prefix.
func SpanOf(p netip.Prefix) Span { return Span{p.Masked().Addr(), lastAddr(p.Masked())} }

// Contains reports whether a is in the span.
func (s Span) Contains(a netip.Addr) bool {
	return a.BitLen() == s.First.BitLen() && !a.Less(s.First) && !s.Last.Less(a)
}

// Overlaps reports whether an address is in both.
func (s Span) Overlaps(o Span) bool {
	return s.First.BitLen() == o.First.BitLen() && !s.Last.Less(o.First) && !o.Last.Less(s.First)
}

// String is the span as its first and last address.
func (s Span) String() string { return s.First.String() + "-" + s.Last.String() }

// Set is a set of addresses, kept as the fewest spans there can be, in order: a range that is full takes as little room as an
// empty one, and an IPv6 subnet as little as an address. The zero value is empty.
type Set struct{ spans []Span }

// Clone is a copy that changes on its own.
func (s *Set) Clone() Set { return Set{slices.Clone(s.spans)} }

// search is the index of the first span that does not end before a.
func (s *Set) search(a netip.Addr) int {
	return sort.Search(len(s.spans), func(i int) bool { return !s.spans[i].Last.Less(a) })
}

// Contains reports whether a is in the set.
func (s *Set) Contains(a netip.Addr) bool {
	i := s.search(a)
	return i < len(s.spans) && s.spans[i].Contains(a)
}

// Add adds all addresses of a span. One that ends before it begins has none.
func (s *Set) Add(span Span) {
	if span.Last.Less(span.First) {
		return
	}
	from := s.search(span.First)
	if from > 0 && s.spans[from-1].Last.Next() == span.First {
		from--
	}
	to := from
	for to < len(s.spans) && touches(span, s.spans[to]) {
		span.First, span.Last = minAddr(span.First, s.spans[to].First), maxAddr(span.Last, s.spans[to].Last)
		to++
	}
	s.spans = slices.Replace(s.spans, from, to, span)
}

// touches reports whether two spans overlap or have no address between them.
func touches(a, b Span) bool {
	return a.Overlaps(b) || a.Last.Next() == b.First || b.Last.Next() == a.First
}

// Remove takes an address out.
func (s *Set) Remove(a netip.Addr) {
	i := s.search(a)
	if i == len(s.spans) || !s.spans[i].Contains(a) {
		return
	}
	span := s.spans[i]
	var rest []Span
	if span.First != a {
		rest = append(rest, Span{span.First, a.Prev()})
	}
	if span.Last != a {
		rest = append(rest, Span{a.Next(), span.Last})
	}
	s.spans = slices.Replace(s.spans, i, i+1, rest...)
}

// Lowest is the lowest address of the span that is in none of the sets. It walks through them side by side.
func (s Span) Lowest(taken ...*Set) (netip.Addr, bool) {
	a := s.First
	rest := make([][]Span, len(taken)) // of each set, what does not end before a
	for i, set := range taken {
		rest[i] = set.spans[set.search(a):]
	}
	for settled := false; !settled; {
		settled = true
		for i := range rest {
			for len(rest[i]) > 0 && rest[i][0].Last.Less(a) {
				rest[i] = rest[i][1:]
			}
			if len(rest[i]) == 0 || !rest[i][0].Contains(a) {
				continue
			}
			settled = false
			if a = rest[i][0].Last.Next(); !s.Contains(a) {
				return netip.Addr{}, false
			}
		}
	}
	return a, s.Contains(a)
}

func minAddr(a, b netip.Addr) netip.Addr {
	if b.Less(a) {
		return b
	}
	return a
}

func maxAddr(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return b
	}
	return a
}
