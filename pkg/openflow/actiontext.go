package openflow

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
)

// String is the actions as ovs-ofctl prints them to a plain OpenFlow 1.0 session, such as
// mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0x1->NXM_NX_REG0[4..7],resubmit(,18). An action that is not known is printed as
// raw:HEX, which [ParseActions] reads back.
func (a Actions) String() string { return string(a.append(nil)) }

func (a Actions) append(b []byte) []byte {
	if a.IsDrop() {
		return append(b, "drop"...)
	}
	b = appendActionList(b, []byte(a.list))
	return appendInstructionText(b, []byte(a.after))
}

// comma puts a comma after what is there, unless that opens a list.
func comma(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] != '(' && b[n-1] != ',' && b[n-1] != '=' && b[n-1] != ' ' {
		return append(b, ',')
	}
	return b
}

// appendActionList appends the text of encoded actions, whose lengths were checked.
func appendActionList(b, list []byte) []byte {
	for first := true; len(list) > 0; first = false {
		_, n, err := cutTLV(list, "action")
		if err != nil {
			n = len(list)
		}
		if !first {
			b = append(b, ',')
		}
		start := len(b)
		text, ok := appendAction(b, list[:n])
		if !ok || err != nil {
			text = hex.AppendEncode(append(b[:start], "raw:"...), list[:n])
		}
		b, list = text, list[n:]
	}
	return b
}

// appendAction appends the text of one encoded action; false if it is not known or cannot be written back the same.
func appendAction(b, action []byte) ([]byte, bool) {
	kind, body := binary.BigEndian.Uint16(action), action[4:]
	switch kind {
	case actVendor:
		if len(body) < 6 || binary.BigEndian.Uint32(body) != experimenterNicira {
			return b, false
		}
		return appendNicira(b, binary.BigEndian.Uint16(body[4:]), action)
	case actSetField:
		return appendSetField(b, body)
	case actCopyField:
		return appendMove(b, body)
	case actOutput:
		return appendOutput(b, body)
	}
	if len(body) != 4 {
		return b, false
	}
	argument := uint64(binary.BigEndian.Uint32(body))
	for _, known := range plainActions {
		if known.kind != kind {
			continue
		}
		if argument&(1<<known.shift-1) != 0 || known.bits == 0 && argument != 0 {
			return b, false
		}
		b = append(b, known.name...)
		if known.bits == 0 {
			return b, true
		}
		b = append(b, ':')
		if known.hex {
			return fmt.Appendf(b, "0x%04x", argument>>known.shift), true
		}
		return strconv.AppendUint(b, argument>>known.shift, 10), true
	}
	return b, false
}

// plainActions are the standard actions with four bytes of arguments: a number of some bits, left-aligned.
var plainActions = []struct {
	name  string
	kind  uint16
	bits  int // 0 for no argument
	shift int
	hex   bool
}{
	{name: "group", kind: actGroup, bits: 32},
	{name: "meter", kind: actMeter, bits: 32},
	{name: "set_queue", kind: actSetQueue, bits: 32},
	{name: "dec_ttl", kind: actDecNwTTL},
	{name: "mod_nw_ttl", kind: actSetNwTTL, bits: 8, shift: 24},
	{name: "push_vlan", kind: actPushVLAN, bits: 16, shift: 16, hex: true},
	{name: "strip_vlan", kind: actPopVLAN},
	{name: "push_mpls", kind: actPushMPLS, bits: 16, shift: 16, hex: true},
	{name: "pop_mpls", kind: actPopMPLS, bits: 16, shift: 16, hex: true},
	{name: "set_mpls_ttl", kind: actSetMPLSTTL, bits: 8, shift: 24},
	{name: "dec_mpls_ttl", kind: actDecMPLSTTL},
	{name: "copy_ttl_in", kind: actCopyTTLIn},
	{name: "copy_ttl_out", kind: actCopyTTLOut},
}

func appendOutput(b, body []byte) ([]byte, bool) {
	if len(body) != 12 {
		return b, false
	}
	port, maxLen := Port(binary.BigEndian.Uint32(body)), binary.BigEndian.Uint16(body[4:])
	switch {
	case port == PortController:
		return fmt.Appendf(b, "CONTROLLER:%d", maxLen), true
	case maxLen != 0:
		return b, false
	case port < 0xff00: // from there on the reserved ports of OpenFlow 1.0
		return strconv.AppendUint(append(b, "output:"...), uint64(port), 10), true
	}
	name, ok := portNames[port]
	return append(b, name...), ok
}

