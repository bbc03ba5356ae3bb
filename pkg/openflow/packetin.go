package openflow

import (
	"encoding/binary"
	"fmt"
)

// PacketIn is a packet that the switch sends, in one of three forms, or one that is sent back to go on where it stopped.
type PacketIn struct {
	Form     PacketInForm
	Reason   uint8
	Table    TableID
	Cookie   uint64 // of the flow; all ones if there is none
	TotalLen int    // of the packet; Data can be less
	Metadata Match  // in_port, registers and the like
	Data     []byte

	// Userdata, Continuation and Properties are of [PacketInNicira2] and [PacketResume]. Continuation is the switch's own: to
	// resume, send it back as it came. Properties are those that are not known, as they came.
	Userdata     []byte
	Continuation []byte
	Properties   []byte
}

// PacketInForm is how a packet-in is written.
type PacketInForm uint8

// The forms. A controller asks with [SetPacketInFormat] for others than the standard's. PacketResume is the message that
// sends a packet with its continuation back.
const (
	PacketInStandard PacketInForm = iota
	PacketInNicira
	PacketInNicira2
	PacketResume
)

// Properties of NXT_PACKET_IN2 and NXT_RESUME.
const (
	pinPacket = iota
	pinFullLen
	pinBufferID
	pinTable
	pinCookie
	pinReason
	pinMetadata
	pinUserdata
	pinContinuation
)

var packetInReasons = []string{"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "", ""}

// Resume is the message that sends the packet back: it takes up where it stopped.
func (m PacketIn) Resume() PacketIn {
	m.Form, m.Userdata = PacketResume, nil
	m.Table, m.Cookie, m.TotalLen = 0, ^uint64(0), len(m.Data)
	return m
}

// MessageType implements [Message].
func (m PacketIn) MessageType() MessageType {
	if m.Form == PacketInStandard {
		return TypePacketIn
	}
	return TypeExperimenter
}

// AppendBinary implements [Message].
func (m PacketIn) AppendBinary(b []byte) ([]byte, error) {
	switch m.Form {
	case PacketInStandard:
		b = m.appendFront(b)
		b = binary.BigEndian.AppendUint64(b, m.Cookie)
		b, err := m.Metadata.AppendBinary(b)
		return append(append(b, 0, 0), m.Data...), err
	case PacketInNicira:
		b = m.appendFront(appendNiciraHeader(b, nxtPacketIn))
		b = binary.BigEndian.AppendUint64(b, m.Cookie)
		n := len(m.Metadata.oxm)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
		b = append(append(b, 0, 0, 0, 0, 0, 0), m.Metadata.oxm...)
		b = append(b, allZeros[:pad8(n)+2]...)
		return append(b, m.Data...), nil
	case PacketResume:
		return m.appendProperties(appendNiciraHeader(b, nxtResume)), nil
	}
	return m.appendProperties(appendNiciraHeader(b, nxtPacketIn2)), nil
}

func (m PacketIn) appendFront(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, noBuffer)
	b = binary.BigEndian.AppendUint16(b, uint16(m.TotalLen))
	return append(b, m.Reason, byte(m.Table))
}

// appendProperties writes the properties in the order of ovs-vswitchd.
func (m PacketIn) appendProperties(b []byte) []byte {
	b = appendProperty(b, pinPacket, m.Data)
	if m.TotalLen != len(m.Data) {
		b = appendProperty(b, pinFullLen, binary.BigEndian.AppendUint32(nil, uint32(m.TotalLen)))
	}
	if m.Form != PacketResume || m.Table != 0 {
		b = appendProperty(b, pinTable, []byte{byte(m.Table)})
	}
	if m.Cookie != ^uint64(0) {
		b = appendProperty(b, pinCookie, binary.BigEndian.AppendUint64(make([]byte, 4, 12), m.Cookie))
	}
	b = appendProperty(b, pinReason, []byte{m.Reason})
	b = appendProperty(b, pinMetadata, []byte(m.Metadata.oxm))
	if m.Form == PacketResume {
		b = append(m.appendUserdata(b), m.Properties...)
		return m.appendContinuation(b)
	}
	b = m.appendUserdata(m.appendContinuation(b))
	return append(b, m.Properties...)
}

func (m PacketIn) appendUserdata(b []byte) []byte {
	if len(m.Userdata) == 0 {
		return b
	}
	return appendProperty(b, pinUserdata, m.Userdata)
}

func (m PacketIn) appendContinuation(b []byte) []byte {
	if len(m.Continuation) == 0 {
		return b
	}
	return appendProperty(b, pinContinuation, append(make([]byte, 4, 4+len(m.Continuation)), m.Continuation...))
}

func decodePacketIn(b []byte) (PacketIn, error) {
	m, err := decodePacketInFront(PacketInStandard, b, 16)
	if err != nil {
		return m, err
	}
	m.Cookie = binary.BigEndian.Uint64(b[8:])
	m.Metadata, b, err = decodeMatch(b[16:])
	return m.decodeData(b, err)
}

func decodeNiciraPacketIn(b []byte) (PacketIn, error) {
	m, err := decodePacketInFront(PacketInNicira, b, 24)
	if err != nil {
		return m, err
	}
	m.Cookie = binary.BigEndian.Uint64(b[8:])
	n := int(binary.BigEndian.Uint16(b[16:]))
	b = b[24:]
	if err := atLeast(b, n+pad8(n)); err != nil {
		return m, fmt.Errorf("match: %w", err)
	}
	m.Metadata, err = DecodeMatch(b[:n])
	return m.decodeData(b[n+pad8(n):], err)
}

