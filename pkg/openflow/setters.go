package openflow

import (
	"net/netip"
	"strings"
)

// Ethernet types.
const (
	EthTypeIPv4          = 0x0800
	EthTypeARP           = 0x0806
	EthTypeRARP          = 0x8035
	EthTypeVLAN          = 0x8100
	EthTypeIPv6          = 0x86dd
	EthTypeMPLS          = 0x8847
	EthTypeMPLSMulticast = 0x8848
	EthTypeNSH           = 0x894f
)

// IP protocols.
const (
	ProtoICMP   = 1
	ProtoIGMP   = 2
	ProtoTCP    = 6
	ProtoUDP    = 17
	ProtoICMPv6 = 58
	ProtoSCTP   = 132
)

// ARP operations.
const (
	ARPRequest = 1
	ARPReply   = 2
)

// ICMPv6 types of neighbor discovery.
const (
	ICMPv6RouterSolicitation    = 133
	ICMPv6RouterAdvertisement   = 134
	ICMPv6NeighborSolicitation  = 135
	ICMPv6NeighborAdvertisement = 136
	ICMPv6Redirect              = 137
)

// CTState is the connection tracking state of a packet.
type CTState uint32

// The bits of ct_state, as in ovs-fields(7).
const (
	CTNew CTState = 1 << iota
	CTEstablished
	CTRelated
	CTReply
	CTInvalid
	CTTracked
	CTSourceNAT
	CTDestinationNAT
)

var ctStateNames = []string{"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"}

// String is the state as ct_state=… prints it when every bit counts, such as new|trk.
func (s CTState) String() string {
	if s == 0 {
		return "0"
	}
	var names []string
	for i, name := range ctStateNames {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "|")
}

// InPort matches the port where the packet came in.
func (m Match) InPort(p Port) Match { return m.exact(FieldInPort, uint64(p)) }

// EthType matches the Ethernet type, after VLAN tags.
func (m Match) EthType(t uint16) Match { return m.exact(FieldEthType, uint64(t)) }

// EthSrc matches the source Ethernet address.
func (m Match) EthSrc(mac MAC) Match { return m.With(FieldEthSrc, mac[:], nil) }

// EthDst matches the destination Ethernet address.
func (m Match) EthDst(mac MAC) Match { return m.With(FieldEthDst, mac[:], nil) }

// IPSrc matches the source address, IPv4 or IPv6 as p is, and the Ethernet type that goes with it.
func (m Match) IPSrc(p netip.Prefix) Match { return m.prefix(FieldIPv4Src, FieldIPv6Src, p) }

// IPDst matches the destination address, IPv4 or IPv6 as p is, and the Ethernet type that goes with it.
func (m Match) IPDst(p netip.Prefix) Match { return m.prefix(FieldIPv4Dst, FieldIPv6Dst, p) }

// TunSrc matches the outer source address of a packet from a tunnel.
func (m Match) TunSrc(a netip.Addr) Match { return m.addr(FieldTunIPv4Src, FieldTunIPv6Src, a) }

// TunDst matches the outer destination address of a packet from a tunnel.
func (m Match) TunDst(a netip.Addr) Match { return m.addr(FieldTunIPv4Dst, FieldTunIPv6Dst, a) }

// TunID matches the tunnel key.
func (m Match) TunID(id uint64) Match { return m.exact(FieldTunID, id) }

// Reg matches the bits of register n that mask has.
func (m Match) Reg(n int, value, mask uint32) Match {
	return m.WithUint(regField(n), uint64(value), wide32(mask))
}

// RegRange matches a value in some bits of a register or another field.
func (m Match) RegRange(s Subfield, value uint64) Match {
	v, mask := s.place(value)
	return m.With(s.Field, v, mask)
}

// XReg matches the bits of the 64-bit register n that mask has.
func (m Match) XReg(n int, value, mask uint64) Match {
	if n < 0 || n > 7 {
		panic("openflow: no such xreg")
	}
	return m.WithUint(FieldXReg0+FieldID(n), value, mask)
}

// CTState matches packets that have all bits of set and none of clear.
func (m Match) CTState(set, clear CTState) Match {
	return m.WithUint(FieldCTState, uint64(set), uint64(set|clear))
}

// CTMark matches the bits of the connection's mark that mask has.
func (m Match) CTMark(value, mask uint32) Match {
	return m.WithUint(FieldCTMark, uint64(value), wide32(mask))
}

// CTLabel matches bits of the connection's label, most significant first.
func (m Match) CTLabel(value, mask [16]byte) Match { return m.With(FieldCTLabel, value[:], mask[:]) }

// CTZone matches the connection tracking zone.
func (m Match) CTZone(zone uint16) Match { return m.exact(FieldCTZone, uint64(zone)) }

