package openflow

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// entry is a field as it lies in the bytes of a match. An unknown field is kept whole in raw.
type entry struct {
	id          FieldID
	value, mask string
	raw         string
}

// errTruncated is what every decoder reports for bytes that end too early.
var errTruncated = io.ErrUnexpectedEOF

// cutOXM takes one OXM field off the front of s, with its header parsed.
func cutOXM(s string) (id oxmID, payload string, masked bool, rest string, err error) {
	if len(s) < 4 || len(s) < 4+int(s[3]) {
		return oxmID{}, "", false, "", fmt.Errorf("OXM field in %d bytes: %w", len(s), errTruncated)
	}
	id = oxmID{class: uint16(s[0])<<8 | uint16(s[1]), field: s[2] >> 1}
	masked = s[2]&1 != 0
	payload, rest = s[4:4+int(s[3])], s[4+int(s[3]):]
	if id.class == classExperimenter {
		if len(payload) < 4 {
			return oxmID{}, "", false, "", fmt.Errorf("experimenter OXM field in %d bytes: %w", len(payload), errTruncated)
		}
		id.experimenter = uint32(payload[0])<<24 | uint32(payload[1])<<16 | uint32(payload[2])<<8 | uint32(payload[3])
		payload = payload[4:]
	}
	return id, payload, masked, rest, nil
}

// cutEntry takes one field off the front of s. A pair of registers comes as xreg.
func cutEntry(s string) (entry, string, error) {
	id, payload, masked, rest, err := cutOXM(s)
	if err != nil {
		return entry{}, "", err
	}
	raw := s[:len(s)-len(rest)]
	f := fieldOf(id)
	if f == 0 {
		return entry{raw: raw}, rest, nil
	}
	n := len(payload)
	if masked {
		n /= 2
	}
	if !f.takes(n) || masked && 2*n != len(payload) {
		return entry{}, "", fmt.Errorf("%s takes %d bytes, not %d", f, f.Bytes(), n)
	}
	e := entry{id: f, value: payload[:n]}
	if masked {
		e.mask = payload[n:]
	}
	return e, rest, nil
}

// Long enough for the value of any field.
var (
	allOnes  = strings.Repeat("\xff", 128)
	allZeros = strings.Repeat("\x00", 128)
)

func pad8(n int) int { return (8 - n%8) % 8 }

// add puts e among the sorted entries, split into registers where it is wider than one and merged with what is there.
func addEntry(list []entry, e entry) []entry {
	if regs, first := registersIn(e.id); regs > 0 {
		for i := range regs {
			part := entry{id: first + FieldID(i), value: e.value[4*i : 4*i+4]}
			if e.mask != "" {
				part.mask = e.mask[4*i : 4*i+4]
			}
			list = addEntry(list, part)
		}
		return list
	}
	if e.raw != "" {
		return append(list, e)
	}
	if e.takesAll() {
		return list
	}
	i := 0
	for i < len(list) && (list[i].raw != "" || list[i].id < e.id) {
		i++
	}
	if i < len(list) && list[i].id == e.id {
		list[i] = merge(list[i], e)
		return list
	}
	return slices.Insert(list, i, e)
}

// registersIn is how many 32-bit registers a wide register has, and the first of them.
func registersIn(f FieldID) (int, FieldID) {
	switch {
	case f >= FieldXReg0 && f <= FieldXReg7:
		return 2, FieldReg0 + 2*(f-FieldXReg0)
	case f >= FieldXXReg0 && f <= FieldXXReg3:
		return 4, FieldReg0 + 4*(f-FieldXXReg0)
	}
	return 0, 0
}

// takesAll reports whether an entry says nothing. That of tun_metadata says at least that the packet has the option.
func (e entry) takesAll() bool {
	return e.mask != "" && e.mask == allZeros[:len(e.mask)] && !fields[e.id].variable
}

// merge is old with the bits of newer put over it.
func merge(old, newer entry) entry {
	n := len(old.value)
	if newer.mask == "" || len(newer.value) != n {
		return newer
	}
	value, mask := make([]byte, n), make([]byte, n)
	for i := range n {
		oldMask := byte(0xff)
		if old.mask != "" {
			oldMask = old.mask[i]
		}
		mask[i] = oldMask | newer.mask[i]
		value[i] = old.value[i]&^newer.mask[i] | newer.value[i]&newer.mask[i]
	}
	return entry{id: old.id, value: string(value), mask: string(mask)}
}

// tidy gives an entry the mask which the switch gives it: none where it has all bits of the field, and one where only some
// bits of a flag field exist.
func tidy(e entry) entry {
	switch {
	case e.id == FieldVLANVID && e.mask == "\x1f\xff", e.id == FieldIPFrag && e.mask == "\x03":
		e.mask = ""
	case e.id == FieldCTState && (e.mask == "" || e.mask == allOnes[:4]):
		e.mask = "\x00\x00\x00\xff"
	case e.id == FieldTunFlags && (e.mask == "" || e.mask == allOnes[:2]):
		e.mask = "\x00\x01"
	}
	return e
}

func find(list []entry, f FieldID) entry {
	for _, e := range list {
		if e.id == f && e.raw == "" {
			return e
		}
	}
	return entry{}
}

// entries splits the match, registers one by one. What it holds was checked when it was made.
func (m Match) entries(list []entry) []entry {
	for s := m.oxm; s != ""; {
		e, rest, err := cutEntry(s)
		if err != nil {
			panic("openflow: damaged match: " + err.Error())
		}
		list, s = addEntry(list, e), rest
	}
	return list
}

// matchOf is the canonical match of sorted entries.
func matchOf(list []entry) Match {
	b := make([]byte, 0, 192)
	for i := 0; i < len(list); i++ {
		e := list[i]
		switch {
		case e.raw != "":
			b = append(b, e.raw...)
		case e.id >= FieldReg0 && e.id <= FieldReg15:
			other := entry{value: allZeros[:4], mask: allZeros[:4]}
			pair := (e.id - FieldReg0) / 2
			high, low := e, other
			if (e.id-FieldReg0)%2 == 1 {
				high, low = other, e
			} else if i+1 < len(list) && list[i+1].raw == "" && list[i+1].id == e.id+1 {
				low = list[i+1]
				i++
			}
			b = appendField(b, FieldXReg0+pair, high.value+low.value, high.wideMask()+low.wideMask())
		default:
			b = appendField(b, e.id, e.value, e.mask)
		}
	}
	return Match{oxm: string(b)}
}

func (e entry) wideMask() string {
	if e.mask == "" {
		return allOnes[:len(e.value)]
	}
	return e.mask
}

// appendField appends a field as the switch does: no mask if all bits count, and no bits of the value outside the mask.
func appendField[T string | []byte](b []byte, f FieldID, value, mask T) []byte {
	n := len(value)
	if len(mask) == 0 || string(mask) == allOnes[:n] {
		b = f.wire().appendHeader(b, n, false)
		return append(b, value...)
	}
	b = f.wire().appendHeader(b, n, true)
	for i := range n {
		b = append(b, value[i]&mask[i])
	}
	return append(b, mask...)
}
