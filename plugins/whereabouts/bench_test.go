package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
)

// How many Pods a node starts at the same time: as many as a kubelet has, unless it is told otherwise, or as many as there are processes.
const (
	atOnce    = 110
	processes = 10
)

// BenchmarkRealAddresses attaches Pods as fast as it goes and detaches them: daemons as processes, each with its journal, and a
// real API server. The daemons are asked as the plugin asks them, without a process for each call. It wants -benchtime 1x.
func BenchmarkRealAddresses(b *testing.B) {
	c := newCluster(b)
	c.auditInterval = "1h" // nothing is to be found
	var nodes []*node
	for i := range 30 {
		nodes = append(nodes, c.node(fmt.Sprint("n", i)))
	}
	for _, n := range nodes {
		n.waitReady()
	}
	subnet := 0
	networks := func(count int) (all []string) {
		for range count {
			subnet++
			all = append(all, fmt.Sprintf("10.%d.0.0/16", subnet))
		}
		return all
	}
	// First, because Whereabouts reads all pools that there are.
	for _, version := range []string{"", "v0.8.0", "v0.9.2"} {
		pods := 300 / *reduced
		bin := c.bin
		if version != "" {
			bin = original(b, version, "cmd", "whereabouts")
		}
		b.Run(fmt.Sprintf("plugin=%s/pods=%d/nodes=1", cmp.Or(version, "this"), pods), func(b *testing.B) {
			plugin, file, dir := nodes[0].libcni, "", bin
			if version != "" {
				play := &originalPlay{play: &play{cluster: c}, dir: b.TempDir()}
				play.conf()
				plugin, file = libcni.NewCNIConfigWithCacheDir([]string{bin}, filepath.Join(play.dir, "cache"), nil), play.file()
			}
			for b.Loop() {
				subnet := networks(1)[0]
				executeAll(b, nodes[0], plugin, file, pods, subnet)
				b.ReportMetric(executeOnce(b, nodes[0], dir, file, subnet), "MB-resident-plugin")
			}
		})
	}
	for _, mode := range []struct{ name, keys string }{{"exact", ""}, {"block", `,"node_slice_size":"/24"`}} {
		for _, pods := range []int{1200, 3000} {
			for _, count := range []int{1, 10, 30} {
				size := pods / *reduced
				b.Run(fmt.Sprintf("%s/pods=%d/nodes=%d", mode.name, size, count), func(b *testing.B) {
					for b.Loop() {
						attachAll(b, nodes[:count], size, atOnce, networks(1), mode.keys)
					}
				})
			}
		}
	}
	for _, count := range []int{10, 30} {
		size := 1200 / *reduced
		b.Run(fmt.Sprintf("exact/pods=%d/at-a-time=%d/nodes=%d", size, processes, count), func(b *testing.B) {
			for b.Loop() {
				attachAll(b, nodes[:count], size, processes, networks(1), "")
			}
		})
	}
	few := 128 / *reduced
	b.Run(fmt.Sprintf("exact/pods=%d/attachments=16/nodes=10", few), func(b *testing.B) {
		for b.Loop() {
			attachAll(b, nodes[:10], few, atOnce, networks(16), "")
		}
	})
	b.Run("full", func(b *testing.B) {
		for b.Loop() {
			fill(b, c, netip.PrefixFrom(netip.MustParseAddr("10.200.0.0"), 16+bits.Len(uint(*reduced))-1))
		}
	})
	b.Logf("resident memory of a daemon at the end: %d kB", resident(nodes[0].proc.Process.Pid, "VmRSS:"))
}

// reduced makes everything that many times smaller, to see that it works.
var reduced = flag.Int("reduced", 1, "divisor of the sizes of BenchmarkRealAddresses, a power of two")

// makePods makes Pods on the nodes in turn, as fast as it goes, and returns their UIDs.
func makePods(b *testing.B, nodes []*node, prefix string, count int) []string {
	uids := make([]string, count)
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(20)
	for i := range uids {
		group.Go(func() error {
			pod, err := nodes[0].c.client.CoreV1().Pods("default").Create(ctx, &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(prefix, i)},
				Spec:       corev1.PodSpec{NodeName: nodes[i%len(nodes)].name, Containers: []corev1.Container{{Name: "c", Image: "i"}}},
			}, metav1.CreateOptions{})
			if err == nil {
				uids[i] = string(pod.UID)
			}
			return err
		})
	}
	require.NoError(b, group.Wait())
	return uids
}

