package openflow

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Move copies bits of a field to as many bits of another.
func (a Actions) Move(src, dst Subfield) Actions {
	if src.Width != dst.Width {
		panic(fmt.Sprintf("openflow: move of %s to %s, which is of another width", src, dst))
	}
	var space [32]byte
	b := begin(space[:0], actCopyField)
	b = binary.BigEndian.AppendUint16(b, src.Width)
	b = binary.BigEndian.AppendUint16(b, src.First)
	b = binary.BigEndian.AppendUint16(b, dst.First)
	b = append(b, 0, 0)
	return a.appended(dst.appendWire(src.appendWire(b)))
}

// Push puts bits of a field on the packet's stack.
func (a Actions) Push(s Subfield) Actions { return a.stack(nxStackPush, s) }

// Pop takes bits of a field off the packet's stack.
func (a Actions) Pop(s Subfield) Actions { return a.stack(nxStackPop, s) }

func (a Actions) stack(subtype uint16, s Subfield) Actions {
	var space [24]byte
	b := beginNicira(space[:0], subtype)
	b = binary.BigEndian.AppendUint16(b, s.First)
	b = s.appendLegacy(b)
	b = binary.BigEndian.AppendUint16(b, s.Width)
	return a.appended(append(b, allZeros[:24-len(b)]...))
}

// CheckPktLarger writes into a bit whether the packet has more than n bytes.
func (a Actions) CheckPktLarger(n uint16, dst Subfield) Actions {
	var space [24]byte
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxCheckPktLarger), n)
	b = dst.appendLegacy(binary.BigEndian.AppendUint16(b, dst.First))
	return a.appended(append(b, allZeros[:24-len(b)]...))
}

// DeleteField takes a tun_metadata option away.
func (a Actions) DeleteField(option Subfield) Actions {
	var space [24]byte
	b := option.appendLegacy(beginNicira(space[:0], nxDeleteField))
	return a.appended(append(b, allZeros[:24-len(b)]...))
}

// decodeMove reads the three numbers of an action that copies bits, and the headers of both fields.
func decodeMove(numbers, headers []byte) (src, dst Subfield, ok bool) {
	width := int(binary.BigEndian.Uint16(numbers))
	src, rest, err := cutSubfield(headers, int(binary.BigEndian.Uint16(numbers[2:])), width)
	if err != nil {
		return src, dst, false
	}
	dst, rest, err = cutSubfield(rest, int(binary.BigEndian.Uint16(numbers[4:])), width)
	return src, dst, err == nil && len(rest) < 8 && dst.Field.Writable()
}

func (x *Syntax) appendMove(b []byte, verb string, src, dst Subfield) []byte {
	b = append(x.appendSubfield(append(b, verb...), src), "->"...)
	return x.appendSubfield(b, dst)
}

// decodeStack reads the body of push and pop.
func decodeStack(body []byte) (Subfield, bool) {
	if len(body) < 2 {
		return Subfield{}, false
	}
	_, rest, err := cutHeader(body[2:])
	if err != nil || len(rest) < 2 {
		return Subfield{}, false
	}
	s, _, err := cutSubfield(body[2:], int(binary.BigEndian.Uint16(body)), int(binary.BigEndian.Uint16(rest)))
	return s, err == nil
}

func (x *Syntax) appendStack(b, body []byte, verb string) ([]byte, bool) {
	s, ok := decodeStack(body)
	return x.appendSubfield(append(b, verb...), s), ok
}

func decodeCheckPktLarger(body []byte) (CheckPktLarger, bool) {
	if len(body) < 4 {
		return CheckPktLarger{}, false
	}
	dst, _, err := cutSubfield(body[4:], int(binary.BigEndian.Uint16(body[2:])), 1)
	return CheckPktLarger{binary.BigEndian.Uint16(body), dst}, err == nil
}

func (x *Syntax) appendCheckPktLarger(b, body []byte) ([]byte, bool) {
	c, ok := decodeCheckPktLarger(body)
	return x.appendSubfield(fmt.Appendf(b, "check_pkt_larger(%d)->", c.Length), c.Dst), ok
}

func decodeDeleteField(body []byte) (DeleteField, bool) {
	option, _, err := cutHeader(body)
	return DeleteField{option}, err == nil && fields[option.Field].variable
}

func (x *Syntax) parseMove(s string) (src, dst Subfield, err error) {
	from, to, err := cutArrow(s)
	if err != nil {
		return src, dst, err
	}
	if src, err = x.parseSubfield(from); err != nil {
		return src, dst, err
	}
	if dst, err = x.writable(to); err != nil {
		return src, dst, err
	}
	if src.Width != dst.Width {
		return src, dst, fmt.Errorf("%s has %d bits, %s has %d", src, src.Width, dst, dst.Width)
	}
	return src, dst, nil
}

func cutArrow(s string) (src, dst string, err error) {
	src, dst, ok := strings.Cut(s, "->")
	if !ok {
		return "", "", fmt.Errorf("no -> in %q", s)
	}
	return src, dst, nil
}

func (x *Syntax) parseCheckPktLarger(a Actions, s string) (Actions, error) {
	from, to, err := cutArrow(s)
	if err != nil {
		return Actions{}, err
	}
	n, err := parseUint(strings.TrimSuffix(from, ")"), 16)
	if err != nil {
		return Actions{}, err
	}
	dst, err := x.writable(to)
	if err == nil && dst.Width != 1 {
		err = fmt.Errorf("%s is not one bit", dst)
	}
	return a.CheckPktLarger(uint16(n), dst), err
}

func (x *Syntax) parseDeleteField(a Actions, s string) (Actions, error) {
	sub, err := x.parseSubfield(s)
	if err == nil && (!fields[sub.Field].variable || !sub.whole()) {
		err = fmt.Errorf("%s is not a tun_metadata field", s)
	}
	return a.DeleteField(sub), err
}
