package openflow

import (
	"encoding/binary"
	"fmt"
)

// FlowMonitor asks to hear of changes of flows.
type FlowMonitor struct {
	ID       uint32
	OutPort  Port   // flows that send there; 0 or PortAny for all
	OutGroup uint32 // flows that send there; 0 or GroupAny for all
	Flags    MonitorFlags
	Table    TableID
	Command  MonitorCommand
	Match    Match // flows at least as specific
}

// GroupAny is any group or none, in requests.
const GroupAny = 0xffffffff

// MonitorFlags say what a monitor reports.
type MonitorFlags uint16

// The flags of a monitor.
const (
	MonitorInitial MonitorFlags = 1 << iota
	MonitorAdd
	MonitorRemoved
	MonitorModify
	MonitorInstructions
	MonitorNoAbbrev
	MonitorOnlyOwn
)

// MonitorCommand is what a [FlowMonitor] does with the monitor.
type MonitorCommand uint8

// The commands of a monitor.
const (
	MonitorStart MonitorCommand = iota
	MonitorChange
	MonitorDelete
)

// DecodeFlowMonitor takes one monitor off the front of the body of a flow monitor request.
func DecodeFlowMonitor(b []byte) (m FlowMonitor, rest []byte, err error) {
	if err := atLeast(b, 16); err != nil {
		return FlowMonitor{}, nil, err
	}
	m = FlowMonitor{
		ID:       binary.BigEndian.Uint32(b),
		OutPort:  Port(notAny(binary.BigEndian.Uint32(b[4:]))),
		OutGroup: notAny(binary.BigEndian.Uint32(b[8:])),
		Flags:    MonitorFlags(binary.BigEndian.Uint16(b[12:])),
		Table:    TableID(b[14]),
		Command:  MonitorCommand(b[15]),
	}
	m.Match, rest, err = decodeMatch(b[16:])
	return m, rest, err
}

// AppendBinary appends the monitor as it stands in a flow monitor request.
func (m FlowMonitor) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, m.ID)
	b = appendOuts(b, m.OutPort, m.OutGroup)
	b = binary.BigEndian.AppendUint16(b, uint16(m.Flags))
	return m.Match.AppendBinary(append(b, byte(m.Table), byte(m.Command)))
}

// appendOuts appends where flows must send to be meant.
func appendOuts(b []byte, port Port, group uint32) []byte {
	if port == 0 {
		port = PortAny
	}
	if group == 0 {
		group = anyGroup
	}
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, uint32(port)), group)
}

// notAny is 0 for any port or group.
func notAny(v uint32) uint32 {
	if v == anyGroup {
		return 0
	}
	return v
}

var monitorFlagNames = []string{"initial", "add", "delete", "modify", "actions", "", "own"}

func (m FlowMonitor) appendText(p *printer) {
	p.format("\n id=%d flags=", m.ID)
	p.bitNames(uint32(m.Flags), monitorFlagNames, ",")
	if m.OutPort != 0 && m.OutPort != PortAny {
		p.format(" out_port=")
		p.port(m.OutPort)
	}
	if m.OutGroup != 0 && m.OutGroup != anyGroup {
		p.format(" out_group=%d", m.OutGroup)
	}
	if m.Table != TableAll {
		p.format(" table=")
		p.b = p.appendTable(p.b, m.Table)
	}
	p.format(" ")
	p.match(m.Match)
	p.trimSpace()
}

// FlowUpdate is what a monitor reports.
type FlowUpdate struct {
	Event  MonitorEvent
	Reason uint8  // of MonitorFlowRemoved, as in [FlowRemoved]
	Flow   Flow   // of events of a flow
	Xid    uint32 // of MonitorAbbrev: the message of this controller that made the change
}

// MonitorEvent is what happened to a flow, or to the monitor.
type MonitorEvent uint16

