package pipeline

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// network is Nodes of clusters 1 and 2 of scenario S1, in network namespaces, with any datapath. Every Node has Pod a, all but the
// first gateways Pod b too.
type network struct {
	t      *testing.T
	prefix string               // of the names of all namespaces
	state  func(c, k int) State // of each Node
	nodes  []*testNode
}

type testNode struct {
	net     *network
	cluster s1Cluster
	c, k    int // as in s1
	sw      *ovstest.Switch
}

const echoPort = 8080

func (n *testNode) link() string            { return fmt.Sprintf("n%d%d", n.c, n.k) } // in the fabric
func (n *testNode) netns() string           { return n.net.prefix + n.cluster.nodeName(n.k) }
func (n *testNode) podNetns(pod int) string { return fmt.Sprintf("%s-%d", n.netns(), pod) }
func (n *testNode) pod(pod int) netip.Addr  { return n.cluster.pod(n.k, pod) }
func (n *testNode) pods() []int {
	if n.k == 1 {
		return []int{2}
	}
	return []int{2, 3}
}

// startNetwork starts the same Nodes in both clusters.
func startNetwork(t *testing.T, state func(c, k int) State, nodes ...int) *network {
	if os.Geteuid() != 0 {
		t.Skip("needs root for network namespaces")
	}
	ovstest.Require(t)
	n := &network{t: t, prefix: fmt.Sprintf("pipe%d-", os.Getpid()%10000), state: state}
	fabric := n.prefix + "fabric"
	n.namespace(fabric)
	n.in(fabric, "ip link add br0 type bridge", "ip link set br0 up")
	for c := range 2 {
		for _, k := range nodes {
			node := &testNode{net: n, cluster: s1Clusters[c], c: c, k: k}
			n.nodes = append(n.nodes, node)
			node.start(fabric, node.link())
		}
	}
	return n
}

func (n *network) node(c, k int) *testNode {
	return n.nodes[slices.IndexFunc(n.nodes, func(node *testNode) bool { return node.c == c && node.k == k })]
}

// namespace makes a network namespace that ends with the test.
func (n *network) namespace(name string) {
	n.t.Helper()
	n.run("ip", "netns", "add", name)
	n.t.Cleanup(func() { n.run("ip", "netns", "del", name) })
	n.in(name, "ip link set lo up")
}

// in runs commands in a namespace.
func (n *network) in(netns string, commands ...string) {
	n.t.Helper()
	for _, c := range commands {
		n.run("ip", append([]string{"netns", "exec", netns}, strings.Fields(c)...)...)
	}
}

func (n *network) run(program string, args ...string) {
	n.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		n.t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
}

