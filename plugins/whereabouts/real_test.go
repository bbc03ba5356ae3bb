package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ktypes "k8s.io/apimachinery/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
)

// TestRealPlugin is what users of the plugin see, with two nodes and a real API server. Each part has ranges of its own.
func TestRealPlugin(t *testing.T) {
	p := &play{cluster: newCluster(t), uids: map[string]string{}}
	p.a, p.b = p.node("a"), p.node("b")
	for _, part := range []struct {
		name string
		run  func(*play)
	}{
		{"LowestFirst", lowestFirst}, {"OverlappingRanges", overlappingRanges}, {"AllRangesOrNone", allRangesOrNone}, {"WideIPv6", wideIPv6},
		{"RequestedAddress", requestedAddress}, {"PodGone", podGone}, {"TakenOverFromWhereabouts", takenOver}, {"NodeGone", nodeGone},
		{"ManyAddresses", manyAddresses}, {"StatefulSet", statefulSet}, {"IPAMClaim", ipamClaim}, {"Blocks", blocks}, {"KilledMeanwhile", killedMeanwhile},
		{"SandboxesThatRun", sandboxesThatRun}, {"Partitioned", partitioned}, {"Conditions", conditions}, {"DeletedByOthers", deletedByOthers},
	} {
		if !t.Run(part.name, func(t *testing.T) {
			whole := p.t
			p.t = t
			defer func() { p.t = whole }()
			part.run(p)
		}) {
			break // nodes write their logs when the test ends
		}
	}
}

// play is a cluster with two nodes whose Pods are made as they are named.
type play struct {
	*cluster
	a, b     *node
	uids     map[string]string
	canaries int
}

func (p *play) sandbox(n *node, pod, id string) *libcni.RuntimeConf {
	if p.uids[pod] == "" {
		p.uids[pod] = p.pod(n.name, pod)
	}
	return sandbox(pod, p.uids[pod], id)
}

func (p *play) add(n *node, ipam, pod, id string, want ...string) {
	p.t.Helper()
	got, err := n.add(n.network(ipam), p.sandbox(n, pod, id))
	require.NoError(p.t, err)
	require.Equal(p.t, want, got)
}

func (p *play) del(n *node, ipam, pod, id string) {
	p.t.Helper()
	require.NoError(p.t, n.libcni.DelNetworkList(context.Background(), n.network(ipam), p.sandbox(n, pod, id)))
}

// eventually waits until the pools and the reservations with such names are these.
func (p *play) eventually(names string, want ...string) {
	p.t.Helper()
	require.EventuallyWithT(p.t, func(t *assert.CollectT) {
		held, err := p.tryHeld(names)
		require.NoError(t, err)
		require.Equal(t, want, held)
	}, time.Minute, 50*time.Millisecond)
}

// lowestFirst: Pods of two nodes get the lowest addresses of the range, and what is released is given again.
func lowestFirst(p *play) {
	const ipam = `"range":"192.168.20.0/24","range_start":"192.168.20.10","range_end":"192.168.20.100","gateway":"192.168.20.1"`
	t, a, b := p.t, p.a, p.b
	p.add(a, ipam, "pod0", "s0", "192.168.20.10/24")
	p.add(a, ipam, "pod1", "s1", "192.168.20.11/24")
	p.add(b, ipam, "pod2", "s2", "192.168.20.12/24")
	want := []string{"192.168.20.10 default/pod0 s0 net1", "192.168.20.11 default/pod1 s1 net1", "192.168.20.12 default/pod2 s2 net1"}
	require.Equal(t, want, p.held("192.168.20."))
	require.Equal(t, want, p.reserved("192.168.20."))

	require.NoError(t, a.libcni.CheckNetworkList(t.Context(), a.network(ipam), p.sandbox(a, "pod1", "s1")))
	p.del(a, ipam, "pod1", "s1")
	p.del(a, ipam, "pod1", "s1") // a runtime may repeat it
	p.add(b, ipam, "pod3", "s3", "192.168.20.11/24")

	// A new sandbox of the same Pod keeps the address, and the end of the old one does not take it away.
	p.add(b, ipam, "pod2", "s2-again", "192.168.20.12/24")
	p.del(b, ipam, "pod2", "s2")
	want = []string{"192.168.20.10 default/pod0 s0 net1", "192.168.20.11 default/pod3 s3 net1", "192.168.20.12 default/pod2 s2-again net1"}
	require.Equal(t, want, p.held("192.168.20."))
	require.Equal(t, want, p.reserved("192.168.20."))

	// The runtime knows one attachment of node b only. libcni itself deletes what it has in its cache, so GC gets another one.
	gc := libcni.NewCNIConfigWithCacheDir([]string{p.bin}, t.TempDir(), nil)
	require.NoError(t, gc.GCNetworkList(t.Context(), b.network(ipam), &libcni.GCArgs{ValidAttachments: []types.GCAttachment{{ContainerID: "s3", IfName: "net1"}}}))
	require.Equal(t, want[:2], p.held("192.168.20."))
	require.Equal(t, want[:2], p.reserved("192.168.20."))
	require.ErrorContains(t, b.libcni.CheckNetworkList(t.Context(), b.network(ipam), p.sandbox(b, "pod2", "s2-again")),
		"sandbox s2-again, interface net1: has no address of range 192.168.20.0/24")
}

