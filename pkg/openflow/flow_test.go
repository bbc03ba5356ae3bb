package openflow

import (
	"net/netip"
	"testing"
)

func TestFlowString(t *testing.T) {
	f := Flow{
		Table:    16,
		Priority: 200,
		Match:    Match{}.IPDst(netip.MustParsePrefix("10.244.16.0/20")),
		Actions: Actions{}.SetEthSrc(MustParseMAC("36:c4:92:4c:a3:9e")).SetEthDst(MustParseMAC("aa:bb:cc:dd:ee:f0")).
			SetTunDst(netip.MustParseAddr("192.168.200.102")).Load(Reg(0, 4, 7), 1).Resubmit(18),
	}
	const want = "table=16, priority=200,ip,nw_dst=10.244.16.0/20 actions=mod_dl_src:36:c4:92:4c:a3:9e,mod_dl_dst:aa:bb:cc:dd:ee:f0," +
		"load:0xc0a8c866->NXM_NX_TUN_IPV4_DST[],load:0x1->NXM_NX_REG0[4..7],resubmit(,18)"
	if got := f.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	parsed, err := ParseFlow(want)
	if err != nil {
		t.Fatal(err)
	}
	if parsed != f {
		t.Errorf("parsed %s\nwant   %s", parsed, f)
	}
}
