package openflow

import (
	"encoding/binary"
	"fmt"
	"iter"
	"strings"
)

// Match says which packets a flow takes. It holds OXM fields in the form that ovs-vswitchd gives back: sorted, without
// fields that match anything, registers in pairs. So two matches are the same match if they are equal with ==. The zero
// value matches every packet.
//
// Setters return the extended match. Bits that are set twice keep the later value, and a field brings the prerequisites
// that leave no choice: IPSrc the Ethernet type, TCPDst the IP protocol but not the Ethernet type.
type Match struct {
	oxm string
}

// Field is one field of a match. Bits of Value outside Mask are zero; a nil Mask means all bits.
type Field struct {
	ID    FieldID
	Value []byte
	Mask  []byte
}

// With matches the bits of value that mask has, all of them if mask is nil. Both must have the field's length; that of
// tun_metadata is the length of the option that is mapped to it, and a mask of zeros matches any packet with the option.
func (m Match) With(f FieldID, value, mask []byte) Match {
	if !f.known() || !f.takes(len(value)) || len(mask) != 0 && len(mask) != len(value) {
		panic(fmt.Sprintf("openflow: %s with a value of %d bytes and a mask of %d", f, len(value), len(mask)))
	}
	e := entry{id: f, value: string(value), mask: string(mask)}
	return m.with(e)
}

// WithUint is With for fields of at most 64 bits.
func (m Match) WithUint(f FieldID, value, mask uint64) Match {
	var v, k [8]byte
	binary.BigEndian.PutUint64(v[:], value)
	binary.BigEndian.PutUint64(k[:], mask)
	n := 8 - f.Bytes()
	if n < 0 {
		panic(fmt.Sprintf("openflow: %s is wider than 64 bits", f))
	}
	if mask == ^uint64(0) {
		return m.With(f, v[n:], nil)
	}
	return m.With(f, v[n:], k[n:])
}

func (m Match) exact(f FieldID, value uint64) Match { return m.WithUint(f, value, ^uint64(0)) }

func (m Match) with(e entry) Match {
	var space [24]entry
	list := m.entries(space[:0])
	list = requirements(list, e.id)
	switch e.id {
	case FieldVLANTCI:
		list = addVLANTCI(list, e)
	case FieldInPort16:
		list = addEntry(list, entry{id: FieldInPort, value: string(binary.BigEndian.AppendUint32(nil,
			uint32(portFrom16(uint64(e.value[0])<<8|uint64(e.value[1])))))})
	case FieldIPTOS:
		list = addEntry(list, entry{id: FieldIPDSCP, value: string([]byte{e.value[0] >> 2})})
	default:
		list = addEntry(list, tidy(e))
	}
	return matchOf(list)
}

// addVLANTCI splits the tag control information into the two fields that OpenFlow has for it.
func addVLANTCI(list []entry, e entry) []entry {
	value, mask := binary.BigEndian.Uint16([]byte(e.value)), binary.BigEndian.Uint16([]byte(e.wideMask()))
	vid := entry{
		id:    FieldVLANVID,
		value: string(binary.BigEndian.AppendUint16(nil, value&0x1fff)),
		mask:  string(binary.BigEndian.AppendUint16(nil, mask&0x1fff)),
	}
	list = addEntry(list, tidy(vid))
	if mask>>13 != 0 && value&mask&0x1000 != 0 {
		list = addEntry(list, entry{id: FieldVLANPCP, value: string([]byte{byte(value >> 13)})})
	}
	return list
}

// Fields goes over the fields in canonical order, each register for itself. Fields that are not known are left out.
func (m Match) Fields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		var space [24]entry
		for _, e := range m.entries(space[:0]) {
			if e.raw != "" {
				continue
			}
			f := Field{ID: e.id, Value: []byte(e.value)}
			if e.mask != "" && e.mask != allOnes[:len(e.mask)] {
				f.Mask = []byte(e.mask)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// Uint is the value of a field of at most 64 bits and the mask of the bits that count; the mask is zero if the match does
// not have the field.
func (m Match) Uint(f FieldID) (value, mask uint64) {
	for got := range m.Fields() {
		if got.ID != f || len(got.Value) > 8 {
			continue
		}
		for i, octet := range got.Value {
			value = value<<8 | uint64(octet)
			bits := byte(0xff)
			if got.Mask != nil {
				bits = got.Mask[i]
			}
			mask = mask<<8 | uint64(bits)
		}
	}
	return value, mask
}

// Covers reports whether m takes every packet that other takes, as far as their fields say.
func (m Match) Covers(other Match) bool {
	var space, otherSpace [24]entry
	list := other.entries(otherSpace[:0])
	for _, e := range m.entries(space[:0]) {
		if e.raw != "" {
			if !strings.Contains(other.oxm, e.raw) {
				return false
			}
			continue
		}
		o := find(list, e.id)
		if len(o.value) != len(e.value) {
			return false
		}
		mask, otherMask := e.wideMask(), o.wideMask()
		for i := range len(mask) {
			if mask[i]&^otherMask[i] != 0 || (e.value[i]^o.value[i])&mask[i] != 0 {
				return false
			}
		}
	}
	return true
}

// IsZero reports whether the match takes every packet.
func (m Match) IsZero() bool { return m.oxm == "" }

// Key is the match as canonical OXM bytes: the identity of a flow beside its table and priority.
func (m Match) Key() string { return m.oxm }

// AppendBinary appends the match with its header and padding, as flow mods and dumps have it.
func (m Match) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, 1) // OFPMT_OXM
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(m.oxm)))
	b = append(b, m.oxm...)
	return append(b, allZeros[:pad8(4+len(m.oxm))]...), nil
}

