package openflow

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Packet is the headers of an Ethernet frame.
type Packet struct {
	// Match has the value of every field that the frame has, as far as OpenFlow matches them: only the outer VLAN tag, the
	// outer MPLS label. A frame without a tag has the VLAN id 0.
	Match Match
	VLANs []uint16 // the tag control information of up to two tags, the outer first

	checksum string // as ovs-ofctl prints it after the match
}

// DecodePacket reads a frame as ovs-vswitchd does. It takes any bytes: fields that are cut off, or in headers that are not
// sound, are zero.
func DecodePacket(frame []byte) Packet {
	var d packetDecoder
	if len(frame) < 14 {
		d.set(FieldEthDst, make([]byte, 6))
		d.set(FieldEthSrc, make([]byte, 6))
		d.number(FieldEthType, 0)
		return d.finish()
	}
	d.set(FieldEthDst, frame[:6])
	d.set(FieldEthSrc, frame[6:12])
	b := frame[12:]
	for len(d.packet.VLANs) < 2 && len(b) >= 8 && isVLAN(binary.BigEndian.Uint16(b)) {
		d.packet.VLANs = append(d.packet.VLANs, binary.BigEndian.Uint16(b[2:])|vlanPresent)
		b = b[4:]
	}
	ethType, b := cutEthType(b)
	d.number(FieldEthType, uint64(ethType))
	switch ethType {
	case EthTypeIPv4:
		d.ipv4(b)
	case EthTypeIPv6:
		d.ipv6(b)
	case EthTypeARP, EthTypeRARP:
		d.arp(b)
	case EthTypeMPLS, EthTypeMPLSMulticast:
		d.mpls(b)
	case EthTypeNSH:
		d.nsh(b)
	}
	return d.finish()
}

const (
	vlanPresent = 0x1000
	ethTypeQinQ = 0x88a8
	ethTypeNone = 0x05ff // of frames with a length instead
	ethTypeMin  = 0x0600
)

func isVLAN(ethType uint16) bool { return ethType == EthTypeVLAN || ethType == ethTypeQinQ }

// cutEthType reads the type, or what LLC and SNAP headers say in its place.
func cutEthType(b []byte) (uint16, []byte) {
	if len(b) < 2 {
		return ethTypeNone, nil
	}
	t, rest := binary.BigEndian.Uint16(b), b[2:]
	switch {
	case t >= ethTypeMin:
		return t, rest
	case len(rest) < 8 || string(rest[:6]) != "\xaa\xaa\x03\x00\x00\x00":
		return ethTypeNone, rest
	}
	if t = binary.BigEndian.Uint16(rest[6:]); t < ethTypeMin {
		return ethTypeNone, rest[8:]
	}
	return t, rest[8:]
}

type packetDecoder struct {
	packet Packet
	list   []entry
}

func (d *packetDecoder) set(f FieldID, value []byte) {
	d.list = addEntry(d.list, tidy(entry{id: f, value: string(value)}))
}

func (d *packetDecoder) number(f FieldID, v uint64) { d.set(f, []byte(uintBytes(v, f.Bytes()))) }

// bytes sets fields to what follows one another at the front of b, to zero where b is at its end.
func (d *packetDecoder) bytes(b []byte, list ...FieldID) {
	for _, f := range list {
		value := make([]byte, f.Bytes())
		n := copy(value, b)
		b = b[n:]
		d.set(f, value)
	}
}

func (d *packetDecoder) finish() Packet {
	tci := uint16(0)
	if len(d.packet.VLANs) > 0 {
		tci = d.packet.VLANs[0]
		d.number(FieldVLANPCP, uint64(tci>>13))
	}
	d.number(FieldVLANVID, uint64(tci&0x1fff))
	d.packet.Match = matchOf(d.list)
	return d.packet
}

// ip sets what both versions have; frag is in the bits of ip_frag.
func (d *packetDecoder) ip(proto, tos, ttl, frag byte) {
	d.number(FieldIPProto, uint64(proto))
	d.number(FieldIPDSCP, uint64(tos>>2))
	d.number(FieldIPECN, uint64(tos&3))
	d.number(FieldIPTTL, uint64(ttl))
	d.number(FieldIPFrag, uint64(frag))
}

func (d *packetDecoder) ipv4(b []byte) {
	header, total := 0, 0
	if len(b) >= 20 {
		header, total = int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	}
	if len(b) < 20 || header < 20 || header > len(b) || total > len(b) || total < header {
		d.bytes(nil, FieldIPv4Src, FieldIPv4Dst)
		d.ip(0, 0, 0, 0)
		return
	}
	d.bytes(b[12:20], FieldIPv4Src, FieldIPv4Dst)
	frag := byte(0)
	if at := binary.BigEndian.Uint16(b[6:]); at&0x1fff != 0 {
		frag = fragAny | fragLater
	} else if at&0x2000 != 0 {
		frag = fragAny
	}
	d.ip(b[9], b[1], b[8], frag)
	d.transport(b[9], b[header:total], frag)
}

