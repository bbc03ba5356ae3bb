package openflow

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// ParsePacketOut reads a packet to send as ovs-ofctl packet-out does, such as in_port=1,reg0=0x5,packet=0102…,actions=output:2.
// Without actions the switch drops it.
func ParsePacketOut(text string) (PacketOut, error) { return plain.ParsePacketOut(text) }

// ParsePacketOut reads a packet to send; see the function [ParsePacketOut].
func (x *Syntax) ParsePacketOut(text string) (PacketOut, error) {
	m, err := x.parsePacketOut(text)
	if err != nil {
		return PacketOut{}, fmt.Errorf("packet-out %q: %w", text, err)
	}
	return m, nil
}

// AppendPacketOut appends a packet to send in the form that [ParsePacketOut] and ovs-ofctl packet-out read.
func (x *Syntax) AppendPacketOut(b []byte, m PacketOut) []byte {
	if start := len(b); !m.Metadata.IsZero() {
		b = append(b, x.appendMatch(nil, m.Metadata)...)
		if len(b) > start {
			b = append(b, ',')
		}
	}
	b = hex.AppendEncode(append(b, "packet="...), m.Data)
	return x.appendActions(append(b, ",actions="...), m.Actions)
}

func (x *Syntax) parsePacketOut(text string) (PacketOut, error) {
	front, actions, ok := cutActions(text)
	if !ok {
		front, actions = text, "drop"
	}
	var m PacketOut
	match := matchParser{Syntax: x}
	hasPort, hasPacket := false, false
	err := eachWord(front, func(word string) (err error) {
		key, value, hasValue := strings.Cut(word, "=")
		switch key {
		case "packet":
			hasPacket = true
			if m.Data, err = hex.DecodeString(value); err != nil {
				err = fmt.Errorf("packet is not whole bytes in hexadecimal")
			} else if len(m.Data) < ethernetHeader {
				err = fmt.Errorf("packet of %d bytes is shorter than an Ethernet header", len(m.Data))
			}
			return err
		case "in_port":
			hasPort = true
			if port, err := x.parsePort(value); err == nil && !port.sendsPackets() {
				return fmt.Errorf("no packet comes from %s, but from a number, LOCAL, CONTROLLER or NONE", port)
			}
		default:
			if !x.isPipeline(key) {
				return fmt.Errorf("a packet-out has in_port, packet, actions and fields of registers, metadata and tunnels, but no %s", key)
			}
		}
		return match.word(key, value, hasValue)
	})
	if err != nil {
		return PacketOut{}, err
	}
	if !hasPort || !hasPacket {
		return PacketOut{}, fmt.Errorf("needs in_port=PORT and packet=HEX")
	}
	if m.Metadata, err = match.finish(front); err != nil {
		return PacketOut{}, err
	}
	p := actionParser{Syntax: x, ipProto: ProtoTCP}
	m.Actions, err = p.nested(actions)
	shift(err, len(text)-len(actions))
	return m, err
}

// isPipeline reports whether a name is of a field that a packet has beside its bytes, which a packet-out can set.
func (x *Syntax) isPipeline(name string) bool {
	sub, err := x.named(name)
	f := sub.Field
	return err == nil && (f.isRegister() || f == FieldMetadata || f == FieldPacketType || strings.HasPrefix(fields[f].name, "tun_"))
}

// sendsPackets reports whether a packet can come from a port.
func (p Port) sendsPackets() bool {
	return portNames[p] == "" || p == PortLocal || p == PortController || p == PortAny
}

func (f FieldID) isRegister() bool {
	n, _ := registersIn(f)
	return n > 0 || f >= FieldReg0 && f <= FieldReg15
}
