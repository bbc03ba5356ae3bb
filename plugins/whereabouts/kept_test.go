package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
)

// run makes the network namespaces of sandboxes, as a runtime does.
func (p *play) run(ids ...string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(filepath.Dir(netns("")), 0o755))
	for _, id := range ids {
		require.NoError(p.t, os.WriteFile(netns(id), nil, 0o600))
		p.t.Cleanup(func() { os.Remove(netns(id)) })
	}
}

// looked waits until the node has looked at all of its records: twice it frees what only that can free, so the first time is over.
func (p *play) looked(n *node, ipam, names string) {
	p.t.Helper()
	for range 2 {
		p.canaries++
		name := fmt.Sprint("canary", p.canaries)
		got, err := n.add(n.network(ipam), p.sandbox(n, name, name))
		require.NoError(p.t, err)
		require.Len(p.t, got, 1)
		p.deletePod(name)
		require.Eventually(p.t, func() bool {
			held, err := p.tryHeld(names)
			return err == nil && !slices.ContainsFunc(held, func(line string) bool { return strings.Contains(line, " default/"+name+" ") })
		}, time.Minute, 50*time.Millisecond)
	}
}

// sandboxesThatRun keep their addresses, whatever the API says of their Pods: a static Pod whose mirror is not there or has another UID, a
// Pod that came again under the name while the old sandbox still runs, and one that nobody knows by that name. What has ended is freed.
func sandboxesThatRun(p *play) {
	const ipam = `"range":"10.43.0.0/24"`
	p.run("static-early", "static", "again-old", "unknown")
	p.uids["static-early"], p.uids["static"], p.uids["unknown"] = "hash-1", "hash-2", "a-uid"
	p.add(p.a, ipam, "static-early", "static-early", "10.43.0.1/24")
	mirror := metav1.ObjectMeta{Annotations: map[string]string{"kubernetes.io/config.hash": "hash-2", "kubernetes.io/config.mirror": "hash-2"}}
	p.podOf(p.a, "static", mirror)
	p.uids["static"] = "hash-2" // as kubelet tells the runtime
	p.add(p.a, ipam, "static", "static", "10.43.0.2/24")
	p.podOf(p.a, "again", metav1.ObjectMeta{})
	p.add(p.a, ipam, "again", "again-old", "10.43.0.3/24")
	p.deletePod("again")
	p.podOf(p.a, "again", metav1.ObjectMeta{})
	p.add(p.a, ipam, "again", "again-new", "10.43.0.4/24")
	p.add(p.a, ipam, "unknown", "unknown", "10.43.0.5/24")
	all := []string{
		"10.43.0.1 default/static-early static-early net1", "10.43.0.2 default/static static net1", "10.43.0.3 default/again again-old net1",
		"10.43.0.4 default/again again-new net1", "10.43.0.5 default/unknown unknown net1",
	}
	p.looked(p.a, ipam, "10.43.")
	require.Equal(p.t, all, p.held("10.43."))
	p.a.kill() // whoever looks after a restart knows no more
	p.a.start()
	p.looked(p.a, ipam, "10.43.")
	require.Equal(p.t, all, p.held("10.43."))
	require.Equal(p.t, all, p.reserved("10.43."))

	// The namespace of the Pod that is there is not needed; those whose Pod is not there are freed with their sandbox.
	for _, id := range []string{"static-early", "static", "again-old", "unknown"} {
		require.NoError(p.t, os.Remove(netns(id)))
	}
	p.looked(p.a, ipam, "10.43.")
	p.eventually("10.43.", all[1], all[3])
	p.deletePod("static")
	p.deletePod("again")
	p.eventually("10.43.")
}

// partitioned: a Node that cannot be reached keeps the addresses of Pods that were deleted by force, as long as nobody says that it is off.
func partitioned(p *play) {
	const ipam = `"range":"10.44.0.0/24"`
	p.run("far")
	p.add(p.b, ipam, "far", "far", "10.44.0.1/24")
	require.NoError(p.t, p.b.proc.Process.Signal(syscall.SIGSTOP))
	p.deletePod("far")
	p.mustNode("off") // whose address the others do free
	p.write("10.45.0.0-24", "10.45.0.0/24", map[string]v1alpha1.IPAllocation{"1": {ContainerID: "x", PodRef: "default/x", IfName: "net1", PodUID: "u", Node: "off"}})
	require.NoError(p.t, p.client.CoreV1().Nodes().Delete(context.Background(), "off", metav1.DeleteOptions{}))
	p.eventually("10.45.")
	p.podOf(p.a, "far", metav1.ObjectMeta{}) // on another Node, under the same name
	p.add(p.a, ipam, "far", "far-again", "10.44.0.2/24")
	want := []string{"10.44.0.1 default/far far net1", "10.44.0.2 default/far far-again net1"}
	require.Equal(p.t, want, p.held("10.44."))

	require.NoError(p.t, p.b.proc.Process.Signal(syscall.SIGCONT))
	p.looked(p.b, ipam, "10.44.")
	require.Equal(p.t, want, p.held("10.44."), "its sandbox runs")
	require.NoError(p.t, os.Remove(netns("far")))
	p.looked(p.b, ipam, "10.44.")
	p.eventually("10.44.", want[1])
	require.Equal(p.t, want[1:], p.reserved("10.44."))
	p.del(p.a, ipam, "far", "far-again")
}