// start makes the Node's namespace, switch and Pods as the agent and its CNI server do.
func (n *testNode) start(fabric, link string) {
	net, ns := n.net, n.netns()
	net.namespace(ns)
	net.in(fabric, "ip link add "+link+" type veth peer name eth0 netns "+ns, "ip link set "+link+" up master br0", "ethtool -K "+link+" tx off")
	net.in(ns, "ip link set eth0 up", "ethtool -K eth0 tx off", "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0",
		"sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
	n.sw = ovstest.Start(net.t, ovstest.Config{NetNS: "/run/netns/" + ns})
	transport := "eth0"
	if n.sw.Datapath == "netdev" { // which sends tunnels through a bridge only
		transport = "br-phy"
		net.in(ns, "sysctl -qw net.ipv4.conf.eth0.arp_ignore=8")
		n.sw.Vsctl("--", "add-br", "br-phy", "--", "set", "Bridge", "br-phy", "datapath_type=netdev", "fail_mode=standalone", "--", "add-port", "br-phy", "eth0")
	}
	n.sw.AddBridge("br-int")
	mac := gatewayMAC(n.cluster, n.k)
	n.sw.Vsctl(
		"--", "add-port", "br-int", "tun0", "--", "set", "Interface", "tun0", "type=geneve", "options:remote_ip=flow", "options:key=flow",
		fmt.Sprintf("ofport_request=%d", tunnelPort),
		"--", "add-port", "br-int", "gw0", "--", "set", "Interface", "gw0", "type=internal", fmt.Sprintf("mac=\"%s\"", mac), fmt.Sprintf("ofport_request=%d", gatewayPort))
	gw := n.cluster.pod(n.k, 1)
	net.in(ns, "ip link set "+transport+" up", "ip addr add "+n.cluster.nodeIP(n.k).String()+"/16 dev "+transport,
		"sysctl -qw net.ipv4.conf.gw0.rp_filter=0", "ip link set gw0 up mtu 1400", "ethtool -K gw0 tx off", "ip addr add "+gw.String()+"/24 dev gw0",
		"ip route add 169.254.0.253 dev gw0", "ip neigh replace 169.254.0.253 lladdr "+macNode+" dev gw0",
		"ip route add 10.244.0.0/16 via 169.254.0.253 dev gw0 onlink src "+gw.String())
	for _, pod := range n.pods() {
		n.startPod(pod, gw)
	}
}

func (n *testNode) startPod(pod int, gw netip.Addr) {
	net, ns, ip := n.net, n.podNetns(pod), n.pod(pod)
	dev := fmt.Sprintf("pod-%c", 'a'+pod-2)
	net.namespace(ns)
	net.in(n.netns(), "ip link add "+dev+" type veth peer name eth0 netns "+ns, "ip link set "+dev+" up", "sysctl -qw net.ipv4.conf."+dev+".arp_ignore=8")
	net.in(ns, "ethtool -K eth0 tx off", "ip link set eth0 up mtu 1400 address "+podMAC(ip).String(),
		"ip addr add "+ip.String()+"/24 dev eth0", "ip route add default via "+gw.String())
	n.sw.Vsctl("--", "add-port", "br-int", dev, "--", "set", "Interface", dev, fmt.Sprintf("ofport_request=%d", int(podAPort)+pod-2))
	net.within(ns, func() { serveEcho(net.t) })
}

// program loads the flows of the Node's state, changed by change.
func (n *testNode) program(change func(*State)) {
	n.net.t.Helper()
	s := n.net.state(n.c, n.k)
	change(&s)
	load(n.net.t, n.sw, compile(n.net.t, s))
	n.sw.Appctl("dpctl/flush-conntrack")
}

// within runs f on a thread in a network namespace; sockets that f opens stay there.
func (n *network) within(netns string, f func()) {
	n.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		n.t.Fatal(err)
	}
	defer home.Close()
	there, err := os.Open("/run/netns/" + netns)
	if err != nil {
		n.t.Fatal(err)
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		n.t.Fatal(err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(err) // the thread must not go on elsewhere
		}
	}()
	f()
}

// serveEcho answers TCP and UDP with the address that it sees, after as many bytes as came.
func serveEcho(t *testing.T) {
	address := fmt.Sprintf("0.0.0.0:%d", echoPort)
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	packets, err := net.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close(); packets.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				n, _ := io.Copy(io.Discard, c)
				host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
				fmt.Fprintf(c, "%s %d", host, n)
			}()
		}
	}()
	go func() {
		buf := make([]byte, 2000)
		for {
			_, from, err := packets.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo([]byte(from.(*net.UDPAddr).IP.String()), from)
		}
	}()
}

// udp sends a packet and returns the TTL of the answer and which source the server saw. The first packets to a new tunnel
// peer are lost while the switch asks for its MAC, so it tries a few times.
func (n *network) udp(netns string, to netip.Addr) (ttl int, seen string) {
	n.t.Helper()
	n.within(netns, func() {
		c, err := net.Dial("udp4", netip.AddrPortFrom(to, echoPort).String())
		if err != nil {
			n.t.Fatal(err)
		}
		defer c.Close()
		raw, err := c.(*net.UDPConn).SyscallConn()
		if err != nil {
			n.t.Fatal(err)
		}
		_ = raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTTL, 1) })
		if err != nil {
			n.t.Fatal(err)
		}
		buf, oob := make([]byte, 100), make([]byte, 100)
		for range 10 {
			_, _ = c.Write([]byte("?"))
			_ = c.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
			got, oobn, _, _, err := c.(*net.UDPConn).ReadMsgUDP(buf, oob)
			if err != nil {
				continue
			}
			messages, _ := unix.ParseSocketControlMessage(oob[:oobn])
			ttl, seen = int(messages[0].Data[0]), string(buf[:got])
			return
		}
		n.t.Errorf("%s gets no answer from %s", netns, to)
	})
	return ttl, seen
}

// tcp sends 100 kB and returns which source the server saw.
func (n *network) tcp(netns string, to netip.AddrPort) (seen string) {
	n.t.Helper()
	const size = 100_000
	n.within(netns, func() {
		c, err := net.DialTimeout("tcp4", to.String(), 30*time.Second)
		if err != nil {
			n.t.Errorf("%s: %v", netns, err)
			return
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := c.Write(make([]byte, size)); err != nil {
			n.t.Errorf("%s to %s: %v", netns, to, err)
		}
		_ = c.(*net.TCPConn).CloseWrite()
		answer, err := io.ReadAll(c)
		if err != nil {
			n.t.Errorf("%s to %s: %v", netns, to, err)
		}
		var count int
		fmt.Sscan(string(answer), &seen, &count)
		if count != size {
			n.t.Errorf("%s to %s: %d of %d bytes arrived", netns, to, count, size)
		}
	})
	return seen
}

func (n *network) program(change func(*State)) {
	n.t.Helper()
	for _, node := range n.nodes {
		node.program(change)
	}
}

// wantTTL is the TTL of scenario S1.7 for a packet between Pods: every Node but the sender's own on the way takes one.
func wantTTL(from, to *testNode) int {
	if from == to {
		return 64
	}
	ttl := 62
	if from.c != to.c {
		ttl -= from.k - 1 + to.k - 1
	}
	return ttl
}

func echoAt(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, echoPort) }

