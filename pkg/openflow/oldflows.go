package openflow

import (
	"encoding/binary"
	"fmt"
	"time"
)

// FlowsRequest asks a switch that speaks OpenFlow 1.0, 1.3 or 1.5 for flows. That of 1.0 is in the format of Open vSwitch.
func FlowsRequest(version uint8, q FlowQuery) (Multipart, error) {
	switch version {
	case Version15:
		return NewMultipart(MultipartFlowDesc, false, q)
	case Version13:
		m, err := NewMultipart(MultipartFlowDesc, false, q) // by which it means statistics
		m.Version = version
		return m, err
	case Version10:
		m := Multipart{Version: version, Type: MultipartExperimenter, Experimenter: experimenterNicira, Subtype: nxstFlow}
		m.Body = q.append10(nil)
		return m, nil
	}
	return Multipart{}, fmt.Errorf("dumps of OpenFlow version %d are not known, only those of 1.0, 1.3 and 1.5", version)
}

// isDump is true of the multipart messages of older versions that are interpreted.
func (m Multipart) isDump() bool {
	switch {
	case m.Version == Version10 && m.Type == MultipartExperimenter:
		return m.Experimenter == experimenterNicira && m.Subtype == nxstFlow
	case m.Version == Version10 && !m.Reply:
		return false // which is asked for in the format of Open vSwitch
	}
	return m.Type == MultipartFlowDesc
}

const nxmCookie = 30

// append10 appends the query as Open vSwitch has it for OpenFlow 1.0, which does not know groups.
func (q FlowQuery) append10(b []byte) []byte {
	start := len(b)
	port := q.OutPort
	if port == 0 {
		port = PortAny
	}
	b = binary.BigEndian.AppendUint16(b, uint16(port))
	b = append(b, 0, 0, byte(q.Table), 0, 0, 0)
	match := len(b)
	b = append(b, q.Match.oxm...)
	if q.CookieMask != 0 {
		b = nxm1(nxmCookie).appendHeader(b, 8, true)
		b = binary.BigEndian.AppendUint64(b, q.Cookie&q.CookieMask)
		b = binary.BigEndian.AppendUint64(b, q.CookieMask)
	}
	n := len(b) - match
	binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	return append(b, allZeros[:pad8(n)]...)
}

// FlowDecoder takes one flow off the front of the body, or of what it left, of a reply to [FlowsRequest]. Its actions are those of
// OpenFlow 1.5 that have the same text, which are the actions of the flow as a dump of 1.5 has them unless it was told them in
// another way.
func (m Multipart) FlowDecoder() func(b []byte) (s FlowStats, rest []byte, err error) {
	switch {
	case m.Version == Version10 && m.Type == MultipartExperimenter:
		return decodeNiciraFlow
	case m.Version == Version10:
		return decodeFlow10
	case m.Version == Version13:
		return decodeFlow13
	}
	return DecodeFlowStats
}

const flowStats13Len = 48 // up to the match

// decodeFlow13 reads what OpenFlow 1.1 to 1.4 have for a flow, with the flags of 1.3.
func decodeFlow13(b []byte) (s FlowStats, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, flowStats13Len)
	if err != nil {
		return FlowStats{}, nil, err
	}
	s = FlowStats{Duration: durationAt(item[4:]), IdleTime: -1, Flow: Flow{
		Table:       TableID(item[2]),
		Priority:    binary.BigEndian.Uint16(item[12:]),
		IdleTimeout: binary.BigEndian.Uint16(item[14:]),
		HardTimeout: binary.BigEndian.Uint16(item[16:]),
		Flags:       FlowFlags(binary.BigEndian.Uint16(item[18:])),
		Cookie:      binary.BigEndian.Uint64(item[24:]),
	}}
	readCounters(item[32:], &s.Packets, &s.Bytes)
	if s.Match, item, err = decodeMatch(item[flowStats13Len:]); err == nil {
		s.Actions, err = instructions13(item)
	}
	return s, rest, err
}

