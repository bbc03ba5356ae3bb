package pipeline

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// watched are the Nodes that a Node has a BFD session with: gateways of its cluster, and if it is one, the cluster's other Nodes and
// the gateways of the other cluster.
func (n *testNode) watched() (all []*testNode) {
	for _, o := range n.net.nodes {
		if o != n && (o.c == n.c && (n.k > 0 || o.k > 0) || o.c != n.c && n.k > 0 && o.k > 0) {
			all = append(all, o)
		}
	}
	return all
}

// probes adds the probe ports of all Nodes, as the agents do. An emulated machine is given more time between packets.
func (n *network) probes() {
	n.t.Helper()
	milliseconds := 50
	if n.nodes[0].sw.Datapath == "system" {
		milliseconds = 500
	}
	for _, node := range n.nodes {
		ports := n.state(node.c, node.k).Probes
		var args []string
		for _, peer := range node.watched() {
			ip := peer.cluster.nodeIP(peer.k)
			name := probeName(ip.String())
			args = append(args, "--", "add-port", "br-int", name, "--", "set", "Interface", name, "type=geneve", "options:remote_ip="+ip.String(), "options:key=0xfffffd",
				fmt.Sprintf("ofport_request=%d", ports[ip]), "bfd:enable=true", "bfd:mult=3", fmt.Sprintf("bfd:min_tx=%d", milliseconds), fmt.Sprintf("bfd:min_rx=%d", milliseconds))
		}
		node.sw.Vsctl(args...)
	}
}

// converged waits until every BFD session is up, but those with one Node.
func (n *network) converged(but *testNode) {
	n.t.Helper()
	for _, node := range n.nodes {
		for _, peer := range node.watched() {
			if node == but || peer == but {
				continue
			}
			name := probeName(peer.cluster.nodeIP(peer.k).String())
			n.until(node.netns()+" sees "+peer.netns(), func() bool {
				out, err := node.sw.Try("ovs-vsctl", "--db="+node.sw.DB, "get", "Interface", name, "bfd_status:state", "bfd_status:remote_state")
				return err == nil && strings.Join(strings.Fields(out), " ") == "up up"
			})
		}
	}
}

func (n *network) until(what string, ok func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatalf("not so after a minute: %s", what)
		}
	}
}

// endlessUDP sends packets all the time.
type endlessUDP struct {
	name     string
	answered atomic.Int64 // when the last packet was sent that has been answered, in nanoseconds since 1970
}

const mirrorPort = echoPort + 1

// mirror has a Pod send all packets back.
func (n *network) mirror(netns string) {
	n.t.Helper()
	var conn net.PacketConn
	var err error
	n.within(netns, func() { conn, err = net.ListenPacket("udp4", fmt.Sprintf(":%d", mirrorPort)) })
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { conn.Close() })
	go func() {
		for b := make([]byte, 100); ; {
			length, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(b[:length], from)
		}
	}()
}

func (n *network) endless(netns string, to netip.Addr) *endlessUDP {
	n.t.Helper()
	f := &endlessUDP{name: netns + " to " + to.String()}
	var conn net.Conn
	var err error
	n.within(netns, func() { conn, err = net.Dial("udp4", netip.AddrPortFrom(to, mirrorPort).String()) })
	if err != nil {
		n.t.Fatal(err)
	}
	stop := make(chan struct{})
	n.t.Cleanup(func() { close(stop); conn.Close() })
	go func() {
		for ticker := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-stop:
				ticker.Stop()
				return
			case now := <-ticker.C:
				_, _ = fmt.Fprint(conn, now.UnixNano())
			}
		}
	}()
	go func() {
		for b := make([]byte, 100); ; {
			length, err := conn.Read(b)
			if err == nil {
				sent, _ := strconv.ParseInt(string(b[:length]), 10, 64)
				f.answered.Store(max(f.answered.Load(), sent))
				continue
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond): // the host may refuse for a while
			}
		}
	}()
	return f
}

// flowing waits until a packet of every flow is answered that was sent after now, and says after how long the last of these was sent.
func (n *network) flowing(all []*endlessUDP) (last time.Duration) {
	n.t.Helper()
	since := time.Now()
	for _, f := range all {
		var after time.Duration
		n.until(f.name+" is answered", func() bool {
			after = time.Unix(0, f.answered.Load()).Sub(since)
			return after > 0
		})
		last = max(last, after)
	}
	return last
}

