package main

import (
	"testing"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/stretchr/testify/require"
)

// TestRealLowestFirst is the way of a network with a range: two Pods of one node and one of another get its lowest addresses,
// and what is released is given again.
func TestRealLowestFirst(t *testing.T) {
	c := newCluster(t)
	a, b := c.node("a"), c.node("b")
	const ipam = `"range":"192.168.20.0/24","range_start":"192.168.20.10","range_end":"192.168.20.100","gateway":"192.168.20.1"`
	uids := map[string]string{}
	add := func(n *node, pod, id, want string) {
		t.Helper()
		if uids[pod] == "" {
			uids[pod] = c.pod(n.name, pod)
		}
		got, err := n.add(n.network(ipam), sandbox(pod, uids[pod], id))
		require.NoError(t, err)
		require.Equal(t, []string{want}, got)
	}
	add(a, "pod0", "s0", "192.168.20.10/24")
	add(a, "pod1", "s1", "192.168.20.11/24")
	add(b, "pod2", "s2", "192.168.20.12/24")
	want := []string{"192.168.20.10 default/pod0 s0 net1", "192.168.20.11 default/pod1 s1 net1", "192.168.20.12 default/pod2 s2 net1"}
	require.Equal(t, want, c.held())
	require.Equal(t, want, c.reserved(""))

	require.NoError(t, a.libcni.CheckNetworkList(t.Context(), a.network(ipam), sandbox("pod1", uids["pod1"], "s1")))
	require.NoError(t, a.libcni.DelNetworkList(t.Context(), a.network(ipam), sandbox("pod1", uids["pod1"], "s1")))
	require.NoError(t, a.libcni.DelNetworkList(t.Context(), a.network(ipam), sandbox("pod1", uids["pod1"], "s1")), "DEL again")
	add(b, "pod3", "s3", "192.168.20.11/24")

	// A new sandbox of the same Pod keeps the address, and the end of the old one does not take it away.
	add(b, "pod2", "s2-again", "192.168.20.12/24")
	require.NoError(t, b.libcni.DelNetworkList(t.Context(), b.network(ipam), sandbox("pod2", uids["pod2"], "s2")))
	want = []string{"192.168.20.10 default/pod0 s0 net1", "192.168.20.11 default/pod3 s3 net1", "192.168.20.12 default/pod2 s2-again net1"}
	require.Equal(t, want, c.held())
	require.Equal(t, want, c.reserved(""))

	// The runtime knows one attachment of node b only. libcni itself deletes what it has in its cache, so GC gets another one.
	gc := libcni.NewCNIConfigWithCacheDir([]string{c.bin}, t.TempDir(), nil)
	require.NoError(t, gc.GCNetworkList(t.Context(), b.network(ipam), &libcni.GCArgs{ValidAttachments: []types.GCAttachment{{ContainerID: "s3", IfName: "net1"}}}))
	require.Equal(t, want[:2], c.held())
	require.Equal(t, want[:2], c.reserved(""))
	require.ErrorContains(t, b.libcni.CheckNetworkList(t.Context(), b.network(ipam), sandbox("pod2", uids["pod2"], "s2-again")),
		"sandbox s2-again, interface net1: has no address of range 192.168.20.0/24")
}