// instructions13 reads instructions, of which the meter is an action in OpenFlow 1.5.
func instructions13(b []byte) (Actions, error) {
	var meters, after []byte
	var a Actions
	o := oldActions{version: Version13}
	for len(b) > 0 {
		kind, n, err := cutTLV(b, "instruction")
		if err != nil {
			return Actions{}, err
		}
		switch {
		case kind == insMeter && n == 8:
			meters = append(meters, Actions{}.Meter(binary.BigEndian.Uint32(b[4:])).list...)
		case kind == insApplyActions && a.list == "":
			a, err = o.list(b[8:n], 0)
		case kind == insWriteActions:
			var written Actions
			written, err = o.list(b[8:n], 0)
			after = append(after, Actions{}.WriteActions(written).after...)
		default:
			after = append(after, b[:n]...)
		}
		if err != nil {
			return Actions{}, err
		}
		b = b[n:]
	}
	return Actions{list: string(meters) + a.list, after: string(after)}, nil
}

const niciraFlowLen = 48 // up to the match

// decodeNiciraFlow reads what Open vSwitch has for a flow in OpenFlow 1.0.
func decodeNiciraFlow(b []byte) (s FlowStats, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, niciraFlowLen)
	if err != nil {
		return FlowStats{}, nil, err
	}
	age := func(at int) time.Duration {
		return time.Duration(int(binary.BigEndian.Uint16(item[at:]))-1) * time.Second
	} // 0 for none
	s = FlowStats{Duration: durationAt(item[4:]), IdleTime: age(20), Flow: Flow{
		Table:       TableID(item[2]),
		Priority:    binary.BigEndian.Uint16(item[12:]),
		IdleTimeout: binary.BigEndian.Uint16(item[14:]),
		HardTimeout: binary.BigEndian.Uint16(item[16:]),
		Cookie:      binary.BigEndian.Uint64(item[24:]),
	}}
	readCounters(item[32:], &s.Packets, &s.Bytes)
	if hard := age(22); hard >= 0 {
		s.HardTime = max(hard, 1)
	}
	n := int(binary.BigEndian.Uint16(item[18:]))
	if item = item[niciraFlowLen:]; n+pad8(n) > len(item) {
		return FlowStats{}, nil, fmt.Errorf("match of %d in %d bytes: %w", n, len(item), errTruncated)
	}
	if s.Match, err = DecodeMatch(item[:n]); err != nil {
		return FlowStats{}, nil, err
	}
	for nxm := string(item[:n]); nxm != ""; {
		var e entry
		if e, nxm, err = cutEntry(nxm); err == nil && e.id == FieldVLANTCI && e.mask == "" && e.value == "\x00\x00" {
			s.Match = s.Match.untagged()
		}
	}
	s.Actions, err = flowActions10(item[n+pad8(n):], s.Match)
	return s, rest, err
}

func flowActions10(b []byte, m Match) (Actions, error) {
	ipProto, _ := m.Uint(FieldIPProto)
	return oldActions{version: Version10, ipProto: uint8(ipProto)}.list(b, 0)
}

const flowStats10Len = 88 // up to the actions

// decodeFlow10 reads what OpenFlow 1.0 itself has for a flow.
func decodeFlow10(b []byte) (s FlowStats, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, flowStats10Len)
	if err != nil {
		return FlowStats{}, nil, err
	}
	s = FlowStats{Duration: durationAt(item[44:]), IdleTime: -1, Flow: Flow{
		Table:       TableID(item[2]),
		Match:       match10(item[4:44]),
		Priority:    binary.BigEndian.Uint16(item[52:]),
		IdleTimeout: binary.BigEndian.Uint16(item[54:]),
		HardTimeout: binary.BigEndian.Uint16(item[56:]),
		Cookie:      binary.BigEndian.Uint64(item[64:]),
	}}
	readCounters(item[72:], &s.Packets, &s.Bytes)
	s.Actions, err = flowActions10(item[flowStats10Len:], s.Match)
	return s, rest, err
}
