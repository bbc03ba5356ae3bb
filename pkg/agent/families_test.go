package agent

import (
	"net/netip"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Cluster east with a gateway and an ordinary Node, cluster west with a gateway alone: every pair of families that Pods and the
// network between Nodes may have and that others do not show.
func TestRealFamilies(t *testing.T) {
	tests := []struct {
		name               string
		pods4, pods6       bool
		gw, ordinary, west string // addresses of the Nodes
		overhead           int    // of tunnels
	}{
		{name: "both over IPv4", pods4: true, pods6: true, gw: "192.168.77.1", ordinary: "192.168.77.2", west: "192.168.77.11", overhead: 50},
		{name: "both over IPv6", pods4: true, pods6: true, gw: "fd00:77::1", ordinary: "fd00:77::2", west: "fd00:77::11", overhead: 70},
		{name: "IPv6 over IPv6", pods6: true, gw: "fd00:77::1", ordinary: "fd00:77::2", west: "fd00:77::11", overhead: 70},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFabric(t)
			ranges := func(v4, v6 string) (list []string) {
				if test.pods4 {
					list = append(list, v4)
				}
				if test.pods6 {
					list = append(list, v6)
				}
				return list
			}
			gw, ordinary, west := f.node("east-gw", test.gw), f.node("east-node", test.ordinary), f.node("west-gw", test.west)
			for _, n := range []*testNode{gw, ordinary} {
				n.child.Nodes = []corev1.Node{
					k8sNode("east-gw", test.gw, ranges("10.244.1.0/24", "fd00:10:244:1::/64")...),
					k8sNode("east-node", test.ordinary, ranges("10.244.2.0/24", "fd00:10:244:2::/64")...),
				}
				n.child.Objects = []map[string]any{
					gatewayObject("east-gw", test.gw),
					importObject("west", strings.Join(ranges("10.244.16.0/20", "fd00:10:244:10::/60"), ","), "10.96.16.0/20", test.west),
				}
			}
			west.child.Nodes = []corev1.Node{k8sNode("west-gw", test.west, ranges("10.244.17.0/24", "fd00:10:244:11::/64")...)}
			west.child.Objects = []map[string]any{
				gatewayObject("west-gw", test.west),
				importObject("east", strings.Join(ranges("10.244.0.0/20", "fd00:10:244::/60"), ","), "10.96.0.0/20", test.gw),
			}
			for _, n := range []*testNode{gw, ordinary, west} {
				n.child.File += "featureGates: {Multicluster: true}\nmulticluster: {enable: true, namespace: \"\"}\n"
				n.spawn()
			}
			for _, n := range []*testNode{gw, ordinary, west} {
				n.ready()
			}
			a, a2, b, c := gw.addPod("a"), gw.addPod("a2"), ordinary.addPod("b"), west.addPod("c")
			host := testPod{node: ordinary, name: "the host", ns: ordinary.ns}
			both := func(check func(ip func(testPod) netip.Addr)) {
				if test.pods4 {
					check(func(p testPod) netip.Addr { return p.ip })
				}
				if test.pods6 {
					check(func(p testPod) netip.Addr { return p.ip6 })
				}
			}
			both(func(ip func(testPod) netip.Addr) {
				a.answered(ip(c))
				b.answered(ip(c))
				together(
					func() { a.reaches(ip(a2), 64) }, func() { a.reaches(ip(b), 62) }, func() { a.reaches(ip(c), 62) },
					func() { b.reaches(ip(c), 61) }, func() { c.reaches(ip(b), 61) },
					func() { host.reaches(ip(b), 64) }, func() { host.reaches(ip(a), 63) }, func() { host.reaches(ip(c), 62) },
					func() { b.fits(ip(c), 1500-test.overhead) },
				)
				to := c
				to.ip = ip(c)
				b.sends(to)
			})
		})
	}
}
