package openflow

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
)

// String is the actions as ovs-ofctl prints them to a plain OpenFlow 1.0 session, such as
// mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0x1->NXM_NX_REG0[4..7],resubmit(,18). What OpenFlow 1.0 has no action for is printed as
// OpenFlow 1.5 does. An action that is not known, or that the switch would not take, is printed as raw:HEX, which
// [ParseActions] reads back.
func (a Actions) String() string { return string(plain.appendActions(nil, a)) }

func (x *Syntax) appendActions(b []byte, a Actions) []byte {
	if a.IsDrop() {
		return append(b, "drop"...)
	}
	b = x.appendActionList(b, []byte(a.list))
	return x.appendInstructions(b, []byte(a.after))
}

// comma puts a comma after what is there, unless that opens a list.
func comma(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] != '(' && b[n-1] != ',' && b[n-1] != '=' && b[n-1] != ' ' {
		return append(b, ',')
	}
	return b
}

// appendActionList appends the text of encoded actions, whose lengths were checked.
func (x *Syntax) appendActionList(b, list []byte) []byte {
	for first := true; len(list) > 0; first = false {
		_, n, err := cutTLV(list, "action")
		if err != nil {
			n = len(list)
		}
		if !first {
			b = append(b, ',')
		}
		start := len(b)
		text, ok := x.appendAction(b, list[:n])
		if !ok || err != nil {
			text = hex.AppendEncode(append(b[:start], "raw:"...), list[:n])
		}
		b, list = text, list[n:]
	}
	return b
}

// appendNested appends the text of actions inside another.
func (x *Syntax) appendNested(b []byte, name string, list []byte) ([]byte, bool) {
	b = append(append(b, name...), '(')
	if !areActions(list) {
		return b, false
	}
	if len(list) == 0 {
		b = append(b, "drop"...)
	}
	return append(x.appendActionList(b, list), ')'), true
}

// appendAction appends the text of one encoded action; false if it is not known or not sound.
func (x *Syntax) appendAction(b, action []byte) ([]byte, bool) {
	kind, body := binary.BigEndian.Uint16(action), action[4:]
	switch kind {
	case actVendor:
		if len(body) < 12 || binary.BigEndian.Uint32(body) != experimenterNicira {
			return b, false
		}
		return x.appendNicira(b, binary.BigEndian.Uint16(body[4:]), action)
	case actSetField:
		return x.appendSetField(b, body)
	case actCopyField:
		if len(body) < 8 {
			return b, false
		}
		src, dst, ok := decodeMove(body, body[8:])
		return x.appendMove(b, "move:", src, dst), ok
	case actOutput:
		return x.appendOutput(b, body)
	case actSetNwTTL:
		if !x.OpenFlow15 && len(body) == 4 {
			return x.appendSubfield(fmt.Appendf(b, "load:%s->", hexText(uint64(body[0]))), Whole(FieldIPTTL)), true
		}
	case actEnqueue:
		if len(body) != 12 {
			return b, false
		}
		b = x.appendPort(append(b, "enqueue:"...), Port(binary.BigEndian.Uint32(body)))
		return fmt.Appendf(b, ":%d", binary.BigEndian.Uint32(body[4:])), true
	case actPopVLAN:
		if x.OpenFlow15 {
			return append(b, "pop_vlan"...), len(body) == 4
		}
	}
	return appendPlain(b, kind, body)
}

// decodePlain reads the body of an action from the table of those with few arguments.
func decodePlain(kind uint16, body []byte) (known plainAction, argument uint64, ok bool) {
	for _, known := range plainActions {
		switch {
		case known.kind != kind:
			continue
		case known.format == plainMAC && len(body) == 12:
			return known, uintOf(string(body[:6])), true
		case known.format == plainMAC || len(body) != 4:
			return known, 0, false
		}
		argument := uint64(binary.BigEndian.Uint32(body))
		ok := argument&(1<<known.shift-1) == 0 && argument>>known.shift>>known.bits == 0
		argument >>= known.shift
		return known, argument, ok && (kind != actSetNwTOS || argument&3 == 0) // whose lower bits are those of ECN
	}
	return plainAction{}, 0, false
}

