package openflow

import (
	"encoding/binary"
	"fmt"
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

const multipartMore = 1

// Multipart is one message of a request, or of a reply that can have many.
type Multipart struct {
	Reply bool
	Type  MultipartType
	More  bool // another message of the same reply follows
	Body  []byte
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
	b = append(b, 0, 0, 0, 0)
	return append(b, m.Body...), nil
}

// decodeMultipart keeps the body as it is: what reads it goes over it item by item.
func decodeMultipart(t MessageType, b []byte) (Multipart, error) {
	m, err := cutMultipart(t, b)
	m.Body = clone(m.Body)
	return m, err
}

// DecodeMultipart reads one whole message, as [Decode] does, but its body is a part of b and no copy of it.
func DecodeMultipart(b []byte) (Multipart, error) {
	h, err := DecodeHeader(b)
	if err != nil {
		return Multipart{}, err
	}
	if int(h.Length) != len(b) || h.Type != TypeMultipartReply && h.Type != TypeMultipartRequest {
		return Multipart{}, fmt.Errorf("%s of %d bytes in %d is no multipart message", h.Type, h.Length, len(b))
	}
	return cutMultipart(h.Type, b[HeaderLen:])
}

func cutMultipart(t MessageType, b []byte) (Multipart, error) {
	if len(b) < 8 {
		return Multipart{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	return Multipart{
		Reply: t == TypeMultipartReply,
		Type:  MultipartType(binary.BigEndian.Uint16(b)),
		More:  binary.BigEndian.Uint16(b[2:])&multipartMore != 0,
		Body:  b[8:],
	}, nil
}