// executeOnce attaches one Pod, and returns the largest resident memory of the plugin's process, in megabytes. It is asked for again and
// again as long as the process runs: what the kernel tells of it afterwards includes this one's before the plugin was loaded.
func executeOnce(b *testing.B, n *node, dir, file, subnet string) (largest float64) {
	name := podNames()
	rt := sandbox(name, makePods(b, []*node{n}, name, 1)[0], name)
	rt.Args[2][1] += "0" // as makePods has named it
	watched := &watchedExec{DefaultExec: invoke.DefaultExec{RawExec: &invoke.RawExec{}}}
	_, err := libcni.NewCNIConfigWithCacheDir([]string{dir}, b.TempDir(), watched).AddNetworkList(b.Context(), n.network(ipamOf(subnet, file)), rt)
	require.NoError(b, err)
	return float64(watched.largest) / 1000
}

// watchedExec watches the memory of the plugins that it executes.
type watchedExec struct {
	invoke.DefaultExec
	largest int // kB
}

func (e *watchedExec) ExecPlugin(ctx context.Context, plugin string, stdin []byte, environ []string) ([]byte, error) {
	var stdout bytes.Buffer
	cmd := exec.CommandContext(ctx, plugin)
	cmd.Env, cmd.Stdin, cmd.Stdout = environ, bytes.NewReader(stdin), &stdout
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case err := <-ended:
			return stdout.Bytes(), err
		case <-time.After(200 * time.Microsecond):
			if exe, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", cmd.Process.Pid)); exe == plugin {
				e.largest = max(e.largest, resident(cmd.Process.Pid, "VmHWM:"))
			}
		}
	}
}

// resident is a line of the kernel's word on a process's memory, in kB.
func resident(pid int, line string) (kB int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), line)
	_, _ = fmt.Sscan(after, &kB)
	return kB
}

func ipamOf(subnet, file string) string {
	ipam := fmt.Sprintf(`"range":%q`, subnet)
	if file != "" {
		ipam += fmt.Sprintf(`,"configuration_path":%q`, file)
	}
	return ipam
}

// executeAll attaches and detaches Pods with a plugin as a runtime executes it, so many at a time.
func executeAll(b *testing.B, n *node, plugin *libcni.CNIConfig, file string, pods int, subnet string) {
	prefix := podNames()
	uids := makePods(b, []*node{n}, prefix, pods)
	list := n.network(ipamOf(subnet, file))
	all := func(what string, do func(ctx context.Context, rt *libcni.RuntimeConf) error) {
		each := make([]time.Duration, pods)
		var failed atomic.Int64
		group, ctx := errgroup.WithContext(b.Context())
		group.SetLimit(processes)
		start := time.Now()
		for i := range pods {
			group.Go(func() error {
				began := time.Now()
				pod := fmt.Sprint(prefix, i)
				err := do(ctx, sandbox(pod, uids[i], pod))
				for err != nil && ctx.Err() == nil && failed.Add(1) < int64(pods) { // as a runtime asks again
					err = do(ctx, sandbox(pod, uids[i], pod))
				}
				each[i] = time.Since(began)
				return err
			})
		}
		require.NoError(b, group.Wait())
		b.ReportMetric(float64(pods)/time.Since(start).Seconds(), what+"s/s")
		b.ReportMetric(float64(failed.Load()), what+"s-failed")
		slices.Sort(each)
		b.ReportMetric(ms(each[pods/2]), "ms-"+what+"-p50")
		b.ReportMetric(ms(each[pods*99/100]), "ms-"+what+"-p99")
	}
	all("ADD", func(ctx context.Context, rt *libcni.RuntimeConf) error {
		_, err := plugin.AddNetworkList(ctx, list, rt)
		return err
	})
	largest, perAddress := n.c.objects(b, []string{subnet})
	b.ReportMetric(float64(largest)/1000, "kB-largest-object")
	b.ReportMetric(perAddress, "B/address")
	all("DEL", func(ctx context.Context, rt *libcni.RuntimeConf) error { return plugin.DelNetworkList(ctx, list, rt) })
}

var podSets int

