package openflow

import (
	"slices"
	"strings"
	"testing"
)

func TestActionBuilders(t *testing.T) {
	mac := MustParseMAC("02:00:00:00:00:01")
	for _, test := range []struct {
		actions Actions
		text    string
		hex     string // instructions
	}{
		{Actions{}, "drop", ""},
		{Actions{}.Output(3), "output:3", "00040018 00000000 00000010 00000003 0000 000000000000"},
		{Actions{}.InPort(), "IN_PORT", "00040018 00000000 00000010 fffffff8 0000 000000000000"},
		{Actions{}.Controller(128), "CONTROLLER:128", "00040018 00000000 00000010 fffffffd 0080 000000000000"},
		{Actions{}.OutputReg(RegAll(1)), "output:NXM_NX_REG1[]",
			"00040020 00000000 ffff0018 00002320 000f 001f 00010204 ffff 000000000000"},
		{Actions{}.Group(7), "group:7", "00040010 00000000 00160008 00000007"},
		{Actions{}.Resubmit(18), "resubmit(,18)", "00040018 00000000 ffff0010 00002320 000e fff8 12 000000"},
		{Actions{}.ResubmitCT(18), "resubmit(,18,ct)", "00040018 00000000 ffff0010 00002320 002c fff8 12 000000"},
		{Actions{}.Load(Reg(0, 4, 7), 1), "load:0x1->NXM_NX_REG0[4..7]", "00040018 00000000 00190010 00010108 00000010 000000f0"},
		{Actions{}.Load(RegAll(1), 10), "load:0xa->NXM_NX_REG1[]", "00040018 00000000 00190010 00010204 0000000a 00000000"},
		{Actions{}.SetEthDst(mac), "mod_dl_dst:02:00:00:00:00:01", "00040018 00000000 00190010 80000606 020000000001 0000"},
		{Actions{}.SetTunDst(addr("10.0.0.1")), "load:0xa000001->NXM_NX_TUN_IPV4_DST[]",
			"00040018 00000000 00190010 00014004 0a000001 00000000"},
		{Actions{}.SetField(FieldARPSHA, mac[:]), "load:0x20000000001->NXM_NX_ARP_SHA[]",
			"00040018 00000000 00190010 80003006 020000000001 0000"},
		{Actions{}.Move(Reg(6, 16, 31), Whole(FieldTCPDst)), "move:NXM_NX_REG6[16..31]->NXM_OF_TCP_DST[]",
			"00040020 00000000 001c0018 0010 0010 0000 0000 00010c04 80001c02 00000000"},
		{Actions{}.Push(Whole(FieldARPTPA)).Pop(Whole(FieldARPSPA)), "push:NXM_OF_ARP_TPA[],pop:NXM_OF_ARP_SPA[]",
			"00040038 00000000 ffff0018 00002320 001b 0000 00002204 0020 000000000000" +
				"ffff0018 00002320 001c 0000 00002004 0020 000000000000"},
		{Actions{}.DecTTL(), "dec_ttl", "00040010 00000000 00180008 00000000"},
		{Actions{}.Conjunction(33, 1, 2), "conjunction(33,1/2)", "00040018 00000000 ffff0010 00002320 0022 00 02 00000021"},
		{Actions{}.CT(CT{Table: TableRef(7), Zone: 65520, NAT: &NAT{}}), "ct(table=7,zone=65520,nat)",
			"00040030 00000000 ffff0028 00002320 0023 0000 00000000 fff0 07 000000 0000 ffff0010 00002320 0024 0000 0000 0000"},
		{Actions{}.CT(CT{Commit: true, Zone: 5, NAT: SourceNAT(addr("10.0.0.1")), Exec: Actions{}.Load(Whole(FieldCTMark), 1)}),
			"ct(commit,zone=5,nat(src=10.0.0.1),exec(load:0x1->NXM_NX_CT_MARK[]))",
			"00040048 00000000 ffff0040 00002320 0023 0001 00000000 0005 ff 000000 0000" +
				"ffff0018 00002320 0024 0000 0001 0001 0a000001 00000000 00190010 0001d604 00000001 00000000"},
		{Actions{}.CT(CT{Commit: true, NAT: DestinationNAT(addr("fd00::1"), 80)}), "ct(commit,nat(dst=[fd00::1]:80))",
			"00040048 00000000 ffff0040 00002320 0023 0001 00000000 0000 ff 000000 0000" +
				"ffff0028 00002320 0024 0000 0002 0014 fd000000000000000000000000000001 0050 000000000000"},
		{Actions{}.CTClear(), "ct_clear", "00040018 00000000 ffff0010 00002320 002b 000000000000"},
		{Actions{}.Note([]byte{1, 2, 3}), "note:01.02.03.00.00.00", "00040018 00000000 ffff0010 00002320 0008 010203000000"},
		{Actions{}.Output(1).GotoTable(5), "output:1,goto_table:5",
			"00040018 00000000 00000010 00000001 0000 000000000000 0001000805000000"},
		{Actions{}.ClearActions().WriteActions(Actions{}.Output(1)).WriteMetadata(1, 0xff), "clear_actions,write_actions(output:1),write_metadata:0x1/0xff",
			"00050008 00000000 00030018 00000000 00000010 00000001 0000 000000000000 00020018 00000000 0000000000000001 00000000000000ff"},
	} {
		t.Run(test.text, func(t *testing.T) {
			if got := test.actions.String(); got != test.text {
				t.Errorf("text %q, want %q", got, test.text)
			}
			got, want := string(test.actions.appendInstructions(nil)), unhex(t, test.hex)
			if got != want {
				t.Errorf("bytes %x\nwant  %x", got, want)
			}
			decoded, err := decodeInstructions([]byte(want))
			if err != nil || decoded != test.actions {
				t.Errorf("decoded as %s: %v", decoded, err)
			}
			parsed, err := ParseActions(test.text)
			if err != nil || parsed != test.actions {
				t.Errorf("parsed as %s: %v", parsed, err)
			}
		})
	}
}

