package s1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Check is one thing that must be true once the steps are done.
type Check struct {
	Point string // of the scenario, "S1.7"
	What  string
	Want  string
	// Run measures. An error means that the check failed; got is what was measured, also then.
	Run func(ctx context.Context) (got string, err error)
}

// Checks are those of S1.7, S1.8 and S1.9 and the whole matrix.
func Checks(l Lab, pods []Pod) []Check {
	gw1, ord1 := PodOn(pods, "cl1-node1"), PodOn(pods, "cl1-node2")
	ord2, gw3 := PodOn(pods, "cl2-node2"), PodOn(pods, "cl3-node1")
	checks := []Check{
		l.pingCheck(gw1, ord2, 61), l.pingCheck(gw1, gw3, 62),
		l.pingCheck(ord1, ord2, 60), l.pingCheck(ord1, gw3, 61),
		l.matrixCheck(pods),
		{"S1.7", "MTU of eth0 in each Pod", "1450", l.eachPod(pods, podMTU)},
		{"S1.7", "address of each Pod is in its Node's /24", "9 of 9", l.eachPod(pods, podSubnet)},
		{"S1.7", "ping -M do at exactly the Pod MTU, one byte more refused", "1450 passes, 1451 does not", l.mtuExact(gw1, ord2)},
		{"S1.7", "1 MB over TCP, " + ord1.Node + " to " + ord2.Node, "equal SHA-256", l.transfer(ord1, ord2)},
		{"S1.7", "Node cl1-node2 to " + ord2.String(), "10/10 answered, ttl=61", l.nodePing(ord1, ord2)},
		{"S1.7", "nslookup from a Pod on each Node", "9 of 9 resolve", l.eachPod(pods, resolves)},
		{"S1.7", "Pod to ClusterIP, backends on every Node", "3 Pods of 3 answer", l.service(gw1)},
		{"S1.7", "Pod on each Node to ClusterIP, backend on the host's network", "9 of 9 answered", l.eachPod(pods, apiServer)},
	}
	checks = append(checks, captureChecks(l, pods)...)
	for _, node := range []string{"cl1-node1", "cl1-node2"} {
		for _, remote := range []string{"cl2", "cl3"} {
			checks = append(checks, l.flowCheck(node, remote))
		}
	}
	return checks
}

func (l Lab) pingCheck(from, to Pod, ttl int) Check {
	return Check{"S1.7", fmt.Sprintf("ping %s to %s", from, to), fmt.Sprintf("20/20 answered, ttl=%d", ttl), func(ctx context.Context) (string, error) {
		p, err := l.ping(ctx, from, to.IP)
		if err != nil {
			return p.String(), err
		}
		if p.Lost() != 0 || !p.OnlyTTL(ttl) {
			return p.String(), fmt.Errorf("want 20/20 answered, all with ttl=%d", ttl)
		}
		return p.String(), nil
	}}
}

// ping has the Pod's probe send 20 echo requests.
func (l Lab) ping(ctx context.Context, from Pod, to netip.Addr) (Ping, error) {
	out, err := l.Pod(ctx, from, "probe", "ping", to.String())
	if err != nil {
		return Ping{}, err
	}
	var p Ping
	return p, json.Unmarshal([]byte(out), &p)
}

// matrixCheck pings over all ordered pairs of Pods.
func (l Lab) matrixCheck(pods []Pod) Check {
	n := len(pods) * (len(pods) - 1)
	return Check{"S1.7", "all ordered pairs of Pods, 20 pings each", fmt.Sprintf("%d pairs, 0 lost, expected ttl", n), func(ctx context.Context) (string, error) {
		var mu sync.Mutex
		var bad []error
		sent, lost := 0, 0
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(6)
		for _, from := range pods {
			for _, to := range pods {
				if from == to {
					continue
				}
				g.Go(func() error {
					p, err := l.ping(ctx, from, to.IP)
					mu.Lock()
					defer mu.Unlock()
					sent, lost = sent+p.Sent, lost+p.Lost()
					if err == nil && (p.Lost() != 0 || !p.OnlyTTL(ExpectedTTL(from, to))) {
						err = fmt.Errorf("%s to %s: %s, want ttl=%d", from, to, p, ExpectedTTL(from, to))
					}
					if err != nil {
						bad = append(bad, err)
					}
					return nil
				})
			}
		}
		_ = g.Wait()
		return fmt.Sprintf("%d pairs, %d of %d lost, %d pairs wrong", n, lost, sent, len(bad)), errors.Join(bad...)
	}}
}

