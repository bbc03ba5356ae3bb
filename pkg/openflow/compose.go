package openflow

import (
	"encoding/binary"
	"fmt"
)

// ComposePacket makes a frame that m takes. It has the headers that m names, each bit that m leaves open is 0, and lengths and
// checksums are right. The payload goes behind headers of TCP, UDP and SCTP, echoes of ICMP, and an Ethernet or IP type
// without headers of its own. Fields that no frame carries, such as registers, ports and metadata of tunnels, are not looked at.
//
// An error names the first field that the frame could not be given: of another protocol, say, or in a later fragment.
func ComposePacket(m Match, payload []byte) ([]byte, error) {
	c := composer{list: m.entries(nil), payload: payload}
	most := 65000
	if !c.typed() {
		most = 1500 // which is a length, and more than 1535 would be a type
	}
	if len(payload) > most {
		return nil, fmt.Errorf("payload of %d bytes, at most %d go into such a packet", len(payload), most)
	}
	frame := c.ethernet()
	got := DecodePacket(frame).Match
	for f := range m.Fields() {
		if !f.ID.inFrame() {
			continue
		}
		want, have := find(c.list, f.ID), find(got.entries(nil), f.ID)
		if mask := want.wideMask(); have.value == "" || andOf(want.value, mask) != andOf(have.value, mask) {
			return nil, fmt.Errorf("no packet with this match has %s", f.ID)
		}
	}
	return frame, nil
}

// inFrame is true of fields that are read from the frame itself.
func (f FieldID) inFrame() bool {
	return f >= FieldEthSrc && f <= FieldARPTHA || f >= FieldNSHFlags && f <= FieldNSHC4
}

func andOf(value, mask string) string {
	b := []byte(value)
	for i := range b {
		b[i] &= mask[i]
	}
	return string(b)
}

// composer makes the headers of a frame from the inside to the outside, with the values of a match.
type composer struct {
	list    []entry
	payload []byte
}

func (c *composer) uint(f FieldID) uint64 { return uintOf(find(c.list, f).value) }

// append appends fields at their full length.
func (c *composer) append(b []byte, list ...FieldID) []byte {
	for _, f := range list {
		if value := find(c.list, f).value; value != "" {
			b = append(b, value...)
		} else {
			b = append(b, allZeros[:f.Bytes()]...)
		}
	}
	return b
}

// typed is true unless the frame has a length where the Ethernet type would be.
func (c *composer) typed() bool {
	t := find(c.list, FieldEthType).value
	return t != "" && uintOf(t) != ethTypeNone
}

func (c *composer) ethernet() []byte {
	b := c.append(nil, FieldEthDst, FieldEthSrc)
	if vid := c.uint(FieldVLANVID); vid&vlanPresent != 0 {
		b = binary.BigEndian.AppendUint16(b, EthTypeVLAN)
		b = binary.BigEndian.AppendUint16(b, uint16(c.uint(FieldVLANPCP)<<13|vid&0xfff))
	}
	if !c.typed() {
		return append(binary.BigEndian.AppendUint16(b, uint16(len(c.payload))), c.payload...)
	}
	ethType := uint16(c.uint(FieldEthType))
	b = binary.BigEndian.AppendUint16(b, ethType)
	switch ethType {
	case EthTypeIPv4:
		return c.ipv4(b)
	case EthTypeIPv6:
		return c.ipv6(b)
	case EthTypeARP, EthTypeRARP:
		b = append(b, 0, 1, EthTypeIPv4>>8, EthTypeIPv4&0xff, 6, 4)
		b = binary.BigEndian.AppendUint16(b, uint16(c.uint(FieldARPOp)))
		return c.append(b, FieldARPSHA, FieldARPSPA, FieldARPTHA, FieldARPTPA)
	case EthTypeMPLS, EthTypeMPLSMulticast:
		label := c.uint(FieldMPLSLabel)<<12 | c.uint(FieldMPLSTC)<<9 | c.uint(FieldMPLSBOS)<<8 | c.uint(FieldMPLSTTL)
		b = binary.BigEndian.AppendUint32(b, uint32(label))
		if c.uint(FieldMPLSBOS) == 0 { // another label has to follow
			b = append(b, 0, 0, 1, 0)
		}
		return append(b, c.payload...)
	case EthTypeNSH:
		return c.nsh(b)
	}
	return append(b, c.payload...)
}

// nsh appends a network service header, of type 1 with its context (RFC 8300, 2.2 to 2.4).
func (c *composer) nsh(b []byte) []byte {
	words := uint64(2)
	if c.uint(FieldNSHMdtype) == 1 {
		words = 6
	}
	b = binary.BigEndian.AppendUint16(b, uint16(c.uint(FieldNSHFlags)<<12|c.uint(FieldNSHTTL)<<6|words))
	b = append(b, byte(c.uint(FieldNSHMdtype)), byte(c.uint(FieldNSHNP)))
	b = binary.BigEndian.AppendUint32(b, uint32(c.uint(FieldNSHSPI)<<8|c.uint(FieldNSHSI)))
	if words == 6 {
		b = c.append(b, FieldNSHC1, FieldNSHC2, FieldNSHC3, FieldNSHC4)
	}
	return append(b, c.payload...)
}

func (c *composer) tos() byte { return byte(c.uint(FieldIPDSCP)<<2 | c.uint(FieldIPECN)) }

func (c *composer) ipv4(b []byte) []byte {
	frag := uint16(0)
	if bits := c.uint(FieldIPFrag); bits&fragLater != 0 {
		frag = 0x2000 | laterOffset
	} else if bits&fragAny != 0 {
		frag = 0x2000 // more fragments
	}
	proto := byte(c.uint(FieldIPProto))
	addresses := c.append(nil, FieldIPv4Src, FieldIPv4Dst)
	l4 := c.transport(proto, pseudoHeader(addresses, proto), frag&0x1fff != 0)
	start := len(b)
	b = append(b, 0x45, c.tos())
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(l4)))
	b = append(b, 0, 0, byte(frag>>8), byte(frag), byte(c.uint(FieldIPTTL)), proto, 0, 0)
	b = append(b, addresses...)
	binary.BigEndian.PutUint16(b[start+10:], checksum(b[start:], 0))
	return append(b, l4...)
}

// laterOffset is where a later fragment begins, in units of 8 bytes.
const laterOffset = 100

func (c *composer) ipv6(b []byte) []byte {
	proto := byte(c.uint(FieldIPProto))
	addresses := c.append(nil, FieldIPv6Src, FieldIPv6Dst)
	frag := c.uint(FieldIPFrag)
	l4 := c.transport(proto, pseudoHeader(addresses, proto), frag&fragLater != 0)
	next := proto
	switch {
	case frag&fragLater != 0:
		next, l4 = ipv6Fragment, append([]byte{59, 0, laterOffset >> 5, laterOffset<<3&0xff | 1, 0, 0, 0, 0}, l4...) // 59: none
	case frag&fragAny != 0:
		next, l4 = ipv6Fragment, append([]byte{proto, 0, 0, 1, 0, 0, 0, 0}, l4...)
	}
	b = binary.BigEndian.AppendUint32(b, 6<<28|uint32(c.tos())<<20|uint32(c.uint(FieldIPv6Label)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(l4)))
	b = append(b, next, byte(c.uint(FieldIPTTL)))
	return append(append(b, addresses...), l4...)
}
