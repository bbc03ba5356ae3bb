package openflow

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// ParseActions reads actions in the syntax of ovs-ofctl, such as
// "mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0x1->NXM_NX_REG0[4..7],resubmit(,18)".
//
// mod_tp_src and mod_tp_dst are those of TCP; in a flow they are those of its match.
func ParseActions(s string) (Actions, error) { return parseActions(s, ProtoTCP) }

func parseActions(s string, ipProto uint8) (Actions, error) {
	var a Actions
	for word := range words(s) {
		next, err := a.parse(word, ipProto)
		if err != nil {
			return Actions{}, fmt.Errorf("action %q: %w", word, err)
		}
		a = next
	}
	return a, nil
}

// parse appends the action that word is.
func (a Actions) parse(word string, ipProto uint8) (Actions, error) {
	name, argument := cutCall(word)
	if next, known, err := a.parseNamed(name, argument); known {
		return next, err
	}
	for _, known := range plainActions {
		if known.name != name {
			continue
		}
		if known.bits == 0 {
			return a.plain(known.kind, 0), nil
		}
		v, err := parseUint(argument, known.bits)
		return a.plain(known.kind, uint32(v)<<known.shift), err
	}
	for f, mod := range modNames {
		if mod == name && (fields[f].prereq == needUDP) == (ipProto == ProtoUDP && strings.HasPrefix(mod, "mod_tp")) {
			return a.parseMod(f, argument)
		}
	}
	if port, err := ParsePort(name); err == nil && argument == "" {
		return a.Output(port), nil
	}
	return Actions{}, fmt.Errorf("unknown action")
}

// parseNamed appends the action of a name, if it is one of those that have a rule of their own.
func (a Actions) parseNamed(name, s string) (next Actions, known bool, err error) {
	known = true
	switch name {
	case "drop":
		next = a
	case "in_port":
		next = a.InPort()
	case "pop_vlan":
		next = a.PopVLAN()
	case "ct_clear":
		next = a.CTClear()
	case "clear_actions":
		next = a.ClearActions()
	case "exit":
		next = a.appended(append(beginNicira(nil, nxExit), 0, 0, 0, 0, 0, 0))
	case "goto_table":
		v, parseErr := parseUint(s, 8)
		next, err = a.GotoTable(TableID(v)), parseErr
	case "set_nw_ttl":
		v, parseErr := parseUint(s, 8)
		next, err = a.SetTTL(uint8(v)), parseErr
	case "push":
		next, err = a.parseStack(nxStackPush, s)
	case "pop":
		next, err = a.parseStack(nxStackPop, s)
	case "output":
		next, err = a.parseOutput(s)
	case "CONTROLLER", "controller":
		next, err = a.parseController(s)
	case "resubmit":
		next, err = a.parseResubmit(s)
	case "load":
		next, err = a.parseLoad(s)
	case "set_field":
		next, err = a.parseSetField(s)
	case "move":
		next, err = a.parseMove(s)
	case "mod_vlan_vid":
		next, err = a.parseVLANVID(s)
	case "mod_nw_tos":
		next, err = a.parseTOS(s)
	case "mod_nw_ecn":
		next, err = a.parseMod(FieldIPECN, s)
	case "conjunction":
		next, err = a.parseConjunction(s)
	case "note":
		next, err = a.parseNote(s)
	case "ct":
		next, err = a.parseCT(s)
	case "nat":
		n, parseErr := parseNAT(s)
		next, err = a.nat(n), parseErr
	case "learn":
		next, err = a.parseLearn(s)
	case "write_metadata":
		next, err = a.parseWriteMetadata(s)
	case "write_actions":
		next, err = a.parseWriteActions(s)
	case "raw":
		next, err = a.parseRaw(s)
	case "raw_instruction":
		next, err = a.parseRawInstruction(s)
	default:
		known = false
	}
	return next, known, err
}

func parseUint(s string, bits int) (uint64, error) {
	v, err := strconv.ParseUint(s, 0, bits)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of %d bits", s, bits)
	}
	return v, nil
}

