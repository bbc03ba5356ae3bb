package openflow

import (
	"bytes"
	"encoding/binary"
)

// PortQuery is the body of requests for statistics or descriptions of ports.
type PortQuery struct {
	Port Port // PortAny for all
}

// AppendBinary appends the body.
func (q PortQuery) AppendBinary(b []byte) ([]byte, error) { return appendID(b, uint32(q.Port)), nil }

func (q PortQuery) appendText(p *printer) {
	p.format(" port_no=")
	p.port(q.Port)
}

// QueueQuery is the body of requests for statistics or descriptions of queues.
type QueueQuery struct {
	Port  Port   // PortAny for all
	Queue uint32 // QueueAll for all
}

// AppendBinary appends the body.
func (q QueueQuery) AppendBinary(b []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(q.Port)), q.Queue), nil
}

func (q QueueQuery) appendText(p *printer) {
	p.format(" port=")
	p.port(q.Port)
	p.format(" queue=")
	if q.Queue == QueueAll {
		p.format("ALL")
	} else {
		p.format("%d", q.Queue)
	}
}

// GroupQuery is the body of requests for statistics or descriptions of groups.
type GroupQuery struct {
	ID uint32 // GroupEvery for all
}

// AppendBinary appends the body.
func (q GroupQuery) AppendBinary(b []byte) ([]byte, error) { return appendID(b, q.ID), nil }

func (q GroupQuery) appendText(p *printer) {
	p.format(" group_id=")
	switch q.ID {
	case GroupEvery:
		p.format("ALL")
	case GroupAny:
		p.format("ANY")
	default:
		p.format("%d", q.ID)
	}
}

// MeterQuery is the body of requests for statistics or configurations of meters.
type MeterQuery struct {
	ID uint32 // MeterAll for all
}

// AppendBinary appends the body.
func (q MeterQuery) AppendBinary(b []byte) ([]byte, error) { return appendID(b, q.ID), nil }

func (q MeterQuery) appendText(p *printer) {
	p.format(" ")
	p.meterID(q.ID, "=")
}

// appendID appends a number and four bytes of padding.
func appendID(b []byte, id uint32) []byte {
	return append(binary.BigEndian.AppendUint32(b, id), 0, 0, 0, 0)
}

// cutID takes eight bytes off the front of b and reads the number in the first four.
func cutID(b []byte) (id uint32, rest []byte, err error) {
	if err := atLeast(b, 8); err != nil {
		return 0, nil, err
	}
	return binary.BigEndian.Uint32(b), b[8:], nil
}

// SwitchDesc is who made a switch.
type SwitchDesc struct{ Manufacturer, Hardware, Software, Serial, Datapath string }

const (
	descLen   = 256
	serialLen = 32
)

func decodeSwitchDesc(b []byte) (d SwitchDesc, rest []byte, err error) {
	if err := atLeast(b, 4*descLen+serialLen); err != nil {
		return SwitchDesc{}, nil, err
	}
	cut := func(n int) string {
		text, _, _ := bytes.Cut(b[:n-1], []byte{0})
		b = b[n:]
		return string(text)
	}
	d = SwitchDesc{cut(descLen), cut(descLen), cut(descLen), cut(serialLen), cut(descLen)}
	return d, b, nil
}

// AppendBinary appends the description as it stands in the reply; texts that are too long are cut.
func (d SwitchDesc) AppendBinary(b []byte) ([]byte, error) {
	for i, text := range []string{d.Manufacturer, d.Hardware, d.Software, d.Serial, d.Datapath} {
		var space [descLen]byte
		field := space[:]
		if i == 3 {
			field = field[:serialLen]
		}
		copy(field[:len(field)-1], text)
		b = append(b, field...)
	}
	return b, nil
}

func (d SwitchDesc) appendText(p *printer) {
	p.format("\nManufacturer: %s\nHardware: %s\nSoftware: %s\nSerial Num: %s\nDP Description: %s\n",
		d.Manufacturer, d.Hardware, d.Software, d.Serial, d.Datapath)
}

// Aggregate is the sum of the counters of flows.
type Aggregate struct{ Packets, Bytes, Flows uint64 }

// Fields of the OXS statistics beside those of a flow.
const oxsFlows = 3

func decodeAggregate(b []byte) (a Aggregate, rest []byte, err error) {
	stats, rest, err := cutStats(b)
	if err != nil {
		return Aggregate{}, nil, err
	}
	err = eachStat(stats, func(field byte, v []byte) {
		switch {
		case field == oxsPackets && len(v) == 8:
			a.Packets = binary.BigEndian.Uint64(v)
		case field == oxsBytes && len(v) == 8:
			a.Bytes = binary.BigEndian.Uint64(v)
		case field == oxsFlows && len(v) == 4:
			a.Flows = uint64(binary.BigEndian.Uint32(v))
		}
	})
	return a, rest, err
}

// AppendBinary appends the sum as it stands in the reply.
func (a Aggregate) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = appendStat(b, oxsPackets, a.Packets)
	b = appendStat(b, oxsBytes, a.Bytes)
	b = append(b, classStats>>8, classStats&0xff, oxsFlows<<1, 4)
	b = binary.BigEndian.AppendUint32(b, uint32(a.Flows))
	n := len(b) - start
	binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	return append(b, allZeros[:pad8(n)]...), nil
}

func (a Aggregate) appendText(p *printer) {
	p.format(" packet_count=%d byte_count=%d flow_count=%d\n", a.Packets, a.Bytes, a.Flows)
}
