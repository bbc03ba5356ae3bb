package openflow

import (
	"encoding/binary"
	"fmt"
)

// RequestForward tells a controller what another one has changed.
type RequestForward struct {
	Xid     uint32
	Request Message // [GroupMod] or [MeterMod]
}

// MessageType implements [Message].
func (RequestForward) MessageType() MessageType { return TypeRequestForward }

// AppendBinary implements [Message].
func (m RequestForward) AppendBinary(b []byte) ([]byte, error) {
	if m.Request == nil {
		return b, fmt.Errorf("forwarded request without a request")
	}
	return AppendMessage(b, m.Xid, m.Request)
}

func decodeRequestForward(b []byte) (RequestForward, error) {
	h, err := DecodeHeader(b)
	if err != nil {
		return RequestForward{}, err
	}
	if h.Version != Version15 || h.Type != TypeGroupMod && h.Type != TypeMeterMod {
		return RequestForward{}, fmt.Errorf("forwarded %s of version %#x", h.Type, h.Version)
	}
	_, inner, err := Decode(b)
	return RequestForward{Xid: binary.BigEndian.Uint32(b[4:]), Request: inner}, err
}

func (m RequestForward) appendText(p *printer) {
	switch inner := m.Request.(type) {
	case GroupMod:
		p.format(" reason=group_mod")
		inner.appendText(p)
	case MeterMod:
		p.format(" reason=meter_mod")
		inner.appendText(p)
	}
}
