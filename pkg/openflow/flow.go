package openflow

import (
	"cmp"
	"slices"
	"strings"
)

// TableID is the number of a flow table.
type TableID uint8

// TableAll is every table, in requests and deletions.
const TableAll TableID = 0xff

// DefaultPriority is what a flow gets in text without priority=.
const DefaultPriority = 0x8000

// FlowFlags are the options of a flow.
type FlowFlags uint16

// The options of a flow.
const (
	FlagSendFlowRemoved FlowFlags = 1 << iota
	FlagCheckOverlap
	FlagResetCounts
	FlagNoPacketCounts
	FlagNoByteCounts
)

// Flow is a flow entry. Flows are values: equal ones are equal with ==.
type Flow struct {
	Table       TableID
	Priority    uint16
	Cookie      uint64
	IdleTimeout uint16 // seconds without packets
	HardTimeout uint16 // seconds
	Importance  uint16
	Flags       FlowFlags
	Match       Match
	Actions     Actions
}

// FlowKey is what a switch takes for the same flow: adding a second one replaces the first.
type FlowKey struct {
	Table    TableID
	Priority uint16
	Match    string // canonical OXM bytes
}

// Key is the identity of the flow in its switch.
func (f Flow) Key() FlowKey { return FlowKey{f.Table, f.Priority, f.Match.oxm} }

// Equal reports whether f and g are the same flow in all respects.
func (f Flow) Equal(g Flow) bool { return f == g }

// String is the flow as ovs-ofctl dump-flows prints it to a plain OpenFlow 1.0 session, without statistics.
func (f Flow) String() string {
	b, _ := f.AppendText(nil)
	return string(b)
}

// Compare orders flows by table, then from high priority to low, then by the match: fields in canonical order, then values.
func (f Flow) Compare(g Flow) int {
	return cmp.Or(cmp.Compare(f.Table, g.Table), cmp.Compare(g.Priority, f.Priority), strings.Compare(f.Match.oxm, g.Match.oxm))
}

// FormatFlows is one flow a line, in the order of [Flow.Compare].
func FormatFlows(flows []Flow) string {
	sorted := slices.Clone(flows)
	slices.SortStableFunc(sorted, Flow.Compare)
	var b []byte
	for _, f := range sorted {
		b, _ = f.AppendText(b)
		b = append(b, '\n')
	}
	return string(b)
}
