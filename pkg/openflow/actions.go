package openflow

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// Actions is what a flow, or a bucket, does with a packet: the list that the switch applies at once, and the instructions
// after it. It holds bytes of OpenFlow 1.5 in the form that ovs-vswitchd gives back, so two of them do the same if they are
// equal with ==. The zero value drops the packet.
//
// Builders return the extended list and leave the receiver as it was.
type Actions struct {
	list  string // actions to apply
	after string // whole instructions: clear, write, metadata, goto
}

// Numbers of the standard actions.
const (
	actOutput     = 0
	actCopyTTLOut = 11
	actCopyTTLIn  = 12
	actSetMPLSTTL = 15
	actDecMPLSTTL = 16
	actPushVLAN   = 17
	actPopVLAN    = 18
	actPushMPLS   = 19
	actPopMPLS    = 20
	actSetQueue   = 21
	actGroup      = 22
	actSetNwTTL   = 23
	actDecNwTTL   = 24
	actSetField   = 25
	actCopyField  = 28
	actMeter      = 29
	actVendor     = 0xffff
)

// Subtypes of the Nicira actions.
const (
	nxResubmit        = 1
	nxRegMove         = 6
	nxRegLoad         = 7
	nxNote            = 8
	nxResubmitTable   = 14
	nxOutputReg       = 15
	nxLearn           = 16
	nxExit            = 17
	nxDecTTL          = 18
	nxController      = 20
	nxDecTTLIDs       = 21
	nxStackPush       = 27
	nxStackPop        = 28
	nxOutputReg2      = 32
	nxRegLoad2        = 33
	nxConjunction     = 34
	nxCT              = 35
	nxNAT             = 36
	nxOutputTrunc     = 39
	nxClone           = 42
	nxCTClear         = 43
	nxResubmitTableCT = 44
	nxLearn2          = 45
)

// IsDrop reports whether nothing is done with the packet.
func (a Actions) IsDrop() bool { return a == Actions{} }

// Append returns the actions of a followed by those of b.
func (a Actions) Append(b Actions) Actions {
	return Actions{list: a.list + b.list, after: a.after + b.after}
}

// Groups goes over the groups that the actions send the packet to.
func (a Actions) Groups() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for list := a.list; list != ""; {
			kind, n, err := cutTLV([]byte(list), "action")
			if err != nil {
				return
			}
			if kind == actGroup && n == 8 && !yield(uint32(uintOf(list[4:8]))) {
				return
			}
			list = list[n:]
		}
	}
}

