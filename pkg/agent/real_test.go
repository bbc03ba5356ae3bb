package agent

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

var inSync = regexp.MustCompile(`Flows are in sync.* added=(\d+) modified=(\d+) deleted=(\d+).*`)

func TestRealTwoNodes(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24"), k8sNode("node2", "192.168.77.2", "10.244.2.0/24")}
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	before := snapshotOf(n1)
	for _, n := range []*testNode{n1, n2} {
		n.child.Nodes = nodes
		n.start()
	}
	a, b, c := n1.addPod("web-a"), n1.addPod("web-b"), n2.addPod("db-c")
	a.answered(c.ip)
	host := testPod{node: n1, name: "the host", ns: n1.ns}
	together(
		func() { a.reaches(b.ip, 64) }, func() { a.reaches(c.ip, 62) }, func() { c.reaches(b.ip, 62) },
		func() { host.reaches(a.ip, 63+1) }, // from antrea-gw0 TTL is not touched
		func() { host.reaches(c.ip, 63) }, func() { a.reaches(netip.MustParseAddr("10.244.1.1"), 64) },
	)

	a.sends(b)
	a.sends(c)
	host.sends(a)
	host.sends(c)

	// What operators look at.
	if got := n1.in(n1.ns, "ip", "route", "show", "10.244.2.0/24"); !strings.Contains(got, "via 10.244.2.1 dev antrea-gw0") || !strings.Contains(got, "onlink") {
		t.Errorf("route: %s", got)
	}
	if got := n1.in(n1.ns, "ip", "-o", "addr", "show", "antrea-gw0"); !strings.Contains(got, "10.244.1.1/24") {
		t.Errorf("address: %s", got)
	}
	if got := n1.in(n1.ns, "ip", "-o", "link", "show", "antrea-gw0"); !strings.Contains(got, "mtu 1450 ") {
		t.Errorf("MTU: %s", got)
	}
	if got := n1.sw.Vsctl("get", "Interface", "antrea-tun0", "options"); got != "{csum=\"true\", key=flow, remote_ip=flow}\n" {
		t.Errorf("tunnel: %s", got)
	}
	if got := a.ping(c.ip, 1, "-M", "do", "-s", "1422"); !strings.Contains(got, " 1 received") {
		t.Errorf("packet of exactly the Pod MTU: %s", got)
	}

	t.Run("outside", func(t *testing.T) {
		out := f.namespace("outside")
		f.in(f.bridge, "ip", "link", "add", "outside", "type", "veth", "peer", "name", "eth0", "netns", out)
		f.in(f.bridge, "ip", "link", "set", "outside", "master", "segment", "up")
		f.in(out, "ip", "addr", "add", "192.168.77.99/24", "dev", "eth0") // without a route to Pods
		f.in(out, "ip", "link", "set", "eth0", "up")
		a.answered(netip.MustParseAddr("192.168.77.99")) // its link has just come up
		if got := a.ping(netip.MustParseAddr("192.168.77.99"), 5); !strings.Contains(got, " 5 received") {
			t.Errorf("Pod to the outside: %s", got)
		}
		a.sends(testPod{node: n1, name: "the outside", ns: out, ip: netip.MustParseAddr("192.168.77.99")})
	})
	t.Run("agent restarts", func(t *testing.T) {
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			pings := make(chan string)
			go func() { pings <- a.ping(c.ip, 300) }()
			n1.stop(signal)
			n1.start()
			if got := <-pings; !strings.Contains(got, " 300 received") {
				t.Errorf("pings while the agent restarts after %s: %s", signal, got)
			}
			if m := inSync.FindStringSubmatch(n1.log.String()); m == nil || m[1]+m[2]+m[3] != "000" {
				t.Errorf("the restarted agent changed flows: %v", m)
			}
		}
		d := n1.addPod("new-d")
		if d.ip == a.ip || d.ip == b.ip {
			t.Errorf("address %s is given twice", d.ip)
		}
		d.reaches(c.ip, 62)
		if err := n1.delPod(d); err != nil {
			t.Error(err)
		}
	})
	t.Run("switch restarts", func(t *testing.T) {
		mac := n1.in(n1.ns, "cat", "/sys/class/net/antrea-gw0/address")
		for _, kill := range []bool{true, false} {
			n1.sw.StopVswitchd(kill)
			n1.sw.StartVswitchd()
			n1.until("Pods reach each other again", func() bool { return strings.Contains(a.ping(c.ip, 1), " 1 received") })
			a.reaches(c.ip, 62)
			host.reaches(c.ip, 63)
			if got := n1.in(n1.ns, "cat", "/sys/class/net/antrea-gw0/address"); got != mac {
				t.Errorf("antrea-gw0 has MAC %s, had %s", got, mac)
			}
		}
	})
	t.Run("repairs", func(t *testing.T) {
		n1.in(n1.ns, "ip", "route", "del", "10.244.2.0/24")
		n1.in(n1.ns, "ip", "addr", "flush", "dev", "antrea-gw0")
		n1.in(n1.ns, "ip", "addr", "add", "10.9.9.9/32", "dev", "antrea-gw0")
		n1.until("route and address are back", func() bool {
			addresses := n1.in(n1.ns, "ip", "-o", "-4", "addr", "show", "antrea-gw0")
			return strings.Contains(n1.in(n1.ns, "ip", "route"), "10.244.2.0/24 via") && strings.Contains(addresses, "10.244.1.1/24") &&
				!strings.Contains(addresses, "10.9.9.9")
		})
		n1.sw.Vsctl("del-port", "br-int", "antrea-tun0")
		n1.until("tunnel is back", func() bool { return strings.Contains(a.ping(c.ip, 1), " 1 received") })
		mac := n1.in(n1.ns, "cat", "/sys/class/net/antrea-gw0/address")
		n1.sw.Vsctl("del-port", "br-int", "antrea-gw0")
		n1.until("gateway is back", func() bool { return strings.Contains(host.ping(c.ip, 1), " 1 received") })
		host.reaches(a.ip, 64)
		if got := n1.in(n1.ns, "cat", "/sys/class/net/antrea-gw0/address"); got != mac {
			t.Errorf("antrea-gw0 was made again with MAC %s, had %s", got, mac)
		}
		if n1.sw.Datapath == "netdev" {
			n1.in(n1.ns, "ip", "link", "del", "phy0")
		}
		n1.until("underlay is back", func() bool { return strings.Contains(a.ping(c.ip, 1), " 1 received") })
	})
	t.Run("Pod goes", func(t *testing.T) {
		if err := n1.delPod(b); err != nil {
			t.Error(err)
		}
		if dump := n1.sw.Ofctl("dump-flows", "br-int"); strings.Contains(dump, b.ip.String()+" ") || strings.Contains(dump, b.ip.String()+",") {
			t.Error("flows of a Pod that is gone")
		}
		if err := n1.delPod(b); err != nil {
			t.Errorf("second DEL: %v", err)
		}
	})
	t.Run("clean-up", func(t *testing.T) {
		n1.stop(syscall.SIGTERM)
		if _, err := os.Stat(filepath.Join(n1.dir, cni.ConflistName)); err != nil {
			t.Errorf("the network configuration went with the agent: %v", err)
		}
		n1.child.Cleanup = true
		// A killed switch leaves its tap devices behind, and the next one never knows them: the bridges are gone when it starts.
		n1.sw.StopVswitchd(true)
		n1.spawn()
		n1.until("the database has no bridge", func() bool { return n1.sw.Vsctl("--no-wait", "list-br") == "" })
		if links := n1.in(n1.ns, "ip", "-br", "link"); !strings.Contains(links, "br-int") {
			t.Errorf("the killed switch left nothing behind, so this shows nothing:\n%s", links)
		}
		n1.sw.StartVswitchd()
		if err := n1.cmd.Wait(); err != nil {
			t.Fatalf("clean-up: %v\n%s", err, n1.log)
		}
		n1.spawn()
		if err := n1.cmd.Wait(); err != nil {
			t.Fatalf("clean-up again: %v\n%s", err, n1.log)
		}
		if after := snapshotOf(n1); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		if _, err := os.Stat(filepath.Join(n1.dir, cni.ConflistName)); !os.IsNotExist(err) {
			t.Errorf("the network configuration is still there: %v", err)
		}
	})
}

