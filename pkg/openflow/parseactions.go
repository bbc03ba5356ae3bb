package openflow

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// ParseActions reads actions in the syntax of ovs-ofctl, such as
// "mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0x1->NXM_NX_REG0[4..7],resubmit(,18)".
//
// What some actions mean depends on the packet: mod_tp_src and mod_tp_dst are those of TCP here, and mod_vlan_vid and
// mod_vlan_pcp push a VLAN tag first. In a flow its match decides.
func ParseActions(s string) (Actions, error) { return plain.ParseActions(s) }

// actionParser keeps what is known of the packet from one action to the next.
type actionParser struct {
	*Syntax
	ipProto uint8
	tagged  bool // it has a VLAN tag
}

func (x *Syntax) parseActions(s string, ipProto uint8) (Actions, error) {
	p := actionParser{Syntax: x, ipProto: ipProto}
	return p.list(s)
}

// list reads actions with commas between them.
func (p *actionParser) list(s string) (Actions, error) {
	var a Actions
	err := eachWord(s, func(word string) (err error) {
		if a, err = p.action(a, word); err != nil && !shift(err, 0) {
			err = fmt.Errorf("action: %w", err)
		}
		return err
	})
	if err != nil {
		return Actions{}, err
	}
	return a, nil
}

// nested is list for the actions inside another, which cannot be instructions.
func (p *actionParser) nested(s string) (Actions, error) {
	a, err := p.list(s)
	if err == nil && a.after != "" {
		err = fmt.Errorf("instructions cannot be inside another action")
	}
	return a, err
}

// action appends the action that word is.
func (p *actionParser) action(a Actions, word string) (Actions, error) {
	name, argument := cutCall(word)
	switch name {
	case "push_vlan":
		p.tagged = true
	case "pop_vlan", "strip_vlan":
		p.tagged = false
	}
	if next, known, err := p.simple(a, name, argument); known {
		return next, err
	}
	if next, known, err := p.complex(a, name, argument); known {
		return next, err
	}
	for subtype, known := range voidActions {
		if known == name {
			return a.void(subtype), nil
		}
	}
	for _, known := range plainActions {
		if known.name != name || known.old {
			continue
		}
		if known.bits == 0 {
			return a.plain(known.kind, 0), nil
		}
		v, err := parseUint(argument, known.bits)
		return a.plain(known.kind, uint32(v)<<known.shift), err
	}
	if f, ok := p.modField(name); ok {
		return p.parseMod(a, f, argument)
	}
	if port, err := p.parsePort(word); err == nil {
		return a.Output(port), nil
	}
	return Actions{}, fmt.Errorf("unknown action")
}

// modField is the field that an action of OpenFlow 1.0 writes.
func (p *actionParser) modField(name string) (FieldID, bool) {
	port := map[string][3]FieldID{
		"mod_tp_src": {FieldTCPSrc, FieldUDPSrc, FieldSCTPSrc}, "mod_tp_dst": {FieldTCPDst, FieldUDPDst, FieldSCTPDst},
	}
	if choice, ok := port[name]; ok {
		switch p.ipProto {
		case ProtoUDP:
			return choice[1], true
		case ProtoSCTP:
			return choice[2], true
		}
		return choice[0], true
	}
	for f, mod := range modNames {
		if mod == name {
			return f, true
		}
	}
	return 0, false
}

// simple appends an action whose argument is at most a number or two.
func (p *actionParser) simple(a Actions, name, s string) (next Actions, known bool, err error) {
	known = true
	var v uint64
	switch name {
	case "drop":
		next = a
	case "in_port":
		next = a.InPort()
	case "pop_vlan":
		next = a.PopVLAN()
	case "clear_actions":
		next = a.ClearActions()
	case "dec_ttl":
		next, err = parseDecTTL(a, s)
	case "goto_table":
		var table TableID
		table, err = p.parseTable(s)
		next = a.GotoTable(table)
	case "set_nw_ttl":
		v, err = parseUint(s, 8)
		next = a.SetTTL(uint8(v))
	case "set_tunnel", "set_tunnel64":
		v, err = parseUint(s, 64)
		next = a.setField(FieldTunID, []byte(uintBytes(v, 8)), nil)
	case "mod_vlan_vid", "set_vlan_vid":
		next, err = p.parseVLANVID(p.tag(a, name), s)
	case "mod_vlan_pcp", "set_vlan_pcp":
		next, err = p.parseMod(p.tag(a, name), FieldVLANPCP, s)
	case "set_mpls_label":
		next, err = p.parseMod(a, FieldMPLSLabel, s)
	case "set_mpls_tc":
		next, err = p.parseMod(a, FieldMPLSTC, s)
	case "mod_nw_tos":
		next, err = parseTOS(a, s)
	case "mod_nw_ecn":
		next, err = p.parseMod(a, FieldIPECN, s)
	case "conjunction":
		next, err = parseConjunction(a, s)
	case "note":
		next, err = parseNote(a, s)
	case "fin_timeout":
		next, err = parseFinTimeout(a, s)
	case "raw":
		next, err = parseRaw(a, s)
	case "raw_instruction":
		next, err = parseRawInstruction(a, s)
	default:
		known = false
	}
	return next, known, err
}

