package openflow

import (
	"errors"
	"slices"
	"testing"
)

// named has names for some of everything.
var named = &Syntax{
	OpenFlow15: true,
	Ports:      map[Port]string{1: "eth0", 2: "pod-a", 3: "a,b"},
	Tables:     map[TableID]string{9: "Output", 10: "two words"},
	Registers: map[Subfield]string{
		Reg(0, 0, 3): "source", Reg(0, 4, 7): "destination", RegAll(5): "owner", Whole(FieldXXReg3): "endpoint",
	},
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ plain, named string }{
		{"table=9, priority=1,in_port=1 actions=output:2,output:3,output:4",
			`table=Output, priority=1,in_port=eth0 actions=output:"pod-a",output:"a,b",output:4`},
		{"table=10, priority=1 actions=resubmit(,9),resubmit(2,10),goto_table:9",
			`table="two words", priority=1 actions=resubmit(,Output),resubmit("pod-a","two words"),goto_table:Output`},
		{"table=0, priority=1,ip actions=ct(table=9,zone=5),learn(table=9,in_port=1)",
			`table=0, priority=1,ip actions=ct(table=Output,zone=5),learn(table=Output,in_port=eth0)`},
		{"table=0, priority=1,reg0=0x21/0xff actions=set_field:0x30/0xf0->reg0,set_field:0x7->reg5",
			"table=0, priority=1,source=0x1,destination=0x2 actions=set_field:0x3->destination,set_field:0x7->owner"},
		{"table=0, priority=1,reg0=0x521/0xfff,reg5=0x9 actions=move:NXM_NX_REG0[0..3]->NXM_NX_REG0[4..7]",
			"table=0, priority=1,source=0x1,destination=0x2,reg0=0x500/0xf00,owner=0x9 actions=move:source[]->destination[]"},
		{"table=0, priority=1,reg0=0x1/0x3,reg5=0x9/0xff actions=push:NXM_NX_REG0[0..1],output:NXM_NX_REG5[]",
			"table=0, priority=1,reg0=0x1/0x3,reg5=0x9/0xff actions=push:NXM_NX_REG0[0..1],output:owner[]"},
		{"table=0, priority=1 actions=bundle(eth_src,0,hrw,ofport,members:1,2,5),output(port=1,max_len=100),sample(probability=1," +
			"collector_set_id=0,obs_domain_id=0,obs_point_id=0,sampling_port=1)",
			`table=0, priority=1 actions=bundle(eth_src,0,hrw,ofport,members:eth0,"pod-a",5),output(port=eth0,max_len=100),sample(` +
				`probability=1,collector_set_id=0,obs_domain_id=0,obs_point_id=0,sampling_port=eth0)`},
	} {
		f, err := ParseFlow(test.plain)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(named.AppendFlow(nil, f)); got != test.named {
			t.Errorf("got  %s\nwant %s", got, test.named)
		}
		if again, err := named.ParseFlow(test.named); err != nil || again != f {
			t.Errorf("%s\nparsed %s: %v", test.named, again, err)
		}
		if again, err := named.ParseFlow(test.plain); err != nil || again != f {
			t.Errorf("%s\nparsed %s: %v", test.plain, again, err)
		}
	}
	for _, test := range []struct{ text, want string }{
		{"source=2/3,actions=load:1->source[0..1],load:0x5->destination[],eth0", "table=0, reg0=0x2/0x3 actions=load:0x1->NXM_NX_REG0[0..1],load:0x5->NXM_NX_REG0[4..7],output:1"},
		{`in_port="eth0",actions=enqueue:pod-a:5,"eth0"`, "table=0, in_port=1 actions=set_queue:5,output:2,pop_queue,output:1"},
	} {
		if f, err := named.ParseFlow(test.text); err != nil || f.String() != test.want {
			t.Errorf("%s is %s: %v", test.text, f, err)
		}
	}
}

// TestNamesOfSwitch: what two have is nobody's name, nor is that of a reserved port.
func TestNamesOfSwitch(t *testing.T) {
	var x Syntax
	x.NamePorts(slices.Values([]PortDesc{{Port: 1, Name: "eth0"}, {Port: 2, Name: "same"}, {Port: 3, Name: "same"}, {Port: 4},
		{Port: 5, Name: "normal"}, {Port: 6, Name: "7"}, {Port: PortLocal, Name: "br0"}}))
	x.NameTables(slices.Values([]TableFeatures{{Table: 1, Name: "in"}, {Table: 2}, {Table: 3, Name: "twice"}, {Table: 4, Name: "twice"}}))
	f := mustFlow("table=3,actions=output:1,output:2,output:4,output:5,output:6,LOCAL,resubmit(,1),resubmit(,2)")
	const want = `table=3, actions=output:eth0,output:2,output:4,output:5,output:"7",LOCAL,resubmit(,in),resubmit(,2)`
	if got := string(x.AppendFlow(nil, f)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again, err := x.ParseFlow(want); err != nil || again != f {
		t.Errorf("%s: %v", again, err)
	}
	if f, err := x.ParseFlow("actions=7,br0"); err != nil || f.Actions != (Actions{}).Output(7).Output(PortLocal) {
		t.Errorf("%s: %v", f, err)
	}
}

// TestErrorPlace: an error has the place and the word that cannot be read, also inside other actions.
func TestErrorPlace(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int
		word   string
	}{
		{"tabel=1,actions=drop", 0, "tabel=1"},
		{"table=1,ip,nw_dst=10.0.0,actions=drop", 11, "nw_dst=10.0.0"},
		{"table=256,actions=drop", 0, "table=256"},
		{"table=1, actions=output:1,foo:2", 26, "foo:2"},
		{"ip,actions=ct(commit,exec(load:1->reg0[], foo),zone=5)", 42, "foo"},
		{"ip,actions=ct(commit,zone=70000)", 21, "zone=70000"},
		{"actions=clone(output:1,clone(drop,bar(1)))", 34, "bar(1)"},
		{"actions=learn(table=1,idle_timeout=x)", 22, "idle_timeout=x"},
		{"actions=write_actions(output:1,load:1->foo)", 31, "load:1->foo"},
		{"actions=controller(max_len=5,id=x)", 29, "id=x"},
		{"ip,actions=ct(commit,nat(src=1.2.3))", 25, "src=1.2.3"},
		{"ip,actions=encap(nsh(md_type=3))", 21, "md_type=3"},
	} {
		_, err := ParseFlow(test.text)
		var wrong *ParseError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if wrong.Offset != test.offset || wrong.Word != test.word || test.text[wrong.Offset:wrong.Offset+len(wrong.Word)] != wrong.Word {
			t.Errorf("%s: %v, want %q at %d", test.text, err, test.word, test.offset)
		}
	}
}
