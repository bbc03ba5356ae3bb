package agent

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Pods have an address of each family; the Nodes have IPv4 only, so IPv6 goes through tunnels over IPv4.
func TestRealDualStackNodes(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{
		k8sNode("node1", "192.168.77.1", "10.244.1.0/24", "fd00:10:244:1::/64"),
		k8sNode("node2", "192.168.77.2", "10.244.2.0/24", "fd00:10:244:2::/64"),
	}
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	for _, n := range []*testNode{n1, n2} {
		n.child.Nodes = nodes
		n.start()
	}
	a, b, c := n1.addPod("web-a"), n1.addPod("web-b"), n2.addPod("db-c")
	host := testPod{node: n1, name: "the host", ns: n1.ns}
	a.answered(c.ip)
	a.answered(c.ip6)
	together(
		func() { a.reaches(b.ip, 64) }, func() { a.reaches(b.ip6, 64) },
		func() { a.reaches(c.ip, 62) }, func() { a.reaches(c.ip6, 62) }, func() { c.reaches(b.ip6, 62) },
		func() { a.reaches(netip.MustParseAddr("fd00:10:244:1::1"), 64) },
		func() { host.reaches(a.ip6, 64) }, func() { host.reaches(c.ip6, 63) },
	)
}
