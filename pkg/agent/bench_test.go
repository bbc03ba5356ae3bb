package agent

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	corev1 "k8s.io/api/core/v1"
)

// cniDone is what the agent logs of a request: its verb, how long it took, and how much of that until the switch had the
// port and the flows, or had let go of them.
var cniDone = regexp.MustCompile(`"CNI request done".* command="(\w+)".* duration="(\S+)" network="(\S+)"`)

// BenchmarkRealPodAddDel attaches a Pod to a real switch and detaches it, as a runtime does: libcni, the plugin as a process,
// the agent, Open vSwitch. It wants -benchtime 100x or more to tell percentiles.
func BenchmarkRealPodAddDel(b *testing.B) {
	n := newFabric(b).node("node1", "192.168.77.1")
	n.child.Nodes, n.child.V = []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24")}, 2
	bin := b.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "antrea"), "../../cmd/antrea-cni")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	n.start()
	n.scheduled("bench")
	pod := n.namespace("pod")
	runtime := libcni.NewCNIConfigWithCacheDir([]string{bin}, b.TempDir(), nil)
	list, err := libcni.NetworkConfFromBytes(fmt.Appendf(nil,
		`{"cniVersion":"1.0.0","name":"antrea","plugins":[{"type":"antrea","socket":%q}]}`, n.child.Agent.CNISocket))
	if err != nil {
		b.Fatal(err)
	}
	conf := &libcni.RuntimeConf{
		NetNS: "/run/netns/" + pod, IfName: "eth0",
		Args: [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "demo"}, {"K8S_POD_NAME", "bench"}},
	}

	seen := map[string][]time.Duration{}
	for round := 0; b.Loop(); round++ {
		conf.ContainerID = fmt.Sprint("bench-", round)
		start := time.Now()
		if _, err := runtime.AddNetworkList(b.Context(), list, conf); err != nil {
			b.Fatal(err)
		}
		added := time.Now()
		if err := runtime.DelNetworkList(b.Context(), list, conf); err != nil {
			b.Fatal(err)
		}
		seen["ADD"] = append(seen["ADD"], added.Sub(start))
		seen["DEL"] = append(seen["DEL"], time.Since(added))
	}
	total, network := map[string]time.Duration{}, map[string]time.Duration{}
	for _, m := range cniDone.FindAllStringSubmatch(n.log.String(), -1) {
		whole, err := time.ParseDuration(m[2])
		if err != nil {
			b.Fatal(err)
		}
		part, err := time.ParseDuration(m[3])
		if err != nil {
			b.Fatal(err)
		}
		total[m[1]] += whole
		network[m[1]] += part
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	for verb, durations := range seen {
		slices.Sort(durations)
		count := len(durations)
		b.ReportMetric(ms(durations[count/2]), "ms-"+verb+"-p50")
		b.ReportMetric(ms(durations[count*99/100]), "ms-"+verb+"-p99")
		b.ReportMetric(ms(total[verb])/float64(count), "ms-"+verb+"-in-agent")
		b.ReportMetric(100*network[verb].Seconds()/total[verb].Seconds(), "%-of-that-"+verb+"-in-OVS")
	}
}

// BenchmarkRealPodMemory attaches many Pods and tells what each costs the agent and the switch, in resident memory. It wants
// -benchtime 1x.
func BenchmarkRealPodMemory(b *testing.B) {
	const warm, pods = 20, 200
	for b.Loop() {
		n := newFabric(b).node("node1", "192.168.77.1")
		n.child.Nodes = []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24")}
		n.start()
		add := func(from, to int) footprint {
			for i := from; i < to; i++ {
				n.addPod(fmt.Sprint("pod-", i))
			}
			time.Sleep(time.Second)
			return n.footprint()
		}
		before := add(0, warm)
		flows := strings.Count(n.flows(), "\n")
		after := add(warm, warm+pods)
		b.ReportMetric(float64(after.resident-before.resident)/pods/1024, "kB-agent/Pod")
		b.ReportMetric(float64(after.switchResident-before.switchResident)/pods/1024, "kB-ovs-vswitchd/Pod")
		b.ReportMetric(float64(strings.Count(n.flows(), "\n")-flows)/pods, "flows/Pod")
		b.ReportMetric(0, "ns/op")
	}
}