// The events. Between paused and resumed, changes are not reported.
const (
	MonitorFlowInitial MonitorEvent = iota
	MonitorFlowAdded
	MonitorFlowRemoved
	MonitorFlowModified
	MonitorAbbrev
	MonitorPaused
	MonitorResumed
)

const flowUpdateLen = 24

// DecodeFlowUpdate takes one update off the front of the body of a flow monitor reply.
func DecodeFlowUpdate(b []byte) (u FlowUpdate, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, 8)
	if err != nil {
		return FlowUpdate{}, nil, err
	}
	u.Event = MonitorEvent(binary.BigEndian.Uint16(item[2:]))
	switch u.Event {
	case MonitorPaused, MonitorResumed:
		return u, rest, exactly(item, 8)
	case MonitorAbbrev:
		u.Xid = binary.BigEndian.Uint32(item[4:])
		return u, rest, exactly(item, 8)
	case MonitorFlowInitial, MonitorFlowAdded, MonitorFlowRemoved, MonitorFlowModified:
	default:
		return FlowUpdate{}, nil, fmt.Errorf("flow update with event %d", u.Event)
	}
	if err := atLeast(item, flowUpdateLen); err != nil {
		return FlowUpdate{}, nil, err
	}
	u.Reason = item[5]
	u.Flow = Flow{
		Table:       TableID(item[4]),
		IdleTimeout: binary.BigEndian.Uint16(item[6:]),
		HardTimeout: binary.BigEndian.Uint16(item[8:]),
		Priority:    binary.BigEndian.Uint16(item[10:]),
		Cookie:      binary.BigEndian.Uint64(item[16:]),
	}
	match, actions, err := decodeMatch(item[flowUpdateLen:])
	if err != nil {
		return FlowUpdate{}, nil, err
	}
	u.Flow.Match = match
	u.Flow.Actions, err = decodeInstructions(actions)
	return u, rest, err
}

// AppendBinary appends the update as it stands in a flow monitor reply.
func (u FlowUpdate) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = binary.BigEndian.AppendUint16(append(b, 0, 8), uint16(u.Event))
	if u.Event >= MonitorAbbrev {
		return binary.BigEndian.AppendUint32(b, u.Xid), nil
	}
	f := &u.Flow
	b = append(b, byte(f.Table), u.Reason)
	b = binary.BigEndian.AppendUint16(b, f.IdleTimeout)
	b = binary.BigEndian.AppendUint16(b, f.HardTimeout)
	b = binary.BigEndian.AppendUint16(b, f.Priority)
	b = binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 0), f.Cookie)
	b, err := f.Match.AppendBinary(b)
	b = f.Actions.appendInstructions(b)
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b, err
}

var monitorEventNames = []string{"INITIAL", "ADDED", "DELETED", "MODIFIED", "ABBREV", "PAUSED", "RESUMED"}

func (u FlowUpdate) appendText(p *printer) {
	p.format("\n event=")
	if u.Event == MonitorAbbrev {
		p.format("ABBREV xid=%#x", u.Xid)
		return
	}
	p.format("%s", numbered(monitorEventNames, uint32(u.Event)))
	if u.Event > MonitorAbbrev {
		return
	}
	if u.Event == MonitorFlowRemoved {
		p.format(" reason=%s", numbered(flowRemovedReasons, uint32(u.Reason)))
	}
	f := &u.Flow
	p.format(" table=")
	p.b = p.appendTable(p.b, f.Table)
	if f.IdleTimeout != 0 {
		p.format(" idle_timeout=%d", f.IdleTimeout)
	}
	if f.HardTimeout != 0 {
		p.format(" hard_timeout=%d", f.HardTimeout)
	}
	p.format(" cookie=%s ", hexText(f.Cookie))
	p.match(f.Match)
	if f.Actions.IsDrop() {
		return
	}
	if !f.Match.IsZero() {
		p.format(" ")
	}
	p.format("actions=")
	p.actions(f.Actions)
}