// eachPod runs one question on every Pod and counts the right answers; values that all share are shown.
func (l Lab) eachPod(pods []Pod, ask func(context.Context, Lab, Pod) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var bad []error
		seen := map[string]bool{}
		for _, p := range pods {
			got, err := ask(ctx, l, p)
			if err != nil {
				bad = append(bad, fmt.Errorf("%s: %w", p, err))
			}
			seen[got] = true
		}
		summary := fmt.Sprintf("%d of %d", len(pods)-len(bad), len(pods))
		if len(seen) == 1 {
			for v := range seen {
				summary += ": " + v
			}
		}
		return summary, errors.Join(bad...)
	}
}

func podMTU(ctx context.Context, l Lab, p Pod) (string, error) {
	out, err := l.Pod(ctx, p, "cat", "/sys/class/net/eth0/mtu")
	if got := strings.TrimSpace(out); err != nil || got != "1450" {
		return got, errors.Join(err, fmt.Errorf("MTU %q, want 1450", got))
	}
	return "1450", nil
}

func podSubnet(ctx context.Context, l Lab, p Pod) (string, error) {
	out, err := l.Kubectl(ctx, p.Cluster, "get", "node", p.Node, "-o", "jsonpath={.spec.podCIDR}")
	if err != nil {
		return "", err
	}
	cidr, err := netip.ParsePrefix(strings.TrimSpace(out))
	if err != nil {
		return "", err
	}
	if cidr.Bits() != 24 || !cidr.Contains(p.IP) {
		return cidr.String(), fmt.Errorf("%s is not in its Node's /24 %s", p.IP, cidr)
	}
	return "in", nil
}

func resolves(ctx context.Context, l Lab, p Pod) (string, error) {
	out, err := l.Pod(ctx, p, "nslookup", "-timeout=3", "kubernetes.default.svc.cluster.local")
	if err != nil {
		return "", err
	}
	if !strings.Contains(out, "Name:\tkubernetes.default.svc.cluster.local") {
		return "", fmt.Errorf("no answer: %s", out)
	}
	return "resolved", nil
}

func (l Lab) mtuExact(from, to Pod) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		const overhead = 28 // IPv4 and ICMP headers
		out, err := l.Pod(ctx, from, "ping", "-M", "do", "-c", "3", "-i", "0.2", "-W", "2", "-s", fmt.Sprint(1450-overhead), to.IP.String())
		if err != nil {
			return "1450 does not pass", err
		}
		if p, err := ParsePing(out); err != nil || p.Lost() != 0 {
			return p.String(), errors.Join(err, errors.New("packets of 1450 bytes are lost"))
		}
		if out, err := l.Pod(ctx, from, "ping", "-M", "do", "-c", "1", "-W", "1", "-s", fmt.Sprint(1451-overhead), to.IP.String()); err == nil {
			return "1451 passes too", fmt.Errorf("a packet of 1451 bytes got through: %s", out)
		}
		return "1450 passes, 1451 does not", nil
	}
}

func (l Lab) transfer(from, to Pod) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := l.Pod(ctx, from, "probe", "send", "-bytes", "1048576", to.IP.String()+":8080")
		if err != nil {
			return "", err
		}
		var r struct{ Sent, Received, Took string }
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			return out, err
		}
		if r.Sent != r.Received || len(r.Sent) != 64 {
			return out, fmt.Errorf("sent %s, received %s", r.Sent, r.Received)
		}
		return "equal: " + r.Sent[:12] + "… in " + r.Took, nil
	}
}

