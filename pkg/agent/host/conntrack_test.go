package host

import (
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestUntranslated(t *testing.T) {
	u := untranslated{
		local: map[netip.Addr]bool{netip.MustParseAddr("192.168.77.1"): true, netip.MustParseAddr("fd77::1"): true},
		ports: map[uint16]bool{30080: true},
	}
	for _, test := range []struct {
		name      string
		protocol  uint8
		to        string
		port      uint16
		answering string
		want      bool
	}{
		{"the Node itself", 17, "192.168.77.1", 30080, "192.168.77.1", true},
		{"the Node itself, IPv6", 17, "fd77::1", 30080, "fd77::1", true},
		{"translated", 17, "192.168.77.1", 30080, "169.254.0.252", false},
		{"TCP", 6, "192.168.77.1", 30080, "192.168.77.1", false},
		{"no NodePort", 17, "192.168.77.1", 53, "192.168.77.1", false},
		{"another Node's", 17, "192.168.77.2", 30080, "192.168.77.2", false},
	} {
		flow := &netlink.ConntrackFlow{
			Forward: netlink.IPTuple{Protocol: test.protocol, DstIP: net.ParseIP(test.to), DstPort: test.port},
			Reverse: netlink.IPTuple{Protocol: test.protocol, SrcIP: net.ParseIP(test.answering)},
		}
		if got := u.MatchConntrackFlow(flow); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
