package openflow

// AnyValue is a match that has f and what f needs, for tests that cannot be in this package.
func AnyValue(f FieldID, masked bool) Match { return anyValue(f, masked) }

// ActionSample is an example of a row of the tables of actions and instructions.
type ActionSample struct {
	Kind
	Flow   string // as ParseFlow reads it, which is as a dump of OpenFlow 1.5 shows it
	Dumped string // its actions in such a dump if it is not the same
	In10   string // its actions in a dump of OpenFlow 1.0 if that cannot show them all; "-" if it cannot at all
}

// ActionSamples are examples of every row.
func ActionSamples() (list []ActionSample) {
	for _, s := range actionSamples {
		k, _ := kindNamed(actionKinds, s.kind)
		list = append(list, ActionSample{k, s.flow, s.dumped, s.in10})
	}
	for _, s := range instructionSamples {
		k, _ := kindNamed(instructionKinds, s.kind)
		list = append(list, ActionSample{k, s.flow, s.dumped, s.in10})
	}
	return list
}

// TunnelOf4 knows tunnel options of four bytes each.
var TunnelOf4 = tunnelOf4

// GroupTexts are changes of groups in the syntax of ovs-ofctl.
var GroupTexts = groupTexts
