package openflow

import (
	"encoding/binary"
	"iter"
	"slices"
)

// Action is one action or instruction of [Actions], with its arguments. It is one of the types of this package that are
// named after actions: [Output], [SetField], [Resubmit], [CT], [Learn] and so on; [Plain] for all that have at most a
// number, such as group; [RawAction] and [RawInstruction] for what is not known, or is not as a switch would have it.
type Action interface {
	// appendTo returns the list with the action at its end.
	appendTo(Actions) Actions
}

// All goes over the actions and then the instructions after them. Those inside another action are in it: [CT].Exec,
// [Clone].Actions and [WriteActions].Actions.
func (a Actions) All() iter.Seq[Action] {
	return func(yield func(Action) bool) {
		for list := []byte(a.list); len(list) > 0; {
			_, n, err := cutTLV(list, "action")
			if err != nil {
				n = len(list)
			}
			if !yield(decodeAction(list[:n])) {
				return
			}
			list = list[n:]
		}
		for list := []byte(a.after); len(list) > 0; {
			_, n, err := cutTLV(list, "instruction")
			if err != nil {
				n = len(list)
			}
			if !yield(decodeInstruction(list[:n])) {
				return
			}
			list = list[n:]
		}
	}
}

// With appends actions. What [Actions.All] took apart of a list that was built, read from text or dumped by a switch, it
// puts together again.
func (a Actions) With(list ...Action) Actions {
	for _, action := range list {
		a = action.appendTo(a)
	}
	return a
}

// Output is the output action: it sends the packet to a port.
type Output struct {
	Port   Port
	MaxLen uint16 // how many bytes go to the controller; 0 for another port
}

// OutputTruncated is the output action that cuts the packet.
type OutputTruncated struct {
	Port   Port
	MaxLen uint32
}

// OutputReg is the output action that reads the number of the port from a field.
type OutputReg struct{ Src Subfield }

// Enqueue is the action of OpenFlow 1.0 that sends the packet to a queue of a port. It is appended as the three actions that
// do the same.
type Enqueue struct {
	Port  Port
	Queue uint32
}

// Resubmit is the resubmit action.
type Resubmit struct {
	Port  Port    // that the packet is taken to come from; PortInPort for where it came from
	Table TableID // TableAll for the same table
	CT    bool    // keeps the original direction's addresses for the lookup
}

// SetField is the set_field action, and what does the same: load and the mod_ actions of older versions.
type SetField struct {
	Field FieldID
	Value []byte
	Mask  []byte // nil for all bits
}

// Move is the move action: it copies bits.
type Move struct{ Src, Dst Subfield }

// Push is the push action, from bits onto the packet's stack.
type Push struct{ Src Subfield }

// Pop is the pop action, off the packet's stack into bits.
type Pop struct{ Dst Subfield }

// Clone is the clone action.
type Clone struct{ Actions Actions }

// Conjunction is the conjunction action: the flow is member of clause Clause, from 1, of Clauses.
type Conjunction struct {
	ID              uint32
	Clause, Clauses uint8
}

// Note is the note action, with the zeros that pad it.
type Note []byte

// DecTTL is the dec_ttl action that names controllers.
type DecTTL struct{ Controllers []uint16 }

// FinTimeout is the fin_timeout action.
type FinTimeout struct{ Idle, Hard uint16 }

// CheckPktLarger is the check_pkt_larger action.
type CheckPktLarger struct {
	Length uint16
	Dst    Subfield // one bit
}

// DeleteField is the delete_field action.
type DeleteField struct{ Option Subfield }

// Decap is the decap action.
type Decap struct{ PacketType uint32 }

// WriteMetadata is the instruction, or the action of the same name that only older versions need.
type WriteMetadata struct {
	Value, Mask uint64
	InList      bool // it is the action
}

// GotoTable is the goto_table instruction.
type GotoTable struct{ Table TableID }

// WriteActions is the write_actions instruction.
type WriteActions struct{ Actions Actions }

// ClearActions is the clear_actions instruction.
type ClearActions struct{}

// Plain is an action that has at most a number as argument.
type Plain struct {
	Kind     Kind   // its row of [ActionKinds]
	Argument uint64 // of group, meter and the queue the id, of push_vlan the Ethernet type, of mod_nw_ttl the TTL; else 0
}

// RawAction is a whole action that is not known, and RawInstruction such an instruction.
type RawAction []byte

// RawInstruction is a whole instruction that is not known.
type RawInstruction []byte

