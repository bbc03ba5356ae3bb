package openflow

import (
	"encoding/binary"
	"fmt"
)

// Types of the messages of Open vSwitch, of experimenter [experimenterNicira].
const (
	nxtRoleRequest        = 10
	nxtRoleReply          = 11
	nxtSetFlowFormat      = 12
	nxtFlowMod            = 13
	nxtFlowRemoved        = 14
	nxtFlowModTableID     = 15
	nxtSetPacketInFormat  = 16
	nxtPacketIn           = 17
	nxtFlowAge            = 18
	nxtSetAsyncConfig     = 19
	nxtSetControllerID    = 20
	nxtFlowMonitorCancel  = 21
	nxtFlowMonitorPaused  = 22
	nxtFlowMonitorResumed = 23
	nxtTLVTableMod        = 24
	nxtTLVTableRequest    = 25
	nxtTLVTableReply      = 26
	nxtSetAsyncConfig2    = 27
	nxtResume             = 28
	nxtCTFlushZone        = 29
	nxtPacketIn2          = 30
	nxtCTFlush            = 32
)

// Types of its multipart messages.
const (
	nxstFlow        = 0
	nxstAggregate   = 1
	nxstFlowMonitor = 2
	nxstIPFIXBridge = 3
	nxstIPFIXFlow   = 4
)

func appendNiciraHeader(b []byte, subtype uint32) []byte {
	b = binary.BigEndian.AppendUint32(b, experimenterNicira)
	return binary.BigEndian.AppendUint32(b, subtype)
}

// decodeNicira reads a message of Open vSwitch; one that is not known comes as [Raw].
func decodeNicira(b []byte) (Message, error) {
	subtype, body := binary.BigEndian.Uint32(b[4:]), b[8:]
	switch subtype {
	case nxtRoleRequest, nxtRoleReply:
		return decodeNiciraRole(subtype == nxtRoleReply, body)
	case nxtFlowRemoved:
		return decodeNiciraFlowRemoved(body)
	case nxtPacketIn:
		return decodeNiciraPacketIn(body)
	case nxtPacketIn2:
		return decodePacketProperties(PacketInNicira2, body)
	case nxtResume:
		return decodePacketProperties(PacketResume, body)
	case nxtSetAsyncConfig:
		return decodeNiciraAsync(body)
	case nxtSetAsyncConfig2:
		return decodeAsync(AsyncConfig{Set: true, Form: AsyncNicira2}, body)
	case nxtFlowModTableID, nxtSetPacketInFormat, nxtSetControllerID, nxtSetFlowFormat, nxtCTFlushZone, nxtFlowMonitorCancel,
		nxtFlowAge, nxtTLVTableRequest, nxtFlowMonitorPaused, nxtFlowMonitorResumed:
		return decodeNiciraNumber(subtype, body)
	case nxtTLVTableMod:
		return decodeTLVTableMod(body)
	case nxtTLVTableReply:
		return decodeTLVTable(body)
	case nxtCTFlush:
		return decodeCTFlush(body)
	}
	return Raw{Type: TypeExperimenter, Body: clone(b)}, nil
}

// NiciraNumber is one of the messages of Open vSwitch that say a number, or nothing. The functions that return one say which
// there are.
type NiciraNumber struct {
	subtype uint32
	Number  uint32
}

// SetFlowFormat asks for flows in the format of OpenFlow 1.0 (0) or of Open vSwitch (2); of OpenFlow 1.0.
func SetFlowFormat(format uint32) NiciraNumber { return NiciraNumber{nxtSetFlowFormat, format} }

// FlowModTableID says whether flow mods have the table in their command; of OpenFlow 1.0.
func FlowModTableID(on bool) NiciraNumber {
	if on {
		return NiciraNumber{nxtFlowModTableID, 1}
	}
	return NiciraNumber{nxtFlowModTableID, 0}
}

// SetPacketInFormat asks for packet-ins in another form.
func SetPacketInFormat(form PacketInForm) NiciraNumber {
	return NiciraNumber{nxtSetPacketInFormat, uint32(form)}
}

// SetControllerID gives the connection a number, for controller actions to name it.
func SetControllerID(id uint16) NiciraNumber { return NiciraNumber{nxtSetControllerID, uint32(id)} }

// FlushCTZone has the switch forget the connections of a zone.
func FlushCTZone(zone uint16) NiciraNumber { return NiciraNumber{nxtCTFlushZone, uint32(zone)} }

// CancelFlowMonitor ends a flow monitor; of OpenFlow 1.0. In 1.5 there is [MonitorDelete].
func CancelFlowMonitor(id uint32) NiciraNumber { return NiciraNumber{nxtFlowMonitorCancel, id} }

// RequestTLVTable asks for the [TLVTable].
func RequestTLVTable() NiciraNumber { return NiciraNumber{subtype: nxtTLVTableRequest} }

// FlowAge has no meaning any more.
func FlowAge() NiciraNumber { return NiciraNumber{subtype: nxtFlowAge} }

// niciraNumberAt is how many bytes come before the number and how many it has; the rest up to total are zero.
func niciraNumberAt(subtype uint32) (before, n, total int) {
	switch subtype {
	case nxtFlowModTableID:
		return 0, 1, 8
	case nxtSetPacketInFormat, nxtSetFlowFormat, nxtFlowMonitorCancel:
		return 0, 4, 4
	case nxtSetControllerID, nxtCTFlushZone:
		return 6, 2, 8
	}
	return 0, 0, 0
}

// MessageType implements [Message].
func (NiciraNumber) MessageType() MessageType { return TypeExperimenter }

// AppendBinary implements [Message].
func (m NiciraNumber) AppendBinary(b []byte) ([]byte, error) {
	before, n, total := niciraNumberAt(m.subtype)
	if n < 4 && m.Number>>(8*n) != 0 {
		return b, fmt.Errorf("message %d of Open vSwitch with %d in %d bytes", m.subtype, m.Number, n)
	}
	b = append(appendNiciraHeader(b, m.subtype), allZeros[:total]...)
	for i := range n {
		b[len(b)-total+before+i] = byte(m.Number >> (8 * (n - 1 - i)))
	}
	return b, nil
}

func decodeNiciraNumber(subtype uint32, b []byte) (NiciraNumber, error) {
	before, n, total := niciraNumberAt(subtype)
	if err := exactly(b, total); err != nil {
		return NiciraNumber{}, err
	}
	return NiciraNumber{subtype, uint32(uintOf(string(b[before : before+n])))}, nil
}

var packetInFormatNames = []string{"standard", "nxt_packet_in", "nxt_packet_in2"}

func (m NiciraNumber) appendText(p *printer) {
	switch m.subtype {
	case nxtFlowModTableID:
		if m.Number != 0 {
			p.format(" enable")
		} else {
			p.format(" disable")
		}
	case nxtSetPacketInFormat:
		p.format(" format=%s", numbered(packetInFormatNames, m.Number))
	case nxtSetFlowFormat:
		switch m.Number {
		case 0:
			p.format(" format=openflow10")
		case 2:
			p.format(" format=nxm")
		default:
			p.format(" format=%d", m.Number)
		}
	case nxtSetControllerID, nxtFlowMonitorCancel:
		p.format(" id=%d", m.Number)
	case nxtCTFlushZone:
		p.format(" zone_id=%d", m.Number)
	}
}