func overlappingRanges(p *play) {
	const wide, narrow = `"range":"10.31.0.0/16"`, `"range":"10.31.0.0/24"`
	p.add(p.a, wide, "o1", "o1", "10.31.0.1/16")
	p.add(p.b, narrow, "o2", "o2", "10.31.0.2/24")
	p.add(p.a, wide, "o3", "o3", "10.31.0.3/16")
	p.add(p.a, narrow+`,"network_name":"other"`, "o4", "o4", "10.31.0.1/24")
	p.add(p.a, narrow+`,"enable_overlapping_ranges":false`, "o5", "o5", "10.31.0.1/24")
}

// allRangesOrNone: what a Pod gets of the first range is free again when the second has nothing left.
func allRangesOrNone(p *play) {
	const ipam = `"ipRanges":[{"range":"10.32.0.0/24"},{"range":"fd00:32::/126"}]`
	p.add(p.a, ipam, "r1", "r1", "10.32.0.1/24", "fd00:32::1/126")
	p.add(p.b, ipam, "r2", "r2", "10.32.0.2/24", "fd00:32::2/126")
	_, err := p.a.add(p.a.network(ipam), p.sandbox(p.a, "r3", "r3"))
	require.ErrorContains(p.t, err, "Could not allocate IP in range: ip: fd00:32::1 / - fd00:32::2 / range: fd00:32::/126 / excludeRanges: []")
	p.eventually("10.32.", "10.32.0.1 default/r1 r1 net1", "10.32.0.2 default/r2 r2 net1")
	p.waitEvent("r3", "IPPoolExhausted", "Could not allocate IP in range: ip: fd00:32::1 / - fd00:32::2 /")
	text := p.a.scrape()
	require.Contains(p.t, text, `antrea_whereabouts_used_addresses{pool="fd00-32---126"} 2`)
	require.Contains(p.t, text, `antrea_whereabouts_pool_addresses{pool="fd00-32---126"} 2`)
	require.Contains(p.t, text, `antrea_whereabouts_exhausted_total{pool="fd00-32---126"} 1`)
	require.Contains(p.t, text, `antrea_whereabouts_allocations_total{pool="10.32.0.0-24"} 1`)
	require.Contains(p.t, text, `antrea_whereabouts_request_duration_seconds_count{code="101",command="ADD"} 1`)
	p.del(p.a, ipam, "r1", "r1")
	p.add(p.a, ipam, "r3", "r3-again", "10.32.0.1/24", "fd00:32::1/126")
}

// wideIPv6: offsets do not fit in 64 bits.
func wideIPv6(p *play) {
	const ipam = `"range":"fd00:33::/32","range_start":"fd00:33:0:1::1","enable_overlapping_ranges":false`
	p.add(p.a, ipam, "w1", "w1", "fd00:33:0:1::1/32")
	p.add(p.b, ipam, "w2", "w2", "fd00:33:0:1::2/32")
	pool := p.ippool("fd00-33---32")
	require.Contains(p.t, pool.Spec.Allocations, "18446744073709551617")
	require.Contains(p.t, pool.Spec.Allocations, "18446744073709551618")
}

func requestedAddress(p *play) {
	const ipam = `"range":"10.34.0.0/24","range_start":"10.34.0.100"`
	ask := func(n *node, pod string) ([]string, error) {
		rt := p.sandbox(n, pod, pod)
		rt.CapabilityArgs = map[string]any{"ips": []string{"10.34.0.50/24"}}
		return n.add(n.network(ipam), rt)
	}
	got, err := ask(p.a, "q1")
	require.NoError(p.t, err)
	require.Equal(p.t, []string{"10.34.0.50/24"}, got)
	_, err = ask(p.b, "q2")
	require.ErrorContains(p.t, err, "10.34.0.50 of range 10.34.0.0/24 is held by default/q1, sandbox q1, interface net1")
	p.add(p.b, ipam, "q2", "q2-again", "10.34.0.100/24")
	require.Equal(p.t, []string{"10.34.0.100 default/q2 q2-again net1", "10.34.0.50 default/q1 q1 net1"}, p.held("10.34."))
}