func appendMove(b, body []byte) ([]byte, bool) {
	if len(body) < 16 {
		return b, false
	}
	width := int(binary.BigEndian.Uint16(body))
	src, rest, err := subfieldAt(body[8:], int(binary.BigEndian.Uint16(body[2:])), width)
	if err != nil {
		return b, false
	}
	dst, rest, err := subfieldAt(rest, int(binary.BigEndian.Uint16(body[4:])), width)
	if err != nil || len(rest) >= 8 || fields[dst.Field].access != readWrite {
		return b, false
	}
	return appendMoveText(b, "move:", src, dst), true
}

func appendMoveText(b []byte, verb string, src, dst Subfield) []byte {
	b = append(b, verb...)
	b = src.append(b, fields[src.Field].nxmName)
	b = append(b, "->"...)
	return dst.append(b, fields[dst.Field].nxmName)
}

func appendNicira(b []byte, subtype uint16, action []byte) ([]byte, bool) {
	body := action[10:]
	switch subtype {
	case nxResubmitTable, nxResubmitTableCT:
		return appendResubmit(b, body, subtype == nxResubmitTableCT)
	case nxOutputReg:
		if len(body) != 14 {
			return b, false
		}
		s, _, err := legacySubfield(body[2:6], binary.BigEndian.Uint16(body))
		if err != nil || binary.BigEndian.Uint16(body[6:]) != 0xffff {
			return b, false
		}
		return s.append(append(b, "output:"...), fields[s.Field].nxmName), true
	case nxStackPush, nxStackPop:
		return appendStack(b, body, subtype == nxStackPush)
	case nxConjunction:
		if len(body) != 6 || body[0] >= body[1] || body[1] < 2 {
			return b, false
		}
		return fmt.Appendf(b, "conjunction(%d,%d/%d)", binary.BigEndian.Uint32(body[2:]), int(body[0])+1, body[1]), true
	case nxNote:
		b = append(b, "note:"...)
		for i, octet := range body {
			if i > 0 {
				b = append(b, '.')
			}
			b = hex.AppendEncode(b, []byte{octet})
		}
		return b, true
	case nxCT:
		return appendCT(b, action)
	case nxNAT:
		n, ok := decodeNAT(action)
		return appendNAT(b, n), ok
	case nxCTClear:
		return append(b, "ct_clear"...), len(body) == 6
	case nxLearn, nxLearn2:
		return appendLearn(b, subtype, action)
	case nxRegLoad:
		if len(body) != 14 {
			return b, false
		}
		s, _, err := legacySubfield(body[2:6], binary.BigEndian.Uint16(body))
		value := binary.BigEndian.Uint64(body[6:])
		if err != nil || fields[s.Field].access != readWrite || s.Width < 64 && value>>s.Width != 0 {
			return b, false
		}
		return s.append(fmt.Appendf(b, "load:%s->", hexText(value)), fields[s.Field].nxmName), true
	case nxExit:
		return append(b, "exit"...), len(body) == 6
	}
	return b, false
}

// legacySubfield reads a field header and the 16 bits that say which of its bits.
func legacySubfield(header []byte, ofsNBits uint16) (Subfield, []byte, error) {
	return subfieldAt(header, int(ofsNBits>>6), int(ofsNBits&0x3f)+1)
}

func appendResubmit(b, body []byte, ct bool) ([]byte, bool) {
	if len(body) != 6 || body[3]|body[4]|body[5] != 0 {
		return b, false
	}
	port, table := portFrom16(uint64(binary.BigEndian.Uint16(body))), body[2]
	switch {
	case port == PortInPort && table == noTable:
		return b, false
	case table == noTable && !ct:
		return append(append(b, "resubmit:"...), port.String()...), true
	}
	b = append(b, "resubmit("...)
	if port != PortInPort {
		b = append(b, port.String()...)
	}
	b = append(b, ',')
	if table != noTable {
		b = strconv.AppendUint(b, uint64(table), 10)
	}
	if ct {
		b = append(b, ",ct"...)
	}
	return append(b, ')'), true
}

func appendStack(b, body []byte, push bool) ([]byte, bool) {
	f, rest, err := cutHeader(body[2:])
	if err != nil || len(rest) < 2 {
		return b, false
	}
	first, width := int(binary.BigEndian.Uint16(body)), int(binary.BigEndian.Uint16(rest))
	s, _, err := subfieldAt(body[2:], first, width)
	if err != nil {
		return b, false
	}
	verb := "pop:"
	if push {
		verb = "push:"
	}
	return s.append(append(b, verb...), fields[f].nxmName), true
}