// matrix sends between all Pods and checks TTL and the source that is seen.
func (n *network) matrix(source func(from, to *testNode, ip netip.Addr) string) {
	n.t.Helper()
	for _, from := range n.nodes {
		for _, to := range n.nodes {
			for _, a := range from.pods() {
				for _, b := range to.pods() {
					if from == to && a == b {
						continue
					}
					want := source(from, to, from.pod(a))
					ttl, seen := n.udp(from.podNetns(a), to.pod(b))
					if ttl != wantTTL(from, to) || seen != want {
						n.t.Errorf("UDP from %s to %s: ttl=%d from %s, want ttl=%d from %s", from.pod(a), to.pod(b), ttl, seen, wantTTL(from, to), want)
					}
					if seen := n.tcp(from.podNetns(a), echoAt(to.pod(b))); seen != want {
						n.t.Errorf("TCP from %s to %s: seen as %s, want %s", from.pod(a), to.pod(b), seen, want)
					}
				}
			}
		}
	}
}

func TestRealNetwork(t *testing.T) {
	n := startNetwork(t, s1, 1, 2)

	t.Run("sources are kept", func(t *testing.T) {
		n.t = t
		n.program(func(*State) {})
		n.matrix(func(_, _ *testNode, ip netip.Addr) string { return ip.String() })
		for _, gateway := range []*testNode{n.node(0, 1), n.node(1, 1)} {
			entries := gateway.sw.Appctl("dpctl/dump-conntrack")
			for line := range strings.Lines(entries) {
				if strings.Contains(line, "src=10.244.2.") && strings.Contains(line, "dst=10.244.18.") {
					t.Errorf("%s tracks transit: %s", gateway.netns(), line)
				}
			}
		}
	})

	t.Run("host", func(t *testing.T) {
		n.t = t
		n.program(func(*State) {})
		for _, from := range n.nodes {
			for _, to := range n.nodes {
				if seen := n.tcp(from.netns(), echoAt(to.pod(2))); seen != from.pod(1).String() {
					t.Errorf("%s to %s: seen as %s", from.netns(), to.pod(2), seen)
				}
			}
		}
	})

	t.Run("Services by kube-proxy on the host", func(t *testing.T) {
		n.t = t
		n.program(func(*State) {})
		client := n.node(0, 2)
		backends := map[string]netip.Addr{
			"10.96.0.10": client.pod(3), "10.96.0.11": n.node(0, 1).pod(2), "10.96.0.12": n.node(1, 2).pod(2),
		}
		client.net.in(client.netns(), "nft add table ip svc", "nft add chain ip svc pre { type nat hook prerouting priority -100 ; }")
		for vip, backend := range backends {
			client.net.in(client.netns(), fmt.Sprintf("nft add rule ip svc pre ip daddr %s tcp dport 80 dnat to %s", vip, echoAt(backend)))
			for range 3 {
				if seen := n.tcp(client.podNetns(2), netip.AddrPortFrom(addr(vip), 80)); seen != client.pod(2).String() {
					t.Errorf("%s (%s): seen as %s", vip, backend, seen)
				}
			}
		}
		client.net.in(client.netns(), "nft delete table ip svc")
	})

	always := func(clusters ...int) func(from, to *testNode, ip netip.Addr) string {
		n.program(func(s *State) {
			for _, c := range clusters {
				if s.Node.ClusterPodCIDRs[0] == s1Clusters[c].podCIDR() {
					s.Node.SourceNAT = SourceNATAlways
				}
			}
		})
		return func(from, to *testNode, ip netip.Addr) string {
			for _, c := range clusters {
				if from.c == c && to.c != c {
					return from.cluster.nodeIP(1).String()
				}
			}
			return ip.String()
		}
	}
	t.Run("sourceNAT Always in both clusters", func(t *testing.T) {
		n.t = t
		n.matrix(always(0, 1))
	})
	t.Run("sourceNAT Always in cluster 1 only", func(t *testing.T) {
		n.t = t
		n.matrix(always(0))
	})
}
