package openflow

import "iter"

// Kind names an action or an instruction, as it is told apart on the wire.
type Kind struct {
	Name         string // as ovs-ofctl prints it, or as the specification names what ovs-ofctl does not know
	Experimenter uint32 // 0 for a standard one
	Number       uint16 // its type, or the experimenter's subtype
	Refused      string // the error with which ovs-vswitchd answers it in OpenFlow 1.5; empty if it takes it
}

// ActionKinds goes over the table of actions.
func ActionKinds() iter.Seq[Kind] { return kindsOf(actionKinds) }

// InstructionKinds goes over the table of instructions.
func InstructionKinds() iter.Seq[Kind] { return kindsOf(instructionKinds) }

// RefusedFields goes over the fields of the specification that ovs-vswitchd does not know. In a match they are kept as bytes.
func RefusedFields() iter.Seq[Kind] { return kindsOf(refusedFields) }

// refusedFields are of the basic class.
var refusedFields = []Kind{
	{Name: "in_phy_port", Number: 1, Refused: "OFPBMC_BAD_FIELD"},
	{Name: "pbb_isid", Number: 37, Refused: "OFPBMC_BAD_FIELD"},
	{Name: "ipv6_exthdr", Number: 39, Refused: "OFPBMC_BAD_FIELD"},
}

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
	{Name: "meter", Number: insMeter, Refused: "OFPBIC_UNKNOWN_INST"},
	{Name: "stat_trigger", Number: 7, Refused: "OFPBIC_UNKNOWN_INST"},
}

// actionKinds are the actions of OpenFlow 1.5, those from before it that ovs-vswitchd knows, and those of Nicira.
var actionKinds = []Kind{
	{Name: "output", Number: actOutput},
	{Name: "set_vlan_vid", Number: actSetVLANVID},
	{Name: "set_vlan_pcp", Number: actSetVLANPCP},
	{Name: "mod_dl_src", Number: actSetDlSrc},
	{Name: "mod_dl_dst", Number: actSetDlDst},
	{Name: "mod_nw_src", Number: actSetNwSrc},
	{Name: "mod_nw_dst", Number: actSetNwDst},
	{Name: "mod_nw_tos", Number: actSetNwTOS},
	{Name: "mod_nw_ecn", Number: actSetNwECN},
	{Name: "mod_tp_src", Number: actSetTpSrc},
	{Name: "mod_tp_dst", Number: actSetTpDst},
	{Name: "copy_ttl_out", Number: actCopyTTLOut, Refused: "OFPBAC_BAD_TYPE"},
	{Name: "copy_ttl_in", Number: actCopyTTLIn, Refused: "OFPBAC_BAD_TYPE"},
	{Name: "set_mpls_label", Number: actSetMPLSLabel},
	{Name: "set_mpls_tc", Number: actSetMPLSTC},
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
	{Name: "push_pbb", Number: actPushPBB, Refused: "OFPBAC_BAD_TYPE"},
	{Name: "pop_pbb", Number: actPopPBB, Refused: "OFPBAC_BAD_TYPE"},
	{Name: "move", Number: actCopyField},
	{Name: "meter", Number: actMeter},
	nicira("resubmit(port)", nxResubmit),
	nicira("set_tunnel", nxSetTunnel),
	nicira("pop_queue", nxPopQueue),
	{Name: "move(register)", Experimenter: experimenterNicira, Number: nxRegMove, Refused: "OFPBAC_BAD_VENDOR_TYPE"},
	{Name: "load", Experimenter: experimenterNicira, Number: nxRegLoad, Refused: "OFPBAC_BAD_VENDOR_TYPE"},
	nicira("note", nxNote),
	nicira("set_tunnel64", nxSetTunnel64),
	nicira("multipath", nxMultipath),
	nicira("bundle", nxBundle),
	nicira("bundle_load", nxBundleLoad),
	nicira("resubmit", nxResubmitTable),
	nicira("output(register)", nxOutputReg),
	nicira("learn", nxLearn),
	nicira("exit", nxExit),
	nicira("fin_timeout", nxFinTimeout),
	nicira("controller", nxController),
	nicira("dec_ttl(ids)", nxDecTTLIDs),
	nicira("write_metadata(action)", nxWriteMetadata),
	nicira("push", nxStackPush),
	nicira("pop", nxStackPop),
	nicira("sample", nxSample),
	nicira("output(experimenter field)", nxOutputReg2),
	{Name: "load(any width)", Experimenter: experimenterNicira, Number: nxRegLoad2, Refused: "OFPBAC_BAD_VENDOR_TYPE"},
	nicira("conjunction", nxConjunction),
	nicira("ct", nxCT),
	nicira("nat", nxNAT),
	nicira("controller(userdata)", nxController2),
	nicira("sample(port)", nxSample2),
	nicira("output(truncated)", nxOutputTrunc),
	nicira("sample(direction)", nxSample3),
	nicira("clone", nxClone),
	nicira("ct_clear", nxCTClear),
	nicira("resubmit(ct)", nxResubmitTableCT),
	nicira("learn(limit)", nxLearn2),
	nicira("encap", nxEncap),
	nicira("decap", nxDecap),
	nicira("dec_nsh_ttl", nxDecNSHTTL),
	nicira("check_pkt_larger", nxCheckPktLarger),
	nicira("delete_field", nxDeleteField),
}

func nicira(name string, subtype uint16) Kind {
	return Kind{Name: name, Experimenter: experimenterNicira, Number: subtype}
}
