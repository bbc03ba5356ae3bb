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
	Len   uint8  // of tun_metadata the bytes that its option has; 0 for the most it could
	First uint16 // the lowest bit
	Width uint16 // how many bits
}

// Reg is the bits lo to hi of register n, both included.
func Reg(n int, lo, hi int) Subfield { return FieldRange(regField(n), lo, hi) }

// RegAll is the whole of register n.
func RegAll(n int) Subfield { return Whole(regField(n)) }

// Whole is all bits of a field.
func Whole(f FieldID) Subfield { return FieldRange(f, 0, f.Bits()-1) }

// FieldRange is the bits lo to hi of a field, both included.
func FieldRange(f FieldID, lo, hi int) Subfield {
	if !f.known() || lo < 0 || hi < lo || hi >= f.Bits() {
		panic(fmt.Sprintf("openflow: no bits %d to %d in %s", lo, hi, f))
	}
	return Subfield{Field: f, First: uint16(lo), Width: uint16(hi - lo + 1)}
}

// TunMetadata is all bits of tun_metadata field n, to which an option of length bytes is mapped.
func TunMetadata(n, length int) Subfield {
	if n < 0 || n > 63 || length < 4 || length > maxTunMetadata || length%4 != 0 {
		panic(fmt.Sprintf("openflow: no tun_metadata%d of %d bytes", n, length))
	}
	return Subfield{Field: FieldTunMetadata0 + FieldID(n), Len: uint8(length), Width: uint16(8 * length)}
}

func regField(n int) FieldID {
	if n < 0 || n > 15 {
		panic(fmt.Sprintf("openflow: no register %d", n))
	}
	return FieldReg0 + FieldID(n)
}

// ParseSubfield reads bits of a field, such as reg0[4..7], NXM_NX_REG0[] or NXM_NX_REG0[5].
func ParseSubfield(s string) (Subfield, error) { return plain.parseSubfield(s) }

func (x *Syntax) parseSubfield(s string) (Subfield, error) {
	name, bits, hasBits := strings.Cut(strings.TrimSpace(s), "[")
	bits, closed := strings.CutSuffix(bits, "]")
	if hasBits && !closed {
		return Subfield{}, fmt.Errorf("%q has no closing bracket", s)
	}
	all, err := x.named(name)
	if err != nil || bits == "" {
		return all, err
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
	if hi < lo || hi >= uint64(all.Width) {
		return Subfield{}, fmt.Errorf("%s has no bits %d to %d", name, lo, hi)
	}
	all.First, all.Width = all.First+uint16(lo), uint16(hi-lo+1)
	return all, nil
}

// named is the field, or the bits of a register, of a name.
func (x *Syntax) named(name string) (Subfield, error) {
	for sub, known := range x.Registers {
		if known == name {
			return sub, nil
		}
	}
	f, ok := LookupField(name)
	if name == "in_port" {
		f = FieldInPort16
	}
	if !ok {
		return Subfield{}, fmt.Errorf("unknown field %q", name)
	}
	if n := x.tunLen(f); n > 0 {
		return TunMetadata(int(f-FieldTunMetadata0), n), nil
	}
	return Whole(f), nil
}

// whole reports whether s is its whole field.
func (s Subfield) whole() bool { return s.First == 0 && int(s.Width) == s.bits() }

// bytes is the length of the field's value; bits is how many of its bits there are.
func (s Subfield) bytes() int {
	if s.Len != 0 {
		return int(s.Len)
	}
	return s.Field.Bytes()
}

func (s Subfield) bits() int {
	if s.Len != 0 {
		return 8 * int(s.Len)
	}
	return s.Field.Bits()
}

// String is the subfield in the spelling of Nicira actions, such as NXM_NX_REG0[4..7].
func (s Subfield) String() string { return string(plain.appendSubfield(nil, s)) }

func (x *Syntax) appendSubfield(b []byte, s Subfield) []byte {
	if name, ok := x.Registers[s]; ok {
		return append(append(b, name...), "[]"...)
	}
	b = append(b, fields[s.Field].nxmName...)
	b = append(b, '[')
	if s.First != 0 || int(s.Width) != s.Field.Bits() { // ovs-ofctl does not know how long options are
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
	v, mask, err := s.placeBytes(uintBytes(value, 8))
	if err != nil {
		panic(fmt.Sprintf("openflow: %#x into %s: %v", value, s, err))
	}
	return v, mask
}

// placeBytes is place for a number of any width, most significant byte first.
func (s Subfield) placeBytes(number string) (value, mask []byte, err error) {
	value, mask = make([]byte, s.bytes()), make([]byte, s.bytes())
	for i := range max(8*len(number), int(s.Width)) {
		set := i < 8*len(number) && number[len(number)-1-i/8]>>(i%8)&1 != 0
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
func (s Subfield) ofsNBits() uint16 { return s.First<<6 | (s.Width-1)&0x3f }

// appendLegacy appends the field's NXM header, appendWire its OXM header.
func (s Subfield) appendLegacy(b []byte) []byte {
	return s.Field.legacy().appendHeader(b, s.bytes(), false)
}

func (s Subfield) appendWire(b []byte) []byte {
	return s.Field.wire().appendHeader(b, s.bytes(), false)
}

// cutSubfield takes an NXM or OXM header off the front of b and returns the named bits of its field.
func cutSubfield(b []byte, first, width int) (s Subfield, rest []byte, err error) {
	s, rest, err = cutHeader(b)
	if err != nil {
		return Subfield{}, nil, err
	}
	if width < 1 || first+width > s.bits() {
		return Subfield{}, nil, fmt.Errorf("no bits %d to %d in %s", first, first+width-1, s.Field)
	}
	s.First, s.Width = uint16(first), uint16(width)
	return s, rest, nil
}

// cutLegacy takes a header off the front of b and returns the bits of its field that ofsNBits says.
func cutLegacy(b []byte, ofsNBits uint16) (Subfield, []byte, error) {
	return cutSubfield(b, int(ofsNBits>>6), int(ofsNBits&0x3f)+1)
}

// cutHeader takes an OXM header without value off the front of b and returns the whole field.
func cutHeader(b []byte) (Subfield, []byte, error) {
	if len(b) < 4 {
		return Subfield{}, nil, fmt.Errorf("OXM header in %d bytes: %w", len(b), errTruncated)
	}
	id := oxmID{class: binary.BigEndian.Uint16(b), field: b[2] >> 1}
	n, rest := int(b[3]), b[4:]
	if id.class == classExperimenter {
		if len(rest) < 4 {
			return Subfield{}, nil, fmt.Errorf("experimenter OXM header in %d bytes: %w", len(b), errTruncated)
		}
		id.experimenter, rest, n = binary.BigEndian.Uint32(rest), rest[4:], n-4
	}
	f := fieldOf(id)
	switch {
	case f == 0:
		return Subfield{}, nil, fmt.Errorf("unknown field %d of class %#x", id.field, id.class)
	case fields[f].variable && n >= 4 && n <= f.Bytes() && n%4 == 0:
		if n < f.Bytes() {
			return TunMetadata(int(f-FieldTunMetadata0), n), rest, nil
		}
	case n != f.Bytes():
		return Subfield{}, nil, fmt.Errorf("%s of %d bytes", f, n)
	}
	return Whole(f), rest, nil
}
