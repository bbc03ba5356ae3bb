package openflow

import (
	"iter"
	"strconv"
)

// FieldID names a match field. The ids are in the order in which ovs-vswitchd writes the fields of a match, so sorting
// by id gives its canonical form.
type FieldID uint8

// String is the field's name in ovs-ofctl, such as nw_dst.
func (f FieldID) String() string {
	if int(f) < len(fields) && fields[f].name != "" {
		return fields[f].name
	}
	return "field" + strconv.Itoa(int(f))
}

// Bits is the width of the field that can be set or matched, Bytes what it takes on the wire.
func (f FieldID) Bits() int { return int(fields[f].bits) }

// maxTunMetadata is the length of the longest option of a tunnel header.
const maxTunMetadata = 124

// Bytes is the length of the field's value on the wire; that of tun_metadata is at most so long, in steps of 4.
func (f FieldID) Bytes() int { return int(fields[f].bytes) }

// takes reports whether a value can have n bytes.
func (f FieldID) takes(n int) bool {
	return n == f.Bytes() || fields[f].variable && n > 0 && n < f.Bytes()
}

// Maskable reports whether a match can have a mask for the field.
func (f FieldID) Maskable() bool { return fields[f].mask == maskAny }

// Writable reports whether actions can write the field.
func (f FieldID) Writable() bool { return fields[f].access == readWrite }

// Fields goes over the table of match fields, in canonical order.
func Fields() iter.Seq[FieldID] {
	return func(yield func(FieldID) bool) {
		for i := range fields {
			if f := FieldID(i); f.known() && !yield(f) {
				return
			}
		}
	}
}

// known reports whether f is in the table.
func (f FieldID) known() bool { return f != 0 && int(f) < len(fields) && fields[f].name != "" }

// field is one row of the table.
type field struct {
	name     string   // in matches and in the 1.5 spelling of actions
	aliases  []string // accepted when parsing
	bytes    uint8
	bits     uint16
	nxm      oxmID // header inside the Nicira actions; zero if there is none
	oxm      oxmID // header in matches, set_field and copy_field; zero if the same as nxm
	nxmName  string
	format   format
	mask     maskRule
	prereq   prereq
	access   access
	variable bool // bytes is only the most that the value may have
}

// oxmID is what identifies a field on the wire: class and number, and the experimenter for class 0xffff.
type oxmID struct {
	class        uint16
	field        uint8
	experimenter uint32
}

// The classes of OXM headers.
const (
	classNXM0         = 0x0000
	classNXM1         = 0x0001
	classEricsson     = 0x1000
	classBasic        = 0x8000
	classPacketRegs   = 0x8001
	classExperimenter = 0xffff
)

// The experimenters whose fields and actions are known.
const (
	experimenterNicira = 0x00002320
	experimenterONF    = 0x4f4e4600
	experimenterNSH    = 0x005ad650
)

func nxm0(n uint8) oxmID  { return oxmID{class: classNXM0, field: n} }
func nxm1(n uint8) oxmID  { return oxmID{class: classNXM1, field: n} }
func basic(n uint8) oxmID { return oxmID{class: classBasic, field: n} }
func nxET(n uint8) oxmID {
	return oxmID{class: classExperimenter, field: n, experimenter: experimenterNicira}
}
func nsh(n uint8) oxmID {
	return oxmID{class: classExperimenter, field: n, experimenter: experimenterNSH}
}

// format says how a value is written.
type format uint8

const (
	formatHex format = iota
	formatDecimal
	formatPort
	formatMAC
	formatIPv4
	formatIPv6
	formatFrag
	formatCTState
	formatTCPFlags
	formatTunFlags
	formatPacketType
	formatBytes
)

// maskRule says which masks the switch takes in a match.
type maskRule uint8

const (
	maskNone maskRule = iota
	maskAny
)

// access says whether actions may write the field.
type access uint8

const (
	readOnly access = iota
	readWrite
)

// prereq is what a match must say besides the field for the field to exist.
type prereq uint8

const (
	needNothing prereq = iota
	needVLAN
	needMPLS
	needIPv4
	needIPv6
	needIP
	needARP
	needTCP
	needUDP
	needSCTP
	needICMPv4
	needICMPv6
	needND
	needNDSolicit
	needNDAdvert
	needCT
	needNSH
)

// byHeader finds the field of a header; both spellings of a field are in it. The classes that nearly all fields are in have a
// table each, because a dump looks up every field of every flow.
var byHeader = func() (index struct {
	nxm, basic [2][128]FieldID
	other      map[oxmID]FieldID
}) {
	index.other = map[oxmID]FieldID{
		{classExperimenter, 42, experimenterONF}:   FieldTCPFlags,
		{classExperimenter, 0, experimenterNicira}: FieldDPHash,
	}
	for i := range fields {
		f := FieldID(i)
		for _, id := range []oxmID{f.legacy(), f.wire()} {
			switch {
			case !f.known():
			case id.class <= classNXM1:
				index.nxm[id.class][id.field] = f
			case id.class == classBasic || id.class == classPacketRegs:
				index.basic[id.class-classBasic][id.field] = f
			default:
				index.other[id] = f
			}
		}
	}
	return index
}()

// fieldOf is the field with a header, 0 if it is not known.
func fieldOf(id oxmID) FieldID {
	switch {
	case id.class <= classNXM1:
		return byHeader.nxm[id.class][id.field&0x7f]
	case id.class == classBasic || id.class == classPacketRegs:
		return byHeader.basic[id.class-classBasic][id.field&0x7f]
	}
	return byHeader.other[id]
}

// byName finds a field by any of its names, NXM and OXM names included.
var byName = func() map[string]FieldID {
	index := make(map[string]FieldID, 3*len(fields))
	for i := range fields {
		f := &fields[i]
		if f.name == "" {
			continue
		}
		index[f.name] = FieldID(i)
		if f.nxmName != "" {
			index[f.nxmName] = FieldID(i)
		}
		for _, alias := range f.aliases {
			index[alias] = FieldID(i)
		}
	}
	return index
}()

// LookupField finds a field by its name, an alias or its NXM name.
func LookupField(name string) (FieldID, bool) {
	f, ok := byName[name]
	return f, ok
}

// wire is the header of f in matches, set_field and copy_field of OpenFlow 1.5.
func (f FieldID) wire() oxmID {
	if row := &fields[f]; row.oxm != (oxmID{}) {
		return row.oxm
	}
	return fields[f].nxm
}

// legacy is the header of f inside Nicira actions, which prefer NXM.
func (f FieldID) legacy() oxmID {
	if row := &fields[f]; row.nxm != (oxmID{}) || f == FieldInPort16 {
		return row.nxm
	}
	return fields[f].oxm
}

// heads reports whether s, the beginning of a field, has this header: of the two that a field can have, classes tell which.
func (id oxmID) heads(s string) bool { return s[0] == byte(id.class>>8) && s[1] == byte(id.class) }

// appendHeader appends an OXM header for n bytes of value, doubled by a mask.
func (id oxmID) appendHeader(b []byte, n int, masked bool) []byte {
	bit := byte(0)
	if masked {
		bit, n = 1, 2*n
	}
	if id.class == classExperimenter {
		n += 4
	}
	b = append(b, byte(id.class>>8), byte(id.class), id.field<<1|bit, byte(n))
	if id.class == classExperimenter {
		b = append(b, byte(id.experimenter>>24), byte(id.experimenter>>16), byte(id.experimenter>>8), byte(id.experimenter))
	}
	return b
}
