package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ktypes "k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
)

// originals are the versions of Whereabouts that the tests build: each takes a minute when nothing of it is in the build cache.
var originals = flag.String("originals", "v0.9.2", "versions of Whereabouts to test against, of those in test/original")

// original is a program of Whereabouts itself, built from a module of its own.
func original(t testing.TB, version, pkg, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, name), "github.com/k8snetworkplumbingwg/whereabouts/"+pkg)
	build.Dir = "../../test/original/" + version
	build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// TestRealOriginal is a cluster that goes from Whereabouts to this plugin and back again, with the same configuration.
func TestRealOriginal(t *testing.T) {
	for version := range strings.SplitSeq(*originals, ",") {
		t.Run(version, func(t *testing.T) {
			c := newCluster(t)
			o := &originalPlay{play: &play{cluster: c, uids: map[string]string{}}, dir: t.TempDir()}
			o.a, o.b = o.node("a"), o.node("b")
			o.theirs = libcni.NewCNIConfigWithCacheDir([]string{original(t, version, "cmd", "whereabouts")}, filepath.Join(o.dir, "cache"), nil)
			o.conf()
			for _, network := range []struct{ name, ipam, pool, reservations, first, second, third string }{
				{"IPv4", `"range":"10.50.0.0/24","range_start":"10.50.0.10"`, "10.50.0.0-24", "10.50.0.", "10.50.0.10", "10.50.0.11", "10.50.0.12"},
				{"IPv6", `"range":"fd00:50::/64"`, "fd00-50---64", "fd00-50--", "fd00:50::1", "fd00:50::2", "fd00:50::3"},
				{"NetworkName", `"range":"10.51.0.0/16","network_name":"blue"`, "blue-10.51.0.0-16", "blue-10.51.0.", "10.51.0.1", "10.51.0.2", "10.51.0.3"},
			} {
				t.Run(network.name, func(t *testing.T) {
					whole := o.t
					o.t = t
					defer func() { o.t = whole }()
					o.thereAndBack(strings.ToLower(network.name), network.ipam, network.pool, network.reservations, network.first, network.second, network.third)
				})
			}
			t.Run("Join", func(t *testing.T) {
				whole := o.t
				o.t = t
				defer func() { o.t = whole }()
				o.join()
			})
			t.Run("NodeSlices", func(t *testing.T) {
				if version == "v0.8.0" {
					t.Skip("it knows no node_slice_size, and gives addresses of the whole range")
				}
				whole := o.t
				o.t = t
				defer func() { o.t = whole }()
				o.slicesThereAndBack()
			})
		})
	}
}

// originalPlay has the plugin of Whereabouts beside the nodes.
type originalPlay struct {
	*play
	dir    string
	theirs *libcni.CNIConfig
}

// conf writes the configuration file of the original.
func (o *originalPlay) conf() {
	conf, err := json.Marshal(map[string]any{"kubernetes": map[string]string{"kubeconfig": o.Kubeconfig}, "log_level": "error"})
	require.NoError(o.t, err)
	require.NoError(o.t, os.WriteFile(o.file(), conf, 0o600))
}

func (o *originalPlay) file() string { return filepath.Join(o.dir, "whereabouts.conf") }

func (o *originalPlay) network(n *node, ipam string) *libcni.NetworkConfigList {
	return n.network(ipam + fmt.Sprintf(`,"configuration_path":%q`, o.file()))
}

// addTheirs attaches with the original, and lets the Pod report the address, as Multus does.
func (o *originalPlay) addTheirs(ipam, pod, id string) string {
	o.t.Helper()
	result, err := o.theirs.AddNetworkList(context.Background(), o.network(o.a, ipam), o.sandbox(o.a, pod, id))
	require.NoError(o.t, err)
	newest, err := current.NewResultFromResult(result)
	require.NoError(o.t, err)
	require.Len(o.t, newest.IPs, 1)
	addr := newest.IPs[0].Address.IP.String()
	status := fmt.Sprintf(`{"metadata":{"annotations":{"k8s.v1.cni.cncf.io/network-status":%q}}}`, fmt.Sprintf(`[{"name":"default/net","interface":"net1","ips":[%q],"dns":{}}]`, addr))
	_, err = o.client.CoreV1().Pods("default").Patch(context.Background(), pod, ktypes.MergePatchType, []byte(status), metav1.PatchOptions{})
	require.NoError(o.t, err)
	return addr
}

func (o *originalPlay) addOurs(n *node, ipam, pod, id string) string {
	o.t.Helper()
	got, err := n.add(o.network(n, ipam), o.sandbox(n, pod, id))
	require.NoError(o.t, err)
	require.Len(o.t, got, 1)
	addr, _, _ := strings.Cut(got[0], "/")
	return addr
}

