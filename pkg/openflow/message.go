package openflow

import (
	"encoding/binary"
	"fmt"
)

// Versions of OpenFlow, as they stand in every header. Only 1.5 is interpreted, beside the messages that are the same in all and
// the dumps of flows of 1.0 and 1.3.
const (
	Version10 = 1
	Version13 = 4
	Version15 = 6
)

// HeaderLen is the length of the header of every message.
const HeaderLen = 8

// MessageType is the type of a message.
type MessageType uint8

// The types of messages of OpenFlow 1.5.
const (
	TypeHello            MessageType = 0
	TypeError            MessageType = 1
	TypeEchoRequest      MessageType = 2
	TypeEchoReply        MessageType = 3
	TypeExperimenter     MessageType = 4
	TypeFeaturesRequest  MessageType = 5
	TypeFeaturesReply    MessageType = 6
	TypeGetConfigRequest MessageType = 7
	TypeGetConfigReply   MessageType = 8
	TypeSetConfig        MessageType = 9
	TypePacketIn         MessageType = 10
	TypeFlowRemoved      MessageType = 11
	TypePortStatus       MessageType = 12
	TypePacketOut        MessageType = 13
	TypeFlowMod          MessageType = 14
	TypeGroupMod         MessageType = 15
	TypePortMod          MessageType = 16
	TypeTableMod         MessageType = 17
	TypeMultipartRequest MessageType = 18
	TypeMultipartReply   MessageType = 19
	TypeBarrierRequest   MessageType = 20
	TypeBarrierReply     MessageType = 21
	TypeRoleRequest      MessageType = 24
	TypeRoleReply        MessageType = 25
	TypeGetAsyncRequest  MessageType = 26
	TypeGetAsyncReply    MessageType = 27
	TypeSetAsync         MessageType = 28
	TypeMeterMod         MessageType = 29
	TypeRoleStatus       MessageType = 30
	TypeTableStatus      MessageType = 31
	TypeRequestForward   MessageType = 32
	TypeBundleControl    MessageType = 33
	TypeBundleAdd        MessageType = 34
	TypeControllerStatus MessageType = 35
)

var typeNames = [...]string{
	TypeHello:            "HELLO",
	TypeError:            "ERROR",
	TypeEchoRequest:      "ECHO_REQUEST",
	TypeEchoReply:        "ECHO_REPLY",
	TypeExperimenter:     "EXPERIMENTER",
	TypeFeaturesRequest:  "FEATURES_REQUEST",
	TypeFeaturesReply:    "FEATURES_REPLY",
	TypeGetConfigRequest: "GET_CONFIG_REQUEST",
	TypeGetConfigReply:   "GET_CONFIG_REPLY",
	TypeSetConfig:        "SET_CONFIG",
	TypePacketIn:         "PACKET_IN",
	TypeFlowRemoved:      "FLOW_REMOVED",
	TypePortStatus:       "PORT_STATUS",
	TypePacketOut:        "PACKET_OUT",
	TypeFlowMod:          "FLOW_MOD",
	TypeGroupMod:         "GROUP_MOD",
	TypePortMod:          "PORT_MOD",
	TypeTableMod:         "TABLE_MOD",
	TypeMultipartRequest: "MULTIPART_REQUEST",
	TypeMultipartReply:   "MULTIPART_REPLY",
	TypeBarrierRequest:   "BARRIER_REQUEST",
	TypeBarrierReply:     "BARRIER_REPLY",
	TypeRoleRequest:      "ROLE_REQUEST",
	TypeRoleReply:        "ROLE_REPLY",
	TypeGetAsyncRequest:  "GET_ASYNC_REQUEST",
	TypeGetAsyncReply:    "GET_ASYNC_REPLY",
	TypeSetAsync:         "SET_ASYNC",
	TypeMeterMod:         "METER_MOD",
	TypeRoleStatus:       "ROLE_STATUS",
	TypeTableStatus:      "TABLE_STATUS",
	TypeRequestForward:   "REQUESTFORWARD",
	TypeBundleControl:    "BUNDLE_CONTROL",
	TypeBundleAdd:        "BUNDLE_ADD_MESSAGE",
	TypeControllerStatus: "CONTROLLER_STATUS",
}

// String is the name of the type in the specification, without its prefix.
func (t MessageType) String() string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t]
	}
	return fmt.Sprintf("message type %d", uint8(t))
}

// Header is the front of every message.
type Header struct {
	Version uint8
	Type    MessageType
	Length  uint16
	Xid     uint32
}

// DecodeHeader reads the header at the front of b.
func DecodeHeader(b []byte) (Header, error) {
	if len(b) < HeaderLen {
		return Header{}, fmt.Errorf("header in %d bytes: %w", len(b), errTruncated)
	}
	h := Header{
		Version: b[0],
		Type:    MessageType(b[1]),
		Length:  binary.BigEndian.Uint16(b[2:]),
		Xid:     binary.BigEndian.Uint32(b[4:]),
	}
	if h.Length < HeaderLen {
		return Header{}, fmt.Errorf("%s of %d bytes, less than its header", h.Type, h.Length)
	}
	return h, nil
}

// Message is what goes over a connection, apart from the header.
type Message interface {
	MessageType() MessageType
	// AppendBinary appends the body.
	AppendBinary(b []byte) ([]byte, error)
}