// PktMark matches the bits of the packet mark that mask has.
func (m Match) PktMark(value, mask uint32) Match {
	return m.WithUint(FieldPktMark, uint64(value), wide32(mask))
}

// ConjID matches what the conjunction with this id has found.
func (m Match) ConjID(id uint32) Match { return m.exact(FieldConjID, uint64(id)) }

// ARPOp matches the operation of an ARP packet.
func (m Match) ARPOp(op uint16) Match { return m.exact(FieldARPOp, uint64(op)) }

// ARPSPA matches the sender's IPv4 address in ARP.
func (m Match) ARPSPA(a netip.Addr) Match { return m.addr(FieldARPSPA, 0, a) }

// ARPTPA matches the target's IPv4 address in ARP.
func (m Match) ARPTPA(a netip.Addr) Match { return m.addr(FieldARPTPA, 0, a) }

// ARPSHA matches the sender's Ethernet address in ARP.
func (m Match) ARPSHA(mac MAC) Match { return m.With(FieldARPSHA, mac[:], nil) }

// ARPTHA matches the target's Ethernet address in ARP.
func (m Match) ARPTHA(mac MAC) Match { return m.With(FieldARPTHA, mac[:], nil) }

// ICMPv4Type matches the type of an ICMP packet.
func (m Match) ICMPv4Type(t uint8) Match { return m.exact(FieldICMPv4Type, uint64(t)) }

// ICMPv6Type matches the type of an ICMPv6 packet.
func (m Match) ICMPv6Type(t uint8) Match { return m.exact(FieldICMPv6Type, uint64(t)) }

// NDTarget matches the target of a neighbor solicitation or advertisement; say which with ICMPv6Type.
func (m Match) NDTarget(a netip.Addr) Match { return m.addr(0, FieldNDTarget, a) }

// NDSLL matches the source link-layer address option of a neighbor solicitation.
func (m Match) NDSLL(mac MAC) Match { return m.With(FieldNDSLL, mac[:], nil) }

// NDTLL matches the target link-layer address option of a neighbor advertisement.
func (m Match) NDTLL(mac MAC) Match { return m.With(FieldNDTLL, mac[:], nil) }

// IPProto matches the IP protocol; the Ethernet type says of which family.
func (m Match) IPProto(p uint8) Match { return m.exact(FieldIPProto, uint64(p)) }

// TCPSrc matches TCP packets from a port. It and the other ports need an Ethernet type of IPv4 or IPv6 beside them.
func (m Match) TCPSrc(port uint16) Match { return m.exact(FieldTCPSrc, uint64(port)) }

// TCPDst matches TCP packets to a port.
func (m Match) TCPDst(port uint16) Match { return m.exact(FieldTCPDst, uint64(port)) }

// UDPSrc matches UDP packets from a port.
func (m Match) UDPSrc(port uint16) Match { return m.exact(FieldUDPSrc, uint64(port)) }

// UDPDst matches UDP packets to a port.
func (m Match) UDPDst(port uint16) Match { return m.exact(FieldUDPDst, uint64(port)) }

// SCTPSrc matches SCTP packets from a port.
func (m Match) SCTPSrc(port uint16) Match { return m.exact(FieldSCTPSrc, uint64(port)) }

// SCTPDst matches SCTP packets to a port.
func (m Match) SCTPDst(port uint16) Match { return m.exact(FieldSCTPDst, uint64(port)) }

// wide32 makes a full mask of a 32-bit field a full mask of the builder.
func wide32(mask uint32) uint64 {
	if mask == ^uint32(0) {
		return ^uint64(0)
	}
	return uint64(mask)
}

func (m Match) prefix(v4, v6 FieldID, p netip.Prefix) Match {
	if !p.IsValid() {
		panic("openflow: match on an invalid prefix")
	}
	f := byFamily(v4, v6, p.Addr())
	if p.Bits() == 0 {
		var space [24]entry
		return matchOf(requirements(m.entries(space[:0]), f))
	}
	value := p.Addr().AsSlice()
	mask := make([]byte, len(value))
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	for i := range value {
		value[i] &= mask[i]
	}
	return m.With(f, value, mask)
}

func (m Match) addr(v4, v6 FieldID, a netip.Addr) Match {
	return m.With(byFamily(v4, v6, a), a.AsSlice(), nil)
}

// byFamily is the field for an address; a field 0 is one that the family does not have.
func byFamily(v4, v6 FieldID, a netip.Addr) FieldID {
	f := v6
	if a.Is4() {
		f = v4
	}
	if f == 0 || !a.IsValid() {
		panic("openflow: no field for address " + a.String())
	}
	return f
}