func (o Output) appendTo(a Actions) Actions          { return a.output(o.Port, o.MaxLen) }
func (o OutputTruncated) appendTo(a Actions) Actions { return a.OutputTruncated(o.Port, o.MaxLen) }
func (o OutputReg) appendTo(a Actions) Actions       { return a.OutputReg(o.Src) }
func (e Enqueue) appendTo(a Actions) Actions         { return a.Enqueue(e.Port, e.Queue) }
func (s SetField) appendTo(a Actions) Actions        { return a.setField(s.Field, s.Value, s.Mask) }
func (m Move) appendTo(a Actions) Actions            { return a.Move(m.Src, m.Dst) }
func (p Push) appendTo(a Actions) Actions            { return a.Push(p.Src) }
func (p Pop) appendTo(a Actions) Actions             { return a.Pop(p.Dst) }
func (c Clone) appendTo(a Actions) Actions           { return a.Clone(c.Actions) }
func (c Conjunction) appendTo(a Actions) Actions     { return a.Conjunction(c.ID, c.Clause, c.Clauses) }
func (n Note) appendTo(a Actions) Actions            { return a.Note(n) }
func (d DecTTL) appendTo(a Actions) Actions          { return a.DecTTLTo(d.Controllers...) }
func (f FinTimeout) appendTo(a Actions) Actions      { return a.FinTimeout(f.Idle, f.Hard) }
func (c CheckPktLarger) appendTo(a Actions) Actions  { return a.CheckPktLarger(c.Length, c.Dst) }
func (d DeleteField) appendTo(a Actions) Actions     { return a.DeleteField(d.Option) }
func (d Decap) appendTo(a Actions) Actions           { return a.Decap(d.PacketType) }
func (p Punt) appendTo(a Actions) Actions            { return a.Punt(p) }
func (ct CT) appendTo(a Actions) Actions             { return a.CT(ct) }
func (n NAT) appendTo(a Actions) Actions             { return a.nat(n) }
func (l Learn) appendTo(a Actions) Actions           { return a.Learn(l) }
func (m Multipath) appendTo(a Actions) Actions       { return a.Multipath(m) }
func (p PortBundle) appendTo(a Actions) Actions      { return a.PortBundle(p) }
func (s Sample) appendTo(a Actions) Actions          { return a.Sample(s) }
func (e Encap) appendTo(a Actions) Actions           { return a.Encap(e) }
func (g GotoTable) appendTo(a Actions) Actions       { return a.GotoTable(g.Table) }
func (w WriteActions) appendTo(a Actions) Actions    { return a.WriteActions(w.Actions) }
func (ClearActions) appendTo(a Actions) Actions      { return a.ClearActions() }
func (r RawAction) appendTo(a Actions) Actions       { return Actions{a.list + string(r), a.after} }
func (r RawInstruction) appendTo(a Actions) Actions  { return Actions{a.list, a.after + string(r)} }

func (r Resubmit) appendTo(a Actions) Actions {
	if r.CT {
		return a.resubmit(nxResubmitTableCT, r.Port, r.Table)
	}
	return a.resubmit(nxResubmitTable, r.Port, r.Table)
}

func (w WriteMetadata) appendTo(a Actions) Actions {
	if !w.InList {
		return a.WriteMetadata(w.Value, w.Mask)
	}
	var space [32]byte
	b := append(beginNicira(space[:0], nxWriteMetadata), allZeros[:6]...)
	return a.appended(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, w.Value), w.Mask))
}

func (p Plain) appendTo(a Actions) Actions {
	var space [24]byte
	if p.Kind.Experimenter != 0 {
		b := beginNicira(space[:0], p.Kind.Number)
		switch p.Kind.Number {
		case nxResubmit:
			b = binary.BigEndian.AppendUint16(b, uint16(p.Argument))
		case nxSetTunnel:
			b = binary.BigEndian.AppendUint32(append(b, 0, 0), uint32(p.Argument))
		case nxSetTunnel64:
			b = binary.BigEndian.AppendUint64(append(b, allZeros[:6]...), p.Argument)
		}
		return a.appended(b)
	}
	i := slices.IndexFunc(plainActions, func(known plainAction) bool { return known.kind == p.Kind.Number })
	if i < 0 {
		panic("openflow: action " + p.Kind.Name + " is not a plain one")
	}
	if plainActions[i].format == plainMAC {
		return a.appended(append(begin(space[:0], p.Kind.Number), uintBytes(p.Argument, 6)...))
	}
	return a.plain(p.Kind.Number, uint32(p.Argument)<<plainActions[i].shift)
}