// appended finishes an action of which b is the beginning: it pads it and writes its length.
func (a Actions) appended(b []byte) Actions {
	b = append(b, allZeros[:pad8(len(b))]...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return Actions{list: a.list + string(b), after: a.after}
}

// begin starts a standard action; appended writes its length.
func begin(b []byte, kind uint16) []byte { return append(b, byte(kind>>8), byte(kind), 0, 0) }

// beginNicira starts a Nicira action.
func beginNicira(b []byte, subtype uint16) []byte {
	b = append(b, 0xff, 0xff, 0, 0, 0, 0, 0x23, 0x20)
	return binary.BigEndian.AppendUint16(b, subtype)
}

// Output sends the packet to a port.
func (a Actions) Output(p Port) Actions {
	if p == PortController {
		return a.output(p, 0xffff)
	}
	return a.output(p, 0)
}

// Controller sends the first maxLen bytes of the packet to the controller.
func (a Actions) Controller(maxLen uint16) Actions { return a.output(PortController, maxLen) }

func (a Actions) output(p Port, maxLen uint16) Actions {
	var space [16]byte
	b := begin(space[:0], actOutput)
	b = binary.BigEndian.AppendUint32(b, uint32(p))
	b = binary.BigEndian.AppendUint16(b, maxLen)
	return a.appended(append(b, 0, 0, 0, 0, 0, 0))
}

// InPort sends the packet back where it came from.
func (a Actions) InPort() Actions { return a.Output(PortInPort) }

// OutputReg sends the packet to the port whose number is in s.
func (a Actions) OutputReg(s Subfield) Actions {
	var space [32]byte
	subtype := uint16(nxOutputReg)
	if s.Field.legacy().class == classExperimenter {
		subtype = nxOutputReg2
	}
	b := beginNicira(space[:0], subtype)
	b = binary.BigEndian.AppendUint16(b, s.ofsNBits())
	if subtype == nxOutputReg2 {
		b = append(b, 0xff, 0xff)
		return a.appended(append(s.appendLegacy(b), 0, 0))
	}
	b = s.appendLegacy(b)
	return a.appended(append(b, 0xff, 0xff, 0, 0, 0, 0, 0, 0))
}

// Group sends the packet to a group.
func (a Actions) Group(id uint32) Actions {
	var space [8]byte
	return a.appended(binary.BigEndian.AppendUint32(begin(space[:0], actGroup), id))
}

// Resubmit looks the packet up in another table and comes back for the actions after it.
func (a Actions) Resubmit(table TableID) Actions {
	return a.resubmit(nxResubmitTable, PortInPort, table)
}

// ResubmitCT is Resubmit that keeps the original direction's addresses for the lookup.
func (a Actions) ResubmitCT(table TableID) Actions {
	return a.resubmit(nxResubmitTableCT, PortInPort, table)
}

func (a Actions) resubmit(subtype uint16, in Port, table TableID) Actions {
	var space [16]byte
	b := beginNicira(space[:0], subtype)
	b = binary.BigEndian.AppendUint16(b, uint16(in))
	return a.appended(append(b, byte(table), 0, 0, 0))
}

// Move copies bits of a field to as many bits of another.
func (a Actions) Move(src, dst Subfield) Actions {
	if src.Width != dst.Width {
		panic(fmt.Sprintf("openflow: move of %s to %s, which is of another width", src, dst))
	}
	var space [32]byte
	b := begin(space[:0], actCopyField)
	b = binary.BigEndian.AppendUint16(b, uint16(src.Width))
	b = binary.BigEndian.AppendUint16(b, uint16(src.First))
	b = binary.BigEndian.AppendUint16(b, uint16(dst.First))
	b = append(b, 0, 0)
	b = src.Field.wire().appendHeader(b, src.Field.Bytes(), false)
	return a.appended(dst.Field.wire().appendHeader(b, dst.Field.Bytes(), false))
}

// Push puts bits of a field on the packet's stack.
func (a Actions) Push(s Subfield) Actions { return a.stack(nxStackPush, s) }

// Pop takes bits of a field off the packet's stack.
func (a Actions) Pop(s Subfield) Actions { return a.stack(nxStackPop, s) }

func (a Actions) stack(subtype uint16, s Subfield) Actions {
	var space [24]byte
	b := beginNicira(space[:0], subtype)
	b = binary.BigEndian.AppendUint16(b, uint16(s.First))
	b = s.appendLegacy(b)
	b = binary.BigEndian.AppendUint16(b, uint16(s.Width))
	return a.appended(append(b, allZeros[:24-len(b)]...))
}

// DecTTL lowers the TTL or hop limit; a packet with none left is dropped.
func (a Actions) DecTTL() Actions { return a.plain(actDecNwTTL, 0) }

// SetTTL writes the TTL or hop limit.
func (a Actions) SetTTL(ttl uint8) Actions { return a.plain(actSetNwTTL, uint32(ttl)<<24) }

// SetQueue says which queue the outputs after it use.
func (a Actions) SetQueue(queue uint32) Actions { return a.plain(actSetQueue, queue) }

// Meter sends the packet through a meter.
func (a Actions) Meter(id uint32) Actions { return a.plain(actMeter, id) }

// PushVLAN puts a VLAN tag of the given Ethernet type in front.
func (a Actions) PushVLAN(ethType uint16) Actions { return a.plain(actPushVLAN, uint32(ethType)<<16) }

// PopVLAN takes the outer VLAN tag away.
func (a Actions) PopVLAN() Actions { return a.plain(actPopVLAN, 0) }

// plain appends one of the standard actions that have four bytes of arguments.
func (a Actions) plain(kind uint16, argument uint32) Actions {
	var space [8]byte
	return a.appended(binary.BigEndian.AppendUint32(begin(space[:0], kind), argument))
}

// Conjunction says that the flow is member of clause k of n (k from 1) of a conjunctive match.
func (a Actions) Conjunction(id uint32, k, n uint8) Actions {
	if k < 1 || k > n || n < 2 {
		panic(fmt.Sprintf("openflow: clause %d of %d in a conjunction", k, n))
	}
	var space [16]byte
	b := append(beginNicira(space[:0], nxConjunction), k-1, n)
	return a.appended(binary.BigEndian.AppendUint32(b, id))
}

// Note does nothing; it keeps bytes for whoever reads the flow. The switch pads it with zeros.
func (a Actions) Note(note []byte) Actions {
	var space [64]byte
	return a.appended(append(beginNicira(space[:0], nxNote), note...))
}

// decodeActions checks that b is a list of actions, as far as their lengths go.
func decodeActions(b []byte) (string, error) {
	for rest := b; len(rest) > 0; {
		_, n, err := cutTLV(rest, "action")
		if err != nil {
			return "", err
		}
		rest = rest[n:]
	}
	return string(b), nil
}

// cutTLV reads the type and length at the front of b; the length is sound.
func cutTLV(b []byte, what string) (kind uint16, n int, err error) {
	if len(b) < 8 {
		return 0, 0, fmt.Errorf("%s in %d bytes: %w", what, len(b), errTruncated)
	}
	kind, n = binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
	if n < 8 || n%8 != 0 || n > len(b) {
		return 0, 0, fmt.Errorf("%s %d of %d bytes in %d", what, kind, n, len(b))
	}
	return kind, n, nil
}
