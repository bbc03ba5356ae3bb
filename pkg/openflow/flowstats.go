package openflow

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// FlowStats is a flow as the switch has it, with its counters.
type FlowStats struct {
	Flow
	Packets, Bytes uint64
	Duration       time.Duration // since it was added
	IdleTime       time.Duration // since its last packet; negative if the switch does not say
	HardTime       time.Duration // since it was added or changed, and not 0; 0 if the switch does not say, as after OpenFlow 1.0
}

const flowDescLen = 24 // up to the match

// Fields of the OXS statistics of a flow, class 0x8002.
const (
	classStats  = 0x8002
	oxsDuration = 0
	oxsIdle     = 1
	oxsPackets  = 4
	oxsBytes    = 5
)

// DecodeFlowStats takes one flow off the front of the body of a flow description reply.
func DecodeFlowStats(b []byte) (s FlowStats, rest []byte, err error) {
	if len(b) < flowDescLen {
		return FlowStats{}, nil, fmt.Errorf("flow in %d bytes: %w", len(b), errTruncated)
	}
	n := int(binary.BigEndian.Uint16(b))
	if n < flowDescLen || n > len(b) {
		return FlowStats{}, nil, fmt.Errorf("flow of %d bytes in %d: %w", n, len(b), errTruncated)
	}
	b, rest = b[:n], b[n:]
	s.Flow = Flow{
		Table:       TableID(b[4]),
		Priority:    binary.BigEndian.Uint16(b[6:]),
		IdleTimeout: binary.BigEndian.Uint16(b[8:]),
		HardTimeout: binary.BigEndian.Uint16(b[10:]),
		Flags:       FlowFlags(binary.BigEndian.Uint16(b[12:])),
		Importance:  binary.BigEndian.Uint16(b[14:]),
		Cookie:      binary.BigEndian.Uint64(b[16:]),
	}
	oxm, b, err := cutMatch(b[flowDescLen:])
	if err != nil {
		return FlowStats{}, nil, err
	}
	if b, err = s.decodeStats(b); err != nil {
		return FlowStats{}, nil, err
	}
	// A dump is made of these by the ten thousand: match and actions are one string.
	var space [512]byte
	text := string(append(append(space[:0], oxm...), b...))
	if s.Match, err = matchOfBytes(text[:len(oxm)]); err != nil {
		return FlowStats{}, nil, err
	}
	s.Actions, err = instructionsOf(b, text[len(oxm):])
	return s, rest, err
}

// decodeStats takes the OXS statistics off the front of b.
func (s *FlowStats) decodeStats(b []byte) ([]byte, error) {
	stats, rest, err := cutStats(b)
	if err != nil {
		return nil, err
	}
	s.IdleTime = -1
	return rest, eachStat(stats, func(field byte, value []byte) {
		if len(value) != 8 {
			return
		}
		v := binary.BigEndian.Uint64(value)
		switch field {
		case oxsDuration:
			s.Duration = oxsTime(v)
		case oxsIdle:
			s.IdleTime = oxsTime(v)
		case oxsPackets:
			s.Packets = v
		case oxsBytes:
			s.Bytes = v
		}
	})
}

