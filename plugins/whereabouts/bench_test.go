package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
)

// atATime is how many Pods a node starts at the same time.
const atATime = 10

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
	for _, pods := range []int{1200, 3000} {
		for _, count := range []int{1, 10, 30} {
			b.Run(fmt.Sprintf("pods=%d/nodes=%d", pods, count), func(b *testing.B) {
				for b.Loop() {
					attachAll(b, nodes[:count], pods, networks(1))
				}
			})
		}
	}
	b.Run("pods=128/attachments=16/nodes=10", func(b *testing.B) {
		for b.Loop() {
			attachAll(b, nodes[:10], 128, networks(16))
		}
	})
	b.Run("full", func(b *testing.B) {
		for b.Loop() {
			fill(b, c, netip.MustParsePrefix("10.200.0.0/16"))
		}
	})
}

// attachAll attaches Pods to networks of these ranges, on all nodes at once, then detaches them.
func attachAll(b *testing.B, nodes []*node, pods int, ranges []string) {
	all := func(command cni.Command) (each []time.Duration, whole time.Duration) {
		each = make([]time.Duration, pods)
		group, ctx := errgroup.WithContext(b.Context())
		start := time.Now()
		for i, n := range nodes {
			for worker := range atATime {
				group.Go(func() error {
					for pod := i + worker*len(nodes); pod < pods; pod += len(nodes) * atATime {
						began := time.Now()
						for k, subnet := range ranges {
							if err := n.call(ctx, command, subnet, fmt.Sprint("pod", pod), fmt.Sprint("net", k)); err != nil {
								return err
							}
						}
						each[pod] = time.Since(began)
					}
					return nil
				})
			}
		}
		require.NoError(b, group.Wait())
		whole = time.Since(start)
		slices.Sort(each)
		return each, whole
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
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
	require.Empty(b, nodes[0].c.held("10."))
}

// call asks the daemon as the plugin does.
func (n *node) call(ctx context.Context, command cni.Command, subnet, pod, ifName string) error {
	id := pod + "-sandbox"
	resp, err := cni.Call(ctx, n.socket(), cni.Request{
		Command: command, ContainerID: id, NetNS: netns(id), IfName: ifName,
		Args:  fmt.Sprintf("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=%s;K8S_POD_UID=uid-of-%s", pod, pod),
		Stdin: fmt.Appendf(nil, `{"cniVersion":"1.1.0","name":"net","type":"macvlan","ipam":{"type":"whereabouts","range":%q}}`, subnet),
	}, nil)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	return err
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
	s := store.New(c.pools, namespace)
	key := store.PoolKey{Name: "filled", Subnet: subnet}
	hosts := ipam.Span{First: subnet.Addr().Next(), Last: ipam.SpanOf(subnet).Last.Prev()}
	place := store.Place{Pools: []store.PoolKey{key}}
	owner := func(i int) store.Owner {
		return store.Owner{ContainerID: fmt.Sprintf("%064d", i), IfName: "net1", PodRef: fmt.Sprint("default/pod", i), PodUID: fmt.Sprintf("%036d", i), Node: "n0"}
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