// podGone: the runtime never says DEL. The address stays as long as the sandbox's network namespace is there.
func podGone(p *play) {
	const ipam = `"range":"10.37.0.0/24"`
	require.NoError(p.t, os.MkdirAll(filepath.Dir(netns("running")), 0o755))
	require.NoError(p.t, os.WriteFile(netns("running"), nil, 0o600))
	p.t.Cleanup(func() { os.Remove(netns("running")) })
	p.add(p.a, ipam, "g1", "running", "10.37.0.1/24")
	p.add(p.a, ipam, "g2", "ended", "10.37.0.2/24")
	for _, pod := range []string{"g1", "g2"} {
		require.NoError(p.t, p.client.CoreV1().Pods("default").Delete(context.Background(), pod, *metav1.NewDeleteOptions(0)))
	}
	p.eventually("10.37.", "10.37.0.1 default/g1 running net1")
	require.NoError(p.t, os.Remove(netns("running")))
	require.NoError(p.t, p.client.CoreV1().Pods("default").Delete(context.Background(), "pod0", *metav1.NewDeleteOptions(0))) // wakes it
	p.eventually("10.37.")
}

func (p *play) ippool(name string) *v1alpha1.IPPool {
	p.t.Helper()
	var pool v1alpha1.IPPool
	require.NoError(p.t, p.pools.Get(context.Background(), ktypes.NamespacedName{Namespace: namespace, Name: name}, &pool))
	return &pool
}

// write makes a pool, and reservations of its addresses, as somebody else would.
func (p *play) write(name, cidr string, allocations map[string]v1alpha1.IPAllocation, reservations ...string) {
	p.t.Helper()
	pool := &v1alpha1.IPPool{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: v1alpha1.IPPoolSpec{Range: cidr, Allocations: allocations}}
	pool.Status.Allocated = int64(len(allocations))
	require.NoError(p.t, p.pools.Create(context.Background(), pool))
	for offset, h := range allocations {
		for _, addr := range reservations {
			if filepath.Ext(addr) == "."+offset {
				require.NoError(p.t, p.pools.Create(context.Background(), &v1alpha1.OverlappingRangeIPReservation{
					ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: addr},
					Spec:       v1alpha1.OverlappingRangeIPReservationSpec{PodRef: h.PodRef, ContainerID: h.ContainerID, IfName: h.IfName},
				}))
			}
		}
	}
}

// takenOver: a Pod that Whereabouts attached keeps its address and is deleted in the usual way; one that is no more loses it.
func takenOver(p *play) {
	const ipam = `"range":"10.35.0.0/24"`
	p.uids["legacy"] = p.pod("a", "legacy")
	status := fmt.Sprintf(`{"metadata":{"annotations":{"k8s.v1.cni.cncf.io/network-status":%q}}}`, `[{"name":"default/m","interface":"net1","ips":["10.35.0.1"],"dns":{}}]`)
	_, err := p.client.CoreV1().Pods("default").Patch(context.Background(), "legacy", ktypes.MergePatchType, []byte(status), metav1.PatchOptions{})
	require.NoError(p.t, err)
	p.write("10.35.0.0-24", "10.35.0.0/24", map[string]v1alpha1.IPAllocation{
		"1": {ContainerID: "old", PodRef: "default/legacy", IfName: "net1"},
		"2": {ContainerID: "gone", PodRef: "default/nobody", IfName: "net1"},
	}, "10.35.0.1", "10.35.0.2")
	p.eventually("10.35.", "10.35.0.1 default/legacy old net1")
	require.Eventually(p.t, func() bool {
		h := p.ippool("10.35.0.0-24").Spec.Allocations["1"]
		return h.PodUID == p.uids["legacy"] && h.Node == "a"
	}, time.Minute, 50*time.Millisecond, "the Pod's UID is added")
	require.Eventually(p.t, func() bool { return len(p.reserved("10.35.")) == 1 }, time.Minute, 50*time.Millisecond, "a reservation is freed too")
	p.add(p.b, ipam, "new", "new", "10.35.0.2/24")
	p.del(p.a, ipam, "legacy", "old")
	want := []string{"10.35.0.2 default/new new net1"}
	require.Equal(p.t, want, p.held("10.35."))
	require.Equal(p.t, want, p.reserved("10.35."))
}

// nodeGone: an address of a Node that does not answer is kept, until the Node is deleted.
func nodeGone(p *play) {
	p.mustNode("c")
	p.write("10.38.0.0-24", "10.38.0.0/24", map[string]v1alpha1.IPAllocation{"1": {ContainerID: "x", PodRef: "default/x", IfName: "net1", PodUID: "u", Node: "c"}})
	p.add(p.a, `"range":"10.38.0.0/24"`, "n1", "n1", "10.38.0.2/24")
	require.NoError(p.t, p.client.CoreV1().Nodes().Delete(context.Background(), "c", metav1.DeleteOptions{}))
	p.eventually("10.38.", "10.38.0.2 default/n1 n1 net1")
}