func TestActionSpellings(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"set_field:0x10/0xf0->reg0", "load:0x1->NXM_NX_REG0[4..7]"},
		{"load:1->reg0[4..7]", "load:0x1->NXM_NX_REG0[4..7]"},
		{"set_field:02:00:00:00:00:01->eth_dst", "mod_dl_dst:02:00:00:00:00:01"},
		{"set_field:10.0.0.1->ip_dst", "mod_nw_dst:10.0.0.1"},
		{"set_field:10.0.0.1->tun_dst", "load:0xa000001->NXM_NX_TUN_IPV4_DST[]"},
		{"set_field:80->tcp_dst", "mod_tp_dst:80"},
		{"move:eth_src->eth_dst", "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]"},
		{"output:reg1[]", "output:NXM_NX_REG1[]"},
		{"in_port", "IN_PORT"},
		{"3", "output:3"},
		{"output:in_port", "IN_PORT"},
		{"output:0xfffe", "LOCAL"},
		{"controller", "CONTROLLER:65535"},
		{"controller(max_len=7)", "CONTROLLER:7"},
		{"resubmit:5", "resubmit:5"},
		{"resubmit(5,6)", "resubmit(5,6)"},
		{"pop_vlan", "strip_vlan"},
		{"set_nw_ttl:5", "load:0x5->NXM_NX_IP_TTL[]"},
		{"drop", "drop"},
		{" output:1 , output:2 ", "output:1,output:2"},
		{"set_field:5->vlan_vid", "mod_vlan_vid:5"},
		{"ct(nat(src=10.0.0.1-10.0.0.2:1-5,random,hash,persistent),commit)", "ct(commit,nat(src=10.0.0.1-10.0.0.2:1-5,persistent,hash,random))"},
		{"ct(zone=reg1[0..15])", "ct(zone=NXM_NX_REG1[0..15])"},
		{"ct(exec(ct_clear,output:1))", "ct(exec(ct_clear,output:1))"},
	} {
		a, err := ParseActions(test.text)
		if err != nil || a.String() != test.want {
			t.Errorf("%q is %q, want %q: %v", test.text, a, test.want, err)
		}
	}
}

