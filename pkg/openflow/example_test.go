package openflow_test

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// A flow is read from the text that ovs-ofctl takes, and printed as it dumps it.
func ExampleParseFlow() {
	f, err := openflow.ParseFlow("table=16,priority=200,tcp,nw_dst=10.244.16.0/20,tp_dst=443,actions=dec_ttl,resubmit(,18)")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f)
	// Output:
	// table=16, priority=200,tcp,nw_dst=10.244.16.0/20,tp_dst=443 actions=dec_ttl,resubmit(,18)
}

// A flow is built by chaining. Each field brings the prerequisites that leave no choice.
func ExampleFlow() {
	f := openflow.Flow{
		Table:    16,
		Priority: 200,
		Cookie:   0x5,
		Match:    openflow.Match{}.IPDst(netip.MustParsePrefix("10.244.16.0/20")),
		Actions: openflow.Actions{}.
			SetTunDst(netip.MustParseAddr("192.168.77.101")).
			Load(openflow.Reg(0, 4, 7), 1).
			Resubmit(18),
	}
	fmt.Println(f)
	// Output:
	// cookie=0x5, table=16, priority=200,ip,nw_dst=10.244.16.0/20 actions=load:0xc0a84d65->NXM_NX_TUN_IPV4_DST[],load:0x1->NXM_NX_REG0[4..7],resubmit(,18)
}

// Matches are values: the same match is equal, in whatever order its fields were set.
func ExampleMatch() {
	web := openflow.Match{}.EthType(openflow.EthTypeIPv4).TCPDst(443)
	same := openflow.Match{}.TCPDst(443).EthType(openflow.EthTypeIPv4)
	fmt.Println(web, web == same)
	err := openflow.Match{}.TCPDst(443).Check() // over IPv4 or over IPv6?
	fmt.Println(errors.Is(err, openflow.ErrPrerequisite))
	// Output:
	// tcp,tp_dst=443 true
	// true
}

// What is wanted and what is there are compared by key and by value, as a switch compares them.
func ExampleFlow_Key() {
	have, _ := openflow.ParseFlow("table=1,priority=10,ip,nw_src=10.0.0.1,actions=drop")
	want, _ := openflow.ParseFlow("table=1,priority=10,nw_src=10.0.0.1,ip,actions=resubmit(,2)")
	fmt.Println(have.Key() == want.Key(), have == want)
	// Output:
	// true false
}

// Connections are tracked with actions inside an action.
func ExampleActions_CT() {
	a := openflow.Actions{}.CT(openflow.CT{
		Commit: true,
		Zone:   65520,
		NAT:    &openflow.NAT{},
		Exec:   openflow.Actions{}.Load(openflow.FieldRange(openflow.FieldCTMark, 0, 3), 2),
	})
	fmt.Println(a)
	// Output:
	// ct(commit,zone=65520,nat,exec(load:0x2->NXM_NX_CT_MARK[0..3]))
}

// The actions of a flow are read by their types.
func ExampleActions_All() {
	f, _ := openflow.ParseFlow("table=3,ip,actions=ct(commit,zone=7,exec(load:2->ct_mark)),group:5,resubmit(,4)")
	for action := range f.Actions.All() {
		switch a := action.(type) {
		case openflow.CT:
			fmt.Println("tracked in zone", a.Zone, "with", a.Exec)
		case openflow.Resubmit:
			fmt.Println("goes on in table", a.Table)
		case openflow.Plain:
			fmt.Println(a.Kind.Name, a.Argument)
		}
	}
	// Output:
	// tracked in zone 7 with load:0x2->NXM_NX_CT_MARK[]
	// group 5
	// goes on in table 4
}

// One buffer serves any number of messages, so that nothing is allocated for each.
func ExampleAppendMessage() {
	f, _ := openflow.ParseFlow("table=1,priority=10,ip,actions=drop")
	var buf []byte
	for xid := range uint32(3) {
		var err error
		if buf, err = openflow.AppendMessage(buf, xid+1, &openflow.FlowMod{Flow: f}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(len(buf), "bytes")
	h, m, err := openflow.Decode(buf[:len(buf)/3])
	fmt.Println(h.Type, h.Xid, m, err)
	// Output:
	// 192 bytes
	// FLOW_MOD 1 add table=1, priority=10,ip actions=drop <nil>
}

// The errors of a switch have the names that its manual uses.
func ExampleError() {
	err := &openflow.Error{Type: openflow.ErrorBadMatch, Code: 9}
	fmt.Println(err)
	// Output:
	// switch refused: OFPBMC_BAD_PREREQ
}

// A bucket of a group is chosen only while the port it watches is up.
func ExampleGroup() {
	gateway := openflow.Bucket{
		ID:        1,
		Weight:    100,
		WatchPort: 20,
		Actions:   openflow.Actions{}.SetTunDst(netip.MustParseAddr("192.168.77.101")).Output(1),
	}
	g := openflow.Group{ID: 7, Type: openflow.GroupSelect, Buckets: []openflow.Bucket{gateway}}
	fmt.Println(g)
	// Output:
	// group_id=7,type=select,bucket=bucket_id:1,weight:100,watch_port:20,actions=load:0xc0a84d65->NXM_NX_TUN_IPV4_DST[],output:1
}

// A packet is made of what a match says, and read as the switch reads it.
func ExampleComposePacket() {
	f, _ := openflow.ParseFlow("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,tp_dst=53,actions=drop")
	frame, err := openflow.ComposePacket(f.Match, []byte("question"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(frame), openflow.DecodePacket(frame))
	// Output:
	// 50 udp,vlan_tci=0x0000,dl_src=00:00:00:00:00:00,dl_dst=00:00:00:00:00:00,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=0,tp_dst=53 udp_csum:30d6
}
