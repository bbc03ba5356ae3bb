package openflow

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// actionSample is a flow with an action to try in every way.
type actionSample struct {
	kind   string
	flow   string // what ParseFlow reads
	dumped string // the actions that the switch gives back, if others
	in10   string // those that a dump of OpenFlow 1.0 has, if that cannot say what the flow does; "-" if there is none
}

// actionSamples are for the rows of the table of actions. Bytes stand for those that text does not make.
var actionSamples = []actionSample{
	{kind: "output", flow: "actions=output:1"},
	{kind: "output", flow: "actions=LOCAL,NORMAL,FLOOD,ALL,IN_PORT,TABLE,CONTROLLER:65535,CONTROLLER:0"},
	{kind: "set_vlan_vid", flow: "dl_vlan=3,actions=raw:0001000800050000", dumped: "actions=set_field:4101->vlan_vid"},
	{kind: "set_vlan_pcp", flow: "dl_vlan=3,actions=raw:0002000805000000", dumped: "actions=set_field:5->vlan_pcp"},
	{kind: "mod_dl_src", flow: "actions=raw:00030010020000000001000000000000", dumped: "actions=set_field:02:00:00:00:00:01->eth_src"},
	{kind: "mod_dl_dst", flow: "actions=raw:00040010020000000001000000000000", dumped: "actions=set_field:02:00:00:00:00:01->eth_dst"},
	{kind: "mod_nw_src", flow: "ip,actions=raw:000500080a000001", dumped: "actions=set_field:10.0.0.1->ip_src"},
	{kind: "mod_nw_dst", flow: "ip,actions=raw:000600080a000001", dumped: "actions=set_field:10.0.0.1->ip_dst"},
	{kind: "mod_nw_tos", flow: "ip,actions=raw:0007000808000000", dumped: "actions=set_field:2->ip_dscp"},
	{kind: "mod_nw_ecn", flow: "ip,actions=raw:0008000801000000", dumped: "actions=set_field:1->nw_ecn"},
	{kind: "mod_tp_src", flow: "tcp,actions=raw:0009000800500000", dumped: "actions=set_field:80->tcp_src"},
	{kind: "mod_tp_src", flow: "sctp,actions=raw:0009000800500000", dumped: "actions=set_field:80->sctp_src", in10: "mod_tp_src:80"},
	{kind: "mod_tp_dst", flow: "udp,actions=raw:000a000800500000", dumped: "actions=set_field:80->udp_dst"},
	{kind: "copy_ttl_out", flow: "ip,actions=raw:000b000800000000"},
	{kind: "copy_ttl_in", flow: "ip,actions=raw:000c000800000000"},
	{kind: "set_mpls_label", flow: "mpls,actions=raw:000d000800000005", dumped: "actions=set_field:5->mpls_label", in10: "set_mpls_label(5)"},
	{kind: "set_mpls_tc", flow: "mpls,actions=raw:000e000805000000", dumped: "actions=set_field:5->mpls_tc", in10: "set_mpls_tc(5)"},
	{kind: "set_mpls_ttl", flow: "mpls,actions=set_mpls_ttl(5)"},
	{kind: "dec_mpls_ttl", flow: "mpls,actions=dec_mpls_ttl"},
	{kind: "push_vlan", flow: "actions=push_vlan:0x8100", in10: "drop"},
	{kind: "push_vlan", flow: "actions=push_vlan:0x88a8,set_field:4101->vlan_vid", in10: "mod_vlan_vid:5"},
	{kind: "pop_vlan", flow: "dl_vlan=3,actions=pop_vlan"},
	{kind: "push_mpls", flow: "ip,actions=push_mpls:0x8847"},
	{kind: "pop_mpls", flow: "mpls,actions=pop_mpls:0x0800"},
	{kind: "set_queue", flow: "actions=set_queue:7,output:1"},
	{kind: "group", flow: "actions=group:7"},
	{kind: "mod_nw_ttl", flow: "ip,actions=mod_nw_ttl:5"},
	{kind: "dec_ttl", flow: "ip,actions=dec_ttl"},
	{kind: "set_field", flow: "ip,actions=set_field:10.0.0.1->ip_src,set_field:0x10/0xf0->reg0,set_field:5->nw_ttl"},
	{kind: "set_field", flow: "actions=set_field:0x1/0x3->xxreg0,set_field:0x10000000000000001->xxreg1,set_field:0x5->metadata"},
	{kind: "set_field", flow: "actions=set_field:02:00:00:00:00:01/0f:00:00:00:00:ff->eth_src,set_field:0x5->tun_id",
		in10: "mod_dl_src:02:00:00:00:00:01,load:0x5->NXM_NX_TUN_ID[]"}, // which forgets the mask
	{kind: "push_pbb", flow: "actions=raw:001a000888e70000"},
	{kind: "pop_pbb", flow: "actions=raw:001b000800000000"},
	{kind: "move", flow: "actions=move:NXM_NX_REG0[]->NXM_NX_REG1[],move:NXM_OF_ETH_SRC[0..15]->OXM_OF_METADATA[3..18]"},
	{kind: "move", flow: "dl_type=0x894f,actions=move:NXOXM_NSH_C1[]->NXM_NX_REG1[]"},
	{kind: "meter", flow: "actions=meter:5,output:1", in10: "output:1"},
	{kind: "resubmit(port)", flow: "actions=raw:ffff0010000023200001000500000000", in10: "resubmit:5"},
	{kind: "set_tunnel", flow: "actions=raw:ffff0010000023200002000000000005", dumped: "actions=set_field:0x5->tun_id", in10: "set_tunnel:0x5"},
	{kind: "pop_queue", flow: "actions=pop_queue"},
	{kind: "move(register)", flow: "actions=raw:ffff001800002320000600200000000000010004000102040000000000000000"[:len("actions=raw:")+48]},
	{kind: "load", flow: "actions=raw:ffff00180000232000070000000100040000000000000001"},
	{kind: "note", flow: "actions=note:01.02.03.00.00.00,output:1"},
	{kind: "note", flow: "actions=note:01.02.03.04.05.06.07.00.00.00.00.00.00.00"},
	{kind: "set_tunnel64", flow: "actions=raw:ffff001800002320000900000000000000000000000000050"[:len("actions=raw:")+48], dumped: "actions=set_field:0x5->tun_id", in10: "set_tunnel64:0x5"},
	{kind: "multipath", flow: "actions=multipath(symmetric_l3l4+udp,50,modulo_n,1,0,NXM_NX_REG0[])"},
	{kind: "multipath", flow: "actions=multipath(nw_dst,0,iter_hash,65536,7,NXM_NX_REG0[0..15]),multipath(symmetric_l3,0,hrw,2,0,NXM_NX_REG1[3])"},
	{kind: "bundle", flow: "actions=bundle(eth_src,0,hrw,ofport,members:4,8)"},
	{kind: "bundle", flow: "actions=bundle(symmetric_l4,60,active_backup,ofport,members:)"},
	{kind: "bundle_load", flow: "actions=bundle_load(nw_src,0,hrw,ofport,NXM_NX_REG0[16..31],members:1,2,3)"},
	{kind: "resubmit", flow: "actions=resubmit(,18),resubmit(5,6),resubmit(LOCAL,7)"},
	{kind: "resubmit", flow: "actions=resubmit:5"},
	{kind: "output(register)", flow: "actions=output:NXM_NX_REG0[],output:NXM_NX_REG1[16..31]"},
	{kind: "learn", flow: "actions=learn(table=1)"},
	{kind: "learn", flow: "actions=learn(table=10,idle_timeout=10,hard_timeout=20,fin_idle_timeout=2,fin_hard_timeout=4,priority=80," +
		"send_flow_rem,delete_learned,cookie=0x123456789abcdef0,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])"},
	{kind: "learn", flow: "ip,actions=learn(table=1,in_port=99,eth_type=0x800,ip_dst=10.0.0.1,NXM_NX_REG0[0..3]=0x5," +
		"load:0x7->NXM_NX_REG1[16..31],load:NXM_OF_IP_SRC[]->NXM_NX_REG2[])"},
	{kind: "exit", flow: "actions=output:1,exit"},
	{kind: "fin_timeout", flow: "tcp,actions=fin_timeout(idle_timeout=5,hard_timeout=15)"},
	{kind: "fin_timeout", flow: "tcp,actions=fin_timeout()"},
	{kind: "controller", flow: "actions=controller(reason=invalid_ttl,max_len=1234,id=5678)"},
	{kind: "dec_ttl(ids)", flow: "ip,actions=dec_ttl(32768,12345,90,765,1024)"},
	{kind: "write_metadata(action)", flow: "actions=raw:ffff0020000023200016000000000000fedcba9876543210ffff0000ffff0000", dumped: "actions=write_metadata:0xfedcba9876543210/0xffff0000ffff0000"},
	{kind: "push", flow: "actions=push:NXM_NX_REG0[],push:NXM_NX_REG1[3..5],pop:NXM_NX_REG2[0..2]"},
	{kind: "pop", flow: "actions=push:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[]"},
	{kind: "sample", flow: "actions=sample(probability=12345,collector_set_id=23456,obs_domain_id=34567,obs_point_id=45678)"},
	{kind: "output(experimenter field)", flow: "actions=output:NXOXM_ET_ERSPAN_IDX[]"},
	{kind: "load(any width)", flow: "actions=raw:ffff0018000023200021000100040000000500000000000000"[:len("actions=raw:")+48]},
	{kind: "conjunction", flow: "actions=conjunction(33,1/2),conjunction(4294967295,64/64)"},
	{kind: "ct", flow: "ip,actions=ct()"},
	{kind: "ct", flow: "tcp,actions=ct(commit,force,table=7,zone=65520,exec(set_field:0x1->ct_mark,set_field:0x1/0x3->ct_label),alg=ftp)"},
	{kind: "ct", flow: "udp6,actions=ct(commit,zone=NXM_NX_REG0[0..15],exec(move:NXM_NX_REG0[]->NXM_NX_CT_MARK[]),alg=tftp)"},
	{kind: "nat", flow: "ip,actions=ct(table=1,nat)"},
	{kind: "nat", flow: "ip,actions=ct(commit,nat(src=10.0.0.1-10.0.0.9:1000-2000,persistent,random)),ct(commit,nat(dst=10.0.0.1:80,hash))"},
	{kind: "nat", flow: "ipv6,actions=ct(commit,nat(src=[fd00::1]-[fd00::9]:1000)),ct(commit,nat(dst=fd00::1)),ct(commit,nat(src))"},
	{kind: "controller(userdata)", flow: "actions=controller(reason=action_set,max_len=100,id=2,userdata=01.02.03.04.05,pause,meter_id=7)"},
	{kind: "controller(userdata)", flow: "actions=controller(pause)"},
	{kind: "sample(port)", flow: "actions=sample(probability=1,collector_set_id=0,obs_domain_id=0,obs_point_id=0,sampling_port=56789)"},
	{kind: "output(truncated)", flow: "actions=output(port=1,max_len=100),output(port=IN_PORT,max_len=14),output(port=LOCAL,max_len=4294967295)"},
	{kind: "sample(direction)", flow: "actions=sample(probability=1,collector_set_id=2,obs_domain_id=3,obs_point_id=4,sampling_port=5,egress)"},
	{kind: "sample(direction)", flow: "actions=sample(probability=1,collector_set_id=2,obs_domain_id=3,obs_point_id=4,ingress)"},
	{kind: "clone", flow: "actions=clone(set_field:0x5->reg0,clone(output:1),output:2),output:3"},
	{kind: "clone", flow: "actions=clone(drop)"},
	{kind: "ct_clear", flow: "actions=ct_clear"},
	{kind: "resubmit(ct)", flow: "ct_state=+trk+est-inv,ip,actions=resubmit(,18,ct),resubmit(5,7,ct)"},
	{kind: "learn(limit)", flow: "actions=learn(table=1,limit=4096,result_dst=NXM_NX_REG0[3],in_port=1,load:0x1->NXM_NX_REG0[5])"},
	{kind: "learn(limit)", flow: "actions=learn(table=1,result_dst=OXM_OF_METADATA[63])"},
	{kind: "encap", flow: "ip,actions=encap(nsh(md_type=2,tlv(0x1000,10,0x12345678),tlv(0x2000,20,0xfedcba9876543210aa))),encap(ethernet)", in10: "-"},
	{kind: "encap", flow: "ip,actions=encap(nsh),encap(ethernet),encap(mpls),encap(mpls_mc)", in10: "-"},
	{kind: "decap", flow: "actions=decap()", in10: "-"},
	{kind: "decap", flow: "actions=decap(packet_type(ns=1,type=0x800))", in10: "-"},
	{kind: "dec_nsh_ttl", flow: "dl_type=0x894f,actions=dec_nsh_ttl", in10: "-"},
	{kind: "check_pkt_larger", flow: "actions=check_pkt_larger(1500)->NXM_NX_REG0[7]"},
	{kind: "delete_field", flow: "actions=delete_field:tun_metadata3"},
	{kind: "set_field", flow: "actions=set_field:0x5->tun_metadata3,set_field:0->tun_metadata4,set_field:0x1/0xff->tun_metadata5,set_field:0xffffffff->tun_metadata6"},
	{kind: "move", flow: "tun_metadata3,actions=move:NXM_NX_TUN_METADATA3[0..15]->NXM_NX_REG1[0..15],move:NXM_NX_REG0[]->NXM_NX_TUN_METADATA63[0..31]"},
}

