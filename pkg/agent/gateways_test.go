package agent

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/antrea-mc/antrea-mc/pkg/agent/probe"
)

// gatewayNetwork is two clusters with two gateways and an ordinary Node each.
type gatewayNetwork struct {
	*fabric
	gatewayPlan
	east, west []*testNode // the ordinary Node first
}

// gatewayPlan is what may differ between them. Clusters and their Nodes, the ordinary one first, are counted from 0.
type gatewayPlan struct {
	nodes        string        // a Node's address, but for its number
	pods, ranges []string      // a Node's and a cluster's ranges of Pods, but for their numbers
	sourceNAT    string        // none is Auto
	echoes       time.Duration // how often gateways are asked for them; 0 is the default
}

// ipv4Gateways have only that.
func ipv4Gateways() gatewayPlan {
	return gatewayPlan{nodes: "192.168.77.%d", pods: []string{"10.244.%d.0/24"}, ranges: []string{"10.244.%d.0/20"}}
}

func (p gatewayPlan) nodeIP(i, k int) string { return fmt.Sprintf(p.nodes, 10*i+k+1) }

func numbered(formats []string, number int) (list []string) {
	for _, f := range formats {
		list = append(list, fmt.Sprintf(f, number))
	}
	return list
}

func startGateways(t *testing.T, plan gatewayPlan) gatewayNetwork {
	n := gatewayNetwork{fabric: newFabric(t), gatewayPlan: plan}
	for k, kind := range []string{"", "-gw1", "-gw2"} {
		n.east = append(n.east, n.node("east"+kind, plan.nodeIP(0, k)))
		n.west = append(n.west, n.node("west"+kind, plan.nodeIP(1, k)))
	}
	for i, cluster := range [][]*testNode{n.east, n.west} {
		var nodes []corev1.Node
		for k, node := range cluster {
			nodes = append(nodes, k8sNode(node.name, plan.nodeIP(i, k), numbered(plan.pods, 16*i+k+1)...))
		}
		for _, node := range cluster {
			node.child.Nodes = nodes
			for k := range 3 { // on the ordinary Node
				node.child.Pods = append(node.child.Pods, demoPod(fmt.Sprint([]string{"a", "b"}[i], k+1), cluster[0].name))
			}
			node.child.Objects = n.objects(i)
			node.child.File += fmt.Sprintf("featureGates: {Multicluster: true}\nmulticluster: {enable: true, namespace: \"\", sourceNAT: %s}\n"+
				"serviceCIDR: 10.96.%d.0/20\n", cmp.Or(plan.sourceNAT, "Auto"), 16*i)
			node.child.Agent.EchoInterval = plan.echoes
			node.spawn()
		}
	}
	for _, node := range n.all() {
		node.ready()
	}
	return n
}

func (n gatewayNetwork) all() []*testNode { return append(append([]*testNode{}, n.east...), n.west...) }

// objects are those in the API of cluster i.
func (n gatewayNetwork) objects(i int, draining ...string) []map[string]any {
	var objects []map[string]any
	for k := 2; k <= 3; k++ {
		name := []string{"east", "west"}[i] + fmt.Sprintf("-gw%d", k-1)
		g := gatewayObject(name, n.nodeIP(i, k-1))
		for _, d := range draining {
			if d == name {
				g["drainingSince"] = "2026-01-02T03:04:05Z"
			}
		}
		objects = append(objects, g)
	}
	other := 1 - i
	return append(objects, importObject([]string{"east", "west"}[other], strings.Join(numbered(n.ranges, 16*other), ","),
		fmt.Sprintf("10.96.%d.0/20", 16*other), n.nodeIP(other, 1), n.nodeIP(other, 2)))
}

// wanting reports whether the peer wants this Node's traffic, as the switch sees it.
func (n *testNode) wanting(peer *testNode) bool {
	out, err := n.sw.Try("ovs-vsctl", "--db="+n.sw.DB, "--no-wait", "get", "Interface", probe.Name(peer.address()), "bfd_status:forwarding")
	return err == nil && strings.TrimSpace(out) == `"true"` || strings.TrimSpace(out) == "true"
}