// AppendMessage appends m with its header.
func AppendMessage(b []byte, xid uint32, m Message) ([]byte, error) {
	start := len(b)
	version, kind := versionOf(m)
	b = append(b, version, byte(kind), 0, 0)
	b = binary.BigEndian.AppendUint32(b, xid)
	b, err := m.AppendBinary(b)
	if err != nil {
		return b[:start], err
	}
	n := len(b) - start
	if n > 0xffff {
		return b[:start], fmt.Errorf("%s of %d bytes is longer than a message can be", m.MessageType(), n)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	return b, nil
}

// versionOf is the version of a message, and its type in that version.
func versionOf(m Message) (uint8, MessageType) {
	kind := m.MessageType()
	part, ok := m.(Multipart)
	if !ok || part.Version == 0 {
		return Version15, kind
	}
	if part.Version == Version10 {
		kind = type10(kind)
	}
	return part.Version, kind
}

// Decode reads one whole message. A message of a type that is not known comes as [Raw].
func Decode(b []byte) (Header, Message, error) {
	h, err := DecodeHeader(b)
	if err != nil {
		return Header{}, nil, err
	}
	if int(h.Length) != len(b) {
		return h, nil, fmt.Errorf("%s of %d bytes in %d: %w", h.Type, h.Length, len(b), errTruncated)
	}
	m, err := decodeBody(h, b[HeaderLen:])
	if err != nil {
		return h, nil, fmt.Errorf("%s: %w", h.Type, err)
	}
	return h, m, nil
}

func decodeBody(h Header, b []byte) (Message, error) {
	switch h.Type {
	case TypeHello:
		return decodeHello(h.Version, b)
	case TypeError:
		return decodeError(b)
	case TypeEchoRequest:
		return Echo{Data: clone(b)}, nil
	case TypeEchoReply:
		return Echo{Reply: true, Data: clone(b)}, nil
	}
	if h.Version == Version10 || h.Version == Version13 {
		if t := h.standardType(); t == TypeMultipartRequest || t == TypeMultipartReply {
			if m, err := decodeMultipart(h, b); err != nil || m.isDump() {
				return m, err
			}
		}
	}
	if h.Version != Version15 {
		return Raw{Type: h.Type, Body: clone(b)}, nil
	}
	switch h.Type {
	case TypeFeaturesRequest, TypeGetConfigRequest, TypeBarrierRequest, TypeBarrierReply, TypeGetAsyncRequest:
		return Empty(h.Type), exactly(b, 0)
	case TypeFeaturesReply:
		return decodeFeatures(b)
	case TypeGetConfigReply, TypeSetConfig:
		return decodeConfig(h.Type, b)
	case TypeExperimenter:
		if experimenter, _ := experimenterAt(b); experimenter == experimenterNicira {
			return decodeNicira(b)
		}
	case TypeFlowMod:
		return decodeFlowMod(b)
	case TypeGroupMod:
		return decodeGroupMod(b)
	case TypePortMod:
		return decodePortMod(b)
	case TypeTableMod:
		return decodeTableMod(b)
	case TypeMeterMod:
		return decodeMeterMod(b)
	case TypePacketOut:
		return decodePacketOut(b)
	case TypeRoleRequest, TypeRoleReply:
		return decodeRole(h.Type == TypeRoleReply, b)
	case TypeGetAsyncReply, TypeSetAsync:
		return decodeAsync(AsyncConfig{Set: h.Type == TypeSetAsync}, b)
	case TypeMultipartRequest, TypeMultipartReply:
		return decodeMultipart(h, b)
	case TypeBundleControl:
		return decodeBundleControl(b)
	case TypeBundleAdd:
		return decodeBundleAdd(b)
	}
	return decodeEvent(h, b)
}

// decodeEvent reads what a switch sends of its own accord.
func decodeEvent(h Header, b []byte) (Message, error) {
	switch h.Type {
	case TypePacketIn:
		return decodePacketIn(b)
	case TypeFlowRemoved:
		return decodeFlowRemoved(b)
	case TypePortStatus:
		return decodePortStatus(b)
	case TypeRoleStatus:
		return decodeRoleStatus(b)
	case TypeTableStatus:
		return decodeTableStatus(b)
	case TypeRequestForward:
		return decodeRequestForward(b)
	}
	return Raw{Type: h.Type, Body: clone(b)}, nil
}

func clone(b []byte) []byte { return append([]byte(nil), b...) }

// Empty is a message without a body: a features or barrier request, a barrier reply.
type Empty MessageType

// MessageType implements [Message].
func (m Empty) MessageType() MessageType { return MessageType(m) }

// AppendBinary implements [Message].
func (m Empty) AppendBinary(b []byte) ([]byte, error) { return b, nil }

// Raw is a message of a type that this package does not interpret.
type Raw struct {
	Type MessageType
	Body []byte
}

// MessageType implements [Message].
func (m Raw) MessageType() MessageType { return m.Type }

// AppendBinary implements [Message].
func (m Raw) AppendBinary(b []byte) ([]byte, error) { return append(b, m.Body...), nil }

// Echo asks for, or is, a sign of life.
type Echo struct {
	Reply bool
	Data  []byte
}

// MessageType implements [Message].
func (m Echo) MessageType() MessageType {
	if m.Reply {
		return TypeEchoReply
	}
	return TypeEchoRequest
}

// AppendBinary implements [Message].
func (m Echo) AppendBinary(b []byte) ([]byte, error) { return append(b, m.Data...), nil }

// Mod is a message that changes the switch and can be part of a bundle: [FlowMod], [GroupMod], [PortMod] or [PacketOut].
type Mod interface {
	Message
	// String is the flow or group as ovs-ofctl spells it, for errors.
	String() string
	mod()
}
