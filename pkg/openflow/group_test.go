package openflow

import (
	"errors"
	"testing"
)

// groupTexts are changes of groups in the syntax of ovs-ofctl; TestRealGroupText has it read them and what they print as.
var groupTexts = []string{
	"add group_id=1,type=all,bucket=output:1,bucket=bucket_id:7,actions=output:2,output:3",
	"group_id=2,type=select,selection_method=hash,selection_method_param=5,fields(ip_dst,ip_src=255.255.0.0,reg0=0xff),bucket=weight:100,actions=set_field:1->reg0,output:1,bucket=bucket_id=0,weight=0,actions=drop",
	"add group_id=3,type=select,selection_method=hash,fields=eth_src,bucket=actions=output:1",
	"add group_id=4,type=select,selection_method=dp_hash,selection_method_param=7,bucket=watch_port:1,watch_group:3,actions=load:0xa000001->NXM_NX_TUN_IPV4_DST[],resubmit(,7)",
	"add group_id=5 type=ff bucket=watch_port:2,actions=LOCAL bucket=watch_group:4,output:1,weight:0",
	"add group_id=6,type=fast_failover,bucket=bucket_id:4294967040,watch_port:1,actions=ct(commit,exec(load:1->NXM_NX_CT_MARK[])),group:4",
	"add_or_mod group_id=7,type=indirect,bucket=actions=mod_dl_dst:02:00:00:00:00:01,dec_ttl,output:1",
	"add group_id=0x8,type=indirect,bucket=exit", "add group_id=9,type=all,bucket=mod_nw_src:10.0.0.1,note:01.02.03.04.05.06,bucket=clone(output:1,output:2)",
	"modify group_id=1,type=select,bucket=weight:2,actions=output:1",
	"insert_bucket group_id=2,command_bucket_id=first,bucket=bucket_id:77,actions=output:5,bucket=bucket_id:78,actions=output:6",
	"insert_bucket group_id=2,command_bucket_id=77,bucket=bucket_id:79,actions=output:7", "insert_bucket group_id=2,command_bucket_id=last,bucket=bucket_id:80,actions=output:8",
	"remove_bucket group_id=2,command_bucket_id=77", "remove_bucket group_id=2,command_bucket_id=first", "remove_bucket group_id=2,command_bucket_id=last",
	"remove_bucket group_id=3,command_bucket_id=all", "delete group_id=9", "add group_id=4294967040,type=all",
}

func TestGroupText(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"group_id=2,type=all,bucket=output:1,bucket=bucket_id:0,output:2,bucket=drop", "group add group_id=2,type=all,bucket=bucket_id:1,actions=output:1,bucket=bucket_id:0,actions=output:2,bucket=bucket_id:2,actions=drop"},
		{"delete", "group delete group_id=all"}, {"delete group_id=all", "group delete group_id=all"}, {"delete group_id=7", "group delete group_id=7"},
		{"remove_bucket group_id=7", "group remove_bucket group_id=7,command_bucket_id=all"},
		{"insert_bucket group_id=7,type=select,command_bucket_id=last,bucket=weight:5,actions=output:1", "group insert_bucket group_id=7,type=select,command_bucket_id=last,bucket=bucket_id:0,weight:5,actions=output:1"},
		{"add group_id=7,type=select,selection_method=hash,fields(ip_src=255.255.0.0,tcp_dst),bucket=drop", "group add group_id=7,type=select,selection_method=hash,fields(ip_src=255.255.0.0,tcp_dst),bucket=bucket_id:0,actions=drop"},
	} {
		if m, err := ParseGroupMod(test.text); err != nil || m.String() != test.want {
			t.Errorf("%q\nis   %s: %v\nwant %s", test.text, m, err, test.want)
		}
	}
	g, err := ParseGroup("group_id=7,type=all,bucket=output:1")
	if err != nil || g.String() != "group_id=7,type=all,bucket=bucket_id:0,actions=output:1" {
		t.Errorf("%s: %v", g, err)
	}
	if g, err = named.ParseGroup(`group_id=7,type=ff,bucket=watch_port:"pod-a",output:"pod-a",resubmit(,Output)`); err != nil ||
		string(named.AppendGroup(nil, g)) != `group_id=7,type=ff,bucket=bucket_id:0,watch_port:"pod-a",actions=output:"pod-a",resubmit(,Output)` {
		t.Errorf("%s: %v", named.AppendGroup(nil, g), err)
	}
}

// TestGroupErrors: an error has the place and the word, where there is one.
func TestGroupErrors(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int // -1 if something is missing
		word   string
	}{
		{"add type=all", -1, ""}, {"add group_id=1", -1, ""}, {"", -1, ""}, {"add group_id=all,type=all", -1, ""},
		{"add group_id=x,type=all", 4, "group_id=x"}, {"add group_id=1,type=foo", 15, "type=foo"}, {"add group_id=1,foo=2", 15, "foo=2"},
		{"group_id=4294967041,type=all", 0, "group_id=4294967041"}, {"add group_id=1,type=select,fields=ip_src", -1, ""},
		{"add group_id=1,type=select,selection_method=hash,fields(ip_src,foo)", 63, "foo"}, {"add group_id=1,type=select,selection_method_param=1", -1, ""},
		{"add group_id=1,type=select,selection_method=hash,fields(ip_src,ip_src)", 63, "ip_src"},
		{"add group_id=1,type=select,selection_method=hash,fields(ip_src=0.0.0.0)", 56, "ip_src=0.0.0.0"},
		{"add group_id=1,type=select,selection_method=muchtoolongwords", 27, "selection_method=muchtoolongwords"},
		{"add group_id=1,type=all,bucket=weight:5,output:1", 31, "weight:5"}, {"add group_id=1,type=all,bucket=weight:0", -1, ""},
		{"add group_id=1,type=all,bucket=output:1,foo:2", 40, "foo:2"}, {"add group_id=1,type=all,bucket=actions=output:1,clone(bar)", 54, "bar"},
		{"add group_id=1,type=ff,bucket=output:1", -1, ""}, {"add group_id=1,type=ff,bucket=watch_port:FLOOD,output:1", 30, "watch_port:FLOOD"},
		{"add group_id=1,type=all,bucket=goto_table:1", -1, ""}, {"add group_id=1,type=indirect,bucket=drop,bucket=drop", -1, ""},
		{"add group_id=1,type=all,command_bucket_id=1", -1, ""}, {"insert_bucket group_id=1,bucket=drop", -1, ""},
		{"insert_bucket group_id=1,command_bucket_id=all,bucket=drop", -1, ""}, {"remove_bucket group_id=1,type=all", -1, ""}, {"delete group_id=1,bucket=drop", -1, ""},
	} {
		m, err := ParseGroupMod(test.text)
		var wrong *ParseError
		switch {
		case err == nil:
			t.Errorf("%q is taken for %s", test.text, m)
		case !errors.As(err, &wrong):
			if test.offset >= 0 {
				t.Errorf("%q: %v does not say where", test.text, err)
			}
		case wrong.Offset != test.offset || wrong.Word != test.word:
			t.Errorf("%q: %v at %d, want %q at %d", test.text, err, wrong.Offset, test.word, test.offset)
		}
	}
}
