package openflow

import (
	"encoding/binary"
	"hash/crc32"
)

// transport is what is behind the IP header; sum is that of the pseudo header, without the length.
func (c *composer) transport(proto byte, sum uint32, later bool) []byte {
	if later {
		return c.payload
	}
	switch proto {
	case ProtoTCP:
		const synFinRst = 7
		b := c.append(nil, FieldTCPSrc, FieldTCPDst)
		b = append(b, allZeros[:8]...)
		b = binary.BigEndian.AppendUint16(b, 5<<12|uint16(c.uint(FieldTCPFlags)))
		b = append(b, allZeros[:6]...)
		if c.uint(FieldTCPFlags)&synFinRst == 0 {
			b = append(b, c.payload...)
		}
		return summed(b, 16, sum)
	case ProtoUDP:
		b := c.append(nil, FieldUDPSrc, FieldUDPDst)
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(c.payload)))
		b = summed(append(append(b, 0, 0), c.payload...), 6, sum)
		if b[6]|b[7] == 0 { // which would say that there is none (RFC 768)
			b[6], b[7] = 0xff, 0xff
		}
		return b
	case ProtoSCTP:
		b := append(append(c.append(nil, FieldSCTPSrc, FieldSCTPDst), allZeros[:8]...), c.payload...)
		binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))) // RFC 9260, A
		return b
	case ProtoICMP:
		b := append(c.append(nil, FieldICMPv4Type, FieldICMPv4Code), allZeros[:6]...)
		const reply, request = 0, 8
		if kind := b[0]; (kind == reply || kind == request) && b[1] == 0 {
			b = append(b, c.payload...)
		}
		binary.BigEndian.PutUint16(b[2:], checksum(b, 0))
		return b
	case ProtoICMPv6:
		return c.icmpv6(sum)
	}
	return c.payload
}

func (c *composer) icmpv6(sum uint32) []byte {
	b := append(c.append(nil, FieldICMPv6Type, FieldICMPv6Code), 0, 0)
	const request, reply = 128, 129
	switch kind := b[0]; {
	case b[1] != 0:
		b = append(b, allZeros[:4]...)
	case kind == ICMPv6NeighborSolicitation || kind == ICMPv6NeighborAdvertisement:
		b = append(b, allZeros[:4]...)
		b = c.append(b, FieldNDTarget)
		for i, f := range []FieldID{FieldNDSLL, FieldNDTLL} {
			if c.uint(f) != 0 {
				b = c.append(append(b, byte(i+1), 1), f)
			}
		}
	case kind == request || kind == reply:
		b = append(append(b, allZeros[:4]...), c.payload...)
	default:
		b = append(b, allZeros[:4]...)
	}
	return summed(b, 2, sum)
}

// pseudoHeader is the sum of addresses and protocol, to which that of the length is to be added (RFC 9293, 3.1; RFC 8200, 8.1).
func pseudoHeader(addresses []byte, proto byte) uint32 { return sumOf(addresses, uint32(proto)) }

// summed puts the checksum of b and the pseudo header where it belongs.
func summed(b []byte, at int, pseudo uint32) []byte {
	binary.BigEndian.PutUint16(b[at:], checksum(b, pseudo+uint32(len(b))))
	return b
}

// checksum is the one of RFC 1071.
func checksum(b []byte, sum uint32) uint16 {
	for sum = sumOf(b, sum); sum > 0xffff; {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// sumOf adds words of 16 bits; of fewer than 2^16 of them, so it does not overflow.
func sumOf(b []byte, sum uint32) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}