// instructionSamples are for the rows of the table of instructions.
var instructionSamples = []actionSample{
	{kind: "goto_table", flow: "actions=output:1,goto_table:9", in10: "output:1,resubmit(,9)"},
	{kind: "write_metadata", flow: "actions=write_metadata:0x5"},
	{kind: "write_metadata", flow: "actions=output:1,write_metadata:0xf0/0xff"},
	{kind: "write_actions", flow: "actions=clear_actions,write_actions(pop_vlan,set_field:0x1->reg0,output:1),goto_table:9", in10: "resubmit(,9)"},
	{kind: "apply_actions", flow: "actions=output:1"},
	{kind: "clear_actions", flow: "actions=clear_actions", in10: "drop"},
	{kind: "meter", flow: "actions=raw_instruction:0006000800000005"},
	{kind: "stat_trigger", flow: "actions=raw_instruction:00070010000000000000000000000000"},
}

// kindIn reports whether encoded actions have one of a kind, also inside others.
func kindIn(list []byte, k Kind) bool {
	for len(list) > 0 {
		number, n, err := cutTLV(list, "action")
		if err != nil {
			return false
		}
		experimenter := uint32(0)
		nested := 0
		if number == actVendor {
			experimenter, number = binary.BigEndian.Uint32(list[4:]), binary.BigEndian.Uint16(list[8:])
			nested = map[uint16]int{nxClone: 16, nxCT: ctLen}[number]
		}
		if k.Experimenter == experimenter && k.Number == number || nested > 0 && kindIn(list[nested:n], k) {
			return true
		}
		list = list[n:]
	}
	return false
}

