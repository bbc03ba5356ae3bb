package openflow

import (
	"encoding/binary"
	"fmt"
)

// PacketOut has the switch send a packet through actions.
type PacketOut struct {
	Metadata Match // in_port is required; registers, tunnel fields and the like as wanted
	Actions  Actions
	Data     []byte
}

func (PacketOut) mod() {}

// String is the packet-out as ovs-ofctl prints it.
func (m PacketOut) String() string { return "packet-out" + textOf(m) }

// MessageType implements [Message].
func (PacketOut) MessageType() MessageType { return TypePacketOut }

// AppendBinary implements [Message].
func (m PacketOut) AppendBinary(b []byte) ([]byte, error) {
	if m.Actions.after != "" {
		return b, fmt.Errorf("packet-out with instructions: %s", m.Actions)
	}
	b = binary.BigEndian.AppendUint32(b, noBuffer)
	b = binary.BigEndian.AppendUint16(b, uint16(len(m.Actions.list)))
	b, err := m.Metadata.AppendBinary(append(b, 0, 0))
	return append(append(b, m.Actions.list...), m.Data...), err
}

func decodePacketOut(b []byte) (PacketOut, error) {
	if err := atLeast(b, 8); err != nil {
		return PacketOut{}, err
	}
	if id := binary.BigEndian.Uint32(b); id != noBuffer {
		return PacketOut{}, fmt.Errorf("buffer %#x, but no switch has any", id)
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	var m PacketOut
	var err error
	if m.Metadata, b, err = decodeMatch(b[8:]); err != nil {
		return PacketOut{}, err
	}
	if err := atLeast(b, n); err != nil {
		return PacketOut{}, fmt.Errorf("actions: %w", err)
	}
	m.Actions.list, err = decodeActions(b[:n])
	m.Data = clone(b[n:])
	return m, err
}

func (m PacketOut) appendText(p *printer) {
	p.format(" ")
	p.match(m.Metadata)
	p.format(" actions=")
	p.actions(m.Actions)
	p.format(" data_len=%d\n", len(m.Data))
	if len(m.Data) > 0 {
		p.packet(m.Data)
	}
}