func TestParseActionErrors(t *testing.T) {
	for _, bad := range []string{
		"foo", "foo:1", "output:", "output:x", "output:reg1", "group:x", "load:1", "load:2->reg0[0]", "load:1->eth_type", "load:x->reg0[]",
		"move:reg0[]->reg1[0..3]", "move:reg0[]", "set_field:1->foo", "set_field:1/2/3->reg0", "push:reg99[]", "push:reg0[5..3]",
		"push:reg0[0..32]", "push:reg0[0", "conjunction(1,3/2)", "conjunction(1)", "ct(foo)", "ct(nat(dst=1.2.3))", "ct(nat(src=1.2.3.4-fd00::1))",
		"ct(table=256)", "ct(exec(foo))", "ct(exec(goto_table:1))", "learn(foo)", "learn(load:1->reg0[0..0],foo=1)", "learn(NXM_NX_REG0[]=NXM_NX_REG1[0..3])",
		"note:0", "note:xx", "resubmit", "resubmit(,)", "resubmit(,1,2)", "raw:zz", "raw:0000000100", "raw_instruction:00", "mod_nw_dst:10.0.0.0/8",
		"write_actions(goto_table:1)", "goto_table:x",
	} {
		if a, err := ParseActions(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, a)
		} else if !strings.HasPrefix(err.Error(), "at ") {
			t.Errorf("%q: error %q does not say where", bad, err)
		}
	}
}

// TestUnknownActions keeps what it cannot say, and says it back.
func TestUnknownActions(t *testing.T) {
	for _, test := range []struct{ name, hex, want string }{
		{"Nicira action", "00040018 00000000 ffff0010 00002320 1234 000000000000", "raw:ffff0010000023201234000000000000"},
		{"other experimenter", "00040018 00000000 ffff0010 00001234 0001 000000000000", "raw:ffff0010000012340001000000000000"},
		{"standard action", "00040010 00000000 00770008 00000001", "raw:0077000800000001"},
		{"instruction", "00770008 00000001", "raw_instruction:0077000800000001"},
		{"output to no port", "00040018 00000000 00000010 fffffff0 0000 000000000000", "raw:00000010fffffff00000000000000000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, err := decodeInstructions([]byte(unhex(t, test.hex)))
			if err != nil || a.String() != test.want {
				t.Fatalf("got %q: %v", a, err)
			}
			again, err := ParseActions(test.want)
			if err != nil || again != a {
				t.Errorf("parsed as %q: %v", again, err)
			}
		})
	}
	for _, bad := range []string{"0004", "00040007000000", "0004001000000000 0000001000000000", "0004000c00000000 00000000"} {
		if a, err := decodeInstructions([]byte(unhex(t, bad))); err == nil {
			t.Errorf("%s is taken for %q", bad, a)
		}
	}
}

func TestActionsAreValues(t *testing.T) {
	base := Actions{}.Output(1)
	a, b := base.Output(2), base.Output(3)
	if base.String() != "output:1" || a.String() != "output:1,output:2" || b.String() != "output:1,output:3" {
		t.Errorf("%s; %s; %s", base, a, b)
	}
	if got := base.Append(b); got.String() != "output:1,output:1,output:3" {
		t.Errorf("%s", got)
	}
	if got := slices.Collect(a.Group(5).Group(6).Groups()); !slices.Equal(got, []uint32{5, 6}) {
		t.Errorf("groups %v", got)
	}
}

func TestBuildersPanic(t *testing.T) {
	for name, build := range map[string]func(){
		"register":       func() { Reg(16, 0, 0) },
		"bits":           func() { Reg(0, 4, 32) },
		"value":          func() { Actions{}.Load(Reg(0, 0, 3), 16) },
		"read-only":      func() { Actions{}.Load(Whole(FieldEthType), 1) },
		"width":          func() { Actions{}.Move(Reg(0, 0, 3), Reg(1, 0, 4)) },
		"clause":         func() { Actions{}.Conjunction(1, 3, 2) },
		"length":         func() { Match{}.With(FieldEthSrc, []byte{1}, nil) },
		"family":         func() { Match{}.ARPSPA(addr("fd00::1")) },
		"invalid prefix": func() { Match{}.IPDst(prefix("10.0.0.0/8").Masked()).IPDst(invalidPrefix) },
	} {
		func() {
			defer func() {
				if p, ok := recover().(string); !ok || !strings.HasPrefix(p, "openflow: ") {
					t.Errorf("%s: panic %v", name, p)
				}
			}()
			build()
		}()
	}
}
