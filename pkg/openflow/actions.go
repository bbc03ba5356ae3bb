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
	actOutput       = 0
	actSetVLANVID   = 1
	actSetVLANPCP   = 2
	actSetDlSrc     = 3
	actSetDlDst     = 4
	actSetNwSrc     = 5
	actSetNwDst     = 6
	actSetNwTOS     = 7
	actSetNwECN     = 8
	actSetTpSrc     = 9
	actSetTpDst     = 10
	actCopyTTLOut   = 11
	actCopyTTLIn    = 12
	actSetMPLSLabel = 13
	actSetMPLSTC    = 14
	actSetMPLSTTL   = 15
	actDecMPLSTTL   = 16
	actPushVLAN     = 17
	actPopVLAN      = 18
	actPushMPLS     = 19
	actPopMPLS      = 20
	actSetQueue     = 21
	actGroup        = 22
	actSetNwTTL     = 23
	actDecNwTTL     = 24
	actSetField     = 25
	actPushPBB      = 26
	actPopPBB       = 27
	actCopyField    = 28
	actMeter        = 29
	actVendor       = 0xffff
)

// Subtypes of the Nicira actions.
const (
	nxResubmit        = 1
	nxSetTunnel       = 2
	nxPopQueue        = 5
	nxRegMove         = 6
	nxRegLoad         = 7
	nxNote            = 8
	nxSetTunnel64     = 9
	nxMultipath       = 10
	nxBundle          = 12
	nxBundleLoad      = 13
	nxResubmitTable   = 14
	nxOutputReg       = 15
	nxLearn           = 16
	nxExit            = 17
	nxFinTimeout      = 19
	nxController      = 20
	nxDecTTLIDs       = 21
	nxWriteMetadata   = 22
	nxStackPush       = 27
	nxStackPop        = 28
	nxSample          = 29
	nxOutputReg2      = 32
	nxRegLoad2        = 33
	nxConjunction     = 34
	nxCT              = 35
	nxNAT             = 36
	nxController2     = 37
	nxSample2         = 38
	nxOutputTrunc     = 39
	nxSample3         = 41
	nxClone           = 42
	nxCTClear         = 43
	nxResubmitTableCT = 44
	nxLearn2          = 45
	nxEncap           = 46
	nxDecap           = 47
	nxDecNSHTTL       = 48
	nxCheckPktLarger  = 49
	nxDeleteField     = 50
	nxDebugSlow       = 254
	nxDebugRecirc     = 255
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
	return Actions{list: a.list + string(finished(b)), after: a.after}
}

// finished pads an action and writes its length.
func finished(b []byte) []byte {
	b = append(b, allZeros[:pad8(len(b))]...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// begin starts a standard action; appended writes its length.
func begin(b []byte, kind uint16) []byte { return append(b, byte(kind>>8), byte(kind), 0, 0) }

// beginNicira starts a Nicira action.
func beginNicira(b []byte, subtype uint16) []byte {
	b = append(b, 0xff, 0xff, 0, 0, 0, 0, 0x23, 0x20)
	return binary.BigEndian.AppendUint16(b, subtype)
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

// ResubmitPort is Resubmit as if the packet had come from another port.
func (a Actions) ResubmitPort(in Port, table TableID) Actions {
	return a.resubmit(nxResubmitTable, in, table)
}

func (a Actions) resubmit(subtype uint16, in Port, table TableID) Actions {
	var space [16]byte
	b := beginNicira(space[:0], subtype)
	b = binary.BigEndian.AppendUint16(b, uint16(in))
	return a.appended(append(b, byte(table), 0, 0, 0))
}

// DecTTL lowers the TTL or hop limit; a packet with none left is dropped.
func (a Actions) DecTTL() Actions { return a.plain(actDecNwTTL, 0) }

// SetTTL writes the TTL or hop limit.
func (a Actions) SetTTL(ttl uint8) Actions { return a.plain(actSetNwTTL, uint32(ttl)<<24) }

// DecTTLTo is DecTTL that tells the controllers of these ids, rather than those of id 0, of a packet with none left.
func (a Actions) DecTTLTo(ids ...uint16) Actions {
	var space [32]byte
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxDecTTLIDs), uint16(len(ids)))
	b = append(b, 0, 0, 0, 0)
	for _, id := range ids {
		b = binary.BigEndian.AppendUint16(b, id)
	}
	return a.appended(b)
}

// DecNSHTTL lowers the TTL of the network service header.
func (a Actions) DecNSHTTL() Actions { return a.void(nxDecNSHTTL) }

// SetMPLSTTL writes the TTL of the outer MPLS label, and DecMPLSTTL lowers it.
func (a Actions) SetMPLSTTL(ttl uint8) Actions { return a.plain(actSetMPLSTTL, uint32(ttl)<<24) }

// DecMPLSTTL lowers the TTL of the outer MPLS label.
func (a Actions) DecMPLSTTL() Actions { return a.plain(actDecMPLSTTL, 0) }

// PushMPLS puts an MPLS label of the given Ethernet type in front, and PopMPLS takes it away, what is under it being of the
// given type.
func (a Actions) PushMPLS(ethType uint16) Actions { return a.plain(actPushMPLS, uint32(ethType)<<16) }

// PopMPLS takes the outer MPLS label away; what is under it is of the given Ethernet type.
func (a Actions) PopMPLS(ethType uint16) Actions { return a.plain(actPopMPLS, uint32(ethType)<<16) }

// PopQueue forgets what SetQueue said.
func (a Actions) PopQueue() Actions { return a.void(nxPopQueue) }

// Exit ends the actions, here and in the tables that resubmitted to this one.
func (a Actions) Exit() Actions { return a.void(nxExit) }

// FinTimeout lowers the timeouts of the flow when TCP ends the connection.
func (a Actions) FinTimeout(idle, hard uint16) Actions {
	var space [16]byte
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxFinTimeout), idle)
	return a.appended(binary.BigEndian.AppendUint16(b, hard))
}

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

// void appends a Nicira action without arguments.
func (a Actions) void(subtype uint16) Actions {
	var space [16]byte
	return a.appended(beginNicira(space[:0], subtype))
}

// Clone runs actions on a copy of the packet.
func (a Actions) Clone(nested Actions) Actions {
	b := append(beginNicira(make([]byte, 0, 16+len(nested.list)), nxClone), 0, 0, 0, 0, 0, 0)
	return a.appended(append(b, nested.list...))
}

// Conjunction says that the flow is member of clause k of n (k from 1) of a conjunctive match.
func (a Actions) Conjunction(id uint32, k, n uint8) Actions {
	if k < 1 || k > n || n < 2 || n > 64 {
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
	if err := checkActions(b); err != nil {
		return "", err
	}
	return string(b), nil
}

// checkActions wants whole actions.
func checkActions(b []byte) error {
	for len(b) > 0 {
		_, n, err := cutTLV(b, "action")
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
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