func (n *testNode) address() netip.Addr {
	for _, node := range n.child.Nodes {
		if node.Name == n.name {
			return netip.MustParseAddr(node.Status.Addresses[0].Address)
		}
	}
	n.t.Fatalf("%s is no Node of its cluster", n.name)
	return netip.Addr{}
}

// watched are the pairs of a Node and a gateway that it sends to.
func (n gatewayNetwork) watched() (pairs [][2]*testNode) {
	for i, cluster := range [][]*testNode{n.east, n.west} {
		other := [][]*testNode{n.west, n.east}[i]
		for k, node := range cluster {
			for _, gateway := range [][]*testNode{cluster, other}[min(k, 1)][1:] {
				pairs = append(pairs, [2]*testNode{node, gateway})
			}
		}
	}
	return pairs
}

// converged waits until all gateways want traffic.
func (n gatewayNetwork) converged() {
	n.t.Helper()
	for _, p := range n.watched() {
		p[0].until(p[1].name+" wants traffic", func() bool { return p[0].wanting(p[1]) })
	}
}

// avoided waits until nobody sends to a gateway.
func (n gatewayNetwork) avoided(gateway *testNode) {
	n.t.Helper()
	for _, p := range n.watched() {
		if p[1] == gateway && p[0].running() {
			p[0].until(gateway.name+" wants no traffic", func() bool { return !p[0].wanting(gateway) })
		}
	}
}

func (n *testNode) running() bool { return syscall.Kill(n.sw.VswitchdPID(), 0) == nil }

// flaps counts how often sessions with other gateways than one have changed: where the machine gives no time to a switch, it
// looks dead and is avoided for a moment, and what that costs is not the one's fault.
func (n gatewayNetwork) flaps(but *testNode) string {
	n.t.Helper()
	var counts strings.Builder
	for _, p := range n.watched() {
		if p[0] != but && p[1] != but {
			counts.WriteString(p[0].sw.Run("ovs-vsctl", "--db="+p[0].sw.DB, "--no-wait", "get", "Interface", probe.Name(p[1].address()), "bfd_status:flap_count"))
		}
	}
	return counts.String()
}

// freeze stops all agents, or lets them go on.
func (n gatewayNetwork) freeze(on bool) {
	n.t.Helper()
	signal := syscall.SIGCONT
	if on {
		signal = syscall.SIGSTOP
	}
	for _, node := range n.all() {
		if err := node.cmd.Process.Signal(signal); err != nil {
			n.t.Fatal(err)
		}
	}
}

// attempts is how often something is tried that has to be done without loss, until the machine does not disturb it.
const attempts = 3

// lossless does something to one gateway while Pods talk, which must not lose a packet; prepare is done before each attempt.
func (n gatewayNetwork) lossless(t *testing.T, what string, gateway *testNode, from, to []testPod, prepare, do func()) {
	t.Helper()
	for range attempts {
		prepare()
		before := n.flaps(gateway)
		tr := startTraffic(t, from, to)
		tr.flowing("before")
		do()
		tr.flowing("after")
		r := tr.finish()
		t.Logf("%s %s: %s", gateway.name, what, r)
		switch disturbed := n.flaps(gateway) != before; {
		case r.lost == 0:
			return
		case !disturbed:
			t.Errorf("%s %s: %s", gateway.name, what, r)
			return
		}
		t.Log("sessions with other gateways flapped meanwhile: again")
	}
	t.Skipf("this machine is too busy to tell whether anything is lost when %s %s", gateway.name, what)
}

