package openflow

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Numbers of the instructions.
const (
	insGoto          = 1
	insWriteMetadata = 2
	insWriteActions  = 3
	insApplyActions  = 4
	insClearActions  = 5
	insMeter         = 6
)

// GotoTable goes on in a later table after all actions.
func (a Actions) GotoTable(table TableID) Actions {
	return a.instruction(insGoto, []byte{byte(table), 0, 0, 0})
}

// ClearActions empties the action set.
func (a Actions) ClearActions() Actions { return a.instruction(insClearActions, []byte{0, 0, 0, 0}) }

// WriteActions adds to the action set.
func (a Actions) WriteActions(set Actions) Actions {
	return a.instruction(insWriteActions, append([]byte{0, 0, 0, 0}, set.list...))
}

// WriteMetadata writes the bits of the metadata field that mask has.
func (a Actions) WriteMetadata(value, mask uint64) Actions {
	b := binary.BigEndian.AppendUint64([]byte{0, 0, 0, 0}, value)
	return a.instruction(insWriteMetadata, binary.BigEndian.AppendUint64(b, mask))
}

func (a Actions) instruction(kind uint16, body []byte) Actions {
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(4+len(body)))
	return Actions{list: a.list, after: a.after + string(append(b, body...))}
}

// appendInstructions appends the actions as the instructions of a flow.
func (a Actions) appendInstructions(b []byte) []byte {
	if a.list != "" {
		b = binary.BigEndian.AppendUint16(b, insApplyActions)
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(a.list)))
		b = append(b, 0, 0, 0, 0)
		b = append(b, a.list...)
	}
	return append(b, a.after...)
}

// decodeInstructions reads the instructions of a flow. They must fill b.
func decodeInstructions(b []byte) (Actions, error) { return instructionsOf(b, string(b)) }

// instructionsOf keeps parts of text, which is b once more.
func instructionsOf(b []byte, text string) (Actions, error) {
	var a Actions
	for at := 0; at < len(b); {
		kind, n, err := cutTLV(b[at:], "instruction")
		if err != nil {
			return Actions{}, err
		}
		if kind == insApplyActions && a == (Actions{}) {
			if err := checkActions(b[at+8 : at+n]); err != nil {
				return Actions{}, err
			}
			a.list = text[at+8 : at+n]
		} else if a.after == "" {
			a.after = text[at:] // to the end, of which the rest is still to be checked
		}
		at += n
	}
	return a, nil
}

func (x *Syntax) appendInstructions(b, list []byte) []byte {
	for len(list) > 0 {
		kind, n, err := cutTLV(list, "instruction")
		if err != nil {
			n = len(list)
		}
		body := list[min(4, n):n]
		b = comma(b)
		switch {
		case err == nil && kind == insGoto && n == 8 && body[1]|body[2]|body[3] == 0:
			b = x.appendTable(append(b, "goto_table:"...), TableID(body[0]))
		case err == nil && kind == insClearActions && n == 8 && binary.BigEndian.Uint32(body) == 0:
			b = append(b, "clear_actions"...)
		case err == nil && kind == insWriteActions && binary.BigEndian.Uint32(body) == 0 && areActions(body[4:]):
			b, _ = x.appendNested(b, "write_actions", body[4:])
		case err == nil && kind == insMeter && n == 8:
			b = fmt.Appendf(b, "meter:%d", binary.BigEndian.Uint32(body))
		case err == nil && kind == insWriteMetadata && n == 24 && binary.BigEndian.Uint32(body) == 0:
			b = appendWriteMetadata(b, body[4:])
		default:
			b = hex.AppendEncode(append(b, "raw_instruction:"...), list[:n])
		}
		list = list[n:]
	}
	return b
}

// appendWriteMetadata appends the text of a value and a mask.
func appendWriteMetadata(b, pair []byte) []byte {
	b = append(append(b, "write_metadata:"...), hexText(binary.BigEndian.Uint64(pair))...)
	if mask := binary.BigEndian.Uint64(pair[8:]); mask != ^uint64(0) {
		b = append(append(b, '/'), hexText(mask)...)
	}
	return b
}

func areActions(b []byte) bool {
	_, err := decodeActions(b)
	return err == nil
}

func parseWriteMetadata(a Actions, s string) (Actions, error) {
	text, maskText, masked := strings.Cut(s, "/")
	value, err := parseUint(text, 64)
	mask := ^uint64(0)
	if err == nil && masked {
		mask, err = parseUint(maskText, 64)
	}
	return a.WriteMetadata(value, mask), err
}

func (p *actionParser) parseWriteActions(a Actions, s string) (Actions, error) {
	set, err := p.nested(s)
	if err != nil {
		return Actions{}, err
	}
	return a.bounded(len(set.list), func() Actions { return a.WriteActions(set) })
}

func parseRawInstruction(a Actions, s string) (Actions, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return Actions{}, err
	}
	_, n, err := cutTLV(b, "instruction")
	if err == nil && n != len(b) {
		err = fmt.Errorf("instruction of %d bytes in %d", n, len(b))
	}
	return Actions{list: a.list, after: a.after + string(b)}, err
}
