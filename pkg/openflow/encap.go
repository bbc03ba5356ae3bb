package openflow

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Encap is the encap action: it puts a header in front of the packet.
type Encap struct {
	PacketType uint32 // of the result: PacketTypeEthernet, PacketTypeNSH…
	HeaderSize uint16 // 0 for what is usual
	MDType     uint8  // of NSH; 0 not to say
	TLVs       []NSHTLV
}

// NSHTLV is a metadata field of a network service header of MD type 2.
type NSHTLV struct {
	Class uint16
	Type  uint8
	Value []byte // at most 236 bytes
}

// Packet types: a namespace and a type in it.
const (
	PacketTypeEthernet      = 0
	PacketTypeNSH           = 1<<16 | EthTypeNSH
	PacketTypeMPLS          = 1<<16 | EthTypeMPLS
	PacketTypeMPLSMulticast = 1<<16 | EthTypeMPLSMulticast
	PacketTypeNext          = 0xfffe // for Decap: what the header says
)

var encapNames = map[uint32]string{
	PacketTypeEthernet: "ethernet", PacketTypeNSH: "nsh", PacketTypeMPLS: "mpls", PacketTypeMPLSMulticast: "mpls_mc",
}

// Properties of encap.
const (
	encapClassNSH  = 4
	encapNSHMDType = 1
	encapNSHTLV    = 2
	encapTLVMax    = 236 // so that the property's length fits into a byte
)

// Encap appends an encap action.
func (a Actions) Encap(e Encap) Actions {
	var space [64]byte
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxEncap), e.HeaderSize)
	b = binary.BigEndian.AppendUint32(b, e.PacketType)
	if e.MDType != 0 {
		b = append(b, 0, encapClassNSH, encapNSHMDType, 5, e.MDType, 0, 0, 0)
	}
	for _, tlv := range e.TLVs {
		n := len(tlv.Value)
		if n > encapTLVMax {
			panic(fmt.Sprintf("openflow: NSH TLV of %d bytes", n))
		}
		b = append(b, 0, encapClassNSH, encapNSHTLV, byte(8+n+pad8(n)))
		b = append(binary.BigEndian.AppendUint16(b, tlv.Class), tlv.Type, byte(n))
		b = append(append(b, tlv.Value...), allZeros[:pad8(n)]...)
	}
	return a.appended(b)
}

// Decap takes the outer header away. What is under it is of the given type, or PacketTypeNext.
func (a Actions) Decap(packetType uint32) Actions {
	var space [16]byte
	b := append(beginNicira(space[:0], nxDecap), 0, 0)
	return a.appended(binary.BigEndian.AppendUint32(b, packetType))
}

// decodeEncap reads the body of encap.
func decodeEncap(body []byte) (Encap, bool) {
	if len(body) < 6 {
		return Encap{}, false
	}
	e := Encap{HeaderSize: binary.BigEndian.Uint16(body), PacketType: binary.BigEndian.Uint32(body[2:])}
	_, ok := encapNames[e.PacketType]
	for rest := body[6:]; ok && len(rest) > 0; {
		var mdType uint8
		var tlv NSHTLV
		if mdType, tlv, rest, ok = cutEncapProperty(rest); mdType != 0 {
			e.MDType = mdType
		} else {
			e.TLVs = append(e.TLVs, tlv)
		}
	}
	return e, ok
}

// appendEncap keeps the order of the properties, which may be any.
func appendEncap(b, body []byte) ([]byte, bool) {
	if len(body) < 6 {
		return b, false
	}
	name, ok := encapNames[binary.BigEndian.Uint32(body[2:])]
	b = append(append(b, "encap("...), name...)
	for i, rest := 0, body[6:]; ok && len(rest) > 0; i++ {
		if i > 0 {
			b = append(b, ',')
		} else {
			b = append(b, '(')
		}
		b, rest, ok = appendEncapProperty(b, rest)
	}
	if len(body) > 6 {
		b = append(b, ')')
	}
	return append(b, ')'), ok
}

func appendEncapProperty(b, p []byte) (text, rest []byte, ok bool) {
	mdType, tlv, rest, ok := cutEncapProperty(p)
	if mdType != 0 {
		return fmt.Appendf(b, "md_type=%d", mdType), rest, ok
	}
	b = fmt.Appendf(b, "tlv(0x%04x,%d,0x", tlv.Class, tlv.Type)
	return append(hex.AppendEncode(b, tlv.Value), ')'), rest, ok
}