// IPv6 extension headers.
const (
	ipv6HopByHop = 0
	ipv6Routing  = 43
	ipv6Fragment = 44
	ipv6AH       = 51
	ipv6DestOpts = 60
)

func (d *packetDecoder) ipv6(b []byte) {
	payload := 0
	if len(b) >= 40 {
		payload = int(binary.BigEndian.Uint16(b[4:]))
	}
	proto, frag, l4, ok := byte(0), byte(0), []byte(nil), false
	var addresses []byte
	if len(b) >= 40 && payload <= len(b)-40 {
		addresses = b[8:40]
		proto, frag, l4, ok = skipExtensions(b[6], b[40:40+payload])
	}
	if !ok {
		d.bytes(addresses, FieldIPv6Src, FieldIPv6Dst, FieldIPv6Label)
		d.ip(0, 0, 0, 0)
		return
	}
	d.bytes(addresses, FieldIPv6Src, FieldIPv6Dst)
	front := binary.BigEndian.Uint32(b)
	d.number(FieldIPv6Label, uint64(front&0xfffff))
	d.ip(proto, byte(front>>20), b[7], frag)
	if frag&fragLater == 0 {
		d.transport6(proto, l4)
	}
}

// skipExtensions finds the transport header behind extension headers.
func skipExtensions(proto byte, b []byte) (byte, byte, []byte, bool) {
	frag := byte(0)
	for {
		n := 0
		switch proto {
		case ipv6HopByHop, ipv6Routing, ipv6DestOpts:
			if len(b) < 8 {
				return 0, 0, nil, false
			}
			n = 8 + 8*int(b[1])
		case ipv6AH:
			if len(b) < 8 {
				return 0, 0, nil, false
			}
			n = 8 + 4*int(b[1])
		case ipv6Fragment:
			if len(b) < 8 {
				return 0, 0, nil, false
			}
			n = 8
			if at := binary.BigEndian.Uint16(b[2:]); at&0xfff8 != 0 {
				return ipv6Fragment, fragAny | fragLater, nil, true
			} else if at&1 != 0 {
				frag = fragAny
			}
		default:
			return proto, frag, b, true
		}
		if n > len(b) {
			return 0, 0, nil, false
		}
		proto, b = b[0], b[n:]
	}
}

// transport reads a header behind IPv4. Of a later fragment, ovs-ofctl prints what is where the checksum would be.
func (d *packetDecoder) transport(proto byte, b []byte, frag byte) {
	if proto == ProtoICMP && len(b) >= 8 {
		d.checksum("icmp", b[2:4])
	}
	later := frag&fragLater != 0
	if proto == ProtoICMP && !later {
		d.bytes(wholeOrNone(b, len(b) >= 8), FieldICMPv4Type, FieldICMPv4Code)
	}
	d.ports(proto, b, later)
}

func (d *packetDecoder) transport6(proto byte, b []byte) {
	if proto != ProtoICMPv6 {
		d.ports(proto, b, false)
		return
	}
	whole := len(b) >= 4
	d.bytes(wholeOrNone(b, whole), FieldICMPv6Type, FieldICMPv6Code)
	if !whole {
		return
	}
	d.checksum("icmp6", b[2:4])
	if (b[0] == ICMPv6NeighborSolicitation || b[0] == ICMPv6NeighborAdvertisement) && b[1] == 0 {
		d.neighbor(b)
	}
}

// ports reads the protocols that have ports.
func (d *packetDecoder) ports(proto byte, b []byte, later bool) {
	var length, checksum, n int
	var name string
	var src, dst FieldID
	switch proto {
	case ProtoTCP:
		name, length, checksum, n, src, dst = "tcp", 20, 16, 2, FieldTCPSrc, FieldTCPDst
	case ProtoUDP:
		name, length, checksum, n, src, dst = "udp", 8, 6, 2, FieldUDPSrc, FieldUDPDst
	case ProtoSCTP:
		name, length, checksum, n, src, dst = "sctp", 12, 8, 4, FieldSCTPSrc, FieldSCTPDst
	default:
		return
	}
	whole := len(b) >= length
	if whole {
		d.checksum(name, b[checksum:checksum+n])
	}
	if later {
		return
	}
	if proto == ProtoTCP {
		header := 0
		if whole {
			header = int(b[12]>>4) * 4
		}
		whole = header >= length && header <= len(b)
		d.bytes([]byte(flagsOf(b, whole)), FieldTCPFlags)
	}
	d.bytes(wholeOrNone(b, whole), src, dst)
}