// entries are who has what in a pool, as "offset pod sandbox interface UID": the last is empty for what the original wrote.
func (o *originalPlay) entries(pool string) map[string]string {
	all := map[string]string{}
	for offset, h := range o.ippool(pool).Spec.Allocations {
		all[offset] = strings.TrimSpace(fmt.Sprintf("%s %s %s %s", h.PodRef, h.ContainerID, h.IfName, h.PodUID))
	}
	return all
}

// reservationsOf are the Pods that addresses are reserved for, by the name of the reservation.
func (o *originalPlay) reservationsOf(names string) map[string]string {
	o.t.Helper()
	var all v1alpha1.OverlappingRangeIPReservationList
	require.NoError(o.t, o.pools.List(context.Background(), &all, client.InNamespace(namespace)))
	found := map[string]string{}
	for _, r := range all.Items {
		if strings.HasPrefix(r.Name, names) {
			found[r.Name] = r.Spec.PodRef
		}
	}
	return found
}

func (o *originalPlay) thereAndBack(name, ipam, pool, reservations, first, second, third string) {
	t, a, b := o.t, o.a, o.b
	pod := func(i int) string { return fmt.Sprint(name, i) }
	sandboxOf := func(i int) string { return fmt.Sprint(name, "-sandbox-", i) }
	offset := func(addr string) string { return addr[strings.LastIndexAny(addr, ".:")+1:] }

	// The original has given two addresses.
	require.Equal(t, first, o.addTheirs(ipam, pod(1), sandboxOf(1)))
	require.Equal(t, second, o.addTheirs(ipam, pod(2), sandboxOf(2)))

	// The plugin is replaced. What is in use stays in use, and gets what is known here of its Pod.
	require.Equal(t, third, o.addOurs(b, ipam, pod(3), sandboxOf(3)))
	require.Eventually(t, func() bool {
		return o.entries(pool)[offset(first)] == fmt.Sprintf("default/%s %s net1 %s", pod(1), sandboxOf(1), o.uids[pod(1)])
	}, time.Minute, 50*time.Millisecond, "the first Pod is taken over")
	require.NoError(t, a.libcni.DelNetworkList(t.Context(), o.network(a, ipam), o.sandbox(a, pod(1), sandboxOf(1))))
	require.Len(t, o.entries(pool), 2)
	require.Len(t, o.reservationsOf(reservations), 2)
	require.Equal(t, first, o.addOurs(a, ipam, pod(4), sandboxOf(4)))

	// The original comes back: it passes over what is in use, gives Pods that have an address the same one, and releases it.
	fourth := o.addTheirs(ipam, pod(5), sandboxOf(5))
	require.NotContains(t, []string{first, second, third}, fourth)
	require.Equal(t, first, o.addTheirs(ipam, pod(4), sandboxOf(4)))
	require.NoError(t, o.theirs.DelNetworkList(t.Context(), o.network(a, ipam), o.sandbox(a, pod(4), sandboxOf(4))))
	require.NoError(t, o.theirs.DelNetworkList(t.Context(), o.network(b, ipam), o.sandbox(b, pod(3), sandboxOf(3))))
	require.NotContains(t, o.entries(pool), offset(first))
	require.NotContains(t, o.entries(pool), offset(third))
	require.Equal(t, map[string]bool{"default/" + pod(2): true, "default/" + pod(5): true}, valuesOf(o.reservationsOf(reservations)))
	require.Equal(t, first, o.addTheirs(ipam, pod(6), sandboxOf(6)))

	// And this plugin once more: all that the original wrote is read, and can be released.
	require.Equal(t, third, o.addOurs(b, ipam, pod(7), sandboxOf(7)))
	for i, n := range map[int]*node{2: a, 5: a, 6: a, 7: b} {
		require.NoError(t, n.libcni.DelNetworkList(t.Context(), o.network(n, ipam), o.sandbox(n, pod(i), sandboxOf(i))))
	}
	require.Empty(t, o.entries(pool))
	require.Empty(t, o.reservationsOf(reservations))
}