func decodePacketInFront(form PacketInForm, b []byte, n int) (PacketIn, error) {
	if err := atLeast(b, n); err != nil {
		return PacketIn{}, err
	}
	return PacketIn{Form: form, TotalLen: int(binary.BigEndian.Uint16(b[4:])), Reason: b[6], Table: TableID(b[7])}, nil
}

// decodeData takes the packet after two bytes of padding.
func (m PacketIn) decodeData(b []byte, err error) (PacketIn, error) {
	if err == nil {
		err = atLeast(b, 2)
	}
	if err != nil {
		return PacketIn{}, err
	}
	m.Data = clone(b[2:])
	return m, nil
}

func decodePacketProperties(form PacketInForm, b []byte) (PacketIn, error) {
	m := PacketIn{Form: form, Cookie: ^uint64(0), TotalLen: -1}
	for p, err := range properties(b) {
		if err == nil {
			err = m.property(p)
		}
		if err != nil {
			return PacketIn{}, err
		}
	}
	if m.TotalLen < 0 {
		m.TotalLen = len(m.Data)
	}
	return m, nil
}

func (m *PacketIn) property(p property) (err error) {
	var v uint64
	switch p.kind {
	case pinPacket:
		m.Data = clone(p.body)
	case pinFullLen:
		v, err = p.uint(4)
		m.TotalLen = int(v)
	case pinTable:
		v, err = p.uint(1)
		m.Table = TableID(v)
	case pinCookie:
		m.Cookie, err = p.uint(8)
	case pinReason:
		v, err = p.uint(1)
		m.Reason = uint8(v)
	case pinMetadata:
		m.Metadata, err = DecodeMatch(p.body)
	case pinUserdata:
		m.Userdata = clone(p.body)
	case pinContinuation:
		if err = atLeast(p.body, 4); err == nil {
			m.Continuation = clone(p.body[4:])
		}
	default:
		m.Properties = append(m.Properties, p.whole...)
	}
	return err
}

// Properties of a continuation, as Open vSwitch has them.
const (
	contBridge = 0x8000 + iota
	contStack
	contMirrors
	contConntracked
	contTable
	contCookie
	contActions
	contActionSet
	contPort
)

func (m PacketIn) appendText(p *printer) {
	if m.Table != 0 {
		p.format(" table_id=")
		p.b = p.appendTable(p.b, m.Table)
	}
	if m.Cookie != ^uint64(0) {
		p.format(" cookie=%#x", m.Cookie)
	}
	p.format(" total_len=%d ", m.TotalLen)
	p.match(m.Metadata)
	p.format(" (via %s) data_len=%d (unbuffered)", numbered(packetInReasons, uint32(m.Reason)), len(m.Data))
	if m.TotalLen != len(m.Data) {
		p.format(" (***total_len != data_len***)")
	}
	p.format("\n")
	if len(m.Userdata) > 0 {
		p.format(" userdata=%s\n", dotted(m.Userdata))
	}
	p.continuation(m.Continuation)
	p.packet(m.Data)
}

// continuation appends what Open vSwitch keeps of a packet, as far as it can be read.
func (p *printer) continuation(b []byte) {
	var actions, last []byte
	var table, cookie uint64
	for prop, err := range properties(b) {
		if err != nil {
			p.format(" continuation=%s\n", dotted(b))
			return
		}
		switch body := prop.body; prop.kind {
		case contBridge:
			if len(body) == 16 { // words as they lie in the switch's memory
				word := func(i int) uint32 { return binary.LittleEndian.Uint32(body[4*i:]) }
				p.format(" continuation.bridge=%08x-%04x-%04x-%04x-%04x%08x\n",
					word(0), word(1)>>16, word(1)&0xffff, word(2)>>16, word(2)&0xffff, word(3))
			}
		case contMirrors:
			p.format(" continuation.mirrors=%#x\n", uintOf(string(body[:min(len(body), 4)])))
		case contConntracked:
			p.format(" continuation.conntracked=true\n")
		case contTable:
			table, _ = prop.uint(1)
		case contCookie:
			cookie, _ = prop.uint(8)
		case contActions:
			if len(actions) > 0 {
				actions = append(actions, ',')
			}
			actions = fmt.Appendf(actions, "unroll_xlate(table=%d, cookie=%s)", table, hexText(cookie))
			if list := p.actionsOf(body); len(list) > 0 {
				actions = append(append(actions, ','), list...)
			}
		case contActionSet:
			last = fmt.Appendf(last, " continuation.action_set=%s\n", p.actionsOf(body))
		case contPort:
			port, _ := prop.uint(4)
			last = fmt.Appendf(last, " continuation.odp_port=%d\n", port)
		}
	}
	if len(actions) > 0 {
		p.format(" continuation.actions=%s\n", actions)
	}
	p.b = append(p.b, last...)
}

// actionsOf is the text of actions in a property, behind its padding.
func (p *printer) actionsOf(body []byte) []byte {
	if len(body) <= 4 {
		return nil
	}
	list, err := decodeActions(body[4:])
	if err != nil {
		return []byte(err.Error())
	}
	return p.AppendActions(nil, Actions{list: list})
}

// dotted is bytes as ovs-ofctl writes userdata and notes.
func dotted(b []byte) string {
	var text []byte
	for i, octet := range b {
		if i > 0 {
			text = append(text, '.')
		}
		text = fmt.Appendf(text, "%02x", octet)
	}
	return string(text)
}
