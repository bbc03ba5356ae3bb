package s1

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// The virtual MACs of packets to another Node of the cluster and to another cluster.
const (
	toNode    = "aa:bb:cc:dd:ee:ff"
	toCluster = "aa:bb:cc:dd:ee:f0"
)

// leg is one encapsulated packet of a ping as seen on the underlay of a Node.
type leg struct {
	seenOn   string // Node
	from, to netip.Addr
	mac      string // inner destination
	sender   string // Node whose antrea-gw0 MAC is the inner source
	reply    bool
}

// captureChecks are the packets of S1.8: requests and replies between gateways, inside the destination's cluster, and
// from an ordinary Node to its gateway.
func captureChecks(l Lab, pods []Pod) []Check {
	a := UnderlayIP
	gw1, ord1, ord2 := PodOn(pods, "cl1-node1"), PodOn(pods, "cl1-node2"), PodOn(pods, "cl2-node2")
	return []Check{
		l.wireCheck("between clusters", gw1, ord2, []leg{
			{"cl1-node1", a("cl1-node1"), a("cl2-node1"), toCluster, "cl1-node1", false},
			{"cl2-node2", a("cl2-node1"), a("cl2-node2"), toNode, "cl2-node1", false},
			{"cl2-node2", a("cl2-node2"), a("cl2-node1"), toCluster, "cl2-node2", true},
			{"cl1-node1", a("cl2-node1"), a("cl1-node1"), toCluster, "cl2-node1", true},
		}),
		l.wireCheck("from an ordinary Node", ord1, ord2, []leg{
			{"cl1-node2", a("cl1-node2"), a("cl1-node1"), toCluster, "cl1-node2", false},
			{"cl1-node2", a("cl1-node1"), a("cl1-node2"), toNode, "cl1-node1", true},
		}),
		l.wireCheck("inside a cluster", gw1, ord1, []leg{
			{"cl1-node1", a("cl1-node1"), a("cl1-node2"), toNode, "cl1-node1", false},
			{"cl1-node1", a("cl1-node2"), a("cl1-node1"), toNode, "cl1-node2", true},
		}),
	}
}

// UnderlayIP is the address of a Node on its underlay network: .101 for the first of a cluster.
func UnderlayIP(node string) netip.Addr {
	for _, c := range Clusters {
		for i, n := range Nodes(c) {
			if n == node {
				b := GatewayIPs[c].As4()
				b[3] = byte(101 + i)
				return netip.AddrFrom4(b)
			}
		}
	}
	return netip.Addr{}
}

func (l Lab) wireCheck(what string, from, to Pod, legs []leg) Check {
	return Check{"S1.8", fmt.Sprintf("captured %s: %s to %s", what, from.Node, to.Node), fmt.Sprintf("%d kinds of Geneve packets as prescribed", len(legs)), func(ctx context.Context) (string, error) {
		seen, err := l.CapturePing(ctx, from, to, nodesOf(legs)...)
		if err != nil {
			return "", err
		}
		var bad []error
		for _, w := range legs {
			mac, err := l.gatewayMAC(ctx, w.sender)
			if err != nil {
				return "", err
			}
			src, dst, what := from.IP, to.IP, "echo request"
			if w.reply {
				src, dst, what = to.IP, from.IP, "echo reply"
			}
			packets := Find(seen[w.seenOn], src, dst, what)
			matched := 0
			for _, p := range packets {
				if p.OuterSrc == w.from && p.OuterDst == w.to && p.DstMAC == w.mac && p.SrcMAC == mac && p.VNI == "0x0" && p.Protocol == "TEB" {
					matched++
				}
			}
			if matched == 0 {
				bad = append(bad, fmt.Errorf("on %s no %s %s > %s with inner MAC %s > %s, VNI 0, TEB; seen: %+v", w.seenOn, what, w.from, w.to, mac, w.mac, seen[w.seenOn]))
			}
		}
		return fmt.Sprintf("%d of %d kinds seen, inner source %s", len(legs)-len(bad), len(legs), from.IP), errors.Join(bad...)
	}}
}

func nodesOf(legs []leg) []string {
	var nodes []string
	seen := map[string]bool{}
	for _, w := range legs {
		if !seen[w.seenOn] {
			seen[w.seenOn] = true
			nodes = append(nodes, w.seenOn)
		}
	}
	return nodes
}

// CapturePing pings from one Pod to another and returns the Geneve packets seen on the underlay of some Nodes meanwhile.
func (l Lab) CapturePing(ctx context.Context, from, to Pod, nodes ...string) (map[string][]Encapsulated, error) {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	type capture struct {
		node, out string
		err       error
	}
	done := make(chan capture, len(nodes))
	for _, n := range nodes {
		go func() {
			out, err := l.Exec(ctx, n, "timeout", "--preserve-status", "-s", "INT", "4", "tcpdump", "-i", "eth0", "-U", "-e", "-nn", "udp", "port", "6081")
			done <- capture{n, out, err}
		}()
	}
	time.Sleep(time.Second) // tcpdump has no sign of being ready that survives the pipes
	_, pingErr := l.Pod(ctx, from, "ping", "-c", "5", "-i", "0.2", "-W", "2", to.IP.String())
	seen := map[string][]Encapsulated{}
	errs := []error{pingErr}
	for range nodes {
		c := <-done
		if c.err != nil && !strings.Contains(c.err.Error(), "packets captured") {
			errs = append(errs, c.err)
		}
		packets, err := ParseCapture(c.out)
		seen[c.node] = packets
		errs = append(errs, err)
	}
	return seen, errors.Join(errs...)
}