// podNames begins the names of Pods that no other case has.
func podNames() string {
	podSets++
	return fmt.Sprintf("set%d-", podSets)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// attachAll attaches Pods to networks of these ranges, on all nodes at once and so many at a time on each, then detaches them.
func attachAll(b *testing.B, nodes []*node, pods, atATime int, ranges []string, keys string) {
	prefix := podNames()
	uids := makePods(b, nodes, prefix, pods)
	var again atomic.Int64
	all := func(command cni.Command) (each []time.Duration, whole time.Duration) {
		before, conflicts := processorTime(), conflictsOf(b, nodes)
		each = make([]time.Duration, pods)
		group, ctx := errgroup.WithContext(b.Context())
		start := time.Now()
		for i, n := range nodes {
			for worker := range atATime {
				group.Go(func() error {
					for pod := i + worker*len(nodes); pod < pods; pod += len(nodes) * atATime {
						began := time.Now()
						for k, subnet := range ranges {
							for {
								err := n.call(ctx, command, subnet, keys, fmt.Sprint(prefix, pod), uids[pod], fmt.Sprint("net", k))
								var told *types.Error
								if errors.As(err, &told) && told.Code == types.ErrTryAgainLater && ctx.Err() == nil {
									again.Add(1)
									time.Sleep(20 * time.Millisecond) // a runtime does not repeat at once either
									continue
								}
								if err != nil {
									return err
								}
								break
							}
						}
						each[pod] = time.Since(began)
					}
					return nil
				})
			}
		}
		require.NoError(b, group.Wait())
		// DEL may have been noted only, to be done later.
		require.Eventually(b, func() bool { return command == cni.Add || noRecords(nodes) }, 10*time.Minute, 50*time.Millisecond)
		whole = time.Since(start)
		b.ReportMetric((processorTime() - before).Seconds(), "cpu-s-"+string(command))
		b.ReportMetric(conflictsOf(b, nodes)-conflicts, "conflicts-"+string(command))
		slices.Sort(each)
		return each, whole
	}
	each, whole := all(cni.Add)
	b.ReportMetric(whole.Seconds(), "s-ADD")
	b.ReportMetric(float64(pods*len(ranges))/whole.Seconds(), "addresses/s")
	b.ReportMetric(ms(each[pods/2]), "ms-ADD-p50")
	b.ReportMetric(ms(each[pods*99/100]), "ms-ADD-p99")
	largest, perAddress := nodes[0].c.objects(b, ranges)
	b.ReportMetric(float64(largest)/1000, "kB-largest-object")
	b.ReportMetric(perAddress, "B/address")
	each, whole = all(cni.Del)
	b.ReportMetric(whole.Seconds(), "s-DEL")
	b.ReportMetric(ms(each[pods*99/100]), "ms-DEL-p99")
	b.ReportMetric(float64(again.Load()), "retries")
}

// conflictsOf is how often a daemon of these nodes was slower than another one with a write.
func conflictsOf(b *testing.B, nodes []*node) (sum float64) {
	for _, n := range nodes {
		_, after, found := strings.Cut(n.scrape(), "\nantrea_whereabouts_conflicts_total ")
		require.True(b, found)
		text, _, _ := strings.Cut(after, "\n")
		count, err := strconv.ParseFloat(text, 64)
		require.NoError(b, err)
		sum += count
	}
	return sum
}

// processorTime is what the programs of the test have had of the processors: the API server, etcd, the daemons, and itself. Where
// others use the machine too, it tells more than the time that has passed.
func processorTime() (sum time.Duration) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		pid, rest, _ := strings.Cut(string(text), " ")
		_, rest, _ = strings.Cut(rest, ") ") // behind the name, see proc_pid_stat(5)
		fields := strings.Fields(rest)
		if own := strconv.Itoa(os.Getpid()); len(fields) < 13 || pid != own && fields[1] != own {
			continue
		}
		for _, ticks := range fields[11:13] {
			n, _ := strconv.ParseInt(ticks, 10, 64)
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}

// noRecords reports whether the nodes have released all that they had.
func noRecords(nodes []*node) bool {
	return !slices.ContainsFunc(nodes, func(n *node) bool {
		entries, err := os.ReadDir(filepath.Join(n.dir, "journal"))
		return err != nil || len(entries) > 0
	})
}

// call asks the daemon as the plugin does.
func (n *node) call(ctx context.Context, command cni.Command, subnet, keys, pod, uid, ifName string) error {
	id := pod + "-sandbox"
	resp, err := cni.Call(ctx, n.socket(), cni.Request{
		Command: command, ContainerID: id, NetNS: netns(id), IfName: ifName,
		Args:  fmt.Sprintf("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=%s;K8S_POD_UID=%s", pod, uid),
		Stdin: fmt.Appendf(nil, `{"cniVersion":"1.1.0","name":"net","type":"macvlan","ipam":{"type":"whereabouts","range":%q,"network_name":"b-%s"%s}}`, subnet, strings.ReplaceAll(subnet, "/", "-"), keys),
	}, nil)
	switch {
	case err != nil:
		return types.NewError(types.ErrTryAgainLater, err.Error(), "")
	case resp.Error != nil:
		return resp.Error
	}
	return nil
}

// objects are the bytes of the largest IPPool of these ranges as the API server tells it, and of all of them for each address.
func (c *cluster) objects(b *testing.B, ranges []string) (largest int, perAddress float64) {
	b.Helper()
	text, err := c.client.CoreV1().RESTClient().Get().AbsPath("/apis/whereabouts.cni.cncf.io/v1alpha1/namespaces", namespace, "ippools").DoRaw(b.Context())
	require.NoError(b, err)
	var list struct{ Items []json.RawMessage }
	require.NoError(b, json.Unmarshal(text, &list))
	sum, addresses := 0, 0
	for _, item := range list.Items {
		var pool struct {
			Spec struct {
				Range       string
				Allocations map[string]any
			}
		}
		require.NoError(b, json.Unmarshal(item, &pool))
		part := netip.MustParsePrefix(pool.Spec.Range)
		if slices.ContainsFunc(ranges, func(r string) bool { return netip.MustParsePrefix(r).Overlaps(part) }) {
			largest, sum, addresses = max(largest, len(item)), sum+len(item), addresses+len(pool.Spec.Allocations)
		}
	}
	return largest, float64(sum) / float64(addresses)
}

// fill gives all addresses of a range to one node, then the last one again and again.
func fill(b *testing.B, c *cluster, subnet netip.Prefix) {
	const filler = "filler" // a Node without a daemon, which would miss its records of the attachments
	c.mustNode(filler)
	s := store.New(c.pools, namespace)
	key := store.PoolKey{Name: "filled", Subnet: subnet}
	hosts := ipam.Span{First: subnet.Addr().Next(), Last: ipam.SpanOf(subnet).Last.Prev()}
	place := store.Place{Pools: []store.PoolKey{key}}
	owner := func(i int) store.Owner {
		return store.Owner{ContainerID: fmt.Sprintf("%064d", i), IfName: "net1", PodRef: fmt.Sprint("default/pod", i), PodUID: fmt.Sprintf("%036d", i), Node: filler}
	}
	claim := func(ctx context.Context, i int) error {
		_, err := s.Claim(ctx, owner(i), place, []store.Claim{{Pool: key, Span: hosts, Excluded: new(ipam.Set)}}, nil)
		return err
	}
	last := 1<<(32-subnet.Bits()) - 2
	start := time.Now()
	group, ctx := errgroup.WithContext(b.Context())
	group.SetLimit(1000)
	for i := range last {
		group.Go(func() error { return claim(ctx, i) })
	}
	require.NoError(b, group.Wait())
	b.ReportMetric(time.Since(start).Seconds(), "s-to-fill")
	b.ReportMetric(float64(last)/time.Since(start).Seconds(), "addresses/s")
	var exhausted *store.ExhaustedError
	if err := claim(b.Context(), last); !errors.As(err, &exhausted) {
		b.Fatalf("one more than there are: %v", err)
	}
	var each []time.Duration
	for range 50 {
		require.NoError(b, s.Release(b.Context(), owner(last-1), place, nil))
		start := time.Now()
		require.NoError(b, claim(b.Context(), last-1))
		each = append(each, time.Since(start))
	}
	slices.Sort(each)
	b.ReportMetric(float64(each[len(each)/2].Microseconds())/1000, "ms-last-address-p50")
	largest, perAddress := c.objects(b, []string{subnet.String()})
	b.ReportMetric(float64(largest)/1000, "kB-largest-object")
	b.ReportMetric(perAddress, "B/address")
}
