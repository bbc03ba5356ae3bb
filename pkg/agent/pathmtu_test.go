package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
				to, length := "ip daddr", fmt.Sprintf("ip length > %d", bytes)
				if gateway.address().Is6() {
					to, length = "ip6 daddr", fmt.Sprintf("ip6 length > %d", bytes-40) // without its own header
				}
				rules += fmt.Sprintf("chain from-%s {\ntype filter hook ingress device %q priority 0;\n%s %s-%s %s drop\n}\n",
					gateway.name, gateway.name, to, n.nodeIP(1-i, 1), n.nodeIP(1-i, 2), length)
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

// mss is the size of segments that a new TCP connection begins with, as its client and its server see it.
func (p testPod) mss(to testPod, address netip.Addr) (client, server int) {
	t := p.node.t
	t.Helper()
	listener := to.listens(address)
	defer listener.Close()
	var conn net.Conn
	err := inNamespace(p.ns, func() (err error) {
		conn, err = net.DialTimeout("tcp", listener.Addr().String(), 10*time.Second)
		return err
	})
	if err != nil {
		t.Fatalf("%s to %s: %v", p.name, address, err)
	}
	defer conn.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	size := func(c net.Conn) (bytes int) {
		raw, err := c.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var option error
		err = raw.Control(func(fd uintptr) { bytes, option = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG) })
		if err := errors.Join(err, option); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	return size(conn), size(accepted)
}

// listens at an address of the Pod.
func (p testPod) listens(address netip.Addr) net.Listener {
	p.node.t.Helper()
	var listener net.Listener
	err := inNamespace(p.ns, func() (err error) {
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, 0)))
		return err
	})
	if err != nil {
		p.node.t.Fatal(err)
	}
	return listener
}

// in is the Pod as others reach it by this family.
func (f addressFamily) in(p testPod) testPod {
	p.ip = f.of(p)
	return p
}

// datagram sends so many bytes that may be cut up, and waits until they arrive.
func (p testPod) datagram(to testPod, address netip.Addr, length int) error {
	var server, client *net.UDPConn
	err := inNamespace(to.ns, func() (err error) {
		server, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, 0)))
		return err
	})
	if err != nil {
		return err
	}
	defer server.Close()
	err = inNamespace(p.ns, func() (err error) {
		client, err = net.DialUDP("udp", nil, server.LocalAddr().(*net.UDPAddr))
		return err
	})
	if err != nil {
		return err
	}
	defer client.Close()
	if address.Is4() {
		raw, err := client.SyscallConn()
		if err != nil {
			return err
		}
		var option error
		err = raw.Control(func(fd uintptr) {
			option = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
		})
		if err := errors.Join(err, option); err != nil {
			return err
		}
	}
	for range 5 {
		if _, err := client.Write(make([]byte, length)); err != nil {
			return err
		}
		_ = server.SetReadDeadline(time.Now().Add(time.Second))
		n, err := server.Read(make([]byte, length+1))
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err == nil && n != length {
			err = fmt.Errorf("%d bytes of %d arrived", n, length)
		}
		return err
	}
	return errors.New("nothing arrived")
}

// addressFamily is one that Pods have.
type addressFamily struct {
	name string
	of   func(testPod) netip.Addr
	ip   string // option of ip(8)
	// Headers of a packet, in bytes: of a TCP segment with timestamps, which connections have, and of an echo.
	segment, echo int
}

var (
	podsIPv4 = addressFamily{"IPv4", func(p testPod) netip.Addr { return p.ip }, "-4", 20 + 20 + 12, 20 + 8}
	podsIPv6 = addressFamily{"IPv6", func(p testPod) netip.Addr { return p.ip6 }, "-6", 40 + 20 + 12, 40 + 8}
)

// Between two clusters there is a link that takes less than those of their Nodes, and tells nobody. The gateways find out and say so;
// connections begin with a smaller MSS, and senders of longer packets are told, or have them cut up.
func TestRealPathMTU(t *testing.T) {
	const often = 400 * time.Millisecond
	translating := ipv4Gateways()
	translating.sourceNAT = "Always"
	both := ipv4Gateways()
	both.pods, both.ranges = append(both.pods, "fd00:10:244:%x::/64"), append(both.ranges, "fd00:10:244:%x::/60")
	ipv6 := gatewayPlan{nodes: "fd00:77::%d", pods: both.pods[1:], ranges: both.ranges[1:]}
	for _, test := range []struct {
		name           string
		plan           gatewayPlan
		families       []addressFamily
		link, overhead int // what the link takes, and what tunnels add to that
	}{
		{"both over IPv4", both, []addressFamily{podsIPv4, podsIPv6}, 1350, 50},
		{"IPv6 over IPv6", ipv6, []addressFamily{podsIPv6}, 1400, 70},
		{"translated", translating, []addressFamily{podsIPv4}, 1350, 50},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.plan.echoes = often
			n := narrowNetwork{startGateways(t, test.plan), test.families, 1500 - test.overhead, test.link - test.overhead}
			n.converged()
			a, b := n.east[0].addPod("a1"), n.west[0].addPod("b1")
			n.finds(a, b, test.link)
		})
	}
}

// narrowNetwork is one with a narrow link.
type narrowNetwork struct {
	gatewayNetwork
	families     []addressFamily
	wide, narrow int // what Pods may send to the other cluster before, and while the link is narrow
}

// gateways are those of both clusters.
func (n narrowNetwork) gateways() []*testNode {
	return append(append([]*testNode{}, n.east[1:]...), n.west[1:]...)
}

