package openflow

import (
	"errors"
	"fmt"
	"slices"
)

// requirements adds the prerequisites of f that leave no choice.
func requirements(list []entry, f FieldID) []entry {
	ethType := func(t uint16) {
		list = addEntry(list, entry{id: FieldEthType, value: string([]byte{byte(t >> 8), byte(t)})})
	}
	proto := func(p uint8) { list = addEntry(list, entry{id: FieldIPProto, value: string([]byte{p})}) }
	switch fields[f].prereq {
	case needVLAN:
		if find(list, FieldVLANVID).value == "" { // any tag
			list = addEntry(list, entry{id: FieldVLANVID, value: "\x10\x00", mask: "\x10\x00"})
		}
	case needIPv4:
		ethType(EthTypeIPv4)
	case needIPv6:
		ethType(EthTypeIPv6)
	case needARP:
		if find(list, FieldEthType).value != "\x80\x35" { // reverse ARP has the same fields
			ethType(EthTypeARP)
		}
	case needTCP:
		proto(ProtoTCP)
	case needUDP:
		proto(ProtoUDP)
	case needSCTP:
		proto(ProtoSCTP)
	case needICMPv4:
		ethType(EthTypeIPv4)
		proto(ProtoICMP)
	case needICMPv6, needND, needNDSolicit, needNDAdvert:
		ethType(EthTypeIPv6)
		proto(ProtoICMPv6)
		switch fields[f].prereq {
		case needNDSolicit:
			list = addEntry(list, entry{id: FieldICMPv6Type, value: string([]byte{ICMPv6NeighborSolicitation})})
		case needNDAdvert:
			list = addEntry(list, entry{id: FieldICMPv6Type, value: string([]byte{ICMPv6NeighborAdvertisement})})
		}
	case needNSH:
		ethType(EthTypeNSH)
	}
	return list
}

// ErrPrerequisite is wrapped by what [Match.Check] returns for a field that does not exist without another.
var ErrPrerequisite = errors.New("prerequisite missing")

// Check reports the first field whose prerequisites are missing, or a mask that the field cannot have. The switch refuses
// such a match with OFPBMC_BAD_PREREQ or OFPBMC_BAD_MASK.
func (m Match) Check() error {
	for f := range m.Fields() {
		row := &fields[f.ID]
		if !m.meets(row.prereq) {
			return fmt.Errorf("%s: %w", f.ID, ErrPrerequisite)
		}
		if f.Mask != nil && row.mask == maskNone {
			return fmt.Errorf("%s cannot be masked", f.ID)
		}
	}
	return nil
}

func (m Match) meets(need prereq) bool {
	is := func(f FieldID, values ...uint64) bool {
		value, mask := m.Uint(f)
		return mask != 0 && slices.Contains(values, value)
	}
	ip := func() bool { return is(FieldEthType, EthTypeIPv4, EthTypeIPv6) }
	icmpv6 := func() bool { return is(FieldEthType, EthTypeIPv6) && is(FieldIPProto, ProtoICMPv6) }
	switch need {
	case needNothing:
		return true
	case needVLAN:
		value, _ := m.Uint(FieldVLANVID)
		return value&0x1000 != 0
	case needMPLS:
		return is(FieldEthType, EthTypeMPLS, EthTypeMPLSMulticast)
	case needIPv4:
		return is(FieldEthType, EthTypeIPv4)
	case needIPv6:
		return is(FieldEthType, EthTypeIPv6)
	case needIP:
		return ip()
	case needARP:
		return is(FieldEthType, EthTypeARP, EthTypeRARP)
	case needTCP:
		return ip() && is(FieldIPProto, ProtoTCP)
	case needUDP:
		return ip() && is(FieldIPProto, ProtoUDP)
	case needSCTP:
		return ip() && is(FieldIPProto, ProtoSCTP)
	case needICMPv4:
		return is(FieldEthType, EthTypeIPv4) && is(FieldIPProto, ProtoICMP)
	case needICMPv6:
		return icmpv6()
	case needND:
		return icmpv6() && is(FieldICMPv6Type, ICMPv6NeighborSolicitation, ICMPv6NeighborAdvertisement)
	case needNDSolicit:
		return icmpv6() && is(FieldICMPv6Type, ICMPv6NeighborSolicitation)
	case needNDAdvert:
		return icmpv6() && is(FieldICMPv6Type, ICMPv6NeighborAdvertisement)
	case needCT:
		// A bit that only a tracked packet has, or that it is not invalid.
		state, mask := m.Uint(FieldCTState)
		return CTState(state)&^(CTTracked|CTInvalid) != 0 ||
			CTState(state)&(CTTracked|CTInvalid) == CTTracked && CTState(mask)&CTInvalid != 0
	case needNSH:
		return is(FieldEthType, EthTypeNSH)
	}
	return false
}
