package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/meta"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// narrow lets no packet of more bytes pass between gateways of the two clusters, and nobody is told of those that do not. 0 lets all
// pass again.
func (n gatewayNetwork) narrow(bytes int) {
	n.t.Helper()
	rules := "table netdev narrow\ndelete table netdev narrow\n"
	if bytes > 0 {
		rules += "table netdev narrow {\n"
		for i, cluster := range [][]*testNode{n.east, n.west} {
			for _, gateway := range cluster[1:] {
				rules += fmt.Sprintf("chain from-%s {\ntype filter hook ingress device %q priority 0;\nip daddr 192.168.77.%d-192.168.77.%d ip length > %d drop\n}\n",
					gateway.name, gateway.name, 10*(1-i)+2, 10*(1-i)+3, bytes)
			}
		}
		rules += "}\n"
	}
	cmd := exec.Command("ip", "netns", "exec", n.bridge, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Fatalf("nft: %v\n%s\n%s", err, out, rules)
	}
}

// peers is what a Node's agent says of those that it watches.
func (n *testNode) peers() (list systemv1alpha1.GatewayPeerList) {
	n.t.Helper()
	body, err := n.ask(http.MethodGet, "/apis/system.antrea.io/v1alpha1/nodes/"+n.name+"/gatewaypeers")
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return list
}

// mss is the size of segments that a new TCP connection begins with, as its client sees it.
func (p testPod) mss(to testPod) int {
	p.node.t.Helper()
	_, server := to.echo(p.node.t)
	size := 0
	err := inNamespace(p.ns, func() error {
		conn, err := net.DialTimeout("tcp4", server.String(), 10*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			return err
		}
		var option error
		err = raw.Control(func(fd uintptr) { size, option = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) })
		if option != nil {
			return option
		}
		return err
	})
	if err != nil {
		p.node.t.Fatalf("%s to %s: %v", p.name, to.name, err)
	}
	return size
}

// Between two clusters there is a link that takes less than those of their Nodes, and tells nobody. The gateways find out and say so;
// connections begin with a smaller MSS, and senders of longer packets are told, or have them cut up.
func TestRealPathMTU(t *testing.T) {
	n := startGateways(t)
	n.converged()
	a, b := n.east[0].addPod("a1"), n.west[0].addPod("b1")
	a.answered(b.ip)
	a.fits(b.ip, 1450)
	// Timestamps take 12 bytes of each segment.
	if got := a.mss(b); got != 1450-40-12 {
		t.Errorf("the MSS is %d", got)
	}
	gateways := append(append([]*testNode{}, n.east[1:]...), n.west[1:]...)
	wide := map[string]string{}
	for _, g := range gateways {
		g.until("all paths are known to be wide", func() bool {
			for _, p := range g.peers().Items {
				if p.ClusterID != "" && p.PathMTU != 1500 {
					return false
				}
			}
			return meta.IsStatusConditionTrue(g.peers().Conditions, systemv1alpha1.ConditionPathMTU)
		})
		wide[g.name] = g.flows()
	}

	n.narrow(1350)
	for i, g := range gateways {
		g.until("both paths are known to be narrow", func() bool {
			for _, p := range g.peers().Items {
				if p.ClusterID != "" && p.PathMTU != 1350 {
					return false
				}
			}
			return meta.IsStatusConditionFalse(g.peers().Conditions, systemv1alpha1.ConditionPathMTU)
		})
		metrics, err := g.ask(http.MethodGet, "/metrics")
		if err != nil || !strings.Contains(string(metrics), `antrea_mc_path_mtu_bytes{cluster="`+[]string{"west", "east"}[i/2]+`",peer=""} 1350`+"\n") {
			t.Errorf("metrics of %s: %v", g.name, err)
		}
		g.until("people are told", func() bool { return strings.Contains(g.log.String(), "Event PathTooNarrow on Node "+g.name) })
		g.until("the host sends back what it is to", func() bool {
			return strings.Contains(g.in(g.ns, "ip", "route"), " mtu 1300") && strings.Contains(g.in(g.ns, "nft", "list", "tables"), "antrea-clamp")
		})
	}
	check := func() {
		t.Helper()
		if got := a.mss(b); got != 1300-40-12 {
			t.Errorf("the MSS from a to b is %d", got)
		}
		if got := b.mss(a); got != 1300-40-12 {
			t.Errorf("the MSS from b to a is %d", got)
		}
		a.sends(b)
		b.sends(a)
	}
	check()
	for _, pair := range [][2]testPod{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		if got := from.ping(to.ip, 3, "-M", "do", "-s", "1273", "-i", "0.2"); !strings.Contains(got, "mtu = 1300") && !strings.Contains(got, "mtu=1300") {
			t.Errorf("%s is not told that 1301 bytes are too long: %s", from.name, got)
		}
		if got := from.ping(to.ip, 3, "-M", "do", "-s", "1272", "-i", "0.2"); !strings.Contains(got, " 3 received") {
			t.Errorf("1300 bytes from %s: %s", from.name, got)
		}
		from.node.in(from.ns, "ip", "route", "flush", "cache")
		if got := from.ping(to.ip, 3, "-M", "dont", "-s", "1422", "-i", "0.2"); !strings.Contains(got, " 3 received") {
			t.Errorf("1450 bytes from %s that may be cut up: %s", from.name, got)
		}
	}

	// An agent that starts knows it from the switch.
	for _, g := range gateways {
		before := g.flows()
		g.stop(syscall.SIGKILL)
		g.start()
		if got := g.flows(); got != before {
			t.Errorf("%s has other flows after a restart (-want +got)\n-%s\n+%s", g.name, strings.ReplaceAll(before, "\n", "\n-"), strings.ReplaceAll(got, "\n", "\n+"))
		}
	}
	check()

	n.narrow(0)
	for _, g := range gateways {
		g.until("both paths are wide again", func() bool {
			return meta.IsStatusConditionTrue(g.peers().Conditions, systemv1alpha1.ConditionPathMTU) && g.flows() == wide[g.name]
		})
	}
	for _, pod := range []testPod{a, b} {
		pod.node.in(pod.ns, "ip", "route", "flush", "cache")
	}
	a.answered(b.ip)
	a.fits(b.ip, 1450)
	if got := a.mss(b); got != 1450-40-12 {
		t.Errorf("at the end the MSS is %d", got)
	}
}