// snapshotOf is the part of a Node that the agent changes.
func snapshotOf(n *testNode) string {
	n.t.Helper()
	var text strings.Builder
	for _, command := range []string{
		"ip -br link", "ip -br addr", "ip route show table all", "ip neigh show nud permanent", "nft list ruleset",
		"sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter net.ipv4.conf.eth0.arp_ignore",
	} {
		for line := range strings.Lines(n.in(n.ns, strings.Fields(command)...)) {
			if !strings.Contains(line, "ff00::/8") && !strings.Contains(line, "fe80::") { // the kernel's own, after a while
				text.WriteString(strings.TrimSpace(line) + "\n")
			}
		}
	}
	return text.String()
}

// One gateway and an ordinary Node in cluster east, one gateway in cluster west.
func TestRealTwoClusters(t *testing.T) {
	f := newFabric(t)
	gw := f.node("east-gw", "192.168.77.1")
	ordinary := f.node("east-node", "192.168.77.2")
	west := f.node("west-gw", "192.168.77.11")
	for _, n := range []*testNode{gw, ordinary} {
		n.child.Nodes = []corev1.Node{k8sNode("east-gw", "192.168.77.1", "10.244.1.0/24"), k8sNode("east-node", "192.168.77.2", "10.244.2.0/24")}
		n.child.Objects = []map[string]any{
			gatewayObject("east-gw", "192.168.77.1"), importObject("west", "10.244.16.0/20", "10.96.16.0/20", "192.168.77.11"),
		}
	}
	west.child.Nodes = []corev1.Node{k8sNode("west-gw", "192.168.77.11", "10.244.17.0/24")}
	west.child.Objects = []map[string]any{
		gatewayObject("west-gw", "192.168.77.11"), importObject("east", "10.244.0.0/20", "10.96.0.0/20", "192.168.77.1"),
	}
	for _, n := range []*testNode{gw, ordinary, west} {
		n.child.File += "featureGates: {Multicluster: true}\nmulticluster: {enable: true, namespace: \"\"}\n"
		n.start()
	}
	a, b, c := gw.addPod("a"), ordinary.addPod("b"), west.addPod("c")
	a.answered(c.ip)
	b.answered(c.ip)
	host := testPod{node: ordinary, name: "the host", ns: ordinary.ns}
	together(
		func() { a.reaches(c.ip, 62) }, func() { b.reaches(c.ip, 61) }, func() { c.reaches(b.ip, 61) },
		func() { host.reaches(c.ip, 62) },
	)

	want := "priority=200,ip,nw_dst=10.244.16.0/20 actions=mod_dl_src:" +
		strings.TrimSpace(ordinary.in(ordinary.ns, "cat", "/sys/class/net/antrea-gw0/address")) +
		",mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0xc0a84d01->NXM_NX_TUN_IPV4_DST[],load:0x1->NXM_NX_REG0[4..7],resubmit(,18)"
	if dump := ordinary.sw.Ofctl("dump-flows", "br-int"); !strings.Contains(dump, want) {
		t.Errorf("no flow %s in\n%s", want, dump)
	}
	if got := ordinary.in(ordinary.ns, "ip", "route", "show", "10.244.16.0/20"); !strings.Contains(got, "via 169.254.0.253 dev antrea-gw0") ||
		!strings.Contains(got, "src 10.244.2.1") {
		t.Errorf("route: %s", got)
	}

	// Without the other cluster, started again: only its flows go.
	ordinary.stop(syscall.SIGTERM)
	ordinary.child.Objects = ordinary.child.Objects[:1]
	ordinary.start()
	if m := inSync.FindStringSubmatch(ordinary.log.String()); m == nil || m[1] != "0" || m[3] == "0" {
		t.Errorf("changes when a cluster left: %v", m)
	}
	together(func() { b.reaches(a.ip, 62) }, func() { a.reaches(c.ip, 62) })
	if got := b.ping(c.ip, 1); strings.Contains(got, " 1 received") {
		t.Errorf("a cluster that left is still reached: %s", got)
	}
}

func gatewayObject(name, ip string) map[string]any {
	return map[string]any{
		"apiVersion": "multicluster.crd.antrea.io/v1alpha1", "kind": "Gateway",
		"metadata": map[string]any{"name": name, "namespace": "kube-system"}, "gatewayIP": ip, "internalIP": ip,
	}
}

func importObject(id, pods, services string, gateways ...string) map[string]any {
	infos, ranges := []any{}, []any{}
	for _, p := range strings.Split(pods, ",") {
		ranges = append(ranges, p)
	}
	for _, g := range gateways {
		infos = append(infos, map[string]any{"gatewayIP": g})
	}
	return map[string]any{
		"apiVersion": "multicluster.crd.antrea.io/v1alpha1", "kind": "ClusterInfoImport",
		"metadata": map[string]any{"name": id + "-clusterinfo", "namespace": "kube-system"},
		"spec": map[string]any{
			"clusterID": id, "podCIDRs": ranges, "serviceCIDR": services, "gatewayInfos": infos,
		},
	}
}
