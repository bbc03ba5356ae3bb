package fqdn

import (
	"encoding/binary"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// segment is what a frame carries by UDP or TCP.
type segment struct {
	connection
	protocol uint8
	sequence uint32 // of the first byte, by TCP
	start    bool   // of a connection, by TCP
	end      bool
	payload  []byte // a part of the frame
}

// connection is one by TCP, in the direction of the answers.
type connection struct{ from, to netip.AddrPort }

const (
	ethernetHeader = 14
	udpHeader      = 8
	tcpHeader      = 20

	tcpFIN = 0x01
	tcpSYN = 0x02
	tcpRST = 0x04

	extensionHopByHop    = 0
	extensionRouting     = 43
	extensionDestination = 60
)

// readSegment reads a frame. What is a fragment of a packet, or no sound UDP or TCP, is none.
func readSegment(frame []byte) (s segment, ok bool) {
	if len(frame) < ethernetHeader {
		return s, false
	}
	b := frame[ethernetHeader:]
	var from, to netip.Addr
	switch binary.BigEndian.Uint16(frame[12:]) {
	case openflow.EthTypeIPv4:
		s.protocol, from, to, b, ok = cutIPv4(b)
	case openflow.EthTypeIPv6:
		s.protocol, from, to, b, ok = cutIPv6(b)
	}
	if !ok || len(b) < udpHeader {
		return s, false
	}
	s.from, s.to = netip.AddrPortFrom(from, binary.BigEndian.Uint16(b)), netip.AddrPortFrom(to, binary.BigEndian.Uint16(b[2:]))
	switch s.protocol {
	case openflow.ProtoUDP:
		length := int(binary.BigEndian.Uint16(b[4:]))
		if length < udpHeader {
			return s, false
		}
		s.payload = b[udpHeader:min(length, len(b))]
		return s, true
	case openflow.ProtoTCP:
		if len(b) < tcpHeader {
			return s, false
		}
		header := int(b[12]>>4) * 4
		if header < tcpHeader || header > len(b) {
			return s, false
		}
		s.sequence, s.start, s.end = binary.BigEndian.Uint32(b[4:]), b[13]&tcpSYN != 0, b[13]&(tcpFIN|tcpRST) != 0
		s.payload = b[header:]
		return s, true
	}
	return s, false
}

// cutIPv4 takes the header off a packet, and what is behind its end. Of fragments only the first has more than this.
func cutIPv4(b []byte) (protocol uint8, from, to netip.Addr, rest []byte, ok bool) {
	if len(b) < 20 {
		return 0, from, to, nil, false
	}
	header, length := int(b[0]&0xf)*4, int(binary.BigEndian.Uint16(b[2:]))
	if b[0]>>4 != 4 || header < 20 || length < header || header > len(b) || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		return 0, from, to, nil, false
	}
	return b[9], netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), b[header:min(length, len(b))], true
}

func cutIPv6(b []byte) (protocol uint8, from, to netip.Addr, rest []byte, ok bool) {
	if len(b) < 40 || b[0]>>4 != 6 {
		return 0, from, to, nil, false
	}
	protocol, from, to = b[6], netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
	b = b[40:min(40+int(binary.BigEndian.Uint16(b[4:])), len(b))]
	for protocol == extensionHopByHop || protocol == extensionRouting || protocol == extensionDestination {
		if len(b) < 8 || len(b) < 8+int(b[1])*8 {
			return 0, from, to, nil, false
		}
		protocol, b = b[0], b[8+int(b[1])*8:]
	}
	return protocol, from, to, b, true
}
