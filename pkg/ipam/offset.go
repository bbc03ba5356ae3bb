package ipam

import (
	"fmt"
	"math/big"
	"math/bits"
	"net/netip"
	"strconv"
)

// uint128 is a distance between addresses, of which IPv6 has more than fit in 64 bits.
type uint128 struct{ high, low uint64 }

func toUint128(a netip.Addr) (n uint128) {
	for i, b := range a.As16() {
		if i < 8 {
			n.high = n.high<<8 | uint64(b)
		} else {
			n.low = n.low<<8 | uint64(b)
		}
	}
	return n
}

func (n uint128) minus(m uint128) uint128 {
	low, borrow := bits.Sub64(n.low, m.low, 0)
	high, _ := bits.Sub64(n.high, m.high, borrow)
	return uint128{high, low}
}

// plus reports with ok that the sum is in 128 bits.
func (n uint128) plus(m uint128) (sum uint128, ok bool) {
	low, carry := bits.Add64(n.low, m.low, 0)
	high, carry := bits.Add64(n.high, m.high, carry)
	return uint128{high, low}, carry == 0
}

func (n uint128) String() string {
	if n.high == 0 {
		return strconv.FormatUint(n.low, 10)
	}
	b := new(big.Int).SetUint64(n.high)
	return b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(n.low)).String()
}

func parseUint128(text string) (uint128, error) {
	if low, err := strconv.ParseUint(text, 10, 64); err == nil {
		return uint128{0, low}, nil
	}
	b, ok := new(big.Int).SetString(text, 10)
	if !ok || b.Sign() < 0 || b.BitLen() > 128 {
		return uint128{}, fmt.Errorf("%q is no number of 128 bits", text)
	}
	return uint128{new(big.Int).Rsh(b, 64).Uint64(), new(big.Int).And(b, new(big.Int).SetUint64(^uint64(0))).Uint64()}, nil
}

// Offset is how far the address is from the subnet's first, in decimal digits.
func Offset(subnet netip.Prefix, a netip.Addr) string {
	return toUint128(a).minus(toUint128(subnet.Masked().Addr())).String()
}

// AtOffset is the address of the subnet that is so far from its first one.
func AtOffset(subnet netip.Prefix, offset string) (netip.Addr, error) {
	n, err := parseUint128(offset)
	if err != nil {
		return netip.Addr{}, err
	}
	first := subnet.Masked().Addr()
	sum, ok := toUint128(first).plus(n)
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(sum.high>>(56-8*i)), byte(sum.low>>(56-8*i))
	}
	a := netip.AddrFrom16(b)
	if first.Is4() {
		a = a.Unmap()
	}
	if !ok || !subnet.Contains(a) {
		return netip.Addr{}, fmt.Errorf("offset %s is outside %s", offset, subnet)
	}
	return a, nil
}

// Shard is the number of the part with the address when the subnet is cut into parts of size addresses, in decimal digits.
func Shard(subnet netip.Prefix, a netip.Addr, sizeBits int) string {
	n := toUint128(a).minus(toUint128(subnet.Masked().Addr()))
	return uint128{n.high >> sizeBits, n.low>>sizeBits | n.high<<(64-sizeBits)}.String()
}

// HostAddresses is the number of addresses between the subnet's first and last, in decimal digits.
func HostAddresses(subnet netip.Prefix) string {
	first, last := subnet.Masked().Addr(), lastAddr(subnet)
	n := toUint128(last).minus(toUint128(first))
	if n == (uint128{}) {
		return "0"
	}
	return n.minus(uint128{0, 1}).String()
}

// ShardPrefix is the part of the subnet with that number, see [Shard]. The number has to be of one of its addresses.
func ShardPrefix(subnet netip.Prefix, shard string, sizeBits int) (netip.Prefix, error) {
	n, err := parseUint128(shard)
	if err != nil {
		return netip.Prefix{}, err
	}
	first, err := AtOffset(subnet, uint128{n.high<<sizeBits | n.low>>(64-sizeBits), n.low << sizeBits}.String())
	if err != nil {
		return netip.Prefix{}, err
	}
	return first.Prefix(first.BitLen() - sizeBits)
}
