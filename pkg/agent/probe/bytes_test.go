package probe

import (
	"testing"
	"time"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

func TestAddBytes(t *testing.T) {
	flow := func(text string, bytes uint64) openflow.FlowStats {
		f, err := openflow.ParseFlow(text)
		if err != nil {
			t.Fatal(err)
		}
		return openflow.FlowStats{Flow: f, Bytes: bytes}
	}
	group := func(text string) openflow.Group {
		g, err := openflow.ParseGroup(text)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	counts := func(bytes ...uint64) (list []openflow.BandStats) {
		for _, b := range bytes {
			list = append(list, openflow.BandStats{Bytes: b})
		}
		return list
	}
	c := Counters{
		Flows: []openflow.FlowStats{
			flow("table=0,priority=1,ip,in_port=1,tun_src=192.168.2.1,actions=resubmit(,4)", 7),
			flow("table=0,priority=1,ipv6,in_port=1,tun_src=192.168.2.1,actions=resubmit(,4)", 70),
			flow("table=16,priority=1,ip,nw_dst=10.244.3.0/24,actions=set_field:192.168.1.3->tun_dst,resubmit(,18)", 5),
			flow("table=16,priority=1,ip,nw_dst=10.244.16.0/20,actions=load:0x61000000->NXM_NX_REG7[],resubmit(,18)", 1000),
		},
		Groups: []openflow.Group{
			group("group_id=1,type=select,bucket=bucket_id=0,weight=1,actions=set_field:192.168.2.1->tun_dst,output:1,bucket=bucket_id=1,weight=1,actions=set_field:192.168.2.2->tun_dst,output:1"),
			group("group_id=2,type=ff,bucket=bucket_id=0,watch_group:1,actions=group:1"),
			group("group_id=3,type=select,bucket=bucket_id=0,weight=1,actions=set_field:192.168.2.1->tun_dst,output:1"),
		},
		Stats: []openflow.GroupStats{{ID: 1, Buckets: counts(10, 20)}, {ID: 2, Buckets: counts(30)}, {ID: 3, Buckets: counts(400, 500)}},
	}
	list := systemv1alpha1.GatewayPeerList{Items: []systemv1alpha1.GatewayPeer{
		{Address: "192.168.2.1"}, {Address: "192.168.2.2"}, {Address: "192.168.1.3"}, {Address: "192.168.9.9"},
	}}
	now := time.Unix(1000, 0)
	AddBytes(&list, c, now)
	for i, want := range []volume{{10, 77}, {20, 0}, {5, 0}, {}} {
		item := list.Items[i]
		if got := (volume{*item.SentBytes, *item.ReceivedBytes}); got != want || !item.BytesTime.Time.Equal(now) {
			t.Errorf("%s: %v at %s, want %v", item.Address, got, item.BytesTime, want)
		}
	}
}