// complex appends an action that names ports, tables or bits of fields, or has other actions inside.
func (p *actionParser) complex(a Actions, name, s string) (next Actions, known bool, err error) {
	known = true
	switch name {
	case "push", "pop":
		var sub Subfield
		subtype := uint16(nxStackPush)
		if sub, err = p.parseSubfield(s); name == "pop" {
			sub, err = p.writable(s)
			subtype = nxStackPop
		}
		next = a.stack(subtype, sub)
	case "output":
		next, err = p.parseOutput(a, s)
	case "enqueue":
		next, err = p.parseEnqueue(a, s)
	case "CONTROLLER", "controller":
		next, err = parsePunt(a, s)
	case "resubmit":
		next, err = p.parseResubmit(a, s)
	case "load":
		next, err = p.parseLoad(a, s)
	case "set_field":
		next, err = p.parseSetField(a, s)
	case "move":
		var src, dst Subfield
		if src, dst, err = p.parseMove(s); err == nil {
			next = a.Move(src, dst)
		}
	case "ct":
		next, err = p.parseCT(a, s)
	case "nat":
		n, parseErr := parseNAT(s)
		next, err = a.nat(n), parseErr
	case "clone":
		next, err = p.parseClone(a, s)
	case "learn":
		next, err = p.parseLearn(a, s)
	case "multipath":
		next, err = p.parseMultipath(a, s)
	case "bundle":
		next, err = p.parsePortBundle(a, s, false)
	case "bundle_load":
		next, err = p.parsePortBundle(a, s, true)
	case "sample":
		next, err = p.parseSample(a, s)
	case "encap":
		next, err = parseEncap(a, s)
	case "decap":
		next, err = parseDecap(a, s)
	case "check_pkt_larger":
		next, err = p.parseCheckPktLarger(a, s)
	case "delete_field":
		next, err = p.parseDeleteField(a, s)
	case "write_metadata":
		next, err = parseWriteMetadata(a, s)
	case "write_actions":
		next, err = p.parseWriteActions(a, s)
	default:
		known = false
	}
	return next, known, err
}

// tag puts a VLAN tag in front where an action of OpenFlow 1.0 would, that is, unless the packet has one.
func (p *actionParser) tag(a Actions, name string) Actions {
	if !p.tagged && strings.HasPrefix(name, "mod_") {
		a = a.PushVLAN(EthTypeVLAN)
	}
	p.tagged = true
	return a
}

func parseUint(s string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(s, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of %d bits", s, bits)
	}
	return v, nil
}

// parseTo reads a number of as many bits as there are in to.
func parseTo[T uint8 | uint16 | uint32 | uint64](to *T, s string) error {
	v, err := parseUint(s, bits.Len64(uint64(^T(0))))
	*to = T(v)
	return err
}

func (p *actionParser) parseClone(a Actions, s string) (Actions, error) {
	inner, err := p.nested(s)
	if err != nil {
		return Actions{}, err
	}
	return a.bounded(len(inner.list), func() Actions { return a.Clone(inner) })
}

func parseConjunction(a Actions, s string) (Actions, error) {
	idText, clause, ok := strings.Cut(s, ",")
	kText, nText, ok2 := strings.Cut(clause, "/")
	id, err := parseUint(strings.TrimSpace(idText), 32)
	k, errK := parseUint(strings.TrimSpace(kText), 8)
	n, errN := parseUint(strings.TrimSpace(nText), 8)
	if !ok || !ok2 || err != nil || errK != nil || errN != nil || k < 1 || k > n || n < 2 || n > 64 {
		return Actions{}, fmt.Errorf("%q is not id,k/n with n of 2 to 64 and k of 1 to n", s)
	}
	return a.Conjunction(uint32(id), uint8(k), uint8(n)), nil
}

func parseNote(a Actions, s string) (Actions, error) {
	note, err := parseOctets(s)
	if err != nil {
		return Actions{}, err
	}
	return a.bounded(len(note), func() Actions { return a.Note(note) })
}

func parseFinTimeout(a Actions, s string) (Actions, error) {
	var f FinTimeout
	err := eachWord(s, func(word string) (err error) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "idle_timeout":
			err = parseTo(&f.Idle, value)
		case "hard_timeout":
			err = parseTo(&f.Hard, value)
		default:
			err = fmt.Errorf("fin_timeout has no argument %q", key)
		}
		return err
	})
	return a.With(f), err
}

// bounded appends what build makes, unless its size cannot be written.
func (a Actions) bounded(n int, build func() Actions) (Actions, error) {
	const longest = 0xff00
	if n > longest {
		return Actions{}, fmt.Errorf("%d bytes are too many", n)
	}
	return build(), nil
}

func parseRaw(a Actions, s string) (Actions, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return Actions{}, err
	}
	list, err := decodeActions(b)
	return Actions{list: a.list + list, after: a.after}, err
}
