package agent

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// The network between Nodes gets another MTU, while the agent runs and while it does not: Pods that are there follow, but for one
// that has chosen its own.
func TestRealMTU(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24"), k8sNode("node2", "192.168.77.2", "10.244.2.0/24")}
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	all := []*testNode{n1, n2}
	for _, n := range all {
		n.child.Nodes = nodes
		n.start()
	}
	a, own, c := n1.addPod("web-a"), n1.addPod("own"), n2.addPod("db-c")
	a.answered(c.ip)
	a.fits(c.ip, 1450)
	n1.in(own.ns, "ip", "link", "set", "eth0", "mtu", "1280")
	mtu := func(ns, name string) int {
		text := strings.TrimSpace(n1.in(ns, "cat", "/sys/class/net/"+name+"/mtu"))
		value, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	for i, step := range []struct {
		underlay, pods int
		stopped        bool
	}{
		{1400, 1350, false}, {1500, 1450, false}, {1420, 1370, true}, {1500, 1450, true},
	} {
		for _, n := range all {
			if step.stopped {
				n.stop(syscall.SIGTERM)
			}
			n.in(n.ns, "ip", "link", "set", "eth0", "mtu", strconv.Itoa(step.underlay))
			if step.stopped {
				n.start()
			}
		}
		for _, pod := range []testPod{a, c} {
			pod.node.until("Pods and antrea-gw0 have MTU "+strconv.Itoa(step.pods), func() bool {
				return mtu(pod.ns, "eth0") == step.pods && mtu(pod.node.ns, "antrea-gw0") == step.pods
			})
		}
		a.answered(c.ip)
		a.fits(c.ip, step.pods)
		if got := mtu(own.ns, "eth0"); got != 1280 {
			t.Errorf("the Pod that has chosen 1280 has %d", got)
		}
		late := n1.addPod("late-" + strconv.Itoa(i))
		if got := mtu(late.ns, "eth0"); got != step.pods {
			t.Errorf("a new Pod has MTU %d, want %d", got, step.pods)
		}
		if err := n1.delPod(late); err != nil {
			t.Error(err)
		}
	}
}
