package openflow

import "encoding/binary"

// Bits of a match of OpenFlow 1.0 that say what does not matter; for addresses there are six bits, which say how many of the last
// ones do not.
const (
	any10InPort  = 1 << 0
	any10VLAN    = 1 << 1
	any10DlSrc   = 1 << 2
	any10DlDst   = 1 << 3
	any10DlType  = 1 << 4
	any10NwProto = 1 << 5
	any10TpSrc   = 1 << 6
	any10TpDst   = 1 << 7
	any10NwSrc   = 8  // where its six bits begin
	any10NwDst   = 14 // likewise
	any10PCP     = 1 << 20
	any10NwTOS   = 1 << 21

	noVLAN10 = 0xffff
)

// match10 is the 40 bytes of a match of OpenFlow 1.0. What the protocol does not have is left out.
func match10(b []byte) Match {
	var m Match
	wild := binary.BigEndian.Uint32(b)
	said := func(bit uint32) bool { return wild&bit == 0 }
	if said(any10InPort) {
		m = m.InPort(portFrom16(uint64(binary.BigEndian.Uint16(b[4:]))))
	}
	if said(any10DlSrc) {
		m = m.With(FieldEthSrc, b[6:12], nil)
	}
	if said(any10DlDst) {
		m = m.With(FieldEthDst, b[12:18], nil)
	}
	m = vlan10(m, said(any10VLAN), said(any10PCP), binary.BigEndian.Uint16(b[18:]), b[20])
	if !said(any10DlType) {
		return m
	}
	ethType := binary.BigEndian.Uint16(b[22:])
	m = m.EthType(ethType)
	fields := map[uint16][4]FieldID{ // source, destination, protocol, type of service
		EthTypeIPv4: {FieldIPv4Src, FieldIPv4Dst, FieldIPProto, FieldIPDSCP},
		EthTypeARP:  {FieldARPSPA, FieldARPTPA, FieldARPOp},
		EthTypeRARP: {FieldARPSPA, FieldARPTPA, FieldARPOp},
		EthTypeIPv6: {0, 0, FieldIPProto, FieldIPDSCP},
	}[ethType]
	for i, shift := range []int{any10NwSrc, any10NwDst} {
		if bits := min(wild>>shift&0x3f, 32); fields[i] != 0 && bits < 32 {
			mask := binary.BigEndian.AppendUint32(nil, ^uint32(0)<<bits)
			m = m.With(fields[i], b[28+4*i:32+4*i], mask)
		}
	}
	if fields[3] != 0 && said(any10NwTOS) {
		m = m.exact(fields[3], uint64(b[24]>>2))
	}
	if fields[2] == 0 || !said(any10NwProto) {
		return m
	}
	m = m.exact(fields[2], uint64(b[25]))
	if fields[2] != FieldIPProto {
		return m
	}
	ports := map[uint8][2]FieldID{
		ProtoTCP: {FieldTCPSrc, FieldTCPDst}, ProtoUDP: {FieldUDPSrc, FieldUDPDst}, ProtoSCTP: {FieldSCTPSrc, FieldSCTPDst},
		ProtoICMP: {FieldICMPv4Type, FieldICMPv4Code}, ProtoICMPv6: {FieldICMPv6Type, FieldICMPv6Code},
	}[b[25]]
	if b[25] == ProtoICMP && ethType != EthTypeIPv4 || b[25] == ProtoICMPv6 && ethType != EthTypeIPv6 {
		return m
	}
	for i, bit := range []uint32{any10TpSrc, any10TpDst} {
		if f := ports[i]; f != 0 && said(bit) {
			m = m.exact(f, uint64(binary.BigEndian.Uint16(b[36+2*i:]))&(1<<f.Bits()-1))
		}
	}
	return m
}

// vlan10 matches a tag, or that there is none.
func vlan10(m Match, vid, pcp bool, number uint16, priority byte) Match {
	switch {
	case vid && number == noVLAN10:
		return m.exact(FieldVLANTCI, 0).untagged()
	case !vid && !pcp:
		return m
	}
	const present = 0x1000
	tci, mask := uint64(present), uint64(present)
	if vid {
		tci, mask = tci|uint64(number&0xfff), mask|0xfff
	}
	if pcp {
		tci, mask = tci|uint64(priority&7)<<13, mask|0xe000
	}
	return m.WithUint(FieldVLANTCI, tci, mask)
}

// untagged is a match of packets without a tag, as OpenFlow 1.0 says it: no bit is set, be it of the priority. OpenFlow 1.5 takes
// no priority without a tag.
func (m Match) untagged() Match {
	return matchOf(addEntry(m.entries(nil), entry{id: FieldVLANPCP, value: "\x00"}))
}
