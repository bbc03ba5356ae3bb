package agent

import (
	"context"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// replaceNodes makes the Nodes of an agent's API server those that it is told of.
func (c child) replaceNodes(ctx context.Context, client kubernetes.Interface) error {
	nodes := client.CoreV1().Nodes()
	had, err := nodes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	gone := make(map[string]bool)
	for _, n := range had.Items {
		gone[n.Name] = true
	}
	for _, n := range c.Nodes {
		delete(gone, n.Name)
		_, err := nodes.Create(ctx, &n, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			_, err = nodes.Update(ctx, &n, metav1.UpdateOptions{})
		}
		if err != nil {
			return err
		}
	}
	for name := range gone {
		if err := nodes.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// A Node whose Pod CIDRs come late, to which one of the other family is added, from which it is taken again, and which is made
// again with others, all while the agent runs and Pods are there.
func TestRealPodCIDRs(t *testing.T) {
	f := newFabric(t)
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	both := func(ranges ...string) {
		t.Helper()
		for _, n := range []*testNode{n1, n2} {
			n.child.Nodes = []corev1.Node{k8sNode("node1", "192.168.77.1", ranges...), k8sNode("node2", "192.168.77.2", "10.244.2.0/24", "fd00:10:244:2::/64")}
			if n.cmd == nil {
				continue
			}
			n.write()
			if err := n.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
		}
	}
	status := func() (code uint, message string) {
		t.Helper()
		response, err := n1.request(cni.Status, testPod{ns: n1.ns})
		if err != nil {
			t.Fatal(err)
		}
		if response.Error == nil {
			return 0, ""
		}
		return response.Error.Code, response.Error.Msg + response.Error.Details
	}
	in := func(cidr string, pod testPod, want6 bool) {
		t.Helper()
		if !netip.MustParsePrefix(cidr).Contains(pod.ip) || pod.ip6.IsValid() != want6 {
			t.Errorf("%s has %s and %s, the range is %s", pod.name, pod.ip, pod.ip6, cidr)
		}
	}

	both()
	n2.start()
	n1.spawn()
	n1.until("the CNI plugin is answered", n1.answersPlugin)
	if code, message := status(); code != 50 && code != 51 || !strings.Contains(message, "podCIDR") {
		t.Errorf("STATUS without a Pod CIDR: %d %q", code, message)
	}
	response, err := n1.request(cni.Add, testPod{node: n1, name: "early", ns: f.namespace("early")})
	if err != nil || response.Error == nil || !strings.Contains(response.Error.Msg+response.Error.Details, "podCIDR") {
		t.Errorf("ADD without a Pod CIDR: %v %+v", err, response.Error)
	}

	both("10.244.1.0/24")
	n1.ready()
	if code, message := status(); code != 0 {
		t.Errorf("STATUS with a Pod CIDR: %d %q", code, message)
	}
	a, b, c := n1.addPod("web-a"), n1.addPod("web-b"), n2.addPod("db-c")
	in("10.244.1.0/24", a, false)
	a.answered(b.ip)
	a.answered(c.ip)
	tr := startTraffic(t, []testPod{a}, []testPod{b, c})
	tr.flowing("with one range")

	both("10.244.1.0/24", "fd00:10:244:1::/64")
	n1.until("antrea-gw0 has both addresses", func() bool {
		return strings.Contains(n1.in(n1.ns, "ip", "-o", "addr", "show", "dev", "antrea-gw0"), "fd00:10:244:1::1/64")
	})
	tr.flowing("after another range was added")
	d := n1.addPod("web-d")
	in("10.244.1.0/24", d, true)
	d.answered(c.ip6)
	together(func() { d.reaches(c.ip6, 62) }, func() { d.reaches(a.ip, 64) })

	both("10.244.1.0/24")
	n1.until("antrea-gw0 has one address", func() bool {
		return !strings.Contains(n1.in(n1.ns, "ip", "-o", "addr", "show", "dev", "antrea-gw0"), "fd00:10:244:1::1/64")
	})
	tr.flowing("after it was taken away")
	d.reaches(c.ip, 62)
	e := n1.addPod("web-e")
	in("10.244.1.0/24", e, false)
	if r := tr.finish(); r.lost > 0 {
		t.Error(r)
	}

	// The Node is made again: its Pods of before stay for each other and for their Node, as long as they are there.
	tr = startTraffic(t, []testPod{a}, []testPod{b})
	both("10.244.9.0/24")
	n1.until("antrea-gw0 has its new address", func() bool {
		have := n1.in(n1.ns, "ip", "-o", "addr", "show", "dev", "antrea-gw0")
		return strings.Contains(have, "10.244.9.1/24") && !strings.Contains(have, "10.244.1.1/24")
	})
	tr.flowing("after the range was replaced")
	g := n1.addPod("web-g")
	in("10.244.9.0/24", g, false)
	g.answered(c.ip)
	a.in(t, "ip", "neigh", "flush", "dev", "eth0")
	host := testPod{node: n1, name: "the host", ns: n1.ns}
	together(
		func() { g.reaches(c.ip, 62) }, func() { c.reaches(g.ip, 62) },
		func() { a.reaches(b.ip, 64) }, func() { a.reaches(g.ip, 64) }, func() { host.reaches(a.ip, 64) },
	)
	if r := tr.finish(); r.lost > 0 {
		t.Error(r)
	}
	for _, pod := range []testPod{a, b, d, e} {
		if err := n1.delPod(pod); err != nil {
			t.Errorf("DEL of %s: %v", pod.name, err)
		}
	}
	n1.until("no flow is of the former range", func() bool { return !strings.Contains(n1.flows(), "10.244.1.") })
	if code, message := status(); code != 0 {
		t.Errorf("STATUS at the end: %d %q", code, message)
	}
}

// in runs a command in the Pod.
func (p testPod) in(t *testing.T, args ...string) string {
	t.Helper()
	return p.node.in(p.ns, args...)
}
