package faults

import (
	"slices"
	"strings"
	"testing"
)

func TestLeftOver(t *testing.T) {
	const pods = "/var/lib/cni/networks/antrea/"
	for _, test := range []struct{ name, held, want string }{
		{"nothing", pods + "lock " + pods + "last_reserved_ip.0 " + pods + "10.244.1.2 ports/antrea-gw0 ports/web-1 veths/web-1 veths/eth0 veths/phy0 netns/a", ""},
		{"address", pods + "10.244.1.2 " + pods + "10.244.1.9", "node n: " + pods + "10.244.1.9"},
		{"veth", "ports/web-1 veths/web-1 veths/web-2", "node n: veths/web-2"},
		{"network namespace", "netns/a netns/b", "node n: 2 network namespaces for 1 Pods"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want []string
			if test.want != "" {
				want = []string{test.want}
			}
			if got := leftOver("n", map[string]bool{"10.244.1.2": true}, strings.Fields(test.held)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
