package openflow

import (
	"encoding/binary"
	"math"
	"time"
)

// counterText is a counter as ovs-ofctl prints it: a switch that does not count says all ones.
func (p *printer) counter(name string, v uint64, more bool) {
	p.format("%s", name)
	if v == math.MaxUint64 {
		p.format("?")
	} else {
		p.format("%d", v)
	}
	if more {
		p.format(", ")
	}
}

// appendDuration writes a time as seconds and nanoseconds.
func appendDuration(b []byte, d time.Duration) []byte {
	if d < 0 {
		return append(b, allOnes[:8]...)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(d/time.Second))
	return binary.BigEndian.AppendUint32(b, uint32(d%time.Second))
}

// durationAt reads seconds and nanoseconds; it is negative if the switch does not say.
func durationAt(b []byte) time.Duration { return oxsTime(binary.BigEndian.Uint64(b)) }

// appendCounters writes numbers of 64 bits.
func appendCounters(b []byte, counters ...uint64) []byte {
	for _, v := range counters {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return b
}

// readCounters reads as many numbers of 64 bits as there are pointers.
func readCounters(b []byte, counters ...*uint64) {
	for i, v := range counters {
		*v = binary.BigEndian.Uint64(b[8*i:])
	}
}

// PortStats are the counters of a port. One that the switch does not have is all ones.
type PortStats struct {
	Port                                               Port
	Duration                                           time.Duration // since it is there; negative if unknown
	RxPackets, TxPackets, RxBytes, TxBytes             uint64
	RxDropped, TxDropped, RxErrors, TxErrors           uint64
	RxFrameErrors, RxOverruns, RxCRCErrors, Collisions uint64 // of Ethernet ports
	Properties                                         []byte // all but that of Ethernet, as they came
}

const portStatsLen = 80

// DecodePortStats takes one port off the front of the body of a port statistics reply.
func DecodePortStats(b []byte) (s PortStats, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, portStatsLen)
	if err != nil {
		return PortStats{}, nil, err
	}
	s = PortStats{Port: Port(binary.BigEndian.Uint32(item[4:])), Duration: durationAt(item[8:])}
	readCounters(item[16:], &s.RxPackets, &s.TxPackets, &s.RxBytes, &s.TxBytes, &s.RxDropped, &s.TxDropped, &s.RxErrors, &s.TxErrors)
	s.RxFrameErrors, s.RxOverruns, s.RxCRCErrors, s.Collisions = math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64
	for p, err := range properties(item[portStatsLen:]) {
		switch {
		case err != nil:
			return PortStats{}, nil, err
		case p.kind == 0 && len(p.body) == 36:
			readCounters(p.body[4:], &s.RxFrameErrors, &s.RxOverruns, &s.RxCRCErrors, &s.Collisions)
		default:
			s.Properties = append(s.Properties, p.whole...)
		}
	}
	return s, rest, nil
}

// AppendBinary appends the port as it stands in a port statistics reply.
func (s PortStats) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Port))
	b = appendDuration(b, s.Duration)
	b = appendCounters(b, s.RxPackets, s.TxPackets, s.RxBytes, s.TxBytes, s.RxDropped, s.TxDropped, s.RxErrors, s.TxErrors)
	b = appendProperty(b, 0, appendCounters(make([]byte, 4, 36), s.RxFrameErrors, s.RxOverruns, s.RxCRCErrors, s.Collisions))
	b = append(b, s.Properties...)
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b, nil
}

func (s PortStats) appendText(p *printer) {
	p.format("  port ")
	if s.Port < 10 {
		p.format(" ")
	}
	p.port(s.Port)
	p.format(": ")
	p.counter("rx pkts=", s.RxPackets, true)
	p.counter("bytes=", s.RxBytes, true)
	p.counter("drop=", s.RxDropped, true)
	p.counter("errs=", s.RxErrors, true)
	p.counter("frame=", s.RxFrameErrors, true)
	p.counter("over=", s.RxOverruns, true)
	p.counter("crc=", s.RxCRCErrors, false)
	p.format("\n           ")
	p.counter("tx pkts=", s.TxPackets, true)
	p.counter("bytes=", s.TxBytes, true)
	p.counter("drop=", s.TxDropped, true)
	p.counter("errs=", s.TxErrors, true)
	p.counter("coll=", s.Collisions, false)
	p.format("\n")
	if s.Duration >= 0 && p.version > Version10 {
		p.format("           duration=%s\n", durationText(s.Duration))
	}
	p.portProperties(s.Properties)
}

// The counters that Open vSwitch adds to a port's.
const (
	experimenterIntel = 0x0000aa01
	portCustomStats   = 2
)

