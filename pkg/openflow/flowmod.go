package openflow

import (
	"encoding/binary"
	"fmt"
)

// Command is what a [FlowMod] does with its flow.
type Command uint8

// The commands of a flow mod.
const (
	Add Command = iota
	Modify
	ModifyStrict
	Delete
	DeleteStrict
)

var commandNames = [...]string{"add", "modify", "modify_strict", "delete", "delete_strict"}

// String is the command as ovs-ofctl spells it in a bundle file.
func (c Command) String() string {
	if int(c) < len(commandNames) {
		return commandNames[c]
	}
	return fmt.Sprintf("command %d", uint8(c))
}

const (
	noBuffer = 0xffffffff
	anyGroup = 0xffffffff
)

// FlowMod adds, changes or deletes flows. Delete takes every flow that Match covers, in all tables if Table is [TableAll];
// the strict commands take exactly one.
type FlowMod struct {
	Command Command
	Flow    Flow
	// CookieMask, for all commands but Add, limits the change to flows whose cookie has these bits of Flow.Cookie.
	CookieMask uint64
	// OutPort and OutGroup limit a deletion to flows that send there; 0 for all.
	OutPort  Port
	OutGroup uint32
}

func (FlowMod) mod() {}

// MessageType implements [Message].
func (FlowMod) MessageType() MessageType { return TypeFlowMod }

// String is the command and the flow.
func (m FlowMod) String() string { return m.Command.String() + " " + m.Flow.String() }

// AppendBinary implements [Message].
func (m FlowMod) AppendBinary(b []byte) ([]byte, error) {
	f := &m.Flow
	b = binary.BigEndian.AppendUint64(b, f.Cookie)
	b = binary.BigEndian.AppendUint64(b, m.CookieMask)
	b = append(b, byte(f.Table), byte(m.Command))
	b = binary.BigEndian.AppendUint16(b, f.IdleTimeout)
	b = binary.BigEndian.AppendUint16(b, f.HardTimeout)
	b = binary.BigEndian.AppendUint16(b, f.Priority)
	b = binary.BigEndian.AppendUint32(b, noBuffer)
	b = appendOuts(b, m.OutPort, m.OutGroup)
	b = binary.BigEndian.AppendUint16(b, uint16(f.Flags))
	b = binary.BigEndian.AppendUint16(b, f.Importance)
	b, err := f.Match.AppendBinary(b)
	if err != nil || m.Command >= Delete { // a deletion has no use for actions
		return b, err
	}
	return f.Actions.appendInstructions(b), nil
}

const flowModLen = 40 // up to the match

func decodeFlowMod(b []byte) (FlowMod, error) {
	if len(b) < flowModLen {
		return FlowMod{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	m := FlowMod{
		Command:    Command(b[17]),
		CookieMask: binary.BigEndian.Uint64(b[8:]),
		OutPort:    Port(notAny(binary.BigEndian.Uint32(b[28:]))),
		OutGroup:   notAny(binary.BigEndian.Uint32(b[32:])),
		Flow: Flow{
			Cookie:      binary.BigEndian.Uint64(b),
			Table:       TableID(b[16]),
			IdleTimeout: binary.BigEndian.Uint16(b[18:]),
			HardTimeout: binary.BigEndian.Uint16(b[20:]),
			Priority:    binary.BigEndian.Uint16(b[22:]),
			Flags:       FlowFlags(binary.BigEndian.Uint16(b[36:])),
			Importance:  binary.BigEndian.Uint16(b[38:]),
		},
	}
	match, rest, err := decodeMatch(b[flowModLen:])
	if err != nil {
		return FlowMod{}, err
	}
	m.Flow.Match = match
	actions, err := decodeInstructions(rest)
	if m.Command < Delete { // a deletion has no use for them
		m.Flow.Actions = actions
	}
	return m, err
}