// deletedByOthers: an address in use that somebody deletes from its pool is put back, by the Node that it is on; if somebody else has it by
// then, that Pod's Node leaves it and tells.
func deletedByOthers(p *play) {
	const ipam = `"range":"10.46.0.0/24"`
	p.run("lost1", "lost2", "lost2-again")
	p.add(p.a, ipam, "lost1", "lost1", "10.46.0.1/24")
	p.add(p.b, ipam, "lost2", "lost2", "10.46.0.2/24")
	all := p.held("10.46.")
	pool := p.ippool("10.46.0.0-24")
	require.NoError(p.t, p.pools.Delete(context.Background(), pool))
	require.NoError(p.t, p.pools.DeleteAllOf(context.Background(), &v1alpha1.OverlappingRangeIPReservation{}, client.InNamespace(namespace),
		client.MatchingFields{"metadata.name": "10.46.0.1"}))
	p.eventually("10.46.", all...)
	require.Equal(p.t, all, p.reserved("10.46."))

	pool = p.ippool("10.46.0.0-24")
	pool.Spec.Allocations["1"] = v1alpha1.IPAllocation{ContainerID: "thief", PodRef: "default/lost2", IfName: "net2", PodUID: p.uids["lost2"], Node: "b"}
	require.NoError(p.t, p.pools.Update(context.Background(), pool))
	p.waitEvent("lost1", "IPAddressInUse", "10.46.0.1 was deleted from pool 10.46.0.0-24 by somebody else: address is in use: 10.46.0.1 of range 10.46.0.0/24 is held by default/lost2")
	require.Contains(p.t, p.a.scrape(), `antrea_whereabouts_deleted_by_others_total{result="put back"} 1`)
	require.Contains(p.t, p.held("10.46."), "10.46.0.1 default/lost2 thief net2")

	// A Pod that is attached anew has not lost what its former sandbox had.
	p.add(p.b, ipam, "lost2", "lost2-again", "10.46.0.2/24")
	p.looked(p.b, ipam, "10.46.")
	require.Contains(p.t, p.held("10.46."), "10.46.0.2 default/lost2 lost2-again net1")
	p.del(p.a, ipam, "lost1", "lost1")
	p.del(p.b, ipam, "lost2", "lost2")
	p.del(p.b, ipam, "lost2", "lost2-again")
	require.Equal(p.t, []string{"10.46.0.1 default/lost2 thief net2"}, p.held("10.46."))
}

// conditions of a pool tell of a Pod that got no address until one is released, and of allocations that nobody can read.
func conditions(p *play) {
	const ipam = `"range":"10.42.0.0/30"`
	condition := func(kind string) metav1.Condition {
		c := meta.FindStatusCondition(p.ippool("10.42.0.0-30").Status.Conditions, kind)
		if c == nil {
			return metav1.Condition{}
		}
		return *c
	}
	p.add(p.a, ipam, "full1", "full1", "10.42.0.1/30")
	p.add(p.b, ipam, "full2", "full2", "10.42.0.2/30")
	require.Empty(p.t, p.ippool("10.42.0.0-30").Status.Conditions)
	for _, n := range []*node{p.a, p.b, p.a} {
		_, err := n.add(n.network(ipam), p.sandbox(n, "full3", "full3-"+n.name))
		require.ErrorContains(p.t, err, "Could not allocate IP in range")
	}
	c := condition("Exhausted")
	require.Equal(p.t, metav1.ConditionTrue, c.Status)
	require.Equal(p.t, "no address from 10.42.0.1 to 10.42.0.2 is free", c.Message)
	p.del(p.b, ipam, "full2", "full2")
	require.Equal(p.t, metav1.ConditionFalse, condition("Exhausted").Status)
	require.Equal(p.t, "AddressReleased", condition("Exhausted").Reason)
	p.add(p.b, ipam, "full3", "full3", "10.42.0.2/30")

	pool := p.ippool("10.42.0.0-30")
	pool.Spec.Allocations["9"] = v1alpha1.IPAllocation{ContainerID: "y", PodRef: "default/y", IfName: "net1"}
	require.NoError(p.t, p.pools.Update(context.Background(), pool))
	is := func(want metav1.ConditionStatus) func() bool {
		return func() bool { return condition("Degraded").Status == want }
	}
	require.Eventually(p.t, is(metav1.ConditionTrue), time.Minute, 50*time.Millisecond)
	require.Equal(p.t, "1 allocations are at no address of 10.42.0.0/30: nobody frees them", condition("Degraded").Message)
	pool = p.ippool("10.42.0.0-30")
	delete(pool.Spec.Allocations, "9")
	require.NoError(p.t, p.pools.Update(context.Background(), pool))
	require.Eventually(p.t, is(metav1.ConditionFalse), time.Minute, 50*time.Millisecond)
	require.Equal(p.t, metav1.ConditionFalse, condition("Exhausted").Status)
	p.del(p.a, ipam, "full1", "full1")
	p.del(p.b, ipam, "full3", "full3")
}
