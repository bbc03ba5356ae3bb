package openflow

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Bits of a table's configuration, and what makes a flow the first to go.
const (
	TableEviction = 1 << 2
	TableVacancy  = 1 << 3

	EvictOther      = 1 << 0
	EvictImportance = 1 << 1
	EvictLifetime   = 1 << 2
)

// TableDesc is the configuration of a table.
type TableDesc struct {
	Table      TableID
	Config     uint32
	Properties []byte // as they came: eviction and vacancy
}

// Vacancy is when a switch warns that a table fills up, in percent free.
type Vacancy struct{ Down, Up, Now uint8 }

const (
	tablePropEviction = 2
	tablePropVacancy  = 3
)

// EvictionProperty and VacancyProperty are properties of [TableDesc] and [TableMod].
func EvictionProperty(flags uint32) []byte {
	return appendProperty(nil, tablePropEviction, binary.BigEndian.AppendUint32(nil, flags))
}

// VacancyProperty is the property that says when to warn.
func VacancyProperty(v Vacancy) []byte {
	return appendProperty(nil, tablePropVacancy, []byte{v.Down, v.Up, v.Now, 0})
}

// Eviction is what the property says, if it is there.
func (d TableDesc) Eviction() (flags uint32, ok bool) {
	for p, err := range properties(d.Properties) {
		if err == nil && p.kind == tablePropEviction && len(p.body) == 4 {
			return binary.BigEndian.Uint32(p.body), true
		}
	}
	return 0, false
}

// Vacancy is what the property says, if it is there.
func (d TableDesc) Vacancy() (v Vacancy, ok bool) {
	for p, err := range properties(d.Properties) {
		if err == nil && p.kind == tablePropVacancy && len(p.body) == 4 {
			return Vacancy{p.body[0], p.body[1], p.body[2]}, true
		}
	}
	return Vacancy{}, false
}

// DecodeTableDesc takes one table off the front of the body of a table description reply.
func DecodeTableDesc(b []byte) (d TableDesc, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, 8)
	if err != nil {
		return TableDesc{}, nil, err
	}
	return TableDesc{Table: TableID(item[2]), Config: binary.BigEndian.Uint32(item[4:]), Properties: clone(item[8:])}, rest, nil
}

// AppendBinary appends the table as it stands in a table description reply.
func (d TableDesc) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(d.Properties)))
	b = append(b, byte(d.Table), 0)
	return append(binary.BigEndian.AppendUint32(b, d.Config), d.Properties...), nil
}

var evictionNames = []string{"OTHER", "IMPORTANCE", "LIFETIME"}

func (d TableDesc) appendText(p *printer) {
	p.format("\n  table ")
	p.b = p.appendTable(p.b, d.Table)
	p.format(":\n   eviction=%s eviction_flags=", onOff(d.Config&TableEviction != 0))
	if flags, ok := d.Eviction(); ok {
		p.bitNames(flags, evictionNames, "|")
	} else {
		p.format("(none)")
	}
	p.format("\n   vacancy=%s", onOff(d.Config&TableVacancy != 0))
	if v, ok := d.Vacancy(); ok && d.Config&TableVacancy != 0 {
		p.format(" vacancy_down=%d%% vacancy_up=%d%% vacancy=%d%%", v.Down, v.Up, v.Now)
	}
	p.format("\n")
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func not(b bool) string {
	if b {
		return "not "
	}
	return ""
}

// TableMod changes the configuration of a table.
type TableMod struct{ TableDesc }

// MessageType implements [Message].
func (TableMod) MessageType() MessageType { return TypeTableMod }

// AppendBinary implements [Message].
func (m TableMod) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(append(b, byte(m.Table), 0, 0, 0), m.Config)
	return append(b, m.Properties...), nil
}

func decodeTableMod(b []byte) (TableMod, error) {
	if err := atLeast(b, 8); err != nil {
		return TableMod{}, err
	}
	return TableMod{TableDesc{Table: TableID(b[0]), Config: binary.BigEndian.Uint32(b[4:]), Properties: clone(b[8:])}}, nil
}

func (m TableMod) appendText(p *printer) {
	if m.Table == TableAll {
		p.format(" table_id: ALL_TABLES")
	} else {
		p.format(" table_id=")
		p.b = p.appendTable(p.b, m.Table)
	}
	p.format(", eviction=%s, vacancy=%s", onOff(m.Config&TableEviction != 0), onOff(m.Config&TableVacancy != 0))
	if v, ok := m.Vacancy(); ok && m.Config&TableVacancy != 0 {
		p.format(" vacancy:%d,%d", v.Down, v.Up)
	}
	p.format("\n")
}

// TableStatus tells that a table fills up, or is emptier again.
type TableStatus struct {
	Reason uint8 // 3 vacancy is down, 4 vacancy is up
	Desc   TableDesc
}

