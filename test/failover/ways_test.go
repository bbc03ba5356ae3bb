package failover

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// Packets are recognized as they are and with the address of a gateway, in both directions.
func TestPass(t *testing.T) {
	a, b := s1.Pod{Name: "a", IP: netip.MustParseAddr("10.244.1.2")}, s1.Pod{Name: "b", IP: netip.MustParseAddr("10.244.17.3")}
	for _, test := range []struct {
		heard string
		want  bool
	}{
		{"IP 192.168.150.102.51000 > 192.168.200.102.6081: Geneve, Flags [none], vni 0x0: IP 10.244.1.2.40001 > 10.244.17.3.8080: UDP, length 4", true},
		{"IP 10.244.17.3.8080 > 10.244.1.2.40001: UDP, length 4", true},
		{"IP 192.168.150.102.40001 > 10.244.17.3.8080: UDP, length 4", true},
		{"IP 10.244.17.3.8080 > 192.168.150.102.40001: UDP, length 4", true},
		{"IP 10.244.1.2.40002 > 10.244.17.3.8080: UDP, length 4", false},
		{"IP 10.244.1.2.40001 > 10.244.17.33.8080: UDP, length 4", false},
		{"IP 10.244.1.2.40001 > 10.244.17.3.8080: Flags [S], seq 1", false},
	} {
		all := ways{{pair: pair{a, b}, port: 40001}}
		all.pass("gw", test.heard)
		all.pass("gw", test.heard)
		if got := slices.Equal(all[0].over, []string{"gw"}); got != test.want {
			t.Errorf("%s: over %v", test.heard, all[0].over)
		}
	}
}
