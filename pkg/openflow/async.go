package openflow

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// AsyncConfig says which messages the switch sends of its own accord: the reply to a request for it, or the order to change
// it.
type AsyncConfig struct {
	Set        bool // an order
	Properties []AsyncProperty
	// Form is of orders only: what Open vSwitch understands in earlier versions of OpenFlow beside the standard's.
	Form AsyncForm
}

// AsyncForm is a form of the order to change which messages come.
type AsyncForm uint8

// The forms. AsyncNicira says everything but the roles, tables and forwarded requests, in pairs of primary and secondary.
const (
	AsyncStandard AsyncForm = iota
	AsyncNicira
	AsyncNicira2
)

// AsyncProperty has a bit for every reason for which messages of a type are sent.
type AsyncProperty struct {
	Type    AsyncType
	Reasons uint32
}

// AsyncType is a type of message and the role of the controllers that get it.
type AsyncType uint16

// The types. Those of a primary controller, or one of equal role, follow those of a secondary.
const (
	AsyncPacketInSecondary AsyncType = iota
	AsyncPacketIn
	AsyncPortStatusSecondary
	AsyncPortStatus
	AsyncFlowRemovedSecondary
	AsyncFlowRemoved
	AsyncRoleStatusSecondary
	AsyncRoleStatus
	AsyncTableStatusSecondary
	AsyncTableStatus
	AsyncRequestForwardSecondary
	AsyncRequestForward
)

// asyncNicira is the order of the types in NXT_SET_ASYNC_CONFIG.
var asyncNicira = []AsyncType{AsyncPacketIn, AsyncPacketInSecondary, AsyncPortStatus, AsyncPortStatusSecondary,
	AsyncFlowRemoved, AsyncFlowRemovedSecondary}

// MessageType implements [Message].
func (m AsyncConfig) MessageType() MessageType {
	switch {
	case m.Form != AsyncStandard:
		return TypeExperimenter
	case m.Set:
		return TypeSetAsync
	}
	return TypeGetAsyncReply
}

// AppendBinary implements [Message].
func (m AsyncConfig) AppendBinary(b []byte) ([]byte, error) {
	switch m.Form {
	case AsyncNicira:
		b = appendNiciraHeader(b, nxtSetAsyncConfig)
		if len(m.Properties) != len(asyncNicira) {
			return b, fmt.Errorf("%d properties, not %d", len(m.Properties), len(asyncNicira))
		}
		for i, p := range m.Properties {
			if p.Type != asyncNicira[i] {
				return b, fmt.Errorf("property %d is of type %d, not %d", i, p.Type, asyncNicira[i])
			}
			b = binary.BigEndian.AppendUint32(b, p.Reasons)
		}
		return b, nil
	case AsyncNicira2:
		b = appendNiciraHeader(b, nxtSetAsyncConfig2)
	}
	for _, p := range m.Properties {
		b = appendProperty(b, uint16(p.Type), binary.BigEndian.AppendUint32(nil, p.Reasons))
	}
	return b, nil
}

func decodeAsync(m AsyncConfig, b []byte) (AsyncConfig, error) {
	for p, err := range properties(b) {
		if err != nil {
			return AsyncConfig{}, err
		}
		v, err := p.uint(4)
		if err != nil {
			return AsyncConfig{}, err
		}
		m.Properties = append(m.Properties, AsyncProperty{AsyncType(p.kind), uint32(v)})
	}
	return m, nil
}

func decodeNiciraAsync(b []byte) (AsyncConfig, error) {
	if err := exactly(b, 4*len(asyncNicira)); err != nil {
		return AsyncConfig{}, err
	}
	m := AsyncConfig{Set: true, Form: AsyncNicira}
	for i, t := range asyncNicira {
		m.Properties = append(m.Properties, AsyncProperty{t, binary.BigEndian.Uint32(b[4*i:])})
	}
	return m, nil
}

// asyncNames are the types of messages and their reasons, as ovs-ofctl prints them.
var asyncNames = []struct {
	name    string
	reasons []string
}{
	{"      PACKET_IN", packetInReasons},
	{"    PORT_STATUS", []string{"add", "delete", "modify"}},
	{"   FLOW_REMOVED", flowRemovedReasons},
	{"    ROLE_STATUS", roleReasons},
	{"   TABLE_STATUS", []string{"", "", "", "vacancy_down", "vacancy_up"}},
	{" REQUESTFORWARD", []string{"group_mod_request", "meter_mod_request"}},
}

func (m AsyncConfig) appendText(p *printer) {
	for i, role := range []string{"primary", "secondary"} {
		p.format("\n %s:\n", role)
		for j, kind := range asyncNames {
			var set uint32
			for _, property := range m.Properties {
				if property.Type == AsyncType(2*j+1-i) {
					set = property.Reasons
				}
			}
			p.format(" %s:", kind.name)
			if set == 0 {
				p.format(" (off)")
			}
			for ; set != 0; set &= set - 1 {
				p.format(" %s", numbered(kind.reasons, uint32(bits.TrailingZeros32(set))))
			}
			p.format("\n")
		}
	}
}