// appendPlain appends the text of an action from the table of those with few arguments.
func appendPlain(b []byte, kind uint16, body []byte) ([]byte, bool) {
	known, argument, ok := decodePlain(kind, body)
	if !ok {
		return b, false
	}
	b = append(b, known.name...)
	switch known.format {
	case plainMAC:
		b = MAC(body[:6]).append(append(b, ':'))
	case plainHex:
		b = fmt.Appendf(b, ":0x%04x", argument)
	case plainParen:
		b = fmt.Appendf(b, "(%d)", argument)
	case plainIPv4:
		b = appendAddr(append(b, ':'), string(body))
	default:
		if known.bits > 0 {
			b = strconv.AppendUint(append(b, ':'), argument, 10)
		}
	}
	return b, true
}

// How the argument of a plain action is written.
const (
	plainDecimal = iota
	plainHex
	plainParen
	plainIPv4
	plainMAC
)

// plainAction is a standard action that has a number of some bits as argument, left-aligned in four bytes. One that is old
// stands for a set_field, and the switch gives it back as that.
type plainAction struct {
	name   string
	kind   uint16
	bits   int // 0 for no argument
	shift  int
	format int
	old    bool
}

var plainActions = []plainAction{
	{name: "group", kind: actGroup, bits: 32},
	{name: "meter", kind: actMeter, bits: 32},
	{name: "set_queue", kind: actSetQueue, bits: 32},
	{name: "dec_ttl", kind: actDecNwTTL},
	{name: "mod_nw_ttl", kind: actSetNwTTL, bits: 8, shift: 24},
	{name: "push_vlan", kind: actPushVLAN, bits: 16, shift: 16, format: plainHex},
	{name: "strip_vlan", kind: actPopVLAN},
	{name: "push_mpls", kind: actPushMPLS, bits: 16, shift: 16, format: plainHex},
	{name: "pop_mpls", kind: actPopMPLS, bits: 16, shift: 16, format: plainHex},
	{name: "set_mpls_ttl", kind: actSetMPLSTTL, bits: 8, shift: 24, format: plainParen},
	{name: "dec_mpls_ttl", kind: actDecMPLSTTL},
	{name: "set_vlan_vid", kind: actSetVLANVID, bits: 12, shift: 16, old: true},
	{name: "set_vlan_pcp", kind: actSetVLANPCP, bits: 3, shift: 24, old: true},
	{name: "mod_dl_src", kind: actSetDlSrc, format: plainMAC, old: true},
	{name: "mod_dl_dst", kind: actSetDlDst, format: plainMAC, old: true},
	{name: "mod_nw_src", kind: actSetNwSrc, bits: 32, format: plainIPv4, old: true},
	{name: "mod_nw_dst", kind: actSetNwDst, bits: 32, format: plainIPv4, old: true},
	{name: "mod_nw_tos", kind: actSetNwTOS, bits: 8, shift: 24, old: true},
	{name: "mod_nw_ecn", kind: actSetNwECN, bits: 2, shift: 24, old: true},
	{name: "mod_tp_src", kind: actSetTpSrc, bits: 16, shift: 16, old: true},
	{name: "mod_tp_dst", kind: actSetTpDst, bits: 16, shift: 16, old: true},
	{name: "set_mpls_label", kind: actSetMPLSLabel, bits: 20, format: plainParen, old: true},
	{name: "set_mpls_tc", kind: actSetMPLSTC, bits: 3, shift: 24, format: plainParen, old: true},
}

// voidActions are the Nicira actions without arguments.
var voidActions = map[uint16]string{
	nxExit: "exit", nxCTClear: "ct_clear", nxPopQueue: "pop_queue", nxDecNSHTTL: "dec_nsh_ttl", nxDebugSlow: "debug_slow",
	nxDebugRecirc: "debug_recirc",
}

