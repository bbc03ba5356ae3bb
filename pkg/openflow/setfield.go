package openflow

import (
	"fmt"
	"net/netip"
	"strconv"
)

// Load writes a constant into some bits of a field.
func (a Actions) Load(s Subfield, value uint64) Actions {
	v, mask := s.place(value)
	return a.setBits(s, v, mask)
}

// setBits writes the bits of s, without a mask if they are the whole field or, of tun_metadata, the whole option.
func (a Actions) setBits(s Subfield, value, mask []byte) Actions {
	if s.whole() {
		mask = nil
	}
	return a.setField(s.Field, value, mask)
}

// SetField writes a whole field.
func (a Actions) SetField(f FieldID, value []byte) Actions { return a.setField(f, value, nil) }

// SetFieldMasked writes the bits of a field that mask has.
func (a Actions) SetFieldMasked(f FieldID, value, mask []byte) Actions {
	return a.setField(f, value, mask)
}

func (a Actions) setField(f FieldID, value, mask []byte) Actions {
	if !f.known() || !f.Writable() || !f.takes(len(value)) || len(mask) != 0 && len(mask) != len(value) {
		panic(fmt.Sprintf("openflow: set_field of %s with %d bytes and a mask of %d", f, len(value), len(mask)))
	}
	var space [48]byte
	b := begin(space[:0], actSetField)
	if fields[f].variable {
		return a.appended(appendShortest(b, f, value, mask))
	}
	return a.appended(appendField(b, f, value, mask))
}

// appendShortest is appendField for tun_metadata, without the leading zeros, as the switch has it. A zero takes no bytes. A mask
// of the lowest bytes stays one, even if it has all of their bits: how long the option is nobody knows here.
func appendShortest(b []byte, f FieldID, value, mask []byte) []byte {
	if string(mask) == allOnes[:maxTunMetadata] {
		mask = nil
	}
	for len(value) > 0 && value[0] == 0 && (len(mask) == 0 || mask[0] == 0) {
		value, mask = value[1:], mask[min(1, len(mask)):]
	}
	b = f.wire().appendHeader(b, len(value), len(mask) > 0)
	for i := range value {
		if len(mask) > 0 {
			b = append(b, value[i]&mask[i])
		} else {
			b = append(b, value[i])
		}
	}
	return append(b, mask...)
}

// SetEthSrc writes the source Ethernet address.
func (a Actions) SetEthSrc(mac MAC) Actions { return a.setField(FieldEthSrc, mac[:], nil) }

// SetEthDst writes the destination Ethernet address.
func (a Actions) SetEthDst(mac MAC) Actions { return a.setField(FieldEthDst, mac[:], nil) }

// SetIPSrc writes the source address of an IPv4 or IPv6 packet.
func (a Actions) SetIPSrc(addr netip.Addr) Actions {
	return a.setField(byFamily(FieldIPv4Src, FieldIPv6Src, addr), addr.AsSlice(), nil)
}

// SetIPDst writes the destination address of an IPv4 or IPv6 packet.
func (a Actions) SetIPDst(addr netip.Addr) Actions {
	return a.setField(byFamily(FieldIPv4Dst, FieldIPv6Dst, addr), addr.AsSlice(), nil)
}

// SetTunDst writes where a tunnel port sends the packet to.
func (a Actions) SetTunDst(addr netip.Addr) Actions {
	return a.setField(byFamily(FieldTunIPv4Dst, FieldTunIPv6Dst, addr), addr.AsSlice(), nil)
}

// SetTunSrc writes the source address that a tunnel port uses.
func (a Actions) SetTunSrc(addr netip.Addr) Actions {
	return a.setField(byFamily(FieldTunIPv4Src, FieldTunIPv6Src, addr), addr.AsSlice(), nil)
}

// modNames are the actions that OpenFlow 1.0 has for whole fields.
var modNames = map[FieldID]string{
	FieldEthSrc: "mod_dl_src", FieldEthDst: "mod_dl_dst", FieldIPv4Src: "mod_nw_src", FieldIPv4Dst: "mod_nw_dst",
	FieldTCPSrc: "mod_tp_src", FieldUDPSrc: "mod_tp_src", FieldTCPDst: "mod_tp_dst", FieldUDPDst: "mod_tp_dst",
	FieldIPDSCP: "mod_nw_tos", FieldVLANPCP: "mod_vlan_pcp",
}

// decodeSetField reads the body of a set_field; false if the switch would refuse it.
func decodeSetField(body []byte) (entry, bool) {
	id, payload, _, rest, err := cutOXM(string(body))
	if f := fieldOf(id); err == nil && payload == "" && fields[f].variable {
		return entry{id: f, value: "\x00"}, len(rest) < 8
	}
	e, rest, err := cutEntry(string(body))
	if err != nil || e.raw != "" || len(rest) >= 8 || !e.id.Writable() || !fits(e.id, e.value) {
		return entry{}, false
	}
	for i := range len(e.mask) {
		if e.value[i]&^e.mask[i] != 0 {
			return entry{}, false
		}
	}
	return e, true
}