// decodeMatch takes a match with header and padding off the front of b.
func decodeMatch(b []byte) (Match, []byte, error) {
	oxm, rest, err := cutMatch(b)
	if err != nil {
		return Match{}, nil, err
	}
	m, err := DecodeMatch(oxm)
	return m, rest, err
}

// cutMatch takes a match off the front of b and returns its fields.
func cutMatch(b []byte) (oxm, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("match in %d bytes: %w", len(b), errTruncated)
	}
	if t := binary.BigEndian.Uint16(b); t != 1 {
		return nil, nil, fmt.Errorf("match of type %d, not OXM", t)
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 4 || n+pad8(n) > len(b) {
		return nil, nil, fmt.Errorf("match of %d in %d bytes: %w", n, len(b), errTruncated)
	}
	return b[4:n], b[n+pad8(n):], nil
}

// DecodeMatch reads OXM fields. What the switch sends is canonical and kept as it is; anything else is put in order.
func DecodeMatch(b []byte) (Match, error) { return matchOfBytes(string(b)) }

// matchOfBytes keeps text, or puts it in order.
func matchOfBytes(text string) (Match, error) {
	canonical, last := true, FieldID(0)
	for s := text; s != ""; {
		f, n := plainField(s)
		if n == 0 {
			e, rest, err := cutEntry(s)
			if err != nil {
				return Match{}, err
			}
			if n = len(s) - len(rest); e.raw != "" {
				s = rest
				continue
			}
			f = e.id
			canonical = canonical && isCanonical(e, s)
		}
		regs, first := registersIn(f)
		if regs > 0 {
			f = first
		}
		canonical = canonical && f > last && regs <= 2
		last, s = f, s[n:]
	}
	if canonical {
		return Match{oxm: text}, nil
	}
	return canonicalMatch(text)
}

// plainField is the field at the front of s and how long it is with its header, if nearly nothing has to be looked at to see that
// it is canonical: of the standard's own class, with a length that never varies and no mask. A dump is full of them.
func plainField(s string) (f FieldID, n int) {
	if len(s) < 4 || s[0] != classBasic>>8 || s[1] != classBasic&0xff || s[2]&1 != 0 {
		return 0, 0
	}
	f, n = byHeader.basic[0][s[2]>>1], 4+int(s[3])
	if row := &fields[f]; f == 0 || int(row.bytes) != n-4 || row.variable || n > len(s) {
		return 0, 0
	}
	return f, n
}

// isCanonical reports whether the field at the front of s is written as appendField would.
func isCanonical(e entry, s string) bool {
	switch {
	case e.id >= FieldReg0 && e.id <= FieldReg15, e.id == FieldVLANTCI, e.id == FieldInPort16, e.id == FieldIPTOS:
		return false
	case !e.id.wire().heads(s), tidy(e).mask != e.mask, e.takesAll():
		return false
	}
	outside, ones := byte(0), byte(0xff)
	for i := range len(e.mask) {
		outside |= e.value[i] &^ e.mask[i]
		ones &= e.mask[i]
	}
	return outside == 0 && (e.mask == "" || ones != 0xff)
}

func canonicalMatch(s string) (Match, error) {
	var m Match
	var unknown []entry
	for s != "" {
		e, rest, err := cutEntry(s)
		if err != nil {
			return Match{}, err
		}
		if e.raw != "" {
			unknown = append(unknown, e)
		} else {
			m = m.with(e)
		}
		s = rest
	}
	return matchOf(append(m.entries(nil), unknown...)), nil
}
