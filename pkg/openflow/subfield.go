package openflow

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Subfield is a range of bits of a field, such as reg0[4..7]; bit 0 is the least significant.
type Subfield struct {
	Field FieldID
	First uint8 // the lowest bit
	Width uint8 // how many bits
}

// Reg is the bits lo to hi of register n, both included.
func Reg(n, lo, hi int) Subfield { return FieldRange(regField(n), lo, hi) }

// RegAll is the whole of register n.
func RegAll(n int) Subfield { return Whole(regField(n)) }

// Whole is all bits of a field.
func Whole(f FieldID) Subfield { return FieldRange(f, 0, f.Bits()-1) }

// FieldRange is the bits lo to hi of a field, both included.
func FieldRange(f FieldID, lo, hi int) Subfield {
	if !f.known() || lo < 0 || hi < lo || hi >= f.Bits() {
		panic(fmt.Sprintf("openflow: no bits %d to %d in %s", lo, hi, f))
	}
	return Subfield{Field: f, First: uint8(lo), Width: uint8(hi - lo + 1)}
}

func regField(n int) FieldID {
	if n < 0 || n > 15 {
		panic(fmt.Sprintf("openflow: no register %d", n))
	}
	return FieldReg0 + FieldID(n)
}

// ParseSubfield reads bits of a field, such as reg0[4..7], NXM_NX_REG0[] or NXM_NX_REG0[5].
func ParseSubfield(s string) (Subfield, error) {
	name, bits, hasBits := strings.Cut(strings.TrimSpace(s), "[")
	f, ok := LookupField(name)
	if name == "in_port" {
		f = FieldInPort16
	}
	if !ok {
		return Subfield{}, fmt.Errorf("unknown field %q", name)
	}
	bits, closed := strings.CutSuffix(bits, "]")
	if hasBits && !closed {
		return Subfield{}, fmt.Errorf("%q has no closing bracket", s)
	}
	if bits == "" {
		return Whole(f), nil
	}
	loText, hiText, isRange := strings.Cut(bits, "..")
	lo, err := strconv.ParseUint(loText, 10, 16)
	if err != nil {
		return Subfield{}, fmt.Errorf("%q: %q is not a bit", s, loText)
	}
	hi := lo
	if isRange {
		if hi, err = strconv.ParseUint(hiText, 10, 16); err != nil {
			return Subfield{}, fmt.Errorf("%q: %q is not a bit", s, hiText)
		}
	}
	if hi < lo || int(hi) >= f.Bits() {
		return Subfield{}, fmt.Errorf("%s has no bits %d to %d", f, lo, hi)
	}
	return FieldRange(f, int(lo), int(hi)), nil
}

// whole reports whether s is its whole field.
func (s Subfield) whole() bool { return s.First == 0 && int(s.Width) == s.Field.Bits() }

// String is the subfield in the spelling of Nicira actions, such as NXM_NX_REG0[4..7].
func (s Subfield) String() string { return string(s.append(nil, fields[s.Field].nxmName)) }

func (s Subfield) append(b []byte, name string) []byte {
	b = append(b, name...)
	b = append(b, '[')
	if !s.whole() {
		b = strconv.AppendUint(b, uint64(s.First), 10)
		if s.Width > 1 {
			b = append(b, ".."...)
			b = strconv.AppendUint(b, uint64(s.First)+uint64(s.Width)-1, 10)
		}
	}
	return append(b, ']')
}

// place is value moved to the bits of s, as value and mask of the whole field.
func (s Subfield) place(value uint64) (v, mask []byte) {
	v, mask, err := s.placeBytes(uintBytes(value, 16))
	if err != nil {
		panic(fmt.Sprintf("openflow: %#x into %s: %v", value, s, err))
	}
	return v, mask
}

// placeBytes moves a number of 16 bytes to the bits of s, as value and mask of the whole field.
func (s Subfield) placeBytes(number string) (value, mask []byte, err error) {
	value, mask = make([]byte, s.Field.Bytes()), make([]byte, s.Field.Bytes())
	for i := range 8 * len(number) {
		set := number[len(number)-1-i/8]>>(i%8)&1 != 0
		if i >= int(s.Width) {
			if set {
				return nil, nil, fmt.Errorf("value does not fit into %d bits", s.Width)
			}
			continue
		}
		bit := int(s.First) + i
		at, octet := len(value)-1-bit/8, byte(1)<<(bit%8)
		mask[at] |= octet
		if set {
			value[at] |= octet
		}
	}
	return value, mask, nil
}

// ofsNBits is the position and width in the 16 bits that Nicira actions have for it.
func (s Subfield) ofsNBits() uint16 { return uint16(s.First)<<6 | uint16(s.Width-1) }

// appendLegacy appends the field's NXM header.
func (s Subfield) appendLegacy(b []byte) []byte {
	return s.Field.legacy().appendHeader(b, s.Field.Bytes(), false)
}

// subfieldAt reads an NXM or OXM header and returns the named bits of its field.
func subfieldAt(b []byte, first, width int) (s Subfield, rest []byte, err error) {
	f, rest, err := cutHeader(b)
	if err != nil {
		return Subfield{}, nil, err
	}
	if width < 1 || first+width > f.Bits() {
		return Subfield{}, nil, fmt.Errorf("no bits %d to %d in %s", first, first+width-1, f)
	}
	return Subfield{Field: f, First: uint8(first), Width: uint8(width)}, rest, nil
}

// cutHeader takes an OXM header without value off the front of b.
func cutHeader(b []byte) (FieldID, []byte, error) {
	if len(b) < 4 {
		return 0, nil, fmt.Errorf("OXM header in %d bytes: %w", len(b), errTruncated)
	}
	id := oxmID{class: binary.BigEndian.Uint16(b), field: b[2] >> 1}
	rest := b[4:]
	if id.class == classExperimenter {
		if len(rest) < 4 {
			return 0, nil, fmt.Errorf("experimenter OXM header in %d bytes: %w", len(b), errTruncated)
		}
		id.experimenter, rest = binary.BigEndian.Uint32(rest), rest[4:]
	}
	f := fieldOf(id)
	if f == 0 {
		return 0, nil, fmt.Errorf("unknown field %d of class %#x", id.field, id.class)
	}
	return f, rest, nil
}