// portProperties appends the counters of a port's own kind, three a line.
func (p *printer) portProperties(b []byte) {
	for prop, err := range properties(b) {
		if err != nil || prop.kind != propExperimenter || len(prop.body) < 12 ||
			binary.BigEndian.Uint32(prop.body) != experimenterIntel || binary.BigEndian.Uint32(prop.body[4:]) != portCustomStats {
			continue
		}
		n, list := int(binary.BigEndian.Uint16(prop.body[10:])), prop.body[12:]
		p.format("           CUSTOM Statistics")
		for i := range n {
			if len(list) < 1 || len(list) < 1+int(list[0])+8 {
				break
			}
			name, value := list[1:1+int(list[0])], list[1+int(list[0]):]
			separator := " "
			if i%3 == 0 {
				separator = "\n                      "
			}
			p.format("%s%s=%d,", separator, name, binary.BigEndian.Uint64(value))
			list = value[8:]
		}
		p.format("\n")
	}
}

// QueueStats are the counters of a queue of a port.
type QueueStats struct {
	Port                       Port
	Queue                      uint32
	TxBytes, TxPackets, Errors uint64
	Duration                   time.Duration
	Properties                 []byte // as they came
}

const queueStatsLen = 48

// DecodeQueueStats takes one queue off the front of the body of a queue statistics reply.
func DecodeQueueStats(b []byte) (s QueueStats, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, queueStatsLen)
	if err != nil {
		return QueueStats{}, nil, err
	}
	s = QueueStats{
		Port:       Port(binary.BigEndian.Uint32(item[8:])),
		Queue:      binary.BigEndian.Uint32(item[12:]),
		Duration:   durationAt(item[40:]),
		Properties: clone(item[queueStatsLen:]),
	}
	readCounters(item[16:], &s.TxBytes, &s.TxPackets, &s.Errors)
	return s, rest, nil
}

// AppendBinary appends the queue as it stands in a queue statistics reply.
func (s QueueStats) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(s.Port))
	b = binary.BigEndian.AppendUint32(b, s.Queue)
	b = appendDuration(appendCounters(b, s.TxBytes, s.TxPackets, s.Errors), s.Duration)
	b = append(b, s.Properties...)
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b, nil
}

func (s QueueStats) appendText(p *printer) {
	p.format("  port ")
	p.port(s.Port)
	p.format(" queue ")
	if s.Queue == QueueAll {
		p.format("ALL: ")
	} else {
		p.format("%d: ", s.Queue)
	}
	p.counter("bytes=", s.TxBytes, true)
	p.counter("pkts=", s.TxPackets, true)
	p.counter("errors=", s.Errors, true)
	if s.Duration < 0 {
		p.format("duration=?\n")
	} else {
		p.format("duration=%s\n", durationText(s.Duration))
	}
}

// QueueAll is every queue, in requests.
const QueueAll = 0xffffffff

// QueueDesc describes a queue of a port.
type QueueDesc struct {
	Port       Port
	Queue      uint32
	Properties []byte // as they came: rates and what the switch has of its own
}

// DecodeQueueDesc takes one queue off the front of the body of a queue description reply.
func DecodeQueueDesc(b []byte) (d QueueDesc, rest []byte, err error) {
	item, rest, err := cutItem(b, 8, 16)
	if err != nil {
		return QueueDesc{}, nil, err
	}
	return QueueDesc{
		Port:       Port(binary.BigEndian.Uint32(item)),
		Queue:      binary.BigEndian.Uint32(item[4:]),
		Properties: clone(item[16:]),
	}, rest, nil
}

// AppendBinary appends the queue as it stands in a queue description reply.
func (d QueueDesc) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, uint32(d.Port))
	b = binary.BigEndian.AppendUint32(b, d.Queue)
	b = binary.BigEndian.AppendUint16(b, uint16(16+len(d.Properties)))
	return append(append(b, 0, 0, 0, 0, 0, 0), d.Properties...), nil
}

func (d QueueDesc) appendText(p *printer) {
	p.format("queue %d:", d.Queue)
	for prop, err := range properties(d.Properties) {
		if err != nil || len(prop.body) < 2 {
			continue
		}
		rate := binary.BigEndian.Uint16(prop.body)
		switch prop.kind {
		case 1:
			p.queueRate("min_rate", rate)
		case 2:
			p.queueRate("max_rate", rate)
		}
	}
	p.format("\n")
}

func (p *printer) queueRate(name string, rate uint16) {
	switch {
	case rate <= 1000:
		p.format(" %s:%d.%d%%", name, rate/10, rate%10)
	case rate == 0xffff:
	default:
		p.format(" %s:(disabled)", name)
	}
}