// MessageType implements [Message].
func (TableStatus) MessageType() MessageType { return TypeTableStatus }

// AppendBinary implements [Message].
func (m TableStatus) AppendBinary(b []byte) ([]byte, error) {
	return m.Desc.AppendBinary(append(b, m.Reason, 0, 0, 0, 0, 0, 0, 0))
}

func decodeTableStatus(b []byte) (TableStatus, error) {
	if err := atLeast(b, 8); err != nil {
		return TableStatus{}, err
	}
	d, rest, err := DecodeTableDesc(b[8:])
	if err == nil {
		err = exactly(rest, 0)
	}
	return TableStatus{Reason: b[0], Desc: d}, err
}

func (m TableStatus) appendText(p *printer) {
	switch m.Reason {
	case 3:
		p.format(" reason=VACANCY_DOWN")
	case 4:
		p.format(" reason=VACANCY_UP")
	default:
		p.format(" reason=%d", m.Reason)
	}
	p.format("\ntable_desc:-")
	m.Desc.appendText(p)
}

// TableStats are the counters of a table.
type TableStats struct {
	Table           TableID
	Active          uint32 // flows
	Lookup, Matched uint64 // packets

	// MaxEntries and Name are said in OpenFlow 1.0 only.
	MaxEntries uint32
	Name       string
}

// DecodeTableStats takes one table off the front of the body of a table statistics reply.
func DecodeTableStats(b []byte) (s TableStats, rest []byte, err error) {
	if err := atLeast(b, 24); err != nil {
		return TableStats{}, nil, err
	}
	s = TableStats{Table: TableID(b[0]), Active: binary.BigEndian.Uint32(b[4:])}
	readCounters(b[8:], &s.Lookup, &s.Matched)
	return s, b[24:], nil
}

// AppendBinary appends the table as it stands in a table statistics reply.
func (s TableStats) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(append(b, byte(s.Table), 0, 0, 0), s.Active)
	return appendCounters(b, s.Lookup, s.Matched), nil
}

// tables appends tables, those that are as the one before in few words.
func (p *printer) tables(list []TableStats) {
	for i := 0; i < len(list); i++ {
		s, last := list[i], i
		p.format("  table %d:\n    active=%d, lookup=%d, matched=%d\n", s.Table, s.Active, s.Lookup, s.Matched)
		for last+1 < len(list) && s.same(list[last+1]) {
			last++
		}
		switch {
		case last == i+1:
			p.format("\n  table %d: ditto\n", list[last].Table)
		case last > i:
			p.format("\n  tables %d...%d: ditto\n", list[i+1].Table, list[last].Table)
		}
		i = last
		if i+1 < len(list) {
			p.format("\n")
		}
	}
}

// same reports whether s and t differ in their number at most.
func (s TableStats) same(t TableStats) bool {
	t.Table = s.Table
	return s == t
}

// TableFeatures say what a table can do.
type TableFeatures struct {
	Table                        TableID
	Command                      uint8 // of requests: 0 replace, 1 modify, 2 enable, 3 disable
	Features                     uint32
	Name                         string
	MetadataMatch, MetadataWrite uint64
	Capabilities                 uint32
	MaxEntries                   uint32
	Properties                   []byte // as they came
}

const tableFeaturesLen = 64

// DecodeTableFeatures takes one table off the front of the body of a table features message.
func DecodeTableFeatures(b []byte) (f TableFeatures, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, tableFeaturesLen)
	if err != nil {
		return TableFeatures{}, nil, err
	}
	name, _, _ := bytes.Cut(item[8:40], []byte{0})
	f = TableFeatures{
		Table:        TableID(item[2]),
		Command:      item[3],
		Features:     binary.BigEndian.Uint32(item[4:]),
		Name:         string(name),
		Capabilities: binary.BigEndian.Uint32(item[56:]),
		MaxEntries:   binary.BigEndian.Uint32(item[60:]),
		Properties:   clone(item[tableFeaturesLen:]),
	}
	readCounters(item[40:], &f.MetadataMatch, &f.MetadataWrite)
	return f, rest, nil
}

// AppendBinary appends the table as it stands in a table features message.
func (f TableFeatures) AppendBinary(b []byte) ([]byte, error) {
	if len(f.Name) > 31 {
		return b, fmt.Errorf("table %d: name %q is longer than 31 bytes", f.Table, f.Name)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(tableFeaturesLen+len(f.Properties)))
	b = binary.BigEndian.AppendUint32(append(b, byte(f.Table), f.Command), f.Features)
	var name [32]byte
	copy(name[:], f.Name)
	b = appendCounters(append(b, name[:]...), f.MetadataMatch, f.MetadataWrite)
	b = binary.BigEndian.AppendUint32(b, f.Capabilities)
	return append(binary.BigEndian.AppendUint32(b, f.MaxEntries), f.Properties...), nil
}
