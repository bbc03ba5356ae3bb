package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
)

// slices are the parts that Nodes have, as "part=node", of the NodeSlicePool.
func (c *cluster) slices(name string) []string {
	var pool v1alpha1.NodeSlicePool
	if err := c.pools.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: name}, &pool); err != nil {
		return []string{err.Error()}
	}
	var all []string
	for _, a := range pool.Status.Allocations {
		if a.NodeName != "" {
			all = append(all, a.SliceRange+"="+a.NodeName)
		}
	}
	return all
}

// exhausted is the condition of a NodeSlicePool, if it has it.
func (c *cluster) exhausted(name string) *metav1.Condition {
	c.t.Helper()
	var pool v1alpha1.NodeSlicePool
	require.NoError(c.t, c.pools.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: name}, &pool))
	return meta.FindStatusCondition(pool.Status.Conditions, v1alpha1.PoolExhausted)
}

// blocks: a Node takes addresses from its own parts of the range, then from a part that nobody has, then from others' parts, and gives
// back what is empty.
func blocks(p *play) {
	const ipam = `"range":"10.41.0.0/28","ipRanges":[{"range":"fd00:41::/64"}],"node_slice_size":"/30","network_name":"cut"`
	attached := map[string]*node{}
	add := func(n *node, i int) string {
		pod := fmt.Sprint("cut", i)
		got, err := n.add(n.network(ipam), p.sandbox(n, pod, pod))
		require.NoError(p.t, err)
		attached[pod] = n
		return strings.Join(got, " ")
	}
	require.Equal(p.t, "10.41.0.1/28 fd00:41::1/64", add(p.a, 1))
	require.Equal(p.t, "10.41.0.4/28 fd00:41::4/64", add(p.b, 2))
	require.Equal(p.t, "10.41.0.2/28 fd00:41::2/64", add(p.a, 3))
	require.Equal(p.t, "10.41.0.3/28 fd00:41::3/64", add(p.a, 4))
	require.Equal(p.t, "10.41.0.8/28 fd00:41::8/64", add(p.a, 5))
	require.Equal(p.t, []string{"10.41.0.0/30=a", "10.41.0.4/30=b", "10.41.0.8/30=a"}, p.slices("cut"))
	require.Equal(p.t, []string{"fd00:41::/126=a", "fd00:41::4/126=b", "fd00:41::8/126=a"}, p.slices("cut-fd00-41---64"))
	require.Equal(p.t, "10.41.0.4/30", p.ippool("cut-b-10.41.0.4-30").Spec.Range)
	require.Equal(p.t, "cut2", p.ippool("cut-b-10.41.0.4-30").Spec.Allocations["0"].ContainerID)

	// All that is left of the range, from Node b: .12 to .14 in a part of its own, then what Node a has left over.
	all := []string{"10.41.0.1", "10.41.0.2", "10.41.0.3", "10.41.0.4", "10.41.0.8"}
	for i := 6; i <= 14; i++ {
		addr, _, _ := strings.Cut(add(p.b, i), "/")
		require.NotContains(p.t, all, addr)
		all = append(all, addr)
	}
	require.Contains(p.t, p.slices("cut"), "10.41.0.12/30=b")
	require.Contains(p.t, all[len(all)-3:], "10.41.0.9", "an address of the other Node's part comes last")
	require.Nil(p.t, p.exhausted("cut"))
	for _, n := range []*node{p.a, p.b} {
		_, err := n.add(n.network(ipam), p.sandbox(n, "cut-more", "cut-more-"+n.name))
		require.ErrorContains(p.t, err, "Could not allocate IP in range: ip: 10.41.0.1 / - 10.41.0.14 / range: 10.41.0.0/28 / excludeRanges: []")
	}
	require.Eventually(p.t, func() bool { return len(p.held("cut-")) == 28 }, time.Minute, 50*time.Millisecond, "what the last had got of the other family is free again")

	require.Equal(p.t, metav1.ConditionTrue, p.exhausted("cut").Status)
	require.Equal(p.t, "no address from 10.41.0.1 to 10.41.0.14 is free", p.exhausted("cut").Message)

	// An address is released, and the next Pod, of another Node than its block's, takes the condition back.
	p.del(attached["cut14"], ipam, "cut14", "cut14")
	require.Equal(p.t, metav1.ConditionTrue, p.exhausted("cut").Status)
	require.Equal(p.t, all[len(all)-1], strings.Split(add(p.b, 14), "/")[0])
	require.Equal(p.t, metav1.ConditionFalse, p.exhausted("cut").Status)
	require.Equal(p.t, "AddressGiven", p.exhausted("cut").Reason)
	require.Nil(p.t, p.exhausted("cut-fd00-41---64"), "the other range was never full")

	// A new sandbox keeps the address, in whatever part it is; CHECK finds it.
	got, err := p.b.add(p.b.network(ipam), p.sandbox(p.b, "cut14", "cut14-again"))
	require.NoError(p.t, err)
	require.Equal(p.t, all[len(all)-1]+"/28", got[0])
	require.NoError(p.t, p.b.libcni.CheckNetworkList(p.t.Context(), p.b.network(ipam), p.sandbox(p.b, "cut14", "cut14-again")))
	p.del(p.b, ipam, "cut14", "cut14-again")

	// When all are gone, nobody has a part.
	for pod, n := range attached {
		p.del(n, ipam, pod, pod)
	}
	require.Eventually(p.t, func() bool {
		return len(p.slices("cut"))+len(p.slices("cut-fd00-41---64")) == 0 && len(p.poolNames("cut-")) == 0
	}, time.Minute, 50*time.Millisecond)

	// Of a Node that is deleted too.
	p.mustNode("e")
	pool := v1alpha1.NodeSlicePool{}
	require.NoError(p.t, p.pools.Get(context.Background(), client.ObjectKey{Namespace: namespace, Name: "cut"}, &pool))
	pool.Status.Allocations[0].NodeName = "e"
	require.NoError(p.t, p.pools.Update(context.Background(), &pool))
	require.Equal(p.t, "10.41.0.4/28 fd00:41::1/64", add(p.a, 20))
	p.del(p.a, ipam, "cut20", "cut20")
	require.NoError(p.t, p.client.CoreV1().Nodes().Delete(context.Background(), "e", metav1.DeleteOptions{}))
	require.Eventually(p.t, func() bool { return len(p.slices("cut")) == 0 }, time.Minute, 50*time.Millisecond)

	// Both ranges are cut otherwise now; either may be told.
	_, err = p.a.add(p.a.network(strings.Replace(ipam, "/30", "/29", 1)), p.sandbox(p.a, "cut21", "cut21"))
	require.Error(p.t, err)
	require.Regexp(p.t, "NodeSlicePool (cut cuts 10.41.0.0/28 into parts of /30, but the network's configuration cuts 10.41.0.0/28 into /29|"+
		"cut-fd00-41---64 cuts fd00:41::/64 into parts of /126, but the network's configuration cuts fd00:41::/64 into /125)", err.Error())
}

// poolNames are the names of the IPPools that begin so.
func (c *cluster) poolNames(prefix string) []string {
	c.t.Helper()
	var pools v1alpha1.IPPoolList
	require.NoError(c.t, c.pools.List(context.Background(), &pools, client.InNamespace(namespace)))
	var names []string
	for _, p := range pools.Items {
		names = append(names, p.Name)
	}
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) })
}
