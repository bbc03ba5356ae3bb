// Package families runs two clusters with both IP families, and two with IPv6 alone, in the lab: real kubelets and API servers,
// joined to a ClusterSet, and every Pod reaches every other by each address that it has.
package families

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

var clusters = []string{"cl1", "cl2"}

func TestRealFamilies(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for the lab")
	}
	t.Chdir("../..")
	for _, file := range []string{"bin/antrea-lab", "out/images/antrea-agent.tar"} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("needs `make setup images`: ", err)
		}
	}
	for _, test := range []struct {
		description string
		families    int
		mtu         string
	}{
		{"dual-stack", 2, "1450"},
		{"ipv6", 1, "1430"},
	} {
		t.Run(test.description, func(t *testing.T) {
			l := up(t, test.description)
			pods := l.podsOf(test.families)
			l.pairs(pods)
			for _, p := range pods {
				require.Equal(t, test.mtu, strings.TrimSpace(l.pod(p, "cat", "/sys/class/net/eth0/mtu")), "MTU of %s", p.Name)
				require.Contains(t, l.pod(p, "nslookup", "-timeout=3", "kubernetes.default.svc.cluster.local"), "Name:\tkubernetes.default", "name server asked by %s", p.Name)
			}
			from, to := pods[1], pods[len(pods)-2]
			services := strings.Fields(l.shell(`kubectl --context cl1 -n demo get service web -o jsonpath='{.spec.clusterIPs[*]}'`))
			require.Len(t, services, test.families)
			for i, ip := range to.ips {
				l.transfers(from, netip.AddrPortFrom(ip, 8080))
				l.nodeReaches(from.Node, ip)
				l.transfers(from, netip.AddrPortFrom(netip.MustParseAddr(services[i]), 80))
			}
		})
	}
}

type lab struct {
	s1.Lab
	t *testing.T
}

type pod struct {
	s1.Pod
	ips []netip.Addr
}

// up brings the lab of a description up: installed, joined, with a gateway and a Pod on each Node of each cluster.
func up(t *testing.T, description string) lab {
	t.Helper()
	name := fmt.Sprintf("families-%s", description)
	out, err := filepath.Abs(filepath.Join("out", name))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(out, 0o755))
	l := lab{s1.Lab{Bin: "bin", Name: name, Out: out, Clusters: clusters}, t}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(l.told())
		}
		if err := l.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	require.NoError(t, l.Up(t.Context(), "test/lab/"+description+".yaml", func(string) {}))
	t.Logf("the lab is up after %s", time.Since(began).Round(time.Second))
	manifest, err := filepath.Abs("antrea-mc.yml")
	require.NoError(t, err)
	demo, err := filepath.Abs("test/families/pods.yaml")
	require.NoError(t, err)
	each := func(line string) {
		for _, c := range clusters {
			l.shell(strings.NewReplacer("CLUSTER", c, "MANIFEST", manifest, "PODS", demo).Replace(line))
		}
	}
	each("kubectl --context CLUSTER apply -f MANIFEST -f PODS")
	each("kubectl --context CLUSTER -n kube-system rollout status daemonset/antrea-agent --timeout=180s && kubectl --context CLUSTER wait --for=condition=Ready node --all --timeout=120s")
	l.shell("antctl --context cl1 mc deploy leadercluster -n antrea-multicluster")
	each("antctl --context CLUSTER mc deploy membercluster -n kube-system")
	l.shell("kubectl --context cl1 -n antrea-multicluster rollout status deployment/antrea-mc-controller --timeout=120s")
	each("kubectl --context CLUSTER -n kube-system rollout status deployment/antrea-mc-controller --timeout=120s")
	l.shell("antctl --context cl1 mc init --clusterset demo --clusterid cl1 -n antrea-multicluster --create-token -j join-config.yml")
	each("antctl --context CLUSTER mc join --clusterid CLUSTER -n kube-system --config-file join-config.yml")
	each("kubectl --context CLUSTER annotate node CLUSTER-node1 --overwrite multicluster.antrea.io/gateway=true")
	each("kubectl --context CLUSTER -n demo rollout status daemonset/web --timeout=120s")
	each("kubectl --context CLUSTER -n kube-system rollout status deployment/coredns --timeout=120s")
	t.Logf("and joined after %s", time.Since(began).Round(time.Second))
	return l
}

