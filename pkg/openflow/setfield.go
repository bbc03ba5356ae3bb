package openflow

import (
	"fmt"
	"net/netip"
	"strconv"
)

// Load writes a constant into some bits of a field.
func (a Actions) Load(s Subfield, value uint64) Actions {
	v, mask := s.place(value)
	return a.setField(s.Field, v, mask)
}

// SetField writes a whole field.
func (a Actions) SetField(f FieldID, value []byte) Actions { return a.setField(f, value, nil) }

// SetFieldMasked writes the bits of a field that mask has.
func (a Actions) SetFieldMasked(f FieldID, value, mask []byte) Actions {
	return a.setField(f, value, mask)
}

func (a Actions) setField(f FieldID, value, mask []byte) Actions {
	if !f.known() || fields[f].access != readWrite || len(value) != f.Bytes() || (len(mask) != 0 && len(mask) != len(value)) {
		panic(fmt.Sprintf("openflow: set_field of %s with %d bytes and a mask of %d", f, len(value), len(mask)))
	}
	var space [48]byte
	b := begin(space[:0], actSetField)
	return a.appended(appendField(b, f, value, mask))
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

// appendSetField spells set_field as OpenFlow 1.0 does: mod_… where there is one for the whole field, else load, in as many
// pieces as the mask has.
func appendSetField(b, body []byte) ([]byte, bool) {
	e, rest, err := cutEntry(string(body))
	if err != nil || e.raw != "" || len(rest) >= 8 || fields[e.id].access != readWrite {
		return b, false
	}
	if !fits(e.id, e.value) {
		return b, false
	}
	for i := range len(e.mask) {
		if e.value[i]&^e.mask[i] != 0 {
			return b, false
		}
	}
	mod, ok := modNames[e.id]
	switch {
	case ok && e.mask == "":
		b = append(append(b, mod...), ':')
		if e.id == FieldIPDSCP {
			return strconv.AppendUint(b, uint64(e.value[0])<<2, 10), true
		}
		return appendValue(b, e.id, e.value, ""), true
	case e.id == FieldVLANVID && e.mask == "" && e.value[0]&0x10 != 0:
		return fmt.Appendf(b, "mod_vlan_vid:%d", uintOf(e.value)&0xfff), true
	case e.id.legacy().class == classExperimenter:
		b = appendValue(append(b, "set_field:"...), e.id, e.value, e.mask)
		return append(append(b, "->"...), fields[e.id].name...), true
	}
	start := len(b)
	b = appendLoads(b, e)
	return b, len(b) > start // a mask can have none of the field's bits
}

func appendLoads(b []byte, e entry) []byte {
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
		b = FieldRange(e.id, lo, hi-1).append(b, fields[e.id].nxmName)
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

func (a Actions) parseLoad(s string) (Actions, error) {
	text, to, err := cutArrow(s)
	if err != nil {
		return Actions{}, err
	}
	dst, err := writable(to)
	if err != nil {
		return Actions{}, err
	}
	number, err := parseNumber(text, 16)
	if err != nil {
		return Actions{}, err
	}
	value, mask, err := dst.placeBytes(number)
	if err != nil {
		return Actions{}, err
	}
	return a.setField(dst.Field, value, mask), nil
}

func (a Actions) parseSetField(s string) (Actions, error) {
	text, to, err := cutArrow(s)
	if err != nil {
		return Actions{}, err
	}
	dst, err := writable(to)
	if err != nil {
		return Actions{}, err
	}
	if !dst.whole() {
		return a.parseLoad(s)
	}
	value, mask, err := parseValue(dst.Field, text)
	if err != nil {
		return Actions{}, err
	}
	if dst.Field == FieldVLANVID && mask == "" {
		return a.setField(dst.Field, []byte{value[0] | 0x10, value[1]}, nil), nil
	}
	return a.setField(dst.Field, []byte(value), []byte(mask)), nil
}

func (a Actions) parseMod(f FieldID, s string) (Actions, error) {
	value, mask, err := parseValue(f, s)
	if err == nil && mask != "" {
		err = fmt.Errorf("%s takes no mask", f)
	}
	if err != nil {
		return Actions{}, err
	}
	return a.setField(f, []byte(value), nil), nil
}

func (a Actions) parseVLANVID(s string) (Actions, error) {
	v, err := parseUint(s, 12)
	return a.setField(FieldVLANVID, []byte{byte(v>>8) | 0x10, byte(v)}, nil), err
}

func (a Actions) parseTOS(s string) (Actions, error) {
	v, err := parseUint(s, 8)
	return a.setField(FieldIPDSCP, []byte{byte(v) >> 2}, nil), err
}

// writable reads bits that an action writes.
func writable(s string) (Subfield, error) {
	dst, err := ParseSubfield(s)
	if err == nil && fields[dst.Field].access != readWrite {
		err = fmt.Errorf("%s is read-only", dst.Field)
	}
	return dst, err
}
