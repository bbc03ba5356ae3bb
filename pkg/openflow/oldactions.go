package openflow

import (
	"encoding/binary"
	"fmt"
)

// Numbers of the actions of OpenFlow 1.0.
const (
	act10Output     = 0
	act10SetVLANVID = 1
	act10SetVLANPCP = 2
	act10StripVLAN  = 3
	act10SetDlSrc   = 4
	act10SetDlDst   = 5
	act10SetNwSrc   = 6
	act10SetNwDst   = 7
	act10SetNwTOS   = 8
	act10SetTpSrc   = 9
	act10SetTpDst   = 10
	act10Enqueue    = 11
)

// Subtypes of the Nicira actions that OpenFlow 1.5 has standard ones for.
const (
	nxSetQueue     = 4
	nxDecTTL       = 18
	nxPushMPLS     = 23
	nxPopMPLS      = 24
	nxSetMPLSTTL   = 25
	nxDecMPLSTTL   = 26
	nxSetMPLSLabel = 30
	nxSetMPLSTC    = 31
	nxGroup        = 40

	onfCopyField = 3200
)

// actEnqueue is the action of OpenFlow 1.0 that no action of 1.5 is: it has a number here that no action has there.
const actEnqueue = 0xfffe

// maxNestedActions is how deep actions of OpenFlow 1.0 may be inside one another; ovs-vswitchd takes no more than this either.
const maxNestedActions = 16

// oldActions makes actions of an older version those of OpenFlow 1.5 that have the same text.
type oldActions struct {
	version uint8
	ipProto uint8 // that the flow matches: what a port is of depends on it
}

// list makes a list of them; depth is how many actions it is inside of.
func (o oldActions) list(b []byte, depth int) (Actions, error) {
	if depth > maxNestedActions {
		return Actions{}, fmt.Errorf("actions inside one another, deeper than %d", maxNestedActions)
	}
	list := make([]byte, 0, len(b))
	for len(b) > 0 {
		kind, n, err := cutTLV(b, "action")
		var next Actions
		switch {
		case err != nil:
		case kind == actVendor:
			next, err = o.vendor(b[:n], depth)
		case o.version == Version10:
			next, err = o.standard10(kind, b[4:n])
		default:
			next.list = string(b[:n])
		}
		if err != nil {
			return Actions{}, err
		}
		list, b = append(list, next.list...), b[n:]
	}
	return Actions{list: string(list)}, nil
}

func (o oldActions) standard10(kind uint16, body []byte) (a Actions, err error) {
	want := 4
	if kind == act10SetDlSrc || kind == act10SetDlDst || kind == act10Enqueue {
		want = 12
	}
	if err := exactly(body, want); err != nil {
		return a, fmt.Errorf("action %d of OpenFlow 1.0: %w", kind, err)
	}
	number := binary.BigEndian.Uint16(body)
	switch kind {
	case act10Output:
		if port := portFrom16(uint64(number)); port != PortController {
			return a.Output(port), nil
		}
		return a.Controller(binary.BigEndian.Uint16(body[2:])), nil
	case act10SetVLANVID:
		return a.setField(FieldVLANVID, []byte{body[0]&0xf | 0x10, body[1]}, nil), nil
	case act10SetVLANPCP:
		return a.setField(FieldVLANPCP, []byte{body[0] & 7}, nil), nil
	case act10StripVLAN:
		return a.PopVLAN(), nil
	case act10SetDlSrc:
		return a.SetEthSrc(MAC(body[:6])), nil
	case act10SetDlDst:
		return a.SetEthDst(MAC(body[:6])), nil
	case act10SetNwSrc:
		return a.setField(FieldIPv4Src, body, nil), nil
	case act10SetNwDst:
		return a.setField(FieldIPv4Dst, body, nil), nil
	case act10SetNwTOS:
		return a.setField(FieldIPDSCP, []byte{body[0] >> 2}, nil), nil
	case act10SetTpSrc:
		return o.port(FieldTCPSrc, FieldUDPSrc, actSetTpSrc, number), nil
	case act10SetTpDst:
		return o.port(FieldTCPDst, FieldUDPDst, actSetTpDst, number), nil
	case act10Enqueue:
		return enqueue10(portFrom16(uint64(number)), binary.BigEndian.Uint32(body[8:])), nil
	}
	return a, fmt.Errorf("action %d is none of OpenFlow 1.0", kind)
}