// appendSetField spells set_field as OpenFlow 1.0 does, unless OpenFlow 1.5 is asked for: mod_… where there is one for the
// whole field, else load, in as many pieces as the mask has.
func (x *Syntax) appendSetField(b, body []byte) ([]byte, bool) {
	e, ok := decodeSetField(body)
	if !ok {
		return b, false
	}
	if x.OpenFlow15 || e.id.legacy().class == classExperimenter || fields[e.id].variable {
		return x.appendSetFieldText(b, e), true
	}
	mod, ok := modNames[e.id]
	switch {
	case ok && e.mask == "":
		b = append(append(b, mod...), ':')
		if e.id == FieldIPDSCP {
			return strconv.AppendUint(b, uint64(e.value[0])<<2, 10), true
		}
		return x.appendValue(b, e.id, e.value, ""), true
	case e.id == FieldVLANVID && e.mask == "" && e.value[0]&0x10 != 0:
		return fmt.Appendf(b, "mod_vlan_vid:%d", uintOf(e.value)&0xfff), true
	}
	start := len(b)
	b = x.appendLoads(b, e)
	return b, len(b) > start // a mask can have none of the field's bits
}

// appendSetFieldText appends set_field:VALUE->field, or the bits that have a name.
func (x *Syntax) appendSetFieldText(b []byte, e entry) []byte {
	if e.id == 0 {
		return b
	}
	b = append(b, "set_field:"...)
	if name, value := x.registerBits(e); name != "" {
		return append(append(append(b, hexText(value)...), "->"...), name...)
	}
	mask := e.mask
	if e.id == FieldTunFlags {
		mask = "" // its one bit
	}
	b = x.appendValue(b, e.id, e.value, mask)
	return append(append(b, "->"...), fields[e.id].name...)
}

// registerBits is the name of the bits that e writes, and what it writes there.
func (x *Syntax) registerBits(e entry) (name string, value uint64) {
	for sub, name := range x.Registers {
		if sub.Field != e.id || len(e.value) > 8 {
			continue
		}
		if _, mask := sub.place(0); string(mask) == e.wideMask() {
			return name, uintOf(e.value) >> sub.First
		}
	}
	return "", 0
}

func (x *Syntax) appendLoads(b []byte, e entry) []byte {
	mask := e.wideMask()
	bit := func(s string, i int) bool { return s[len(s)-1-i/8]>>(i%8)&1 != 0 }
	for lo, first := 0, true; lo < e.id.Bits(); {
		if !bit(mask, lo) {
			lo++
			continue
		}
		hi := lo
		var value uint64
		for hi < e.id.Bits() && hi-lo < 64 && bit(mask, hi) {
			if bit(e.value, hi) {
				value |= 1 << (hi - lo)
			}
			hi++
		}
		if !first {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "load:%s->", hexText(value))
		b = x.appendSubfield(b, FieldRange(e.id, lo, hi-1))
		lo, first = hi, false
	}
	return b
}

// hexText is v as C prints it with %#x.
func hexText(v uint64) string {
	if v == 0 {
		return "0"
	}
	return "0x" + strconv.FormatUint(v, 16)
}

// parseLoad reads VALUE->bits, and for bits that have a name VALUE/MASK->bits is not needed.
func (x *Syntax) parseLoad(a Actions, s string) (Actions, error) {
	text, to, err := cutArrow(s)
	if err != nil {
		return Actions{}, err
	}
	dst, err := x.writable(to)
	if err != nil {
		return Actions{}, err
	}
	number, err := parseNumber(text, dst.bytes())
	if err != nil {
		return Actions{}, err
	}
	value, mask, err := dst.placeBytes(number)
	if err != nil {
		return Actions{}, err
	}
	return a.setBits(dst, value, mask), nil
}

func (x *Syntax) parseSetField(a Actions, s string) (Actions, error) {
	text, to, err := cutArrow(s)
	if err != nil {
		return Actions{}, err
	}
	dst, err := x.writable(to)
	if err != nil {
		return Actions{}, err
	}
	if !dst.whole() {
		return x.parseLoad(a, s)
	}
	value, mask, err := x.parseValue(dst.Field, text)
	switch {
	case err != nil:
		return Actions{}, err
	case text == "":
		return Actions{}, fmt.Errorf("no value for %s", dst.Field)
	case dst.Field == FieldVLANVID && mask == "":
		return a.setField(dst.Field, []byte{value[0] | 0x10, value[1]}, nil), nil
	case dst.Len != 0 && mask == allOnes[:dst.Len]:
		mask = ""
	}
	return a.setField(dst.Field, []byte(value), []byte(mask)), nil
}

func (x *Syntax) parseMod(a Actions, f FieldID, s string) (Actions, error) {
	value, mask, err := x.parseValue(f, s)
	if err == nil && mask != "" {
		err = fmt.Errorf("%s takes no mask", f)
	}
	if err != nil {
		return Actions{}, err
	}
	return a.setField(f, []byte(value), nil), nil
}

func (x *Syntax) parseVLANVID(a Actions, s string) (Actions, error) {
	v, err := parseUint(s, 12)
	return a.setField(FieldVLANVID, []byte{byte(v>>8) | 0x10, byte(v)}, nil), err
}

func parseTOS(a Actions, s string) (Actions, error) {
	v, err := parseUint(s, 8)
	if err == nil && v&3 != 0 {
		err = fmt.Errorf("%d has bits of ECN", v)
	}
	return a.setField(FieldIPDSCP, []byte{byte(v) >> 2}, nil), err
}

// writable reads bits that an action writes.
func (x *Syntax) writable(s string) (Subfield, error) {
	dst, err := x.parseSubfield(s)
	if err == nil && !dst.Field.Writable() {
		err = fmt.Errorf("%s is read-only", dst.Field)
	}
	return dst, err
}