func (x *Syntax) appendNicira(b []byte, subtype uint16, action []byte) ([]byte, bool) {
	body := action[10:]
	switch subtype {
	case nxResubmit:
		port := portFrom16(uint64(binary.BigEndian.Uint16(body)))
		return x.appendPort(append(b, "resubmit:"...), port), len(body) == 6 && port != PortInPort
	case nxResubmitTable, nxResubmitTableCT:
		return x.appendResubmit(b, subtype, body)
	case nxOutputReg, nxOutputReg2:
		s, ok := decodeOutputReg(subtype, body)
		return x.appendSubfield(append(b, "output:"...), s), ok
	case nxOutputTrunc:
		return x.appendOutputTrunc(b, body)
	case nxController, nxController2:
		return appendPunt(b, subtype, body)
	case nxStackPush:
		return x.appendStack(b, body, "push:")
	case nxStackPop:
		return x.appendStack(b, body, "pop:")
	case nxConjunction:
		c, ok := decodeConjunction(body)
		return fmt.Appendf(b, "conjunction(%d,%d/%d)", c.ID, c.Clause, c.Clauses), ok
	case nxNote:
		return appendOctets(append(b, "note:"...), body), true
	case nxCT:
		return x.appendCT(b, action)
	case nxNAT:
		n, ok := decodeNAT(action)
		return appendNAT(b, n), ok
	case nxClone:
		return x.appendNested(b, "clone", action[16:])
	case nxLearn, nxLearn2:
		return x.appendLearn(b, subtype, action)
	case nxDecTTLIDs:
		return appendDecTTL(b, body)
	case nxFinTimeout:
		return appendFinTimeout(b, body)
	case nxMultipath:
		return x.appendMultipath(b, body)
	case nxBundle, nxBundleLoad:
		return x.appendPortBundle(b, subtype, body)
	case nxSample, nxSample2, nxSample3:
		return x.appendSample(b, subtype, body)
	case nxEncap:
		return appendEncap(b, body)
	case nxDecap:
		return appendDecap(b, body)
	case nxCheckPktLarger:
		return x.appendCheckPktLarger(b, body)
	case nxDeleteField:
		d, ok := decodeDeleteField(body)
		return append(append(b, "delete_field:"...), d.Option.Field.String()...), ok
	case nxRegMove:
		src, dst, ok := decodeMove(body, body[6:])
		return x.appendMove(b, "move:", src, dst), ok
	case nxRegLoad:
		return x.appendRegLoad(b, body)
	case nxRegLoad2:
		e, ok := decodeSetField(body)
		return x.appendSetFieldText(b, e), ok
	case nxWriteMetadata:
		if len(body) != 22 || string(body[:6]) != allZeros[:6] {
			return b, false
		}
		return appendWriteMetadata(b, body[6:]), true
	case nxSetTunnel:
		return append(append(b, "set_tunnel:"...), hexText(uint64(binary.BigEndian.Uint32(body[2:])))...), len(body) == 6
	case nxSetTunnel64:
		if len(body) != 14 {
			return b, false
		}
		return append(append(b, "set_tunnel64:"...), hexText(binary.BigEndian.Uint64(body[6:]))...), true
	}
	name, ok := voidActions[subtype]
	return append(b, name...), ok && len(body) == 6
}

func decodeRegLoad(body []byte) (s Subfield, value uint64, ok bool) {
	if len(body) != 14 {
		return Subfield{}, 0, false
	}
	s, _, err := cutLegacy(body[2:6], binary.BigEndian.Uint16(body))
	value = binary.BigEndian.Uint64(body[6:])
	return s, value, err == nil && s.Field.Writable() && (s.Width == 64 || value>>s.Width == 0)
}

func (x *Syntax) appendRegLoad(b, body []byte) ([]byte, bool) {
	s, value, ok := decodeRegLoad(body)
	return x.appendSubfield(fmt.Appendf(b, "load:%s->", hexText(value)), s), ok
}

func decodeConjunction(body []byte) (Conjunction, bool) {
	if len(body) != 6 || body[0] >= body[1] || body[1] < 2 || body[1] > 64 {
		return Conjunction{}, false
	}
	return Conjunction{binary.BigEndian.Uint32(body[2:]), body[0] + 1, body[1]}, true
}

func decodeFinTimeout(body []byte) (FinTimeout, bool) {
	if len(body) != 6 {
		return FinTimeout{}, false
	}
	return FinTimeout{binary.BigEndian.Uint16(body), binary.BigEndian.Uint16(body[2:])}, true
}

func appendFinTimeout(b, body []byte) ([]byte, bool) {
	f, ok := decodeFinTimeout(body)
	b = append(b, "fin_timeout("...)
	if f.Idle != 0 {
		b = fmt.Appendf(b, "idle_timeout=%d", f.Idle)
	}
	if f.Hard != 0 {
		b = fmt.Appendf(comma(b), "hard_timeout=%d", f.Hard)
	}
	return append(b, ')'), ok
}