// cutStats takes OXS statistics with their header and padding off the front of b.
func cutStats(b []byte) (stats, rest []byte, err error) {
	if len(b) < 4 {
		return nil, nil, fmt.Errorf("statistics in %d bytes: %w", len(b), errTruncated)
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 4 || n+pad8(n) > len(b) {
		return nil, nil, fmt.Errorf("statistics of %d bytes in %d: %w", n, len(b), errTruncated)
	}
	return b[4:n], b[n+pad8(n):], nil
}

// eachStat calls f for the standard's statistics.
func eachStat(stats []byte, f func(field byte, value []byte)) error {
	for len(stats) > 0 {
		if len(stats) < 4 || len(stats) < 4+int(stats[3]) {
			return fmt.Errorf("statistic in %d bytes: %w", len(stats), errTruncated)
		}
		value := stats[4 : 4+int(stats[3])]
		if binary.BigEndian.Uint16(stats) == classStats {
			f(stats[2]>>1, value)
		}
		stats = stats[4+len(value):]
	}
	return nil
}

// oxsTime reads seconds and nanoseconds, of which a second has fewer than a billion; a switch without the figure says all ones.
func oxsTime(v uint64) time.Duration {
	if v == math.MaxUint64 {
		return -1
	}
	return time.Duration(v>>32)*time.Second + time.Duration(min(uint32(v), 999_999_999))
}

// AppendBinary appends the flow as it stands in a flow description reply.
func (s FlowStats) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0, byte(s.Table), 0)
	b = binary.BigEndian.AppendUint16(b, s.Priority)
	b = binary.BigEndian.AppendUint16(b, s.IdleTimeout)
	b = binary.BigEndian.AppendUint16(b, s.HardTimeout)
	b = binary.BigEndian.AppendUint16(b, uint16(s.Flags))
	b = binary.BigEndian.AppendUint16(b, s.Importance)
	b = binary.BigEndian.AppendUint64(b, s.Cookie)
	b, err := s.Match.AppendBinary(b)
	if err != nil {
		return b, err
	}
	b = s.appendStats(b)
	b = s.Actions.appendInstructions(b)
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b, nil
}

// appendStats appends the OXS statistics.
func (s FlowStats) appendStats(b []byte) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = appendStat(b, oxsDuration, uint64(s.Duration/time.Second)<<32|uint64(s.Duration%time.Second))
	if s.IdleTime >= 0 {
		b = appendStat(b, oxsIdle, uint64(s.IdleTime/time.Second)<<32|uint64(s.IdleTime%time.Second))
	}
	b = appendStat(b, oxsPackets, s.Packets)
	b = appendStat(b, oxsBytes, s.Bytes)
	n := len(b) - start
	binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	return append(b, allZeros[:pad8(n)]...)
}

func appendStat(b []byte, field byte, v uint64) []byte {
	b = append(b, classStats>>8, classStats&0xff, field<<1, 8)
	return binary.BigEndian.AppendUint64(b, v)
}

// FlowQuery chooses flows to dump. Its zero value chooses table 0; use [AllFlows] for everything.
type FlowQuery struct {
	Table      TableID
	Cookie     uint64
	CookieMask uint64 // the bits of Cookie that count
	Match      Match  // flows at least as specific
	OutPort    Port   // flows that send there; 0 for all
	OutGroup   uint32 // flows that send there; 0 for all
}

// AllFlows chooses every flow of the switch.
var AllFlows = FlowQuery{Table: TableAll}

// AppendBinary appends the query as the body of a flow description request.
func (q FlowQuery) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, byte(q.Table), 0, 0, 0)
	b = appendOuts(b, q.OutPort, q.OutGroup)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, q.Cookie)
	b = binary.BigEndian.AppendUint64(b, q.CookieMask)
	return q.Match.AppendBinary(b)
}

// DecodeFlowQuery reads the body of a flow description request.
func DecodeFlowQuery(b []byte) (FlowQuery, error) {
	q, rest, err := cutFlowQuery(b)
	if err == nil {
		err = exactly(rest, 0)
	}
	return q, err
}

func cutFlowQuery(b []byte) (q FlowQuery, rest []byte, err error) {
	if len(b) < 32 {
		return FlowQuery{}, nil, fmt.Errorf("flow query in %d bytes: %w", len(b), errTruncated)
	}
	q = FlowQuery{
		Table:      TableID(b[0]),
		OutPort:    Port(notAny(binary.BigEndian.Uint32(b[4:]))),
		OutGroup:   notAny(binary.BigEndian.Uint32(b[8:])),
		Cookie:     binary.BigEndian.Uint64(b[16:]),
		CookieMask: binary.BigEndian.Uint64(b[24:]),
	}
	q.Match, rest, err = decodeMatch(b[32:])
	return q, rest, err
}