// nodePing pings from the Node that a Pod is on. Answers to a Node are not routed by its own switch: one less is taken off
// their time to live than off those to its Pods.
func (l Lab) nodePing(on, to Pod) func(context.Context) (string, error) {
	ttl := ExpectedTTL(on, to) + 1
	return func(ctx context.Context) (string, error) {
		out, err := l.Exec(ctx, on.Node, "ping", "-c", "10", "-i", "0.1", "-W", "2", to.IP.String())
		p, perr := ParsePing(out)
		if perr != nil {
			return "", errors.Join(err, perr)
		}
		if p.Lost() != 0 || !p.OnlyTTL(ttl) {
			return p.String(), fmt.Errorf("want 10/10 answered, all with ttl=%d", ttl)
		}
		return p.String(), nil
	}
}

// apiServer asks the cluster's API server, which is on the master's own network, by its ClusterIP.
func apiServer(ctx context.Context, l Lab, p Pod) (string, error) {
	out, err := l.Pod(ctx, p, "bash", "-c", "curl -sk --max-time 5 https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/readyz")
	if err == nil && out != "ok" {
		err = fmt.Errorf("want ok, got %q", out)
	}
	return "answered", err
}

// service asks the ClusterIP until each of the three Pods has answered.
func (l Lab) service(from Pod) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ip, err := l.Kubectl(ctx, from.Cluster, "get", "service", "-n", "demo", "web", "-o", "jsonpath={.spec.clusterIP}")
		if err != nil {
			return "", err
		}
		out, err := l.Pod(ctx, from, "bash", "-c", fmt.Sprintf("for i in $(seq 60); do exec 3<>/dev/tcp/%s/80 || exit 1; echo ping >&3; head -1 <&3; exec 3>&-; done", strings.TrimSpace(ip)))
		servers := map[string]bool{}
		for line := range strings.Lines(out) {
			name, _, _ := strings.Cut(line, " ")
			servers[name] = true
		}
		got := fmt.Sprintf("%d Pods answer", len(servers))
		if err == nil && len(servers) != 3 {
			err = fmt.Errorf("answers came from %v", servers)
		}
		return got, err
	}
}

// flowCheck asserts the flow of S1.9 for a remote cluster.
func (l Lab) flowCheck(node, remote string) Check {
	to := GatewayIPs[remote]
	if node != GatewayNode("cl1") {
		to = GatewayIPs["cl1"]
	}
	b := to.As4()
	tunnel := fmt.Sprintf("0x%x", uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))
	return Check{"S1.9", fmt.Sprintf("flow for %s on %s", PodCIDRs[remote], node), "to " + to.String() + " = " + tunnel, func(ctx context.Context) (string, error) {
		mac, err := l.gatewayMAC(ctx, node)
		if err != nil {
			return "", err
		}
		want := fmt.Sprintf("priority=200,ip,nw_dst=%s actions=mod_dl_src:%s,mod_dl_dst:aa:bb:cc:dd:ee:f0,load:%s->NXM_NX_TUN_IPV4_DST[],load:0x1->NXM_NX_REG0[4..7],resubmit(,18)", PodCIDRs[remote], mac, tunnel)
		sources := map[string]func() (string, error){
			"ovs-ofctl": func() (string, error) { return l.Exec(ctx, node, "ovs-ofctl", "dump-flows", "br-int", "table=16") },
			"antctl": func() (string, error) {
				return l.Shell(ctx, "antctl --context cl1 get ovsflows --node "+node+" --table 16")
			},
		}
		for name, dump := range sources {
			out, err := dump()
			if err != nil {
				return "", err
			}
			if !regexp.MustCompile(`(?m)table=16, .*` + regexp.QuoteMeta(want) + `$`).MatchString(out) {
				return "not in the dump of " + name, fmt.Errorf("want %q in\n%s", want, out)
			}
		}
		return "as written, in ovs-ofctl and antctl", nil
	}}
}
