package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// theirs is Multus itself, built from a module of its own, as the runtime executes it.
func (n *node) theirs() *libcni.CNIConfig {
	n.t.Helper()
	build := exec.Command("go", "tool", "-n", "multus") // which keeps the program in the cache
	build.Dir = "../../test/original/multus-v4.2.3"
	build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	program, err := build.Output()
	require.NoError(n.t, err)
	bin := filepath.Dir(strings.TrimSpace(string(program)))
	return libcni.NewCNIConfigWithCacheDir([]string{bin, n.bin, debianPlugins}, filepath.Join(n.dir, "cache"), nil)
}

// kept is what is in the cache of Multus.
func (n *node) kept(dir string) []string {
	n.t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(n.t, err)
	results, err := filepath.Glob(filepath.Join(dir, "results", "*"))
	require.NoError(n.t, err)
	var all []string
	for _, f := range append(found, results...) {
		if name := filepath.Base(f); name != "results" {
			all = append(all, name)
		}
	}
	return all
}

// original: Pods that Multus attached before the switch are checked, deleted and collected, from what it has kept of them.
func original(n *node) {
	t := n.t
	theirs, cniDir := n.theirs(), filepath.Join(n.dir, "multus")
	multus := n.multus(fmt.Sprintf(`"kubeconfig":%q,"logLevel":"error","cniDir":%q,"delegates":[%s]`, n.api.Kubeconfig, cniDir, n.bridge("orig", "10.61.0.0/24")))
	within(t, n.ns, func() { // with an address of its own, which does not change with the ports
		bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br-orig", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 1, 0}}}
		require.NoError(t, netlink.LinkAdd(bridge))
	})
	n.nad("orig-mac", fmt.Sprintf(`{"cniVersion":"0.4.0","plugins":[{"type":"macvlan","master":"up0","mode":"bridge","capabilities":{"ips":true,"mac":true},
		"ipam":{"type":"host-local","dataDir":%q,"subnet":"192.168.61.0/24"}}]}`, filepath.Join(n.dir, "ipam")))
	n.nad("orig-old", fmt.Sprintf(`{"cniVersion":"0.3.1","type":"ptp","ipam":{"type":"host-local","dataDir":%q,"subnet":"10.62.0.0/24"}}`, filepath.Join(n.dir, "ipam")))
	n.nad("orig-told", n.told("orig-told"))
	const networks = `[{"name":"orig-mac","interface":"mac0","mac":"02:00:00:00:00:%02d"},{"name":"orig-old"},{"name":"orig-told","ips":["10.0.0.7"]}]`
	var boxes []*libcni.RuntimeConf
	for i, pod := range []string{"o-deleted", "o-damaged", "o-forgotten", "o-unknown", "o-stays"} {
		rt := n.sandbox(pod, fmt.Sprintf(networks, i))
		var err error
		within(t, n.ns, func() { _, err = theirs.AddNetworkList(context.Background(), multus, rt) }) // it executes plugins where it is itself
		require.NoError(t, err)
		require.Len(t, n.networks(pod), 4)
		boxes = append(boxes, rt)
	}
	leases := func() []int {
		return []int{len(n.leases("orig")), len(n.leases("orig-mac")), len(n.leases("orig-old"))}
	}
	require.Equal(t, []int{5, 5, 5}, leases())
	require.Len(t, n.kept(cniDir), 25, "a file for each sandbox and each attachment")
	require.Empty(t, n.records())
	n.calls()

	check := func(rt *libcni.RuntimeConf) error { return n.libcni.CheckNetworkList(context.Background(), multus, rt) }
	for _, rt := range boxes {
		require.NoError(t, check(rt))
	}
	require.Contains(t, string(n.noted("CHECK-orig-told")["prevResult"]), "net3")
	require.Equal(t, `{"ips":["10.0.0.7"]}`, string(n.noted("CHECK-orig-told")["runtimeConfig"]))
	require.Len(t, n.records(), 5)
	n.calls()

	// Deleted after its Pod and its networks.
	require.NoError(t, n.client.CoreV1().Pods("default").Delete(context.Background(), "o-deleted", *metav1.NewDeleteOptions(0)))
	for _, name := range []string{"orig-mac", "orig-old", "orig-told"} {
		require.NoError(t, n.objects.Resource(nads).Namespace("default").Delete(context.Background(), name, metav1.DeleteOptions{}))
	}
	n.inside(boxes[0], "link", "delete", "mac0")
	require.ErrorContains(t, check(boxes[0]), "mac0")
	n.calls()
	n.del(multus, boxes[0])
	require.Equal(t, []string{"DEL orig-told net3"}, n.calls())
	require.Contains(t, string(n.noted("DEL-orig-told")["prevResult"]), "net3")
	args, err := os.ReadFile(filepath.Join(n.dir, "DEL-orig-told.args"))
	require.NoError(t, err)
	require.Contains(t, string(args), "IP=10.0.0.7")
	require.Contains(t, string(args), "K8S_POD_NAME=o-deleted")
	require.Equal(t, []int{4, 4, 4}, leases())
	require.NotContains(t, n.inside(boxes[0], "link"), "net2")
	require.Len(t, n.kept(cniDir), 20)

	// The power went while Multus wrote its list, and the daemon has not seen the sandbox before.
	n.kill()
	require.NoError(t, os.RemoveAll(filepath.Join(n.dir, "journal", boxes[1].ContainerID)))
	file := filepath.Join(cniDir, boxes[1].ContainerID)
	require.NoError(t, os.Truncate(file, 100))
	n.start()
	n.del(multus, boxes[1])
	require.Equal(t, []string{"DEL orig-told net3"}, n.calls())
	require.Equal(t, []int{3, 3, 3}, leases())
	require.NotContains(t, n.inside(boxes[1], "link"), "mac0")
	require.Len(t, n.kept(cniDir), 15)

	// The runtime forgot two: of one there is a record, the other is in the cache alone. What stays is told to plugins as valid.
	n.kill()
	require.NoError(t, os.RemoveAll(filepath.Join(n.dir, "journal", boxes[3].ContainerID)))
	n.start()
	gc := libcni.NewCNIConfigWithCacheDir([]string{n.bin, debianPlugins}, t.TempDir(), nil)
	valid := []types.GCAttachment{{ContainerID: boxes[4].ContainerID, IfName: "eth0"}}
	require.NoError(t, gc.GCNetworkList(context.Background(), multus, &libcni.GCArgs{ValidAttachments: valid}))
	require.Equal(t, []int{1, 1, 1}, leases())
	require.Equal(t, []string{boxes[4].ContainerID}, n.records())
	require.JSONEq(t, fmt.Sprintf(`[{"containerID":%q,"ifname":"net3"}]`, boxes[4].ContainerID), string(n.noted("GC-orig-told")["cni.dev/valid-attachments"]))
	for _, rt := range boxes[2:4] {
		require.NotContains(t, n.inside(rt, "link"), "mac0")
	}
	require.NoError(t, check(boxes[4]))
	require.Contains(t, n.inside(boxes[4], "link", "show", "mac0"), "02:00:00:00:00:04")

	// Going back: what this daemon has taken over is still in the cache.
	require.Len(t, n.kept(cniDir), 5)
	n.del(multus, boxes[4])
	require.Empty(t, n.kept(cniDir))
	require.Empty(t, n.records())
	require.Equal(t, []int{0, 0, 0}, leases())
	n.calls()
}