// flagsOf are the flags of a TCP header.
func flagsOf(b []byte, whole bool) string {
	if !whole {
		return ""
	}
	return string([]byte{b[12] & 0x0f, b[13]})
}

func (d *packetDecoder) checksum(name string, b []byte) {
	d.packet.checksum = fmt.Sprintf(" %s_csum:%x", name, uintOf(string(b)))
}

func wholeOrNone(b []byte, whole bool) []byte {
	if whole {
		return b
	}
	return nil
}

// neighbor reads a neighbor solicitation or advertisement and its options, up to the first that is not sound.
func (d *packetDecoder) neighbor(b []byte) {
	target, link := []byte(nil), [3][]byte{}
	if len(b) >= 24 {
		target = b[8:24]
		for options := b[24:]; len(options) >= 8; {
			n := 8 * int(options[1])
			if n == 0 || n > len(options) {
				break
			}
			if kind := options[0]; n == 8 && (kind == 1 || kind == 2) {
				if link[kind] != nil { // twice: which of them is it?
					target, link = nil, [3][]byte{}
					break
				}
				link[kind] = options[2:8]
			}
			options = options[n:]
		}
	}
	d.bytes(target, FieldNDTarget)
	d.bytes(link[1], FieldNDSLL)
	d.bytes(link[2], FieldNDTLL)
}

func (d *packetDecoder) arp(b []byte) {
	if len(b) < 28 || string(b[:6]) != "\x00\x01\x08\x00\x06\x04" {
		d.bytes(nil, FieldARPSPA, FieldARPTPA, FieldARPOp, FieldARPSHA, FieldARPTHA)
		return
	}
	op := uint64(binary.BigEndian.Uint16(b[6:]))
	if op > 0xff {
		op = 0
	}
	d.number(FieldARPOp, op)
	d.bytes(b[8:], FieldARPSHA, FieldARPSPA, FieldARPTHA, FieldARPTPA)
}

func (d *packetDecoder) mpls(b []byte) {
	var label uint32
	if len(b) >= 4 {
		label = binary.BigEndian.Uint32(b)
	}
	d.number(FieldMPLSLabel, uint64(label>>12))
	d.number(FieldMPLSTC, uint64(label>>9&7))
	d.number(FieldMPLSBOS, uint64(label>>8&1))
	d.number(FieldMPLSTTL, uint64(label&0xff))
}

func (d *packetDecoder) nsh(b []byte) {
	defer d.ip(0, 0, 0, 0) // which ovs-ofctl prints as well
	context := []FieldID{FieldNSHC1, FieldNSHC2, FieldNSHC3, FieldNSHC4}
	var front uint16
	if len(b) >= 8 {
		front = binary.BigEndian.Uint16(b)
	}
	if n := int(front&0x3f) * 4; len(b) < 8 || front>>14 != 0 || n < 8 || n > len(b) || b[2]&15 == 1 && n != 24 {
		d.bytes(nil, FieldNSHFlags, FieldNSHTTL, FieldNSHMdtype, FieldNSHNP, FieldNSHSPI, FieldNSHSI)
		return
	}
	d.number(FieldNSHFlags, uint64(front>>12&3))
	d.number(FieldNSHTTL, uint64(front>>6&0x3f))
	d.number(FieldNSHMdtype, uint64(b[2]&15))
	d.number(FieldNSHNP, uint64(b[3]))
	d.number(FieldNSHSPI, uint64(binary.BigEndian.Uint32(b[4:])>>8))
	d.number(FieldNSHSI, uint64(b[7]))
	if b[2]&15 == 1 {
		d.bytes(b[8:24], context...)
	}
}

// String is the packet as ovs-ofctl prints it.
func (k Packet) String() string {
	p := printer{Syntax: *plain}
	p.headers(k)
	return string(p.b)
}

// packet appends a line for a frame.
func (p *printer) packet(frame []byte) {
	p.headers(DecodePacket(frame))
	p.format("\n")
}

func (p *printer) headers(k Packet) {
	var rest []entry
	for _, e := range k.Match.entries(nil) {
		if e.id != FieldVLANVID && e.id != FieldVLANPCP {
			rest = append(rest, e)
		}
	}
	text := string(p.AppendMatch(nil, matchOf(rest)))
	at := max(strings.Index(text, "dl_src="), 0)
	p.format("%s", text[:at])
	for i, tci := range k.VLANs {
		number := ""
		if i > 0 {
			number = fmt.Sprint(i)
		}
		p.format("dl_vlan%s=%d,dl_vlan_pcp%s=%d,", number, tci&0xfff, number, tci>>13)
	}
	switch len(k.VLANs) {
	case 0:
		p.format("vlan_tci=0x0000,")
	case 1:
		p.format("vlan_tci1=0x0000,")
	}
	p.format("%s%s", text[at:], k.checksum)
}
