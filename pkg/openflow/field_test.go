package openflow

import (
	"slices"
	"strings"
	"testing"
)

// TestFieldTable checks that the table does not contradict itself.
func TestFieldTable(t *testing.T) {
	names, headers := make(map[string]FieldID), make(map[oxmID]FieldID)
	for i := range fields {
		f, row := FieldID(i), &fields[i]
		if row.name == "" {
			if i != 0 {
				t.Errorf("field %d has no row", i)
			}
			continue
		}
		if int(row.bits) > 8*int(row.bytes) || row.bytes == 0 || row.nxmName == "" {
			t.Errorf("%s: %d bits in %d bytes, NXM name %q", f, row.bits, row.bytes, row.nxmName)
		}
		for _, name := range append([]string{row.name, row.nxmName}, row.aliases...) {
			if other, ok := names[name]; ok && name != "in_port" { // the name of both widths
				t.Errorf("%s and %s are both called %s", f, other, name)
			}
			names[name] = f
		}
		for _, id := range []oxmID{row.nxm, row.oxm} {
			if id == (oxmID{}) {
				continue
			}
			if other, ok := headers[id]; ok {
				t.Errorf("%s and %s have the same header", f, other)
			}
			headers[id] = f
		}
		if got := fieldOf(f.wire()); got != f {
			t.Errorf("%s is found as %s by its header", f, got)
		}
		if strings.HasPrefix(row.nxmName, "NXM_OF") != (row.nxm.class == classNXM0 && row.nxm.experimenter == 0 && strings.HasPrefix(row.nxmName, "NXM")) {
			if row.nxm.class != classNXM0 || strings.HasPrefix(row.nxmName, "NXM_NX") {
				t.Errorf("%s: name %s, class %#x", f, row.nxmName, row.nxm.class)
			}
		}
	}
	for _, f := range slices.Concat(printedBefore, printedAfter, printedLast) {
		if !f.known() {
			t.Errorf("the text of matches names field %d, which has no row", f)
		}
	}
}

// anyValue is a match that has f, with what f needs, and a value for the others of the family.
func anyValue(f FieldID, masked bool) Match {
	m := Match{}
	switch fields[f].prereq {
	case needIP, needTCP, needUDP, needSCTP:
		m = m.EthType(EthTypeIPv4)
	case needMPLS:
		m = m.EthType(EthTypeMPLS)
	case needND:
		m = m.ICMPv6Type(ICMPv6NeighborSolicitation)
	case needCT:
		m = m.CTState(CTEstablished|CTTracked, 0).EthType(EthTypeIPv4).IPProto(ProtoTCP)
		switch f {
		case FieldCTTpSrc, FieldCTTpDst:
			m = m.WithUint(FieldCTNwProto, ProtoTCP, ^uint64(0))
		case FieldCTIPv6Src, FieldCTIPv6Dst:
			m = Match{}.CTState(CTEstablished|CTTracked, 0).EthType(EthTypeIPv6)
		}
	}
	n := f.Bytes()
	if fields[f].variable {
		n = 4
	}
	value := make([]byte, n)
	value[len(value)-1] = 1
	switch f {
	case FieldVLANVID, FieldVLANTCI:
		value[0] = 0x10
	case FieldIPTOS:
		value[0] = 4
	}
	if !masked {
		return m.With(f, value, nil)
	}
	mask := make([]byte, n)
	mask[len(mask)-1] = 1
	if f == FieldVLANVID || f == FieldVLANTCI {
		mask[0] = 0x10
	}
	return m.With(f, value, mask)
}

// tunnelOf4 has options of four bytes.
var tunnelOf4 = func() *Syntax {
	x := &Syntax{}
	for i := range x.TunMetadata {
		x.TunMetadata[i] = 4
	}
	return x
}()

// TestEveryField matches each field, alone and masked, and takes it through bytes and text.
func TestEveryField(t *testing.T) {
	for i := range fields {
		f := FieldID(i)
		if !f.known() {
			continue
		}
		t.Run(f.String(), func(t *testing.T) {
			for _, masked := range []bool{false, true} {
				if masked && fields[f].mask == maskNone {
					continue
				}
				m := anyValue(f, masked)
				if err := m.Check(); err != nil {
					t.Error(err)
				}
				decoded, err := DecodeMatch([]byte(m.oxm))
				if err != nil || decoded != m {
					t.Errorf("%x decoded as %x: %v", m.oxm, decoded.oxm, err)
				}
				parsed, err := tunnelOf4.ParseMatch(m.String())
				if err != nil || parsed != m {
					t.Errorf("%s parsed as %s: %v", m, parsed, err)
				}
			}
		})
	}
}

// TestOptionMasks: a mask is all of an option only where it is known how long that is.
func TestOptionMasks(t *testing.T) {
	const all = "set_field:0x1/0xffffffff->tun_metadata3"
	for _, test := range []struct {
		name, text, want string
		syntax           *Syntax
	}{
		{"of unknown length", all, all, plain},
		{"of four bytes", all, "set_field:0x1->tun_metadata3", tunnelOf4},
		{"load into four bytes", "load:0x1->tun_metadata3[]", "set_field:0x1->tun_metadata3", tunnelOf4},
		{"load into the lowest bytes of who knows how many", "load:0x1->tun_metadata3[0..31]", all, plain},
		{"load into two bytes of four", "load:0x1->tun_metadata3[0..15]", "set_field:0x1/0xffff->tun_metadata3", tunnelOf4},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := test.syntax.ParseActions(test.text)
			if got := a.String(); err != nil || got != test.want {
				t.Errorf("got %s, want %s: %v", got, test.want, err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name, want string
		match      Match
	}{
		{"zero", "", Match{}},
		{"port without family", "nw_proto: prerequisite missing", Match{}.TCPDst(80)},
		{"port", "", Match{}.EthType(EthTypeIPv6).TCPDst(80)},
		{"target without type", "nd_target: prerequisite missing", Match{}.NDTarget(addr("fd00::1"))},
		{"target", "", Match{}.ICMPv6Type(ICMPv6NeighborAdvertisement).NDTarget(addr("fd00::1"))},
		{"original address of what is not tracked", "ct_nw_src: prerequisite missing", Match{}.WithUint(FieldCTNwSrc, 1, 1)},
		{"mask of an exact field", "eth_type cannot be masked", Match{}.WithUint(FieldEthType, 0x800, 0xff00)},
		{"register", "", Match{}.Reg(3, 1, 0xf)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.match.Check(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