// cutEncapProperty takes an MD type, or else a TLV, off the front of p.
func cutEncapProperty(p []byte) (mdType uint8, tlv NSHTLV, rest []byte, ok bool) {
	if len(p) < 8 || binary.BigEndian.Uint16(p) != encapClassNSH {
		return 0, NSHTLV{}, nil, false
	}
	n := int(p[3]) + pad8(int(p[3]))
	switch {
	case p[2] == encapNSHMDType && n == 8:
		return p[4], NSHTLV{}, p[8:], p[4] != 0
	case p[2] == encapNSHTLV && n >= 8 && n <= len(p) && n == 8+int(p[7])+pad8(int(p[7])) && p[7] <= encapTLVMax:
		return 0, NSHTLV{binary.BigEndian.Uint16(p[4:]), p[6], p[8 : 8+int(p[7])]}, p[n:], true
	}
	return 0, NSHTLV{}, nil, false
}

func decodeDecap(body []byte) (Decap, bool) {
	if len(body) != 6 {
		return Decap{}, false
	}
	return Decap{binary.BigEndian.Uint32(body[2:])}, true
}

func appendDecap(b, body []byte) ([]byte, bool) {
	d, ok := decodeDecap(body)
	b = append(b, "decap("...)
	if t := d.PacketType; t != PacketTypeNext {
		b = fmt.Appendf(b, "packet_type(ns=%d,type=%s)", t>>16, hexText(uint64(t&0xffff)))
	}
	return append(b, ')'), ok
}

func parseEncap(a Actions, s string) (Actions, error) {
	name, argument := cutCall(s)
	var e Encap
	known := false
	for t, other := range encapNames {
		if name == other {
			e.PacketType, known = t, true
		}
	}
	if !known || argument != "" && e.PacketType != PacketTypeNSH {
		return Actions{}, fmt.Errorf("%q is none of ethernet, mpls, mpls_mc and nsh with its properties", s)
	}
	size := 0
	err := eachWord(argument, func(word string) error {
		key, value, _ := strings.Cut(word, "=")
		if key == "md_type" {
			v, err := parseUint(value, 8)
			if err == nil && v != 1 && v != 2 {
				err = fmt.Errorf("md_type is 1 or 2, not %d", v)
			}
			e.MDType = uint8(v)
			return err
		}
		tlv, err := parseNSHTLV(word)
		e.TLVs, size = append(e.TLVs, tlv), size+16+len(tlv.Value)
		return err
	})
	if err != nil {
		shift(err, len(name)+1)
		return Actions{}, err
	}
	return a.bounded(size, func() Actions { return a.Encap(e) })
}

func parseNSHTLV(s string) (NSHTLV, error) {
	name, argument := cutCall(s)
	part := parts(argument)
	if name != "tlv" || len(part) != 3 {
		return NSHTLV{}, fmt.Errorf("%q is neither md_type=n nor tlv(class,type,value)", s)
	}
	class, err := parseUint(part[0], 16)
	if err != nil {
		return NSHTLV{}, err
	}
	kind, err := parseUint(part[1], 8)
	if err != nil {
		return NSHTLV{}, err
	}
	value, err := hex.DecodeString(strings.TrimPrefix(part[2], "0x"))
	if err == nil && len(value) > encapTLVMax {
		err = fmt.Errorf("%d bytes are more than %d", len(value), encapTLVMax)
	}
	return NSHTLV{Class: uint16(class), Type: uint8(kind), Value: value}, err
}

// parseDecap reads nothing or packet_type(ns=1,type=0x800).
func parseDecap(a Actions, s string) (Actions, error) {
	if s == "" {
		return a.Decap(PacketTypeNext), nil
	}
	name, argument := cutCall(s)
	var namespace, kind uint64
	err := eachWord(argument, func(word string) (err error) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "ns":
			namespace, err = parseUint(value, 16)
		case "type":
			kind, err = parseUint(value, 16)
		default:
			err = fmt.Errorf("packet_type has no argument %q", key)
		}
		return err
	})
	shift(err, len(name)+1)
	if err == nil && name != "packet_type" {
		err = fmt.Errorf("%q is not packet_type(ns=1,type=0x800)", s)
	}
	return a.Decap(uint32(namespace<<16 | kind)), err
}
