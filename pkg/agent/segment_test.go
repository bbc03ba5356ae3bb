package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	corev1 "k8s.io/api/core/v1"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// member is an interface of a Pod in a segment.
type member struct {
	pod testPod
	vni int
	n   int // of its MAC and addresses
}

func (m member) mac() string { return fmt.Sprintf("02:cc:00:00:00:%02x", m.n) }
func (m member) ip() string  { return fmt.Sprintf("10.50.0.%d", m.n) }
func (m member) ip6() string { return fmt.Sprintf("fd50::%d", m.n) }

// request is one for the member's interface, as the plugin makes it when an IPAM plugin has answered.
func (m member) request(command cni.Command) *types.Error {
	n := m.pod.node
	n.t.Helper()
	netns, err := os.Open("/run/netns/" + m.pod.ns)
	if err != nil {
		n.t.Fatal(err)
	}
	defer netns.Close()
	ctx, cancel := context.WithTimeout(n.t.Context(), 90*time.Second)
	defer cancel()
	req := cni.Request{
		Command: command, ContainerID: "container-" + m.pod.name, NetNS: "/run/netns/" + m.pod.ns, IfName: "net1",
		Args:  "IgnoreUnknown=1;K8S_POD_NAMESPACE=demo;K8S_POD_NAME=" + m.pod.name + ";MAC=" + m.mac(),
		Stdin: json.RawMessage(fmt.Sprintf(`{"cniVersion":"1.0.0","name":"seg%d","type":"antrea","networkType":"overlay","vni":%d}`, m.vni, m.vni)),
	}
	if command == cni.Add {
		req.IPAMResult = json.RawMessage(fmt.Sprintf(`{"cniVersion":"1.1.0","ips":[{"address":"%s/24"},{"address":"%s/64"}]}`, m.ip(), m.ip6()))
	}
	response, err := cni.Call(ctx, n.child.Agent.CNISocket, req, netns)
	if err != nil {
		n.t.Fatal(err)
	}
	return response.Error
}

func (m member) attach() member {
	m.pod.node.t.Helper()
	if err := m.request(cni.Add); err != nil {
		m.pod.node.t.Fatalf("ADD of net1 of %s: %v", m.pod.name, err)
	}
	return m
}

// segmentsObject is what a Node tells the others.
func segmentsObject(node string, members ...member) map[string]any {
	var list []any
	for _, m := range members {
		list = append(list, map[string]any{
			"vni": int64(m.vni), "pod": "demo/x", "interface": "net1", "mac": m.mac(), "ips": []any{m.ip(), m.ip6()}, "since": "2026-01-01T00:00:00.000000Z",
		})
	}
	return map[string]any{"apiVersion": "crd.antrea.io/v1alpha1", "kind": "NodeSegments", "metadata": map[string]any{"name": node}, "interfaces": list}
}

// Second interfaces in two segments with the same addresses, on two Nodes: each reaches its own segment, here and through the
// tunnel, in both families, and nothing else.
func TestRealSegments(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24"), k8sNode("node2", "192.168.77.2", "10.244.2.0/24")}
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	red, blue := 100, 200
	for _, n := range []*testNode{n1, n2} {
		n.child.Nodes = nodes
		n.child.File += "featureGates: {SecondaryNetwork: true}\n"
	}
	n1.child.Objects = []map[string]any{segmentsObject("node2", member{vni: red, n: 3}, member{vni: blue, n: 3})}
	n2.child.Objects = []map[string]any{segmentsObject("node1", member{vni: red, n: 1}, member{vni: red, n: 2}, member{vni: blue, n: 1})}
	n1.start()
	n2.start()
	a := member{n1.addPod("a"), red, 1}.attach()
	b := member{n1.addPod("b"), red, 2}.attach()
	c := member{n2.addPod("c"), red, 3}.attach()
	lone := member{n1.addPod("lone"), blue, 1}.attach()
	other := member{n2.addPod("other"), blue, 3}.attach()

	reach := func(pairs ...[2]member) {
		t.Helper()
		var checks []func()
		for _, pair := range pairs {
			from, to := pair[0], pair[1]
			for _, text := range []string{to.ip(), to.ip6()} {
				ip := netip.MustParseAddr(text)
				from.pod.answered(ip)
				checks = append(checks, func() { from.pod.reaches(ip, 64) })
			}
		}
		together(checks...)
	}
	reach([2]member{a, b}, [2]member{a, c}, [2]member{c, b}, [2]member{lone, other})
	a.pod.ip, c.pod.ip = netip.MustParseAddr(a.ip()), netip.MustParseAddr(c.ip())
	a.pod.sends(c.pod) // whole packets through the tunnel
	if out := lone.pod.ping(netip.MustParseAddr(b.ip()), 1); strings.Contains(out, " 1 received") {
		t.Errorf("the blue segment reaches the red one: %s", out)
	}
	if dump := f.in(a.pod.ns, "ip", "neigh", "show", "dev", "net1"); !strings.Contains(dump, c.ip()+" lladdr "+c.mac()) {
		t.Errorf("another MAC than the Pod's own: %s", dump)
	}
	if got := f.in(a.pod.ns, "ip", "route", "show", "default"); !strings.Contains(got, "dev eth0") || strings.Contains(got, "net1") {
		t.Errorf("default route: %s", got)
	}

	// A Pod that takes another's address, or MAC, reaches nobody, and the one that has it is still reached.
	f.in(b.pod.ns, "ip", "addr", "add", "10.50.0.9/24", "dev", "net1")
	out, _ := exec.Command("ip", "netns", "exec", b.pod.ns, "ping", "-n", "-I", "10.50.0.9", "-W", "1", "-c", "1", c.ip()).CombinedOutput()
	if strings.Contains(string(out), " 1 received") {
		t.Errorf("an address that nobody gave it is answered: %s", out)
	}
	f.in(b.pod.ns, "ip", "link", "set", "net1", "address", c.mac())
	if out := b.pod.ping(netip.MustParseAddr(c.ip()), 1); strings.Contains(out, " 1 received") {
		t.Errorf("with another's MAC: %s", out)
	}
	reach([2]member{a, c})

	// Twice the same address in a segment is refused, in another one it is not.
	twin := member{n1.addPod("twin"), red, 1}
	if err := twin.request(cni.Add); err == nil || !strings.Contains(err.Msg, "address 10.50.0.1 is that of net1 of Pod demo/a in segment 100") {
		t.Errorf("twin: %v", err)
	}

	// A restarted agent changes nothing, and neither does a new switch in the end.
	n1.stop(syscall.SIGTERM)
	n1.start()
	if m := inSync.FindStringSubmatch(n1.log.String()); m == nil || m[1] != "0" || m[2] != "0" || m[3] != "0" {
		t.Errorf("changes when the agent started again: %v", m)
	}
	reach([2]member{a, c})

	for _, m := range []member{a, b, lone} {
		if err := m.request(cni.Del); err != nil {
			t.Errorf("DEL: %v", err)
		}
	}
	n1.until("the flows of the segments are gone", func() bool {
		return !strings.Contains(n1.sw.Ofctl("dump-flows", "br-int"), "tun_id=0x64")
	})
	if out := c.pod.ping(netip.MustParseAddr(b.ip()), 1); strings.Contains(out, " 1 received") {
		t.Errorf("a Pod that left its segment answers: %s", out)
	}
}