func (l lab) shell(line string) string {
	l.t.Helper()
	out, err := l.Shell(l.t.Context(), line)
	require.NoError(l.t, err, "%s\n%s", line, out)
	return out
}

func (l lab) pod(p pod, cmd ...string) string {
	l.t.Helper()
	out, err := l.Pod(l.t.Context(), p.Pod, cmd...)
	require.NoError(l.t, err, "%s: %s\n%s", p.Name, strings.Join(cmd, " "), out)
	return out
}

// told is what helps to see why the test failed.
func (l lab) told() string {
	var text strings.Builder
	for _, c := range clusters {
		out, _ := l.Shell(context.Background(), "kubectl --context "+c+" get pods,nodes -A -o wide; kubectl --context "+c+
			" -n kube-system logs daemonset/antrea-agent -c antrea-agent --tail=40; antctl --context "+c+" mc get clusterset -A")
		text.WriteString(out)
	}
	return text.String()
}

// podsOf are the Pods of both clusters, one on each Node, with as many addresses as there are families.
func (l lab) podsOf(families int) []pod {
	l.t.Helper()
	var pods []pod
	for _, c := range clusters {
		var list struct {
			Items []struct {
				Metadata struct{ Name string }
				Spec     struct{ NodeName string }
				Status   struct{ PodIPs []struct{ IP netip.Addr } }
			}
		}
		require.NoError(l.t, json.Unmarshal([]byte(l.shell("kubectl --context "+c+" -n demo get pods -o json")), &list))
		require.Len(l.t, list.Items, 2, "one Pod on each Node of %s", c)
		for _, i := range list.Items {
			p := pod{Pod: s1.Pod{Cluster: c, Node: i.Spec.NodeName, Name: i.Metadata.Name}}
			for _, ip := range i.Status.PodIPs {
				p.ips = append(p.ips, ip.IP)
			}
			require.Len(l.t, p.ips, families, "addresses of %s", p.Name)
			p.IP = p.ips[0]
			pods = append(pods, p)
		}
	}
	return pods
}

// pairs checks that nothing is lost between any two Pods, with the time to live that the path must give.
func (l lab) pairs(pods []pod) {
	l.t.Helper()
	first, last := pods[0], pods[len(pods)-1]
	require.NoError(l.t, l.Reachable(l.t.Context(), first.Pod, last.IP, time.Minute))
	require.NoError(l.t, l.Reachable(l.t.Context(), last.Pod, first.IP, time.Minute))
	var g errgroup.Group
	g.SetLimit(4)
	checked := 0
	for _, from := range pods {
		for _, to := range pods {
			if from.Name == to.Name {
				continue
			}
			for _, ip := range to.ips {
				checked++
				g.Go(func() error {
					out, err := l.Pod(l.t.Context(), from.Pod, "probe", "ping", ip.String())
					var p s1.Ping
					if err == nil {
						err = json.Unmarshal([]byte(out), &p)
					}
					if want := s1.ExpectedTTL(from.Pod, to.Pod); err == nil && (p.Lost() != 0 || !p.OnlyTTL(want)) {
						err = fmt.Errorf("%s, want all with ttl=%d", p, want)
					}
					if err != nil {
						return fmt.Errorf("%s on %s to %s on %s: %w", from.Name, from.Node, ip, to.Node, err)
					}
					return nil
				})
			}
		}
	}
	require.NoError(l.t, g.Wait())
	l.t.Logf("%d ordered pairs of addresses, 20 pings each: none lost, expected ttl", checked)
}

// transfers checks that a megabyte arrives whole.
func (l lab) transfers(from pod, to netip.AddrPort) {
	l.t.Helper()
	var r struct{ Sent, Received string }
	require.NoError(l.t, json.Unmarshal([]byte(l.pod(from, "probe", "send", "-bytes", "1048576", to.String())), &r))
	require.Len(l.t, r.Sent, 64)
	require.Equal(l.t, r.Sent, r.Received, "from %s to %s", from.Name, to)
}

func (l lab) nodeReaches(node string, ip netip.Addr) {
	l.t.Helper()
	out, err := l.Exec(l.t.Context(), node, "ping", "-c", "10", "-i", "0.1", "-W", "2", ip.String())
	require.NoError(l.t, err, out)
	require.Contains(l.t, out, " 10 received")
}
