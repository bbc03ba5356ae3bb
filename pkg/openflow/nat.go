package openflow

import (
	"encoding/binary"
	"net/netip"
)

// NAT is address translation inside a CT action. Its zero value translates what the connection's entry says.
type NAT struct {
	Kind       NATKind
	Addr       netip.Addr // the first address to translate to
	AddrMax    netip.Addr // the last, if there are several
	Port       uint16
	PortMax    uint16
	Persistent bool
	Hash       bool
	Random     bool
}

// NATKind is which address of a new connection NAT replaces.
type NATKind uint8

// The kinds of NAT.
const (
	NATExisting NATKind = iota
	NATSource
	NATDestination
)

// The nat action on the wire.
const (
	natFlagSource      = 1
	natFlagDestination = 2
	natFlagPersistent  = 4
	natFlagHash        = 8
	natFlagRandom      = 16

	natHasIPv4Min = 1 << 0
	natHasIPv4Max = 1 << 1
	natHasIPv6Min = 1 << 2
	natHasIPv6Max = 1 << 3
	natHasPortMin = 1 << 4
	natHasPortMax = 1 << 5

	natLen = 16 // up to the range
)

// SourceNAT replaces the source address of new connections.
func SourceNAT(a netip.Addr) *NAT { return &NAT{Kind: NATSource, Addr: a} }

// DestinationNAT replaces the destination address of new connections, and the port unless it is 0.
func DestinationNAT(a netip.Addr, port uint16) *NAT {
	return &NAT{Kind: NATDestination, Addr: a, Port: port}
}

func (a Actions) nat(n NAT) Actions {
	var space [64]byte
	b := append(beginNicira(space[:0], nxNAT), 0, 0)
	var flags, present uint16
	switch n.Kind {
	case NATSource:
		flags |= natFlagSource
	case NATDestination:
		flags |= natFlagDestination
	}
	for _, f := range []struct {
		set bool
		bit uint16
	}{{n.Persistent, natFlagPersistent}, {n.Hash, natFlagHash}, {n.Random, natFlagRandom}} {
		if f.set {
			flags |= f.bit
		}
	}
	var body []byte
	if n.Addr.IsValid() {
		first := uint16(natHasIPv4Min)
		if n.Addr.Is6() {
			first = natHasIPv6Min
		}
		present |= first
		body = append(body, n.Addr.AsSlice()...)
		if n.AddrMax.IsValid() && n.AddrMax != n.Addr {
			present |= first << 1
			body = append(body, n.AddrMax.AsSlice()...)
		}
	}
	if n.Port != 0 {
		present |= natHasPortMin
		body = binary.BigEndian.AppendUint16(body, n.Port)
		if n.PortMax != 0 && n.PortMax != n.Port {
			present |= natHasPortMax
			body = binary.BigEndian.AppendUint16(body, n.PortMax)
		}
	}
	b = binary.BigEndian.AppendUint16(b, flags)
	b = binary.BigEndian.AppendUint16(b, present)
	return a.appended(append(b, body...))
}

// decodeNAT reads a nat action; false if it is none, or has something that [NAT] cannot say.
func decodeNAT(action []byte) (NAT, bool) {
	if len(action) < natLen {
		return NAT{}, false
	}
	body := action[10:]
	flags, present, rest := binary.BigEndian.Uint16(body[2:]), binary.BigEndian.Uint16(body[4:]), body[6:]
	n := NAT{
		Persistent: flags&natFlagPersistent != 0,
		Hash:       flags&natFlagHash != 0,
		Random:     flags&natFlagRandom != 0,
	}
	switch {
	case flags&natFlagSource != 0:
		n.Kind = NATSource
	case flags&natFlagDestination != 0:
		n.Kind = NATDestination
	}
	take := func(size int) []byte {
		if len(rest) < size {
			rest = nil
			return nil
		}
		part := rest[:size]
		rest = rest[size:]
		return part
	}
	for _, addr := range []struct {
		bit  uint16
		size int
		to   *netip.Addr
	}{{natHasIPv4Min, 4, &n.Addr}, {natHasIPv4Max, 4, &n.AddrMax}, {natHasIPv6Min, 16, &n.Addr}, {natHasIPv6Max, 16, &n.AddrMax}} {
		if present&addr.bit == 0 {
			continue
		}
		a, ok := netip.AddrFromSlice(take(addr.size))
		if !ok {
			return NAT{}, false
		}
		*addr.to = a
	}
	for _, port := range []struct {
		bit uint16
		to  *uint16
	}{{natHasPortMin, &n.Port}, {natHasPortMax, &n.PortMax}} {
		if present&port.bit == 0 {
			continue
		}
		part := take(2)
		if part == nil {
			return NAT{}, false
		}
		*port.to = binary.BigEndian.Uint16(part)
	}
	if n.Kind == NATExisting && n != (NAT{}) || n.Port != 0 && !n.Addr.IsValid() {
		return NAT{}, false // has no text
	}
	return n, Actions{}.nat(n).list == string(action)
}
