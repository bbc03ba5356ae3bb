package ofconn

import (
	"fmt"
	"iter"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// block is what a Pod, a Service and a policy rule with 23 addresses bring to a node: 31 flows.
func block(i int) (lines []string) {
	addr := func(net, i int) string { return fmt.Sprintf("%d.%d.%d.%d", net, i>>16&0xff, i>>8&0xff, i&0xff) }
	mac := fmt.Sprintf("02:aa:%02x:%02x:%02x:%02x", i>>24&0xff, i>>16&0xff, i>>8&0xff, i&0xff)
	pod, service, port, rule := addr(10, i), addr(11, i), 10+i%60000, 100+i
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	add("cookie=%#x,table=1,priority=200,in_port=%d,dl_src=%s,arp,arp_op=1,arp_sha=%s,arp_spa=%s,actions=resubmit(,2)", i, port, mac, mac, pod)
	add("cookie=%#x,table=2,priority=200,arp,arp_op=2,dl_dst=%s,actions=output:%d", i, mac, port)
	add("cookie=%#x,table=4,priority=200,in_port=%d,dl_src=%s,ip,nw_src=%s,actions=load:1->NXM_NX_REG0[8],resubmit(,6)", i, port, mac, pod)
	add("cookie=%#x,table=16,priority=200,ip,nw_dst=%s,actions=mod_dl_src:02:bb:00:00:00:02,mod_dl_dst:%s,load:3->NXM_NX_REG0[4..7],"+
		"load:%d->NXM_NX_REG1[],resubmit(,18)", i, pod, mac, port)
	add("cookie=%#x,table=24,priority=210,ct_state=-rpl+trk,ip,nw_dst=%s,actions=load:1->NXM_NX_REG0[9],resubmit(,27)", i, pod)
	add("cookie=%#x,table=10,priority=200,tcp,nw_dst=%s,tp_dst=80,actions=load:0x%08x->NXM_NX_REG12[],load:0x50->NXM_NX_REG6[16..31],"+
		"resubmit(,11)", i, service, i)
	add("cookie=%#x,table=27,priority=200,ct_state=+new+trk,reg0=0x400/0x400,tcp,nw_dst=%s,tp_dst=80,actions=ct(commit,zone=65520,nat(dst=%s:80),"+
		"exec(move:NXM_NX_REG0[0..3]->NXM_NX_CT_MARK[0..3],load:1->NXM_NX_CT_MARK[4])),resubmit(,28)", i, service, pod)
	add("cookie=%#x,table=13,priority=200,conj_id=%d,ip,actions=load:%#x->NXM_NX_REG3[],ct(commit,table=16,zone=65520,"+
		"exec(load:%#x->NXM_NX_CT_LABEL[0..31]))", i, rule, rule, rule)
	for j := range 23 {
		peer := addr(12, i*23+j)
		if j%4 == 3 { // an address of two rules
			add("cookie=%#x,table=13,priority=200,ip,nw_dst=%s,actions=conjunction(%d,1/2),conjunction(%d,2/3)", i, peer, rule, rule+1)
		} else {
			add("cookie=%#x,table=13,priority=200,ip,nw_src=%s,actions=conjunction(%d,1/2)", i, peer, rule)
		}
	}
	return lines
}

// realisticFlows are n flows as a node has them.
func realisticFlows(tb testing.TB, n int) []openflow.FlowMod {
	tb.Helper()
	flows := make([]openflow.FlowMod, 0, n)
	for i := 0; len(flows) < n; i++ {
		for _, line := range block(i)[:min(31, n-len(flows))] {
			f, err := openflow.ParseFlow(line)
			if err != nil {
				tb.Fatal(err)
			}
			flows = append(flows, openflow.FlowMod{Flow: f})
		}
	}
	return flows
}

// asMods goes over changes without a copy of each.
func asMods(flows []openflow.FlowMod) iter.Seq[openflow.Mod] {
	return func(yield func(openflow.Mod) bool) {
		for i := range flows {
			if !yield(&flows[i]) {
				return
			}
		}
	}
}
