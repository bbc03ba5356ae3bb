package openflow

import (
	"encoding/binary"
	"fmt"
)

// TLVMap maps a Geneve option to a field tun_metadata.
type TLVMap struct {
	Class  uint16
	Type   uint8
	Length uint8  // of the option's value in bytes, a multiple of 4
	Index  uint16 // of tun_metadata
}

// TLVCommand is what a [TLVTableMod] does.
type TLVCommand uint16

// The commands: add maps, remove those, or remove all.
const (
	TLVAdd TLVCommand = iota
	TLVDelete
	TLVClear
)

// TLVTableMod changes the maps of Geneve options.
type TLVTableMod struct {
	Command TLVCommand
	Maps    []TLVMap
}

// TLVTable is the reply with the maps and their limits.
type TLVTable struct {
	MaxSpace  uint32
	MaxFields uint16
	Maps      []TLVMap
}

// MessageType implements [Message].
func (TLVTableMod) MessageType() MessageType { return TypeExperimenter }

// MessageType implements [Message].
func (TLVTable) MessageType() MessageType { return TypeExperimenter }

// AppendBinary implements [Message].
func (m TLVTableMod) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(appendNiciraHeader(b, nxtTLVTableMod), uint16(m.Command))
	return appendTLVMaps(append(b, 0, 0, 0, 0, 0, 0), m.Maps), nil
}

// AppendBinary implements [Message].
func (m TLVTable) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(appendNiciraHeader(b, nxtTLVTableReply), m.MaxSpace)
	b = binary.BigEndian.AppendUint16(b, m.MaxFields)
	return appendTLVMaps(append(b, allZeros[:10]...), m.Maps), nil
}

func appendTLVMaps(b []byte, maps []TLVMap) []byte {
	for _, m := range maps {
		b = append(binary.BigEndian.AppendUint16(b, m.Class), m.Type, m.Length)
		b = append(binary.BigEndian.AppendUint16(b, m.Index), 0, 0)
	}
	return b
}

func decodeTLVTableMod(b []byte) (TLVTableMod, error) {
	if err := atLeast(b, 8); err != nil {
		return TLVTableMod{}, err
	}
	maps, err := decodeTLVMaps(b[8:])
	return TLVTableMod{Command: TLVCommand(binary.BigEndian.Uint16(b)), Maps: maps}, err
}

func decodeTLVTable(b []byte) (TLVTable, error) {
	if err := atLeast(b, 16); err != nil {
		return TLVTable{}, err
	}
	maps, err := decodeTLVMaps(b[16:])
	return TLVTable{MaxSpace: binary.BigEndian.Uint32(b), MaxFields: binary.BigEndian.Uint16(b[4:]), Maps: maps}, err
}

func decodeTLVMaps(b []byte) (maps []TLVMap, err error) {
	if len(b)%8 != 0 {
		return nil, fmt.Errorf("maps of 8 bytes in %d: %w", len(b), errTruncated)
	}
	for ; len(b) > 0; b = b[8:] {
		maps = append(maps, TLVMap{binary.BigEndian.Uint16(b), b[2], b[3], binary.BigEndian.Uint16(b[4:])})
	}
	return maps, nil
}

func (m TLVTableMod) appendText(p *printer) {
	p.format("\n %s", numbered([]string{"ADD", "DEL", "CLEAR"}, uint32(m.Command)))
	if m.Command == TLVClear {
		return
	}
	p.format(" mapping table:\n")
	p.tlvMaps(m.Maps)
}

func (m TLVTable) appendText(p *printer) {
	space := 0
	for _, tlv := range m.Maps {
		space += int(tlv.Length)
	}
	p.format("\n max option space=%d max fields=%d\n allocated option space=%d\n\n mapping table:\n", m.MaxSpace, m.MaxFields, space)
	p.tlvMaps(m.Maps)
}

func (p *printer) tlvMaps(maps []TLVMap) {
	p.format("  class  type  length  match field\n ------  ----  ------  --------------\n")
	for _, m := range maps {
		p.format(" %6s  %4s  %6d  tun_metadata%d\n", hexText(uint64(m.Class)), hexText(uint64(m.Type)), m.Length, m.Index)
	}
	if n := len(p.b); len(maps) > 0 && p.b[n-1] == '\n' {
		p.b = p.b[:n-1]
	}
}