// paths waits until a gateway knows both paths to take so much.
func (n *testNode) paths(bytes int, enough metav1.ConditionStatus) {
	n.t.Helper()
	n.until(fmt.Sprintf("both paths are known to take %d bytes", bytes), func() bool {
		list := n.peers()
		for _, p := range list.Items {
			if p.ClusterID != "" && p.PathMTU != bytes {
				return false
			}
		}
		return meta.IsStatusConditionPresentAndEqual(list.Conditions, systemv1alpha1.ConditionPathMTU, enough)
	})
}

// finds makes the link narrow, and wide again.
func (n narrowNetwork) finds(a, b testPod, link int) {
	wide := map[string]string{}
	for _, g := range n.gateways() {
		g.paths(1500, metav1.ConditionTrue)
		wide[g.name] = g.flows()
	}
	n.allWide(a, b)

	n.gatewayNetwork.narrow(link)
	for i, g := range n.gateways() {
		g.paths(link, metav1.ConditionFalse)
		metrics, err := g.ask(http.MethodGet, "/metrics")
		if err != nil || !strings.Contains(string(metrics), fmt.Sprintf("antrea_mc_path_mtu_bytes{cluster=%q,peer=\"\"} %d\n", []string{"west", "east"}[i/2], link)) {
			n.t.Errorf("metrics of %s: %v", g.name, err)
		}
		g.until("people are told", func() bool { return strings.Contains(g.log.String(), "Event PathTooNarrow on Node "+g.name) })
		for _, f := range n.families {
			g.until("the host sends back what it is to", func() bool {
				return strings.Contains(g.in(g.ns, "ip", f.ip, "route"), fmt.Sprintf(" mtu %d", n.narrow)) &&
					strings.Contains(g.in(g.ns, "nft", "list", "tables"), "antrea-clamp")
			})
		}
	}
	n.allFits(a, b)
	n.allFits(b, a)
	n.told(a, b)
	n.told(b, a)

	// Agents that start know it from the switch.
	before := map[string]string{}
	for _, g := range n.gateways() {
		before[g.name] = g.flows()
		g.stop(syscall.SIGKILL)
	}
	for _, g := range n.gateways() {
		g.spawn()
	}
	for _, g := range n.gateways() {
		g.ready()
		if got := g.flows(); got != before[g.name] {
			n.t.Errorf("%s has other flows after a restart (-want +got)\n-%s\n+%s", g.name, strings.ReplaceAll(before[g.name], "\n", "\n-"), strings.ReplaceAll(got, "\n", "\n+"))
		}
	}
	n.allFits(a, b)
	n.allFits(b, a)

	n.gatewayNetwork.narrow(0)
	for _, g := range n.gateways() {
		g.until("both paths are wide again", func() bool {
			return meta.IsStatusConditionTrue(g.peers().Conditions, systemv1alpha1.ConditionPathMTU) && g.flows() == wide[g.name]
		})
	}
	n.forget(a, b)
	n.allWide(a, b)
}

// forget makes Pods forget what they have been told of paths.
func (n narrowNetwork) forget(pods ...testPod) {
	for _, p := range pods {
		for _, f := range n.families {
			p.node.in(p.ns, "ip", f.ip, "route", "flush", "cache")
		}
	}
}

// allWide checks that everything that Pods may send arrives.
func (n narrowNetwork) allWide(a, b testPod) {
	n.t.Helper()
	for _, f := range n.families {
		a.answered(f.of(b))
		a.fits(f.of(b), n.wide)
		if client, server := a.mss(b, f.of(b)); client != n.wide-f.segment || server != n.wide-f.segment {
			n.t.Errorf("%s: the MSS is %d at the client, %d at the server", f.name, client, server)
		}
	}
}

// allFits checks that connections from one Pod to another begin with segments that fit, and that much gets through.
func (n narrowNetwork) allFits(from, to testPod) {
	n.t.Helper()
	for _, f := range n.families {
		n.forget(from, to)
		client, server := from.mss(to, f.of(to))
		if want := n.narrow - f.segment; server != want || client != want && n.sourceNAT == "" {
			n.t.Errorf("%s from %s to %s: the MSS is %d at the client, %d at the server, want %d", f.name, from.name, to.name, client, server, want)
		}
		from.sends(f.in(to))
	}
}

// told checks that the sender of what is too long is told, and that it arrives where it may be cut up: by the host of a gateway for
// IPv4, by the sender for IPv6.
func (n narrowNetwork) told(from, to testPod) {
	n.t.Helper()
	for _, f := range n.families {
		n.forget(from, to)
		ip, t := f.of(to), from.node.t
		got := from.ping(ip, 3, "-M", "do", "-s", fmt.Sprint(n.narrow-f.echo+1), "-i", "0.2")
		if !strings.Contains(got, fmt.Sprintf("mtu = %d", n.narrow)) && !strings.Contains(got, fmt.Sprintf("mtu=%d", n.narrow)) {
			t.Errorf("%s is not told that %d bytes are too long: %s", from.name, n.narrow+1, got)
		}
		if got := from.ping(ip, 3, "-M", "do", "-s", fmt.Sprint(n.narrow-f.echo), "-i", "0.2"); !strings.Contains(got, " 3 received") {
			t.Errorf("%d bytes from %s: %s", n.narrow, from.name, got)
		}
		if ip.Is4() {
			n.forget(from, to)
		}
		if err := from.datagram(to, ip, n.wide-f.echo); err != nil {
			t.Errorf("%d bytes from %s that may be cut up: %v", n.wide, from.name, err)
		}
	}
}
