package openflow

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// MultipartType is what a multipart request asks for.
type MultipartType uint16

// The types of multipart messages.
const (
	MultipartDesc             MultipartType = 0
	MultipartFlowDesc         MultipartType = 1 // in OpenFlow 1.5; Open vSwitch refuses 17, which is statistics alone
	MultipartAggregate        MultipartType = 2
	MultipartTable            MultipartType = 3
	MultipartPort             MultipartType = 4
	MultipartQueue            MultipartType = 5
	MultipartGroup            MultipartType = 6
	MultipartGroupDesc        MultipartType = 7
	MultipartGroupFeatures    MultipartType = 8
	MultipartMeter            MultipartType = 9
	MultipartMeterConfig      MultipartType = 10
	MultipartMeterFeatures    MultipartType = 11
	MultipartTableFeatures    MultipartType = 12
	MultipartPortDesc         MultipartType = 13
	MultipartTableDesc        MultipartType = 14
	MultipartQueueDesc        MultipartType = 15
	MultipartFlowMonitor      MultipartType = 16
	MultipartFlowStats        MultipartType = 17
	MultipartControllerStatus MultipartType = 18
	MultipartBundleFeatures   MultipartType = 19
	MultipartExperimenter     MultipartType = 0xffff // the body begins with the experimenter and its own type
)

// String is the number, or the name in the specification without its prefix.
func (t MultipartType) String() string {
	if k, ok := kindsByNumber[kindNumber{kind: TypeMultipartReply, multipart: t}]; ok {
		return strings.TrimSuffix(strings.TrimPrefix(k.Name, "OFPST_"), " reply")
	}
	return fmt.Sprintf("multipart type %d", uint16(t))
}

const multipartMore = 1

// Multipart is one message of a request, or of a reply that can have many.
type Multipart struct {
	Reply bool
	Type  MultipartType
	More  bool // another message of the same reply follows
	Body  []byte
	// Version is 0 for OpenFlow 1.5. Of others there are only dumps of flows; see [FlowsRequest].
	Version uint8
	// Experimenter and Subtype say more of the type [MultipartExperimenter].
	Experimenter, Subtype uint32
}

// MessageType implements [Message].
func (m Multipart) MessageType() MessageType {
	if m.Reply {
		return TypeMultipartReply
	}
	return TypeMultipartRequest
}

// AppendBinary implements [Message].
func (m Multipart) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, uint16(m.Type))
	var flags uint16
	if m.More {
		flags = multipartMore
	}
	b = binary.BigEndian.AppendUint16(b, flags)
	if m.Version != Version10 {
		b = append(b, 0, 0, 0, 0)
	}
	if m.Type == MultipartExperimenter {
		b = binary.BigEndian.AppendUint32(b, m.Experimenter)
		b = binary.BigEndian.AppendUint32(b, m.Subtype)
		b = append(b, allZeros[:experimenterPad(m.Version)]...)
	}
	return append(b, m.Body...), nil
}

// decodeMultipart keeps the body as it is: what reads it goes over it item by item.
func decodeMultipart(h Header, b []byte) (Multipart, error) {
	m, err := cutMultipart(h, b)
	m.Body = clone(m.Body)
	return m, err
}

// DecodeMultipart reads one whole message, as [Decode] does, but its body is a part of b and no copy of it.
func DecodeMultipart(b []byte) (Multipart, error) {
	h, err := DecodeHeader(b)
	if err != nil {
		return Multipart{}, err
	}
	if t := h.standardType(); int(h.Length) != len(b) || t != TypeMultipartReply && t != TypeMultipartRequest {
		return Multipart{}, fmt.Errorf("%s of %d bytes in %d is no multipart message", h.Type, h.Length, len(b))
	}
	return cutMultipart(h, b[HeaderLen:])
}

func cutMultipart(h Header, b []byte) (Multipart, error) {
	n := multipartHeaderLen(h.Version)
	if err := atLeast(b, n); err != nil {
		return Multipart{}, err
	}
	m := Multipart{
		Reply: h.standardType() == TypeMultipartReply,
		Type:  MultipartType(binary.BigEndian.Uint16(b)),
		More:  binary.BigEndian.Uint16(b[2:])&multipartMore != 0,
	}
	b = b[n:]
	if h.Version != Version15 {
		m.Version = h.Version
	}
	if m.Type == MultipartExperimenter {
		if len(b) < 4 {
			return Multipart{}, fmt.Errorf("experimenter in %d bytes: %w", len(b), errTruncated)
		}
		m.Experimenter, b = binary.BigEndian.Uint32(b), b[4:]
		if len(b) < 4 {
			return Multipart{}, fmt.Errorf("experimenter's type in %d bytes: %w", len(b), errTruncated)
		}
		m.Subtype, b = binary.BigEndian.Uint32(b), b[4:]
		pad := experimenterPad(h.Version)
		if err := atLeast(b, pad); err != nil {
			return Multipart{}, err
		}
		b = b[pad:]
	}
	m.Body = b
	return m, nil
}

// experimenterPad is what comes after the type of an experimenter's multipart message: those of Open vSwitch in OpenFlow 1.0 have
// padding there.
func experimenterPad(version uint8) int {
	if version == Version10 {
		return 4
	}
	return 0
}
