package openflow

import (
	"encoding/binary"
	"iter"
	"slices"
)

// MessageKind is a kind of message: a type of message, a type of multipart message in one direction, or a message of an
// experimenter.
type MessageKind struct {
	Name         string // as ovs-ofctl prints it, such as OFPT_FLOW_MOD or OFPST_PORT reply
	Type         MessageType
	Multipart    MultipartType // of multipart messages
	Experimenter uint32        // of messages of an experimenter
	Subtype      uint32        // the experimenter's own type
	Direction    Direction
	// Refused is the error with which Open vSwitch 3.1 answers on OpenFlow 1.5 to a kind that it should take and does not
	// know, or that it should send and does not know how to; nil for all that it speaks.
	Refused *Error
}

// Direction says who sends a kind of message.
type Direction uint8

// The directions.
const (
	ToSwitch Direction = 1 << iota
	FromSwitch
	BothWays = ToSwitch | FromSwitch
)

// String names the sender.
func (d Direction) String() string {
	switch d {
	case ToSwitch:
		return "to switch"
	case FromSwitch:
		return "from switch"
	}
	return "both ways"
}

// MessageKinds goes over the table of all kinds of messages of OpenFlow 1.5, and of Open vSwitch beside it.
func MessageKinds() iter.Seq[MessageKind] { return slices.Values(messageKinds) }

func messageKind(t MessageType, name string, d Direction) MessageKind {
	return MessageKind{Name: name, Type: t, Direction: d}
}

// partsOf are the request and the reply of a type of multipart message.
func partsOf(t MultipartType, name string) []MessageKind {
	return []MessageKind{
		{Name: name + " request", Type: TypeMultipartRequest, Multipart: t, Direction: ToSwitch},
		{Name: name + " reply", Type: TypeMultipartReply, Multipart: t, Direction: FromSwitch},
	}
}

func niciraKind(subtype uint32, name string, d Direction) MessageKind {
	return MessageKind{Name: name, Type: TypeExperimenter, Experimenter: experimenterNicira, Subtype: subtype, Direction: d}
}

func niciraParts(subtype uint32, name string) []MessageKind {
	list := partsOf(MultipartExperimenter, name)
	for i := range list {
		list[i].Experimenter, list[i].Subtype = experimenterNicira, subtype
	}
	return list
}

// refused marks kinds that Open vSwitch does not have.
func refused(err *Error, list ...MessageKind) []MessageKind {
	for i := range list {
		list[i].Refused = err
	}
	return list
}

