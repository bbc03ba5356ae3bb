package lab

import (
	"hash/fnv"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Prefixes are a range, or one of each family, written with a comma between them as Kubernetes does. The first is of the family
// that the cluster prefers.
type Prefixes []netip.Prefix

// Addrs are an address, or one of each family, written as [Prefixes] are.
type Addrs []netip.Addr

// UnmarshalText reads what MarshalText writes.
func (ps *Prefixes) UnmarshalText(text []byte) (err error) {
	*ps, err = parseList(string(text), netip.ParsePrefix)
	return err
}

// MarshalText writes the list as in a description.
func (ps Prefixes) MarshalText() ([]byte, error) { return []byte(ps.String()), nil }

// String is the list as in a description.
func (ps Prefixes) String() string { return joinList(ps) }

// UnmarshalText reads what MarshalText writes.
func (as *Addrs) UnmarshalText(text []byte) (err error) {
	*as, err = parseList(string(text), netip.ParseAddr)
	return err
}

// MarshalText writes the list as in a description.
func (as Addrs) MarshalText() ([]byte, error) { return []byte(as.String()), nil }

// String is the list as in a description.
func (as Addrs) String() string { return joinList(as) }

func parseList[T any](text string, parse func(string) (T, error)) ([]T, error) {
	var list []T
	for word := range strings.SplitSeq(text, ",") {
		one, err := parse(strings.TrimSpace(word))
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func joinList[T interface{ String() string }](list []T) string {
	words := make([]string, len(list))
	for i, one := range list {
		words[i] = one.String()
	}
	return strings.Join(words, ",")
}

func (ps Prefixes) masked() Prefixes {
	masked := make(Prefixes, len(ps))
	for i, p := range ps {
		masked[i] = p.Masked()
	}
	return masked
}

// sound reports whether there is one range, or one of each family.
func (ps Prefixes) sound() bool {
	return len(ps) == 1 || len(ps) == 2 && ps[0].Addr().Is4() != ps[1].Addr().Is4()
}

// overlapping is a range of ps that one of others overlaps.
func (ps Prefixes) overlapping(others Prefixes) (a, b netip.Prefix, found bool) {
	for _, p := range ps {
		if i := slices.IndexFunc(others, p.Overlaps); i >= 0 {
			return p, others[i], true
		}
	}
	return netip.Prefix{}, netip.Prefix{}, false
}

func (ps Prefixes) contain(a netip.Addr) bool {
	return slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
}

// addrAt is the n-th address of a prefix, counted from 0.
func addrAt(p netip.Prefix, n int) netip.Addr { return nth(p.Addr(), big.NewInt(int64(n))) }

// part is the n-th prefix of a length in p, counted from 0.
func part(p netip.Prefix, n, bits int) netip.Prefix {
	step := new(big.Int).Lsh(big.NewInt(int64(n)), uint(p.Addr().BitLen()-bits))
	return netip.PrefixFrom(nth(p.Addr(), step), bits)
}

// nth is the address that comes n after a.
func nth(a netip.Addr, n *big.Int) netip.Addr {
	sum := new(big.Int).SetBytes(a.AsSlice())
	b := make([]byte, a.BitLen()/8)
	there, _ := netip.AddrFromSlice(sum.Add(sum, n).FillBytes(b))
	return there
}

// macOf is a MAC that stays a node's: its IPv4 address can be read in it.
func macOf(a netip.Addr) net.HardwareAddr {
	four := a.AsSlice()
	if a.Is6() {
		h := fnv.New32a()
		h.Write(four)
		four = h.Sum(nil)
	}
	return append(net.HardwareAddr{0x02, 0x00}, four...)
}