// manyAddresses: a pool that is as large as an object should be goes on in another one, still lowest first.
func manyAddresses(p *play) {
	const ipam = `"range":"10.36.0.0/16","enable_overlapping_ranges":false`
	p.mustNode("d")
	p.uids["many"] = p.pod("d", "many")
	allocations := map[string]v1alpha1.IPAllocation{}
	held := func(i int) v1alpha1.IPAllocation {
		return v1alpha1.IPAllocation{ContainerID: fmt.Sprint("held-", i), PodRef: "default/many", IfName: "net1", PodUID: p.uids["many"], Node: "d"}
	}
	for i := 1; i <= 64; i++ {
		allocations[fmt.Sprint(i)] = held(i)
	}
	p.write("10.36.0.0-16", "10.36.0.0/16", allocations)
	p.add(p.a, ipam, "m1", "m1", "10.36.0.65/16")
	p.add(p.b, ipam, "m2", "m2", "10.36.0.66/16")
	part := p.ippool("10.36.0.0-16-s1")
	require.Equal(p.t, "10.36.0.64/26", part.Spec.Range)
	require.Equal(p.t, "m1", part.Spec.Allocations["1"].ContainerID)
	p.del(p.a, ipam, "m1", "m1")
	p.add(p.b, ipam, "m3", "m3", "10.36.0.65/16")
	require.Len(p.t, p.ippool("10.36.0.0-16").Spec.Allocations, 64)

	// Parts that others have filled are passed over, until an address is released.
	part = p.ippool("10.36.0.0-16-s1")
	for i := 3; i < 64; i++ {
		part.Spec.Allocations[fmt.Sprint(i)] = held(i)
	}
	require.NoError(p.t, p.pools.Update(context.Background(), part))
	part = &v1alpha1.IPPool{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "10.36.0.0-16-s2", Labels: map[string]string{"whereabouts.antrea.io/pool": part.Labels["whereabouts.antrea.io/pool"]}},
		Spec:       v1alpha1.IPPoolSpec{Range: "10.36.0.128/26", Allocations: map[string]v1alpha1.IPAllocation{}},
	}
	for i := range 64 {
		part.Spec.Allocations[fmt.Sprint(i)] = held(i)
	}
	require.NoError(p.t, p.pools.Create(context.Background(), part))
	full := func() bool { return p.ippool(part.Name).Labels["whereabouts.antrea.io/full"] == "true" }
	require.Eventually(p.t, full, time.Minute, 50*time.Millisecond, "the audit finds that the part is full")
	p.add(p.a, ipam, "m4", "m4", "10.36.0.192/16")
	part = p.ippool(part.Name)
	delete(part.Spec.Allocations, "5")
	require.NoError(p.t, p.pools.Update(context.Background(), part))
	require.Eventually(p.t, func() bool { return !full() }, time.Minute, 50*time.Millisecond)
	p.add(p.a, ipam, "m5", "m5", "10.36.0.133/16")
	require.True(p.t, full(), "with the write that takes the last address")
	p.del(p.a, ipam, "m5", "m5")
	require.False(p.t, full())
	p.add(p.b, ipam, "m6", "m6", "10.36.0.133/16")
}

// killedMeanwhile: the plugin of an ADD is killed while the daemon waits for the API server, and the DEL that follows releases what the
// ADD gets after all.
func killedMeanwhile(p *play) {
	list := p.a.network(`"range":"10.39.0.0/24"`)
	rt := p.sandbox(p.a, "killed", "killed")
	p.a.kill() // so that it does not know the Pod
	require.NoError(p.t, p.Freeze(true))
	defer func() { require.NoError(p.t, p.Freeze(false)) }()
	p.a.start()
	require.Eventually(p.t, func() bool {
		conn, err := net.Dial("unix", p.a.socket())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	ctx, kill := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer kill()
	_, err := p.a.libcni.AddNetworkList(ctx, list, rt)
	require.Error(p.t, err)
	deleted := make(chan error, 1)
	go func() { deleted <- p.a.libcni.DelNetworkList(context.Background(), list, rt) }()
	time.Sleep(200 * time.Millisecond)
	require.NoError(p.t, p.Freeze(false))
	require.NoError(p.t, <-deleted)
	require.Never(p.t, func() bool {
		held, err := p.tryHeld("10.39.")
		return err == nil && len(held) > 0
	}, time.Second, 50*time.Millisecond, "what the ADD got")
}