var messageKinds = slices.Concat([]MessageKind{
	messageKind(TypeHello, "OFPT_HELLO", BothWays),
	messageKind(TypeError, "OFPT_ERROR", BothWays),
	messageKind(TypeEchoRequest, "OFPT_ECHO_REQUEST", BothWays),
	messageKind(TypeEchoReply, "OFPT_ECHO_REPLY", BothWays),
	messageKind(TypeFeaturesRequest, "OFPT_FEATURES_REQUEST", ToSwitch),
	messageKind(TypeFeaturesReply, "OFPT_FEATURES_REPLY", FromSwitch),
	messageKind(TypeGetConfigRequest, "OFPT_GET_CONFIG_REQUEST", ToSwitch),
	messageKind(TypeGetConfigReply, "OFPT_GET_CONFIG_REPLY", FromSwitch),
	messageKind(TypeSetConfig, "OFPT_SET_CONFIG", ToSwitch),
	messageKind(TypePacketIn, "OFPT_PACKET_IN", FromSwitch),
	messageKind(TypeFlowRemoved, "OFPT_FLOW_REMOVED", FromSwitch),
	messageKind(TypePortStatus, "OFPT_PORT_STATUS", FromSwitch),
	messageKind(TypePacketOut, "OFPT_PACKET_OUT", ToSwitch),
	messageKind(TypeFlowMod, "OFPT_FLOW_MOD", ToSwitch),
	messageKind(TypeGroupMod, "OFPT_GROUP_MOD", ToSwitch),
	messageKind(TypePortMod, "OFPT_PORT_MOD", ToSwitch),
	messageKind(TypeTableMod, "OFPT_TABLE_MOD", ToSwitch),
	messageKind(TypeBarrierRequest, "OFPT_BARRIER_REQUEST", ToSwitch),
	messageKind(TypeBarrierReply, "OFPT_BARRIER_REPLY", FromSwitch),
	messageKind(TypeRoleRequest, "OFPT_ROLE_REQUEST", ToSwitch),
	messageKind(TypeRoleReply, "OFPT_ROLE_REPLY", FromSwitch),
	messageKind(TypeGetAsyncRequest, "OFPT_GET_ASYNC_REQUEST", ToSwitch),
	messageKind(TypeGetAsyncReply, "OFPT_GET_ASYNC_REPLY", FromSwitch),
	messageKind(TypeSetAsync, "OFPT_SET_ASYNC", ToSwitch),
	messageKind(TypeMeterMod, "OFPT_METER_MOD", ToSwitch),
	messageKind(TypeRoleStatus, "OFPT_ROLE_STATUS", FromSwitch),
	messageKind(TypeTableStatus, "OFPT_TABLE_STATUS", FromSwitch),
	messageKind(TypeRequestForward, "OFPT_REQUESTFORWARD", FromSwitch),
	messageKind(TypeBundleControl, "OFPT_BUNDLE_CONTROL", BothWays),
	messageKind(TypeBundleAdd, "OFPT_BUNDLE_ADD_MESSAGE", ToSwitch),
},
	refused(ErrBadType, messageKind(TypeControllerStatus, "OFPT_CONTROLLER_STATUS", FromSwitch)),
	partsOf(MultipartDesc, "OFPST_DESC"),
	partsOf(MultipartFlowDesc, "OFPST_FLOW"),
	partsOf(MultipartAggregate, "OFPST_AGGREGATE"),
	partsOf(MultipartTable, "OFPST_TABLE"),
	partsOf(MultipartPort, "OFPST_PORT"),
	partsOf(MultipartQueue, "OFPST_QUEUE"),
	partsOf(MultipartGroup, "OFPST_GROUP"),
	partsOf(MultipartGroupDesc, "OFPST_GROUP_DESC"),
	partsOf(MultipartGroupFeatures, "OFPST_GROUP_FEATURES"),
	partsOf(MultipartMeter, "OFPST_METER"),
	partsOf(MultipartMeterConfig, "OFPST_METER_CONFIG"),
	partsOf(MultipartMeterFeatures, "OFPST_METER_FEATURES"),
	partsOf(MultipartTableFeatures, "OFPST_TABLE_FEATURES"),
	partsOf(MultipartPortDesc, "OFPST_PORT_DESC"),
	partsOf(MultipartTableDesc, "OFPST_TABLE_DESC"),
	partsOf(MultipartQueueDesc, "OFPST_QUEUE_DESC"),
	partsOf(MultipartFlowMonitor, "OFPST_FLOW_MONITOR"),
	refused(ErrBadMultipart, partsOf(MultipartFlowStats, "OFPST_FLOW_STATS")...),
	refused(ErrBadMultipart, partsOf(MultipartControllerStatus, "OFPST_CONTROLLER_STATUS")...),
	refused(ErrBadMultipart, partsOf(MultipartBundleFeatures, "OFPST_BUNDLE_FEATURES")...),
	[]MessageKind{
		niciraKind(nxtRoleRequest, "NXT_ROLE_REQUEST", ToSwitch),
		niciraKind(nxtRoleReply, "NXT_ROLE_REPLY", FromSwitch),
	},
	refused(ErrBadSubtype, niciraKind(nxtSetFlowFormat, "NXT_SET_FLOW_FORMAT", ToSwitch)),
	[]MessageKind{
		niciraKind(nxtFlowMod, "NXT_FLOW_MOD", ToSwitch),
		niciraKind(nxtFlowRemoved, "NXT_FLOW_REMOVED", FromSwitch),
		niciraKind(nxtFlowModTableID, "NXT_FLOW_MOD_TABLE_ID", ToSwitch),
		niciraKind(nxtSetPacketInFormat, "NXT_SET_PACKET_IN_FORMAT", ToSwitch),
		niciraKind(nxtPacketIn, "NXT_PACKET_IN", FromSwitch),
		niciraKind(nxtFlowAge, "NXT_FLOW_AGE", ToSwitch),
		niciraKind(nxtSetAsyncConfig, "NXT_SET_ASYNC_CONFIG", ToSwitch),
		niciraKind(nxtSetControllerID, "NXT_SET_CONTROLLER_ID", ToSwitch),
	},
	refused(ErrBadSubtype,
		niciraKind(nxtFlowMonitorCancel, "NXT_FLOW_MONITOR_CANCEL", ToSwitch),
		niciraKind(nxtFlowMonitorPaused, "NXT_FLOW_MONITOR_PAUSED", FromSwitch),
		niciraKind(nxtFlowMonitorResumed, "NXT_FLOW_MONITOR_RESUMED", FromSwitch),
	),
	[]MessageKind{
		niciraKind(nxtTLVTableMod, "NXT_TLV_TABLE_MOD", ToSwitch),
		niciraKind(nxtTLVTableRequest, "NXT_TLV_TABLE_REQUEST", ToSwitch),
		niciraKind(nxtTLVTableReply, "NXT_TLV_TABLE_REPLY", FromSwitch),
	},
	refused(ErrBadSubtype, niciraKind(nxtSetAsyncConfig2, "NXT_SET_ASYNC_CONFIG2", ToSwitch)),
	[]MessageKind{
		niciraKind(nxtResume, "NXT_RESUME", ToSwitch),
		niciraKind(nxtCTFlushZone, "NXT_CT_FLUSH_ZONE", ToSwitch),
		niciraKind(nxtPacketIn2, "NXT_PACKET_IN2", FromSwitch),
		niciraKind(nxtCTFlush, "NXT_CT_FLUSH", ToSwitch),
	},
	refused(ErrBadSubtype, niciraParts(nxstFlow, "NXST_FLOW")...),
	refused(ErrBadSubtype, niciraParts(nxstAggregate, "NXST_AGGREGATE")...),
	refused(ErrBadSubtype, niciraParts(nxstFlowMonitor, "NXST_FLOW_MONITOR")...),
	niciraParts(nxstIPFIXBridge, "NXST_IPFIX_BRIDGE"),
	niciraParts(nxstIPFIXFlow, "NXST_IPFIX_FLOW"),
)

