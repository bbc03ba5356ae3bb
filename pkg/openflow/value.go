package openflow

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// appendValue appends a field's value, and its mask unless all bits count, as actions spell it.
func (x *Syntax) appendValue(b []byte, f FieldID, value, mask string) []byte {
	if mask == allOnes[:len(mask)] && !fields[f].variable { // the mask can be shorter than the field
		mask = ""
	}
	switch fields[f].format {
	case formatMAC:
		b = MAC([]byte(value)).append(b)
		if mask != "" {
			b = MAC([]byte(mask)).append(append(b, '/'))
		}
	case formatIPv4, formatIPv6:
		b = appendAddr(b, value)
		if mask == "" {
			break
		}
		b = append(b, '/')
		if n, ok := prefixLen(mask); ok {
			b = strconv.AppendInt(b, int64(n), 10)
		} else {
			b = appendAddr(b, mask)
		}
	case formatPort:
		if mask != "" {
			return fmt.Appendf(b, "%d/%#x", uintOf(value), uintOf(mask))
		}
		return x.appendPort(b, portFrom16(uintOf(value)))
	case formatFrag:
		return append(b, fragText(value, mask)...)
	case formatCTState:
		return appendFlags(b, ctStateNames, value, mask)
	case formatTCPFlags:
		return appendFlags(b, tcpFlagNames, value, mask)
	case formatTunFlags:
		return appendFlags(b, tunFlagNames, value, mask)
	case formatPacketType:
		v := uintOf(value)
		if v&0xffff < 10 {
			return fmt.Appendf(b, "(%d,%d)", v>>16, v&0xffff)
		}
		return fmt.Appendf(b, "(%d,%#x)", v>>16, v&0xffff)
	case formatDecimal:
		if mask == "" {
			return strconv.AppendUint(b, uintOf(value), 10)
		}
		b = fmt.Appendf(b, "%d/%#x", uintOf(value), uintOf(mask))
	default:
		b = appendHex(b, value)
		if mask != "" {
			b = appendHex(append(b, '/'), mask)
		}
	}
	return b
}

// appendHex appends a number of any width as C prints it with %#x.
func appendHex(b []byte, value string) []byte {
	digits := strings.TrimLeft(hex.EncodeToString([]byte(value)), "0")
	if digits == "" {
		return append(b, '0')
	}
	return append(append(b, "0x"...), digits...)
}

func appendAddr(b []byte, value string) []byte {
	a, _ := netip.AddrFromSlice([]byte(value))
	return a.AppendTo(b)
}

// prefixLen is the length of a mask without holes.
func prefixLen(mask string) (int, bool) {
	n, ended := 0, false
	for i := range len(mask) {
		ones := bits.LeadingZeros8(^mask[i])
		if mask[i]<<ones != 0 || (ended && mask[i] != 0) {
			return 0, false
		}
		n += ones
		ended = ended || ones < 8
	}
	return n, true
}

// uintOf is the number in at most eight bytes.
func uintOf(value string) uint64 {
	var v uint64
	for i := range len(value) {
		v = v<<8 | uint64(value[i])
	}
	return v
}

// fits reports whether value has only bits that the field has; a VLAN ID has the bit for a tag being there as well.
func fits(f FieldID, value string) bool {
	n := f.Bits()
	if f == FieldVLANVID {
		n++
	}
	return len(value) > 8 || n >= 64 || uintOf(value)>>n == 0
}

const (
	fragAny   = 1
	fragLater = 2
)

var fragValues = map[string][2]byte{
	"no": {0, 3}, "yes": {fragAny, fragAny}, "first": {fragAny, 3}, "later": {3, 3}, "not_later": {0, fragLater},
}

func fragText(value, mask string) string {
	v, m := byte(uintOf(value)), byte(3)
	if mask != "" {
		m = byte(uintOf(mask)) & 3
	}
	for name, pair := range fragValues {
		if pair == [2]byte{v & m, m} {
			return name
		}
	}
	switch m {
	case fragAny:
		return "no"
	case fragLater:
		return "later"
	}
	return "<error>"
}

var (
	tcpFlagNames = []string{"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"}
	tunFlagNames = []string{"oam"}
)

// appendFlags appends named bits: +set-clear for those that the mask has, or the set ones with | between if it has all.
func appendFlags(b []byte, names []string, value, mask string) []byte {
	v, m := uintOf(value), uintOf(mask)
	all := uint64(1)<<len(names) - 1
	if mask == "" || m == all && len(names) > 1 {
		if v == 0 {
			return append(b, '0')
		}
		first := true
		for i, name := range names {
			if v&(1<<i) == 0 {
				continue
			}
			if !first {
				b = append(b, '|')
			}
			b, first = append(b, name...), false
		}
		return b
	}
	for i, name := range names {
		switch bit := uint64(1) << i; {
		case m&bit == 0:
			continue
		case v&bit != 0:
			b = append(b, '+')
		default:
			b = append(b, '-')
		}
		b = append(b, name...)
	}
	return b
}