// endlessTCP is a connection on which a byte is sent every 50 ms.
type endlessTCP struct {
	conn net.Conn
	stop chan struct{}
	done chan int
}

func (n *network) stream(netns string, to netip.Addr) *endlessTCP {
	n.t.Helper()
	s := &endlessTCP{stop: make(chan struct{}), done: make(chan int, 1)}
	var err error
	n.within(netns, func() { s.conn, err = net.DialTimeout("tcp4", echoAt(to).String(), 30*time.Second) })
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { s.conn.Close() })
	go func() {
		sent := 0
		for ticker := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-s.stop:
				ticker.Stop()
				s.done <- sent
				return
			case <-ticker.C:
				written, err := s.conn.Write([]byte{1})
				if sent += written; err != nil {
					s.done <- -1
					return
				}
			}
		}
	}()
	return s
}

// ends wants all that was sent to have arrived.
func (n *network) ends(s *endlessTCP) {
	n.t.Helper()
	close(s.stop)
	sent := <-s.done
	_ = s.conn.SetDeadline(time.Now().Add(30 * time.Second))
	_ = s.conn.(*net.TCPConn).CloseWrite()
	answer, err := io.ReadAll(s.conn)
	want := netip.MustParseAddrPort(s.conn.LocalAddr().String()).Addr().String() + " " + strconv.Itoa(sent)
	if err != nil || string(answer) != want {
		n.t.Errorf("the connection from %s did not last: %q, want %q: %v", s.conn.LocalAddr(), answer, want, err)
	}
}

// received is how many packets a Node has got by its tunnel port.
func (n *testNode) received() (count int) {
	n.net.t.Helper()
	out := n.sw.Ofctl("dump-ports", "br-int", "tun0")
	m := receivedPackets.FindStringSubmatch(out)
	if m == nil {
		n.net.t.Fatalf("no packets in %s", out)
	}
	count, _ = strconv.Atoi(m[1])
	return count
}

var receivedPackets = regexp.MustCompile(`rx pkts=(\d+)`)

// carrying waits until these Nodes get packets from tunnels.
func (n *network) carrying(nodes ...*testNode) {
	n.t.Helper()
	for _, node := range nodes {
		first := -1
		n.until(node.netns()+" carries traffic", func() bool {
			count := node.received()
			if first < 0 {
				first = count
			}
			return count > first
		})
	}
}

// Two clusters with two gateways each, without agents: BFD and groups carry flows and connections over the loss of a gateway's link, and
// of another's switch.
func TestRealGatewaysFail(t *testing.T) {
	n := startNetwork(t, func(c, k int) State {
		s := several(c, k)
		maps.DeleteFunc(s.Clusters, func(id string, _ Cluster) bool { return id == s1Clusters[2].id })
		return s
	}, 0, 1, 2)
	n.probes()
	n.program(func(*State) {})
	n.converged(nil)

	var flows []*endlessUDP
	var streams []*endlessTCP
	gateways := []*testNode{n.node(0, 1), n.node(0, 2), n.node(1, 1), n.node(1, 2)}
	for c := range 2 {
		from, to := n.node(c, 0), n.node(1-c, 0)
		for _, b := range to.pods() {
			n.mirror(to.podNetns(b))
		}
		for _, a := range from.pods() {
			for _, b := range to.pods() {
				flows = append(flows, n.endless(from.podNetns(a), to.pod(b)))
				for range 4 {
					streams = append(streams, n.stream(from.podNetns(a), to.pod(b)))
				}
			}
		}
	}
	n.flowing(flows)
	n.carrying(gateways...)

	without := func(what string, dead *testNode) {
		t.Logf("%s: all %d flows go on after %d ms", what, len(flows), n.flowing(flows).Milliseconds())
		n.carrying(slices.DeleteFunc(slices.Clone(gateways), func(g *testNode) bool { return g == dead })...)
	}
	back := func(node *testNode) {
		n.converged(nil)
		n.flowing(flows)
		n.carrying(node)
	}
	first, last := gateways[0], gateways[3]
	n.in(n.prefix+"fabric", "ip link set "+first.link()+" down")
	without("without the link of "+first.netns(), first)
	n.in(n.prefix+"fabric", "ip link set "+first.link()+" up")
	back(first)

	last.sw.StopVswitchd(true)
	without("without the switch of "+last.netns(), last)
	last.sw.StartVswitchd()
	last.program(func(*State) {})
	back(last)
	for _, s := range streams {
		n.ends(s)
	}
}
