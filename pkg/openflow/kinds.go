package openflow

import "iter"

// Kind names an action or an instruction, as it is told apart on the wire.
type Kind struct {
	Name         string // as ovs-ofctl prints it, or as the specification names what ovs-ofctl does not know
	Experimenter uint32 // 0 for a standard one
	Number       uint16 // its type, or the experimenter's subtype
}

// ActionKinds goes over the table of actions.
func ActionKinds() iter.Seq[Kind] { return kindsOf(actionKinds) }

// InstructionKinds goes over the table of instructions.
func InstructionKinds() iter.Seq[Kind] { return kindsOf(instructionKinds) }

func kindsOf(list []Kind) iter.Seq[Kind] {
	return func(yield func(Kind) bool) {
		for _, k := range list {
			if !yield(k) {
				return
			}
		}
	}
}

// instructionKinds are the instructions of OpenFlow 1.5 and the meter of those before it.
var instructionKinds = []Kind{
	{Name: "goto_table", Number: insGoto},
	{Name: "write_metadata", Number: insWriteMetadata},
	{Name: "write_actions", Number: insWriteActions},
	{Name: "apply_actions", Number: insApplyActions},
	{Name: "clear_actions", Number: insClearActions},
	{Name: "meter", Number: insMeter},
	{Name: "stat_trigger", Number: 7},
}

// actionKinds are the actions of OpenFlow 1.5, those of before which ovs-vswitchd still takes, and those of Nicira.
var actionKinds = []Kind{
	{Name: "output", Number: actOutput},
	{Name: "copy_ttl_out", Number: actCopyTTLOut},
	{Name: "copy_ttl_in", Number: actCopyTTLIn},
	{Name: "set_mpls_ttl", Number: actSetMPLSTTL},
	{Name: "dec_mpls_ttl", Number: actDecMPLSTTL},
	{Name: "push_vlan", Number: actPushVLAN},
	{Name: "pop_vlan", Number: actPopVLAN},
	{Name: "push_mpls", Number: actPushMPLS},
	{Name: "pop_mpls", Number: actPopMPLS},
	{Name: "set_queue", Number: actSetQueue},
	{Name: "group", Number: actGroup},
	{Name: "mod_nw_ttl", Number: actSetNwTTL},
	{Name: "dec_ttl", Number: actDecNwTTL},
	{Name: "set_field", Number: actSetField},
	{Name: "push_pbb", Number: 26},
	{Name: "pop_pbb", Number: 27},
	{Name: "move", Number: actCopyField},
	{Name: "meter", Number: actMeter},
	{Name: "resubmit", Experimenter: experimenterNicira, Number: nxResubmit},
	{Name: "set_tunnel", Experimenter: experimenterNicira, Number: 2},
	{Name: "pop_queue", Experimenter: experimenterNicira, Number: 5},
	{Name: "note", Experimenter: experimenterNicira, Number: nxNote},
	{Name: "set_tunnel64", Experimenter: experimenterNicira, Number: 9},
	{Name: "multipath", Experimenter: experimenterNicira, Number: 10},
	{Name: "bundle", Experimenter: experimenterNicira, Number: 12},
	{Name: "bundle_load", Experimenter: experimenterNicira, Number: 13},
	{Name: "resubmit(table)", Experimenter: experimenterNicira, Number: nxResubmitTable},
	{Name: "output(register)", Experimenter: experimenterNicira, Number: nxOutputReg},
	{Name: "learn", Experimenter: experimenterNicira, Number: nxLearn},
	{Name: "exit", Experimenter: experimenterNicira, Number: nxExit},
	{Name: "fin_timeout", Experimenter: experimenterNicira, Number: 19},
	{Name: "controller", Experimenter: experimenterNicira, Number: nxController},
	{Name: "dec_ttl(ids)", Experimenter: experimenterNicira, Number: nxDecTTLIDs},
	{Name: "push", Experimenter: experimenterNicira, Number: nxStackPush},
	{Name: "pop", Experimenter: experimenterNicira, Number: nxStackPop},
	{Name: "output(experimenter field)", Experimenter: experimenterNicira, Number: nxOutputReg2},
	{Name: "conjunction", Experimenter: experimenterNicira, Number: nxConjunction},
	{Name: "ct", Experimenter: experimenterNicira, Number: nxCT},
	{Name: "nat", Experimenter: experimenterNicira, Number: nxNAT},
	{Name: "controller(userdata)", Experimenter: experimenterNicira, Number: 37},
	{Name: "output(truncated)", Experimenter: experimenterNicira, Number: nxOutputTrunc},
	{Name: "sample", Experimenter: experimenterNicira, Number: 41},
	{Name: "clone", Experimenter: experimenterNicira, Number: nxClone},
	{Name: "ct_clear", Experimenter: experimenterNicira, Number: nxCTClear},
	{Name: "resubmit(ct)", Experimenter: experimenterNicira, Number: nxResubmitTableCT},
	{Name: "learn(limit)", Experimenter: experimenterNicira, Number: nxLearn2},
	{Name: "encap", Experimenter: experimenterNicira, Number: 46},
	{Name: "decap", Experimenter: experimenterNicira, Number: 47},
	{Name: "dec_nsh_ttl", Experimenter: experimenterNicira, Number: 48},
	{Name: "check_pkt_larger", Experimenter: experimenterNicira, Number: 49},
	{Name: "delete_field", Experimenter: experimenterNicira, Number: 50},
}