// overService opens connections from Pods of one cluster to a Service whose endpoints are in the other, enough of them for every
// gateway to have some.
func (n gatewayNetwork) overService(from, to []testPod) (all []*stream) {
	n.t.Helper()
	const address = "10.96.0.10:80"
	for _, p := range to {
		p.echoes()
	}
	client := n.east[0]
	client.serve("far", `{clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], ports: [{name: tcp, port: 80, protocol: TCP}]}`, to...)
	client.told()
	client.until("the Service is there", func() bool {
		return inNamespace(from[0].ns, func() error {
			c, err := net.DialTimeout("tcp4", address, time.Second)
			if err == nil {
				c.Close()
			}
			return err
		}) == nil
	})
	for _, p := range from {
		for range 8 {
			all = append(all, p.dials(address))
		}
	}
	return all
}

// lasted wants connections to be as if nothing had happened.
func (n gatewayNetwork) lasted(t *testing.T, all []*stream) {
	t.Helper()
	for i, s := range all {
		passes := false
		for range 10 { // a retransmission may take longer, and on a busy machine the one after it too
			passes = passes || s.passes()
		}
		if !passes {
			t.Errorf("connection %d of %d from %s by the Service does not last", i, len(all), s.LocalAddr())
		}
	}
}

// Gateways die and come back, and drain, while Pods of both clusters talk.
func TestRealGateways(t *testing.T) {
	n := startGateways(t, ipv4Gateways())
	n.converged()
	var from, to []testPod
	for _, k := range []string{"1", "2", "3"} {
		from, to = append(from, n.east[0].addPod("a"+k)), append(to, n.west[0].addPod("b"+k))
	}
	from[0].answered(to[0].ip)
	to[0].answered(from[0].ip)
	service := n.overService(from, to)
	for _, node := range []*testNode{n.east[1], n.west[2]} {
		kill := func() {
			if !node.running() {
				return
			}
			n.converged()
			n.freeze(true)
			node.sw.StopVswitchd(true)
			n.avoided(node)
			n.freeze(false)
		}
		back := func() {
			node.sw.Run("ovs-vsctl", "--db="+node.sw.DB, "--no-wait", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
			node.sw.StartVswitchd()
			n.converged()
			if !strings.Contains(node.log.String(), `to="HoldDown"`) {
				t.Errorf("%s attracted traffic right after its switch had started", node.name)
			}
		}
		t.Run(node.name+" dies while all agents are frozen", func(t *testing.T) {
			tr := startTraffic(t, from, to)
			tr.flowing("before")
			kill()
			tr.flowing("with a dead gateway")
			t.Log(tr.finish())
			n.lasted(t, service)
		})
		t.Run(node.name+" comes back", func(t *testing.T) {
			n.lossless(t, "comes back", node, from, to, kill, back)
			n.lasted(t, service)
		})
	}
	node := n.east[1]
	drain := func(on bool) {
		var draining []string
		if on {
			draining = append(draining, node.name)
		}
		for _, m := range n.east {
			m.replace(n.objects(0, draining...))
		}
		if on {
			n.avoided(node)
		} else {
			n.converged()
		}
	}
	t.Run("drain", func(t *testing.T) {
		n.lossless(t, "drains", node, from, to, func() { drain(false) }, func() { drain(true) })
	})
	t.Run("end of a drain", func(t *testing.T) {
		n.lossless(t, "drains no longer", node, from, to, func() { drain(true) }, func() { drain(false) })
	})
	t.Run("agent restarts", func(t *testing.T) {
		n.lossless(t, "restarts its agent", node, from, to, n.converged, func() {
			node.stop(syscall.SIGKILL)
			node.start()
			if m := inSync.FindStringSubmatch(node.log.String()); m == nil || m[1]+m[2]+m[3] != "000" || !strings.Contains(m[0], " groups=0") {
				t.Errorf("the restarted agent changed flows or groups: %v", m)
			}
			if log := node.log.String(); strings.Contains(log, `to="HoldDown"`) || strings.Contains(log, `to="Draining"`) {
				t.Errorf("the restarted agent asks for no traffic")
			}
		})
	})
	t.Run("drained gateway goes", func(t *testing.T) {
		n.lossless(t, "goes", node, from, to, func() {
			if !node.running() {
				node.sw.StartVswitchd()
			}
			drain(true)
		}, func() { node.sw.StopVswitchd(true) })
	})
}
