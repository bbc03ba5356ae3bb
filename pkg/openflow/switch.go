package openflow

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Features is what a switch says about itself.
type Features struct {
	DatapathID   uint64
	Buffers      uint32
	Tables       uint8
	AuxiliaryID  uint8
	Capabilities uint32
}

// MessageType implements [Message].
func (Features) MessageType() MessageType { return TypeFeaturesReply }

// AppendBinary implements [Message].
func (m Features) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint64(b, m.DatapathID)
	b = binary.BigEndian.AppendUint32(b, m.Buffers)
	b = append(b, m.Tables, m.AuxiliaryID, 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.Capabilities)
	return append(b, 0, 0, 0, 0), nil
}

func decodeFeatures(b []byte) (Features, error) {
	if len(b) < 24 {
		return Features{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	return Features{
		DatapathID:   binary.BigEndian.Uint64(b),
		Buffers:      binary.BigEndian.Uint32(b[8:]),
		Tables:       b[12],
		AuxiliaryID:  b[13],
		Capabilities: binary.BigEndian.Uint32(b[16:]),
	}, nil
}

// PortDesc describes a port of the switch.
type PortDesc struct {
	Port       Port
	MAC        MAC
	Name       string
	Config     uint32
	State      uint32
	Properties []byte // as they came
}

const portDescLen = 40

// DecodePortDesc takes one port off the front of the body of a port description reply.
func DecodePortDesc(b []byte) (p PortDesc, rest []byte, err error) {
	if len(b) < portDescLen {
		return PortDesc{}, nil, fmt.Errorf("port in %d bytes: %w", len(b), errTruncated)
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n < portDescLen || n > len(b) {
		return PortDesc{}, nil, fmt.Errorf("port of %d bytes in %d: %w", n, len(b), errTruncated)
	}
	name, _, _ := bytes.Cut(b[16:31], []byte{0}) // the last byte ends it
	return PortDesc{
		Port:       Port(binary.BigEndian.Uint32(b)),
		MAC:        MAC(b[8:14]),
		Name:       string(name),
		Config:     binary.BigEndian.Uint32(b[32:]),
		State:      binary.BigEndian.Uint32(b[36:]),
		Properties: clone(b[portDescLen:n]),
	}, b[n:], nil
}

// AppendBinary appends the port as it stands in a port description reply.
func (m PortDesc) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, uint32(m.Port))
	b = binary.BigEndian.AppendUint16(b, uint16(portDescLen+len(m.Properties)))
	b = append(b, 0, 0)
	b = append(b, m.MAC[:]...)
	b = append(b, 0, 0)
	var name [16]byte
	copy(name[:15], m.Name)
	b = append(b, name[:]...)
	b = binary.BigEndian.AppendUint32(b, m.Config)
	b = binary.BigEndian.AppendUint32(b, m.State)
	return append(b, m.Properties...), nil
}

// PortStatus tells that a port came, went or changed.
type PortStatus struct {
	Reason PortReason
	Port   PortDesc
}

// PortReason is what happened to a port.
type PortReason uint8

// What can happen to a port.
const (
	PortAdded PortReason = iota
	PortDeleted
	PortModified
)

// MessageType implements [Message].
func (PortStatus) MessageType() MessageType { return TypePortStatus }

// AppendBinary implements [Message].
func (m PortStatus) AppendBinary(b []byte) ([]byte, error) {
	return m.Port.AppendBinary(append(b, byte(m.Reason), 0, 0, 0, 0, 0, 0, 0))
}

func decodePortStatus(b []byte) (PortStatus, error) {
	if len(b) < 8 {
		return PortStatus{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	port, _, err := DecodePortDesc(b[8:])
	return PortStatus{Reason: PortReason(b[0]), Port: port}, err
}

// FlowRemoved tells that a flow with [FlagSendFlowRemoved] is gone.
type FlowRemoved struct {
	Reason uint8 // 0 idle timeout, 1 hard timeout, 2 deleted, 3 group deleted, 4 meter deleted, 5 evicted
	Stats  FlowStats
	Nicira bool // the message of Open vSwitch; TableAll if it does not say the table
}

// MessageType implements [Message].
func (m FlowRemoved) MessageType() MessageType {
	if m.Nicira {
		return TypeExperimenter
	}
	return TypeFlowRemoved
}

const flowRemovedLen = 16 // up to the match

// AppendBinary implements [Message].
func (m FlowRemoved) AppendBinary(b []byte) ([]byte, error) {
	s := m.Stats
	if m.Nicira {
		return m.appendNicira(b), nil
	}
	b = append(b, byte(s.Table), m.Reason)
	b = binary.BigEndian.AppendUint16(b, s.Priority)
	b = binary.BigEndian.AppendUint16(b, s.IdleTimeout)
	b = binary.BigEndian.AppendUint16(b, s.HardTimeout)
	b = binary.BigEndian.AppendUint64(b, s.Cookie)
	b, err := s.Match.AppendBinary(b)
	if err != nil {
		return b, err
	}
	return s.appendStats(b), nil
}

func decodeFlowRemoved(b []byte) (FlowRemoved, error) {
	if len(b) < flowRemovedLen {
		return FlowRemoved{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	m := FlowRemoved{Reason: b[1]}
	m.Stats.Flow = Flow{
		Table:       TableID(b[0]),
		Priority:    binary.BigEndian.Uint16(b[2:]),
		IdleTimeout: binary.BigEndian.Uint16(b[4:]),
		HardTimeout: binary.BigEndian.Uint16(b[6:]),
		Cookie:      binary.BigEndian.Uint64(b[8:]),
	}
	match, rest, err := decodeMatch(b[flowRemovedLen:])
	if err != nil {
		return FlowRemoved{}, err
	}
	m.Stats.Match = match
	_, err = m.Stats.decodeStats(rest)
	return m, err
}

const niciraFlowRemovedLen = 40 // up to the match

func (m FlowRemoved) appendNicira(b []byte) []byte {
	s := m.Stats
	b = binary.BigEndian.AppendUint64(appendNiciraHeader(b, nxtFlowRemoved), s.Cookie)
	b = append(binary.BigEndian.AppendUint16(b, s.Priority), m.Reason, byte(s.Table+1))
	b = binary.BigEndian.AppendUint16(appendDuration(b, s.Duration), s.IdleTimeout)
	n := len(s.Match.oxm)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = append(appendCounters(b, s.Packets, s.Bytes), s.Match.oxm...)
	return append(b, allZeros[:pad8(n)]...)
}

func decodeNiciraFlowRemoved(b []byte) (FlowRemoved, error) {
	if err := atLeast(b, niciraFlowRemovedLen); err != nil {
		return FlowRemoved{}, err
	}
	m := FlowRemoved{Nicira: true, Reason: b[10]}
	m.Stats = FlowStats{Duration: durationAt(b[12:]), IdleTime: -1, Flow: Flow{
		Cookie:      binary.BigEndian.Uint64(b),
		Priority:    binary.BigEndian.Uint16(b[8:]),
		Table:       TableID(b[11]) - 1,
		IdleTimeout: binary.BigEndian.Uint16(b[20:]),
	}}
	readCounters(b[24:], &m.Stats.Packets, &m.Stats.Bytes)
	n := int(binary.BigEndian.Uint16(b[22:]))
	b = b[niciraFlowRemovedLen:]
	err := exactly(b, n+pad8(n))
	if err == nil {
		m.Stats.Match, err = DecodeMatch(b[:n])
	}
	return m, err
}
