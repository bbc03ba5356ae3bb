package openflow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
)

// oldFlows are flows as users of older versions add them, in the order of the versions in which they can.
var oldFlows = map[string][]string{
	"OpenFlow10": {
		"in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,dl_vlan=5,dl_vlan_pcp=3,actions=enqueue:1:7,strip_vlan,output:2",
		"dl_vlan=0xffff,actions=mod_vlan_vid:5,mod_vlan_pcp:3,LOCAL", "dl_vlan_pcp=3,actions=NORMAL,ALL,FLOOD,IN_PORT,CONTROLLER:100",
		"tcp,nw_src=10.0.0.0/8,nw_dst=10.1.2.3,tp_src=5,tp_dst=80,nw_tos=32,actions=mod_nw_src:1.2.3.4,mod_nw_dst:1.2.3.5,mod_nw_tos:8,mod_tp_src:7,mod_tp_dst:9",
		"udp,tp_src=5,tp_dst=53,actions=mod_tp_src:7,mod_tp_dst:9,mod_dl_src:02:00:00:00:00:03,mod_dl_dst:02:00:00:00:00:04",
		"sctp,tp_src=5,tp_dst=6,actions=mod_tp_src:7,mod_tp_dst:9", "icmp,icmp_type=8,icmp_code=0,actions=drop", "icmp6,icmp_type=128,actions=drop",
		"arp,arp_op=1,arp_spa=10.0.0.0/8,arp_tpa=10.0.0.1,actions=drop", "rarp,arp_op=3,actions=drop", "dl_type=0x1234,actions=drop", "ipv6,nw_tos=32,actions=drop",
		"ip,nw_proto=47,actions=load:0xa000001->NXM_OF_IP_DST[],load:1->NXM_OF_IP_SRC[0..3],move:NXM_OF_IP_SRC[]->NXM_NX_REG0[],dec_ttl,set_queue:3,pop_queue",
		"idle_timeout=100,hard_timeout=200,ip,ip_frag=no,actions=ct(commit,exec(load:5->NXM_NX_CT_MARK[]),table=2),clone(mod_dl_src:02:00:00:00:00:03,output:3)",
		"mpls,mpls_label=5,actions=set_mpls_ttl(3),dec_mpls_ttl,set_mpls_label(7),set_mpls_tc(3),pop_mpls:0x0800", "ip,actions=push_mpls:0x8847,output:1",
		"reg0=5/7,tun_id=3,actions=group:7,resubmit(,3),set_tunnel:7,set_tunnel64:0x1234567890",
	},
	"OpenFlow13": {
		"ip,actions=meter:5,output:1,goto_table:9", "actions=push_vlan:0x8100,set_field:4101->vlan_vid,write_metadata:5/0xff",
		"ip,actions=set_field:10.0.0.1->ip_src,load:1->NXM_NX_REG0[3..4],move:NXM_NX_REG0[]->NXM_NX_REG1[],mod_nw_ttl:5,group:7",
		"table=3,importance=0,send_flow_rem,no_packet_counts,no_byte_counts,actions=clear_actions,write_actions(output:1,pop_vlan)",
		"sctp,actions=mod_tp_src:80", "actset_output=5,tcp_flags=0x5/0x7,tcp,actions=enqueue:1:7",
	},
}

var duration = regexp.MustCompile(`duration=[0-9.]*s, |idle_age=\d+, |hard_age=\d+, `)

// TestRealOldDumps dumps from a bridge that speaks OpenFlow 1.0 or 1.3 alone, and prints as ovs-ofctl prints the dump of the same
// version: flows with every field, every action and instruction, and what only older versions have.
func TestRealOldDumps(t *testing.T) {
	s := realSwitch(t, "br-int")
	s.Vsctl("set", "Bridge", "br-int", "protocols=OpenFlow10,OpenFlow13,OpenFlow15")
	c := dial(t, s, "br-int")
	var mods []openflow.Mod
	noText, only15 := make(map[string]bool), []openflow.Mod(nil)
	add := func(f openflow.Flow) string {
		f.Cookie, f.Priority = uint64(len(mods)+1), uint16(len(mods)+1)
		mods = append(mods, openflow.FlowMod{Flow: f})
		return fmt.Sprintf("cookie=%#x,", f.Cookie)
	}
	for _, f := range fieldFlows() {
		if cookie := add(f.Flow); f.noText || f.noText10 {
			noText[cookie] = true
		}
	}
	for _, sample := range openflow.ActionSamples() {
		if sample.Refused != "" {
			continue
		}
		f, err := openflow.TunnelOf4.ParseFlow(sample.Flow)
		if err != nil {
			t.Fatal(err)
		}
		if add(f); sample.In10 == "-" {
			gone := mods[len(mods)-1].(openflow.FlowMod)
			gone.Command = openflow.DeleteStrict
			only15 = append(only15, gone)
		}
	}
	if err := c.Bundle(t.Context(), slices.Values(mods)); err != nil {
		t.Fatal(err)
	}
	for i, version := range []string{"OpenFlow10", "OpenFlow13"} {
		path := filepath.Join(t.TempDir(), version)
		var lines strings.Builder
		for j, line := range oldFlows[version] {
			fmt.Fprintf(&lines, "cookie=%#x,priority=%d,%s\n", 0x10000*(i+1)+j, 50000+100*i+j, line)
		}
		if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Ofctl("-O "+version+" add-flows", "br-int", path)
	}
	for _, test := range []struct {
		name   string
		number uint8
	}{{"OpenFlow13", openflow.Version13}, {"OpenFlow10", openflow.Version10}} {
		t.Run(test.name, func(t *testing.T) {
			if test.number == openflow.Version10 { // ovs-ofctl stops reading where it comes to one of these
				if err := dial(t, s, "br-int").Bundle(t.Context(), slices.Values(only15)); err != nil {
					t.Fatal(err)
				}
			}
			s.Vsctl("set", "Bridge", "br-int", "protocols="+test.name)
			defer s.Vsctl("set", "Bridge", "br-int", "protocols=OpenFlow10,OpenFlow13,OpenFlow15")
			old, err := ofconn.Dial(t.Context(), s.OpenFlow("br-int"), ofconn.Config{Versions: []uint8{openflow.Version10, openflow.Version13, openflow.Version15}})
			if err != nil || old.Version() != test.number {
				t.Fatalf("version %d: %v", old.Version(), err)
			}
			defer old.Close()
			x := *openflow.TunnelOf4
			x.OpenFlow15 = test.number != openflow.Version10
			ours := make(map[string]string)
			for f, err := range old.DumpFlows(t.Context(), openflow.AllFlows) {
				if err != nil {
					t.Fatal(err)
				}
				ours[fmt.Sprintf("cookie=%#x,", f.Cookie)] = duration.ReplaceAllString(string(x.AppendFlowStats(nil, f)), "")
			}
			n := 0
			for line := range strings.Lines(s.Ofctl("--no-names -O "+test.name+" dump-flows", "br-int")) {
				cookie, _, ok := strings.Cut(strings.TrimSpace(line), " ")
				if !ok || !strings.HasPrefix(cookie, "cookie=") {
					continue
				}
				if theirs := duration.ReplaceAllString(strings.TrimSpace(line), ""); theirs != ours[cookie] && !noText[cookie] {
					t.Errorf("ours   %s\ntheirs %s", ours[cookie], theirs)
				}
				n++
			}
			if n != len(ours) || n < 500 {
				t.Errorf("%d flows, ovs-ofctl has %d", len(ours), n)
			}
		})
	}
}