// kindNumber is what tells kinds of messages apart.
type kindNumber struct {
	kind         MessageType
	multipart    MultipartType
	experimenter uint32
	subtype      uint32
}

var kindsByNumber = func() map[kindNumber]*MessageKind {
	index := make(map[kindNumber]*MessageKind, len(messageKinds))
	for i := range messageKinds {
		k := &messageKinds[i]
		index[kindNumber{k.Type, k.Multipart, k.Experimenter, k.Subtype}] = k
	}
	return index
}()

// kindAt is the kind of a message, of which only the beginning has to be there.
func kindAt(h Header, body []byte) (*MessageKind, bool) {
	number := kindNumber{kind: h.standardType()}
	switch number.kind {
	case TypeMultipartRequest, TypeMultipartReply:
		n := multipartHeaderLen(h.Version)
		if len(body) < n {
			return nil, false
		}
		number.multipart = MultipartType(binary.BigEndian.Uint16(body))
		if number.multipart == MultipartExperimenter {
			number.experimenter, number.subtype = experimenterAt(body[n:])
		}
	case TypeExperimenter:
		number.experimenter, number.subtype = experimenterAt(body)
	}
	k, ok := kindsByNumber[number]
	return k, ok
}

// experimenterAt reads the front of a message of an experimenter.
func experimenterAt(b []byte) (experimenter, subtype uint32) {
	if len(b) < 8 {
		return 0, 0
	}
	return binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
}

// multipartHeaderLen is what comes before the body of a multipart message: OpenFlow 1.0 has no padding there.
func multipartHeaderLen(version uint8) int {
	if version == Version10 {
		return 4
	}
	return 8
}

// types10 are the types of OpenFlow 1.0 that have another number in 1.5.
var types10 = map[MessageType]MessageType{15: TypePortMod, 16: TypeMultipartRequest, 17: TypeMultipartReply,
	18: TypeBarrierRequest, 19: TypeBarrierReply}

// type10 is the number that a type has in OpenFlow 1.0.
func type10(t MessageType) MessageType {
	for old, standard := range types10 {
		if standard == t {
			return old
		}
	}
	return t
}

// standardType is the type of OpenFlow 1.5 that the message has.
func (h Header) standardType() MessageType {
	if t, ok := types10[h.Type]; ok && h.Version == Version10 {
		return t
	}
	return h.Type
}
