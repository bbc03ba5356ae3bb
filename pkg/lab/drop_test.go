package lab

import (
	"net/netip"
	"strings"
	"testing"
)

func TestDropTable(t *testing.T) {
	peers := []netip.Addr{netip.MustParseAddr("192.168.1.2"), netip.MustParseAddr("192.168.1.3")}
	for _, tc := range []struct {
		name  string
		drop  bool
		peers []netip.Addr
		want  string // of the rule
	}{
		{"off", false, nil, ""},
		{"off again", false, peers, ""},
		{"all", true, nil, "policy accept; drop; }"},
		{"of some", true, peers, "policy accept; ip saddr { 192.168.1.2, 192.168.1.3 } drop; }"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := dropTable("eth0", tc.drop, "saddr", tc.peers)
			if !strings.HasPrefix(got, "add table netdev antrea-lab-drop-eth0\ndelete table netdev antrea-lab-drop-eth0\n") {
				t.Errorf("what was there before stays:\n%s", got)
			}
			if !strings.Contains(got, tc.want) || strings.Contains(got, "chain") != (tc.want != "") {
				t.Errorf("no %q in\n%s", tc.want, got)
			}
		})
	}
}