func kindNamed(list []Kind, name string) (Kind, bool) {
	i := slices.IndexFunc(list, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return list[i], true
}

// TestEveryAction takes an example of each row of the tables through bytes and text.
func TestEveryAction(t *testing.T) {
	for _, table := range []struct {
		kinds   []Kind
		samples []actionSample
	}{{actionKinds, actionSamples}, {instructionKinds, instructionSamples}} {
		tried := make(map[string]bool)
		for _, sample := range table.samples {
			t.Run(sample.kind, func(t *testing.T) {
				tried[sample.kind] = true
				k, ok := kindNamed(table.kinds, sample.kind)
				if !ok {
					t.Fatalf("no row of the table is called %s", sample.kind)
				}
				trySample(t, k, sample, &table.kinds[0] == &actionKinds[0])
			})
		}
		for _, k := range table.kinds {
			if !tried[k.Name] {
				t.Errorf("no example of %s", k.Name)
			}
		}
	}
}

func trySample(t *testing.T, k Kind, sample actionSample, isAction bool) {
	f, err := tunnelOf4.ParseFlow(sample.flow)
	if err != nil {
		t.Fatal(err)
	}
	if isAction && !kindIn([]byte(f.Actions.list), k) {
		t.Errorf("%x has no action %d of %#x", f.Actions.list, k.Number, k.Experimenter)
	}
	instructions := f.Actions.appendInstructions(nil)
	if !isAction && !strings.HasPrefix(hex.EncodeToString(instructions), fmt.Sprintf("%04x", k.Number)) && !strings.Contains(f.Actions.after, string([]byte{0, byte(k.Number), 0})) {
		t.Errorf("%x has no instruction %d", instructions, k.Number)
	}
	if a, err := decodeInstructions(instructions); err != nil || a != f.Actions {
		t.Errorf("%x decoded as %s: %v", instructions, a, err)
	}
	_, want, _ := strings.Cut(sample.flow, "actions=")
	x := *tunnelOf4
	x.OpenFlow15 = true
	if got := string(x.AppendActions(nil, f.Actions)); got != want && !strings.HasPrefix(want, "raw") {
		t.Errorf("printed  %s\nwant     %s", got, want)
	} else if strings.HasPrefix(got, "raw") && k.Refused == "" {
		t.Errorf("%s has no text", sample.kind)
	}
	for _, x := range []*Syntax{tunnelOf4, &x} {
		text := string(x.AppendFlow(nil, f))
		again, err := x.ParseFlow(text)
		if err != nil || string(x.AppendFlow(nil, again)) != text && !strings.HasPrefix(want, "raw") {
			t.Errorf("%s\nbecame %s: %v", text, again, err)
		}
		if strings.HasPrefix(want, "raw") || x == tunnelOf4 && strings.Contains(text, "load:") {
			continue // one set_field can be several loads
		}
		if again != f {
			t.Errorf("%s\nbecame %s\nbytes %x\nwant  %x", text, again, again.Actions.list, f.Actions.list)
		}
	}
}
