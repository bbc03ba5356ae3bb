package openflow

import (
	"encoding/binary"
	"net/netip"
)

// CTFlush has the switch forget connections: those that fit what is said.
type CTFlush struct {
	Protocol        uint8
	Original, Reply CTTuple
	Zone            uint16
	HasZone         bool
	Properties      []byte // of later versions, as they came
}

// CTTuple is one direction of a connection, as far as it is said.
type CTTuple struct {
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	ICMPID           uint16
	ICMPType         uint8
	ICMPCode         uint8
}

const (
	ctOriginal = 0
	ctReply    = 1
	ctZone     = 2

	ctTupleSrc = iota - 3
	ctTupleDst
	ctTupleSrcPort
	ctTupleDstPort
	ctTupleICMPID
	ctTupleICMPType
	ctTupleICMPCode
)

// MessageType implements [Message].
func (CTFlush) MessageType() MessageType { return TypeExperimenter }

// AppendBinary implements [Message].
func (m CTFlush) AppendBinary(b []byte) ([]byte, error) {
	b = append(appendNiciraHeader(b, nxtCTFlush), m.Protocol, 0, 0, 0, 0, 0, 0, 0)
	b = m.Original.append(b, ctOriginal, m.isICMP())
	b = m.Reply.append(b, ctReply, m.isICMP())
	if m.HasZone {
		b = appendProperty(b, ctZone, append(binary.BigEndian.AppendUint16(nil, m.Zone), 0, 0))
	}
	return append(b, m.Properties...), nil
}

func (m CTFlush) isICMP() bool { return m.Protocol == ProtoICMP || m.Protocol == ProtoICMPv6 }

// append appends the tuple as a property with properties in it; the inner ones begin after four bytes of padding.
func (t CTTuple) append(b []byte, kind uint16, icmp bool) []byte {
	outer := len(b)
	b, start := beginProperty(b, kind)
	b = append(b, 0, 0, 0, 0)
	for i, addr := range []netip.Addr{t.Src, t.Dst} {
		if addr.IsValid() {
			sixteen := addr.As16()
			b = appendProperty(b, uint16(ctTupleSrc+i), sixteen[:])
		}
	}
	number := func(kind, v uint16) {
		b = appendProperty(b, kind, append(binary.BigEndian.AppendUint16(nil, v), 0, 0))
	}
	if icmp {
		number(ctTupleICMPID, t.ICMPID)
		b = appendProperty(b, ctTupleICMPType, []byte{t.ICMPType})
		b = appendProperty(b, ctTupleICMPCode, []byte{t.ICMPCode})
	} else {
		if t.SrcPort != 0 {
			number(ctTupleSrcPort, t.SrcPort)
		}
		if t.DstPort != 0 {
			number(ctTupleDstPort, t.DstPort)
		}
	}
	if len(b) == outer+8 {
		return b[:outer]
	}
	return endProperty(b, start)
}

func decodeCTFlush(b []byte) (CTFlush, error) {
	if err := atLeast(b, 8); err != nil {
		return CTFlush{}, err
	}
	m := CTFlush{Protocol: b[0]}
	for p, err := range properties(b[8:]) {
		if err == nil {
			switch p.kind {
			case ctOriginal:
				err = m.Original.decode(p.body)
			case ctReply:
				err = m.Reply.decode(p.body)
			case ctZone:
				var v uint64
				v, err = p.uint(2)
				m.Zone, m.HasZone = uint16(v), true
			default:
				m.Properties = append(m.Properties, p.whole...)
			}
		}
		if err != nil {
			return CTFlush{}, err
		}
	}
	for _, t := range []*CTTuple{&m.Original, &m.Reply} { // the protocol has either
		if m.isICMP() {
			t.SrcPort, t.DstPort = 0, 0
		} else {
			t.ICMPID, t.ICMPType, t.ICMPCode = 0, 0, 0
		}
	}
	return m, nil
}

func (t *CTTuple) decode(b []byte) error {
	if err := atLeast(b, 4); err != nil {
		return err
	}
	for p, err := range properties(b[4:]) {
		if err != nil {
			return err
		}
		var v uint64
		switch p.kind {
		case ctTupleSrc, ctTupleDst:
			if err := exactly(p.body, 16); err != nil {
				return err
			}
			addr := netip.AddrFrom16([16]byte(p.body)).Unmap()
			if p.kind == ctTupleSrc {
				t.Src = addr
			} else {
				t.Dst = addr
			}
		case ctTupleSrcPort, ctTupleDstPort, ctTupleICMPID:
			v, err = p.uint(2)
		default:
			v, err = p.uint(1)
		}
		if err != nil {
			return err
		}
		switch p.kind {
		case ctTupleSrcPort:
			t.SrcPort = uint16(v)
		case ctTupleDstPort:
			t.DstPort = uint16(v)
		case ctTupleICMPID:
			t.ICMPID = uint16(v)
		case ctTupleICMPType:
			t.ICMPType = uint8(v)
		case ctTupleICMPCode:
			t.ICMPCode = uint8(v)
		}
	}
	return nil
}

func (m CTFlush) appendText(p *printer) {
	p.format(" zone=%d '", m.Zone)
	m.tuple(p, m.Original)
	p.format(",ct_nw_proto=%d' '", m.Protocol)
	m.tuple(p, m.Reply)
	p.format("'")
}

func (m CTFlush) tuple(p *printer, t CTTuple) {
	names := [2]string{"ct_ipv6_src", "ct_ipv6_dst"}
	if m.is4() {
		names = [2]string{"ct_nw_src", "ct_nw_dst"}
	}
	for i, addr := range []netip.Addr{t.Src, t.Dst} {
		if i > 0 {
			p.format(",")
		}
		if !addr.IsValid() {
			addr = netip.IPv6Unspecified()
		}
		p.format("%s=%s", names[i], addr)
	}
	if m.isICMP() {
		p.format(",icmp_id=%d,icmp_type=%d,icmp_code=%d", t.ICMPID, t.ICMPType, t.ICMPCode)
	} else {
		p.format(",ct_tp_src=%d,ct_tp_dst=%d", t.SrcPort, t.DstPort)
	}
}

func (m CTFlush) is4() bool {
	for _, addr := range []netip.Addr{m.Original.Src, m.Original.Dst, m.Reply.Src, m.Reply.Dst} {
		if addr.Is4() {
			return true
		}
	}
	return false
}