// join: a pool that the original began and that has parts since is put together, and the original goes on in it, passing over all that
// is in use.
func (o *originalPlay) join() {
	const ipam, pool = `"range":"10.54.0.0/16"`, "10.54.0.0-16"
	require.Equal(o.t, "10.54.0.1", o.addTheirs(ipam, "join-first", "join-first"))
	const many = 66 // more than the first object may have
	for i := 2; i <= many; i++ {
		name := fmt.Sprint("join", i)
		require.Equal(o.t, fmt.Sprint("10.54.0.", i), o.addOurs([]*node{o.a, o.b}[i%2], ipam, name, name))
	}
	all := o.held(pool)
	require.Len(o.t, all, many)
	require.Equal(o.t, []string{pool, pool + "-s1"}, o.poolNames(pool))
	o.a.kill()
	o.b.kill()
	for range 2 { // the second time, nothing is left to do
		out, err := exec.Command(filepath.Join(o.bin, "whereabouts-daemon"), "--join-pools", "--kubeconfig", o.Kubeconfig).CombinedOutput()
		require.NoError(o.t, err, "%s", out)
		require.Equal(o.t, []string{pool}, o.poolNames(pool))
		require.Equal(o.t, all, o.held(pool))
		require.Empty(o.t, o.ippool(pool).Labels)
	}
	require.Equal(o.t, fmt.Sprint("10.54.0.", many+1), o.addTheirs(ipam, "join-next", "join-next"))
	require.NoError(o.t, o.theirs.DelNetworkList(o.t.Context(), o.network(o.a, ipam), o.sandbox(o.a, "join66", "join66")))
	require.Equal(o.t, "10.54.0.66", o.addTheirs(ipam, "join-last", "join-last"))
	o.a.start()
	o.b.start()
	o.a.waitReady()
	o.b.waitReady()
}

func valuesOf(m map[string]string) map[string]bool {
	all := map[string]bool{}
	for _, v := range m {
		all[v] = true
	}
	return all
}

// slicesThereAndBack: a range of which each Node has a part, as the original's controller has cut it, is taken over with what is in use,
// and the original goes on in its parts.
func (o *originalPlay) slicesThereAndBack() {
	const ipam = `"range":"10.53.0.0/24","node_slice_size":"/26","network_name":"sliced"`
	o.t.Setenv("NODENAME", "a") // where the original is executed
	pool := &v1alpha1.NodeSlicePool{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "sliced"},
		Spec:       v1alpha1.NodeSlicePoolSpec{Range: "10.53.0.0/24", SliceSize: "/26"},
	}
	for i, node := range []string{"a", "b", "", ""} {
		pool.Status.Allocations = append(pool.Status.Allocations, v1alpha1.NodeSliceAllocation{NodeName: node, SliceRange: fmt.Sprintf("10.53.0.%d/26", 64*i)})
	}
	require.NoError(o.t, o.pools.Create(context.Background(), pool))
	first, second := o.addTheirs(ipam, "slice1", "slice1"), o.addTheirs(ipam, "slice2", "slice2")
	require.Equal(o.t, []string{"10.53.0.1", "10.53.0.2"}, []string{first, second})

	// Taken over: each Node goes on in its part, the lowest first, and what the original has given can be released.
	require.Equal(o.t, "10.53.0.3", o.addOurs(o.a, ipam, "slice3", "slice3"))
	onB := o.addOurs(o.b, ipam, "slice4", "slice4")
	require.True(o.t, netip.MustParsePrefix("10.53.0.64/26").Contains(netip.MustParseAddr(onB)), onB)
	require.NoError(o.t, o.a.libcni.DelNetworkList(o.t.Context(), o.network(o.a, ipam), o.sandbox(o.a, "slice1", "slice1")))
	require.Equal(o.t, "10.53.0.1", o.addOurs(o.a, ipam, "slice5", "slice5"))
	require.Equal(o.t, []string{"10.53.0.0/26=a", "10.53.0.64/26=b"}, o.slices("sliced"))

	// The original comes back: it finds its part, passes over what is in use, and releases what was given here.
	require.Equal(o.t, "10.53.0.4", o.addTheirs(ipam, "slice6", "slice6"))
	require.NoError(o.t, o.theirs.DelNetworkList(o.t.Context(), o.network(o.a, ipam), o.sandbox(o.a, "slice3", "slice3")))
	require.Equal(o.t, "10.53.0.3", o.addTheirs(ipam, "slice7", "slice7"))
	var pods []string
	for offset, entry := range o.entries("sliced-a-10.53.0.0-26") {
		pods = append(pods, offset+" "+strings.Fields(entry)[0])
	}
	require.ElementsMatch(o.t, []string{"1 default/slice5", "2 default/slice2", "3 default/slice7", "4 default/slice6"}, pods)

	// And this plugin once more, until nothing is left.
	for i, n := range map[int]*node{2: o.a, 4: o.b, 5: o.a, 6: o.a, 7: o.a} {
		name := fmt.Sprint("slice", i)
		require.NoError(o.t, n.libcni.DelNetworkList(o.t.Context(), o.network(n, ipam), o.sandbox(n, name, name)))
	}
	require.Empty(o.t, o.reservationsOf("sliced-"))
	require.Eventually(o.t, func() bool { return len(o.slices("sliced")) == 0 }, time.Minute, 50*time.Millisecond, "the parts are handed back")
}