func (a Actions) parseOutput(s string) (Actions, error) {
	if port, err := ParsePort(s); err == nil {
		return a.Output(port), nil
	}
	sub, err := ParseSubfield(s)
	if err != nil || !strings.Contains(s, "[") {
		return Actions{}, fmt.Errorf("%q is neither a port nor bits of a field", s)
	}
	return a.OutputReg(sub), nil
}

func (a Actions) parseController(s string) (Actions, error) {
	if s == "" {
		return a.Output(PortController), nil
	}
	v, err := parseUint(strings.TrimPrefix(s, "max_len="), 16)
	return a.Controller(uint16(v)), err
}

func (a Actions) parseResubmit(s string) (Actions, error) {
	parts := strings.Split(s, ",")
	port, table, subtype := PortInPort, uint64(noTable), uint16(nxResubmitTable)
	var err error
	if parts[0] != "" {
		if port, err = ParsePort(parts[0]); err != nil {
			return Actions{}, err
		}
	}
	if len(parts) > 1 && parts[1] != "" {
		if table, err = parseUint(parts[1], 8); err != nil {
			return Actions{}, err
		}
	}
	if len(parts) == 3 && parts[2] == "ct" {
		subtype = nxResubmitTableCT
	} else if len(parts) > 2 {
		return Actions{}, fmt.Errorf("%q is not port,table,ct", s)
	}
	if port == PortInPort && table == noTable {
		return Actions{}, fmt.Errorf("needs a port or a table")
	}
	return a.resubmit(subtype, port, TableID(table)), nil
}

func (a Actions) parseStack(subtype uint16, s string) (Actions, error) {
	sub, err := ParseSubfield(s)
	if err != nil {
		return Actions{}, err
	}
	return a.stack(subtype, sub), nil
}

func cutArrow(s string) (src, dst string, err error) {
	src, dst, ok := strings.Cut(s, "->")
	if !ok {
		return "", "", fmt.Errorf("no -> in %q", s)
	}
	return src, dst, nil
}

func (a Actions) parseMove(s string) (Actions, error) {
	src, dst, err := parsePair(s)
	if err != nil {
		return Actions{}, err
	}
	return a.Move(src, dst), nil
}

func parsePair(s string) (src, dst Subfield, err error) {
	from, to, err := cutArrow(s)
	if err != nil {
		return src, dst, err
	}
	if src, err = ParseSubfield(from); err != nil {
		return src, dst, err
	}
	if dst, err = writable(to); err != nil {
		return src, dst, err
	}
	if src.Width != dst.Width {
		return src, dst, fmt.Errorf("%s has %d bits, %s has %d", src, src.Width, dst, dst.Width)
	}
	return src, dst, nil
}

func (a Actions) parseConjunction(s string) (Actions, error) {
	idText, clause, ok := strings.Cut(s, ",")
	kText, nText, ok2 := strings.Cut(clause, "/")
	id, err := parseUint(strings.TrimSpace(idText), 32)
	k, errK := parseUint(strings.TrimSpace(kText), 8)
	n, errN := parseUint(strings.TrimSpace(nText), 8)
	if !ok || !ok2 || err != nil || errK != nil || errN != nil || k < 1 || k > n || n < 2 {
		return Actions{}, fmt.Errorf("%q is not id,k/n with k of 1 to n", s)
	}
	return a.Conjunction(uint32(id), uint8(k), uint8(n)), nil
}

func (a Actions) parseNote(s string) (Actions, error) {
	note, err := hex.DecodeString(strings.ReplaceAll(s, ".", ""))
	if err != nil {
		return Actions{}, fmt.Errorf("%q is not hexadecimal", s)
	}
	return a.bounded(len(note), func() Actions { return a.Note(note) })
}

// bounded appends what build makes, unless its size cannot be written.
func (a Actions) bounded(n int, build func() Actions) (Actions, error) {
	const longest = 0xff00
	if n > longest {
		return Actions{}, fmt.Errorf("%d bytes are too many", n)
	}
	return build(), nil
}

func (a Actions) parseRaw(s string) (Actions, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return Actions{}, err
	}
	list, err := decodeActions(b)
	return Actions{list: a.list + list, after: a.after}, err
}
