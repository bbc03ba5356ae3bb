package agent

import (
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// An agent of another build finds what the one before it has left: a table that it does not have, flows that it has in another
// way, and some that it has not. It sends the difference, and nothing is lost meanwhile.
func TestRealUpgrade(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24"), k8sNode("node2", "192.168.77.2", "10.244.2.0/24")}
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	for _, n := range []*testNode{n1, n2} {
		n.child.Nodes = nodes
		n.start()
	}
	a, b, c := n1.addPod("web-a"), n1.addPod("web-b"), n2.addPod("db-c")
	a.answered(b.ip)
	a.answered(c.ip)
	want := n1.flows()
	tr := startTraffic(t, []testPod{a}, []testPod{b, c})
	tr.flowing("before")
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		n1.stop(signal)
		// As an older build may have had it: one more table between two, and drops of its own.
		const cookie = "cookie=0x616d010000000001,"
		n1.sw.Ofctl("add-flow", "br-int", cookie+"table=19,priority=0,actions=resubmit(,20)")
		n1.sw.Ofctl("add-flow", "br-int", cookie+"table=18,priority=0,actions=resubmit(,19)")
		n1.sw.Ofctl("add-flow", "br-int", cookie+"table=0,priority=7,dl_type=0x88cc,actions=drop")
		n1.sw.Ofctl("del-flows", "br-int", "table=4,udp,tp_src=67")
		if n1.flows() == want {
			t.Error("this shows nothing: the flows are as they were")
		}
		n1.start()
		if m := inSync.FindStringSubmatch(n1.log.String()); m == nil || m[1] != "1" || m[2] != "1" || m[3] != "2" {
			t.Errorf("added, modified and deleted after an upgrade: %v", m)
		}
		if got := n1.flows(); got != want {
			t.Errorf("after an upgrade (-want +got)\n-%s\n+%s", strings.ReplaceAll(want, "\n", "\n-"), strings.ReplaceAll(got, "\n", "\n+"))
		}
		tr.flowing("after an upgrade")
	}
	if r := tr.finish(); r.lost > 0 {
		t.Error(r)
	}
}
