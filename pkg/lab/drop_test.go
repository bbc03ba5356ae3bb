package lab

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDropTable(t *testing.T) {
	peers := []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("fd00::3")}
	for _, tc := range []struct {
		name    string
		in, out bool
		peers   []netip.Addr
		want    string // after what was there before is gone
	}{
		{"off", false, false, nil, ""},
		{"off again", false, false, peers, ""},
		{"all", true, true, nil, `table netdev antrea-lab-drop-n1 {
	chain egress { type filter hook egress device "n1" priority -500; policy accept; drop; }
	chain ingress { type filter hook ingress device "n1" priority -500; policy accept; drop; }
}
`},
		{"in", true, false, peers, `table netdev antrea-lab-drop-n1 {
	chain egress { type filter hook egress device "n1" priority -500; policy accept; ip saddr 192.168.1.2 drop; ip6 saddr fd00::3 drop; }
}
`},
		{"out", false, true, peers, `table netdev antrea-lab-drop-n1 {
	chain ingress { type filter hook ingress device "n1" priority -500; policy accept; ip daddr 192.168.1.2 drop; ip6 daddr fd00::3 drop; }
}
`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := "add table netdev antrea-lab-drop-n1\ndelete table netdev antrea-lab-drop-n1\n" + tc.want
			if diff := cmp.Diff(want, dropTable("n1", tc.in, tc.out, tc.peers)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