// port writes a port of TCP or UDP; for that of anything else OpenFlow 1.0 has no other action.
func (o oldActions) port(tcp, udp FieldID, other, port uint16) (a Actions) {
	value := binary.BigEndian.AppendUint16(nil, port)
	switch o.ipProto {
	case ProtoTCP:
		return a.setField(tcp, value, nil)
	case ProtoUDP:
		return a.setField(udp, value, nil)
	}
	return a.plain(other, uint32(port)<<16)
}

// enqueue10 keeps an action that is three in OpenFlow 1.5, and has text of its own.
func enqueue10(port Port, queue uint32) (a Actions) {
	var space [16]byte
	b := binary.BigEndian.AppendUint32(begin(space[:0], actEnqueue), uint32(port))
	return a.appended(binary.BigEndian.AppendUint32(b, queue))
}

// vendor takes an action of an experimenter. Those that have actions inside, or that are standard ones in OpenFlow 1.5, are made
// anew.
func (o oldActions) vendor(action []byte, depth int) (Actions, error) {
	kept := Actions{list: string(action)}
	if len(action) < 16 {
		return kept, nil
	}
	experimenter, subtype := binary.BigEndian.Uint32(action[4:]), binary.BigEndian.Uint16(action[8:])
	switch {
	case experimenter == experimenterNicira && subtype == nxClone:
		return o.nested(action, 16, depth)
	case experimenter == experimenterNicira && subtype == nxCT:
		return o.nested(action, ctLen, depth)
	case experimenter == experimenterNicira && o.version == Version10:
		return vendor10(subtype, action), nil
	case experimenter == experimenterONF && subtype == onfCopyField && len(action) >= 24:
		if src, dst, ok := decodeMove(action[12:], action[20:]); ok {
			return Actions{}.Move(src, dst), nil
		}
	}
	return kept, nil
}

// vendor10 is a Nicira action as the standard one that OpenFlow 1.5 has for it, or kept.
func vendor10(subtype uint16, action []byte) (a Actions) {
	body := action[10:]
	number, wide := binary.BigEndian.Uint16(body), binary.BigEndian.Uint32(body[2:])
	switch subtype {
	case nxSetQueue:
		return a.SetQueue(wide)
	case nxGroup:
		return a.Group(wide)
	case nxDecTTL:
		return a.DecTTL()
	case nxPushMPLS:
		return a.PushMPLS(number)
	case nxPopMPLS:
		return a.PopMPLS(number)
	case nxSetMPLSTTL:
		return a.SetMPLSTTL(body[0])
	case nxDecMPLSTTL:
		return a.DecMPLSTTL()
	case nxSetMPLSLabel:
		return a.plain(actSetMPLSLabel, wide)
	case nxSetMPLSTC:
		return a.plain(actSetMPLSTC, uint32(body[0])<<24)
	}
	return Actions{list: string(action)}
}

// nested takes an action with others after its first n bytes.
func (o oldActions) nested(action []byte, n, depth int) (a Actions, err error) {
	if err := atLeast(action, n); err != nil {
		return a, err
	}
	inner, err := o.list(action[n:], depth+1)
	if err != nil {
		return a, err
	}
	if n+len(inner.list) > 0xfff8 {
		return a, fmt.Errorf("actions of %d bytes inside another", len(inner.list))
	}
	return a.appended(append(clone(action[:n]), inner.list...)), nil
}
