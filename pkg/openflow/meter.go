package openflow

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Meter is a meter entry: rates above which packets are dropped or marked.
type Meter struct {
	ID    uint32
	Flags MeterFlags
	Bands []MeterBand
}

// MeterFlags are the options of a meter.
type MeterFlags uint16

// The options of a meter.
const (
	MeterKbps MeterFlags = 1 << iota
	MeterPktps
	MeterBurst
	MeterStatsFlag
)

// Reserved ids of meters.
const (
	MeterSlowPath   = 0xfffffffd
	MeterController = 0xfffffffe
	MeterAll        = 0xffffffff
)

// MeterBand is what happens above a rate.
type MeterBand struct {
	Type      MeterBandType
	Rate      uint32
	Burst     uint32
	PrecLevel uint8  // of DSCPRemark: by how much the drop precedence goes up
	Raw       []byte // the whole band, if its type is not known
}

// MeterBandType is what a band does.
type MeterBandType uint16

// The types of bands.
const (
	BandDrop       MeterBandType = 1
	BandDSCPRemark MeterBandType = 2
)

// MeterCommand is what a [MeterMod] does with its meter.
type MeterCommand uint16

// The commands of a meter mod.
const (
	MeterAdd MeterCommand = iota
	MeterModify
	MeterDelete
)

// MeterMod adds, changes or deletes a meter. It cannot be in a bundle.
type MeterMod struct {
	Command MeterCommand
	Meter   Meter
}

// MessageType implements [Message].
func (MeterMod) MessageType() MessageType { return TypeMeterMod }

// AppendBinary implements [Message].
func (m MeterMod) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, uint16(m.Command))
	b = binary.BigEndian.AppendUint16(b, uint16(m.Meter.Flags))
	b = binary.BigEndian.AppendUint32(b, m.Meter.ID)
	return m.Meter.appendBands(b), nil
}

func (m Meter) appendBands(b []byte) []byte {
	for _, band := range m.Bands {
		if band.Raw != nil {
			b = append(b, band.Raw...)
			continue
		}
		b = binary.BigEndian.AppendUint16(b, uint16(band.Type))
		b = binary.BigEndian.AppendUint16(b, 16)
		b = binary.BigEndian.AppendUint32(b, band.Rate)
		b = binary.BigEndian.AppendUint32(b, band.Burst)
		b = append(b, band.PrecLevel, 0, 0, 0)
	}
	return b
}

func decodeMeterMod(b []byte) (MeterMod, error) {
	if err := atLeast(b, 8); err != nil {
		return MeterMod{}, err
	}
	m := MeterMod{
		Command: MeterCommand(binary.BigEndian.Uint16(b)),
		Meter:   Meter{ID: binary.BigEndian.Uint32(b[4:]), Flags: MeterFlags(binary.BigEndian.Uint16(b[2:]))},
	}
	return m, m.Meter.decodeBands(b[8:])
}

func (m *Meter) decodeBands(b []byte) error {
	for len(b) > 0 {
		item, rest, err := cutItem(b, 2, 12)
		if err != nil {
			return fmt.Errorf("band: %w", err)
		}
		band := MeterBand{
			Type:  MeterBandType(binary.BigEndian.Uint16(item)),
			Rate:  binary.BigEndian.Uint32(item[4:]),
			Burst: binary.BigEndian.Uint32(item[8:]),
		}
		if (band.Type == BandDrop || band.Type == BandDSCPRemark) && len(item) == 16 {
			band.PrecLevel = item[12]
		} else {
			band.Raw = clone(item)
		}
		m.Bands, b = append(m.Bands, band), rest
	}
	return nil
}

// DecodeMeter takes one meter off the front of the body of a meter configuration reply.
func DecodeMeter(b []byte) (m Meter, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, 8)
	if err != nil {
		return Meter{}, nil, err
	}
	m = Meter{Flags: MeterFlags(binary.BigEndian.Uint16(item[2:])), ID: binary.BigEndian.Uint32(item[4:])}
	return m, rest, m.decodeBands(item[8:])
}

// AppendBinary appends the meter as it stands in a meter configuration reply.
func (m Meter) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = binary.BigEndian.AppendUint16(append(b, 0, 0), uint16(m.Flags))
	b = m.appendBands(binary.BigEndian.AppendUint32(b, m.ID))
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b, nil
}

// MeterStats are the counters of a meter.
type MeterStats struct {
	ID                 uint32
	Flows              uint32
	PacketsIn, BytesIn uint64
	Duration           time.Duration
	Bands              []BandStats
}

// BandStats is what a band of a meter did.
type BandStats struct{ Packets, Bytes uint64 }

const meterStatsLen = 40

// DecodeMeterStats takes one meter off the front of the body of a meter statistics reply.
func DecodeMeterStats(b []byte) (s MeterStats, rest []byte, err error) {
	item, rest, err := cutItem(b, 4, meterStatsLen)
	if err != nil {
		return MeterStats{}, nil, err
	}
	s = MeterStats{ID: binary.BigEndian.Uint32(item), Flows: binary.BigEndian.Uint32(item[12:]), Duration: durationAt(item[32:])}
	readCounters(item[16:], &s.PacketsIn, &s.BytesIn)
	for item = item[meterStatsLen:]; len(item) > 0; item = item[16:] {
		if err := atLeast(item, 16); err != nil {
			return MeterStats{}, nil, fmt.Errorf("band: %w", err)
		}
		var band BandStats
		readCounters(item, &band.Packets, &band.Bytes)
		s.Bands = append(s.Bands, band)
	}
	return s, rest, nil
}

// AppendBinary appends the meter as it stands in a meter statistics reply.
func (s MeterStats) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, s.ID)
	b = binary.BigEndian.AppendUint16(b, uint16(meterStatsLen+16*len(s.Bands)))
	b = binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 0, 0, 0), s.Flows)
	b = appendDuration(appendCounters(b, s.PacketsIn, s.BytesIn), s.Duration)
	for _, band := range s.Bands {
		b = appendCounters(b, band.Packets, band.Bytes)
	}
	return b, nil
}

// MeterFeatures say what meters a switch can have.
type MeterFeatures struct {
	MaxMeters, Bands, Capabilities uint32
	MaxBands, MaxColors            uint8
}

func decodeMeterFeatures(b []byte) (f MeterFeatures, rest []byte, err error) {
	if err := atLeast(b, 16); err != nil {
		return MeterFeatures{}, nil, err
	}
	return MeterFeatures{
		MaxMeters:    binary.BigEndian.Uint32(b),
		Bands:        binary.BigEndian.Uint32(b[4:]),
		Capabilities: binary.BigEndian.Uint32(b[8:]),
		MaxBands:     b[12],
		MaxColors:    b[13],
	}, b[16:], nil
}

// AppendBinary appends the features as they stand in a meter features reply.
func (f MeterFeatures) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, f.MaxMeters)
	b = binary.BigEndian.AppendUint32(b, f.Bands)
	b = binary.BigEndian.AppendUint32(b, f.Capabilities)
	return append(b, f.MaxBands, f.MaxColors, 0, 0), nil
}
