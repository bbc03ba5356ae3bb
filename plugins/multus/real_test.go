package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRealPlugin is what users of the plugin see, with a real API server, the CNI project's plugins, and one that does as it is told.
func TestRealPlugin(t *testing.T) {
	if _, err := os.Stat(filepath.Join(debianPlugins, "macvlan")); err != nil {
		t.Fatal("needs package containernetworking-plugins: ", err)
	}
	n := newNode(t)
	within(t, n.ns, func() { // what macvlan and others stand on
		require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up0"}, PeerName: "up1"}))
	})
	for _, part := range []struct {
		name string
		run  func(*node)
	}{
		{"Attach", attach}, {"Original", original}, {"Plugins", kinds}, {"DefaultRoute", defaultRoute}, {"Requests", requests}, {"ConfigurationOnTheNode", onTheNode},
		{"RollBack", rollBack}, {"Named", named}, {"DeleteFails", deleteFails}, {"PodReplaced", podReplaced}, {"JournalDamaged", journalDamaged},
		{"Devices", devices}, {"ResourceClaims", resourceClaims}, {"Killed", killed}, {"Restarted", restarted}, {"HotPlug", hotPlug}, {"APIServerAway", apiServerAway}, {"GC", garbage}, {"CheckAndStatus", checkAndStatus},
	} {
		if !t.Run(part.name, func(t *testing.T) {
			whole := n.t
			n.t = t
			defer func() { n.t = whole }()
			part.run(n)
		}) {
			break // the daemon's log is written when the test ends
		}
	}
}

// bridge is a network of plugin bridge.
func (n *node) bridge(name, subnet string) string {
	return fmt.Sprintf(`{"cniVersion":"1.0.0","name":%q,"type":"bridge","bridge":%q,"ipam":{"type":"host-local","dataDir":%q,"ranges":[[{"subnet":%q}]],"routes":[{"dst":"0.0.0.0/0"}]}}`,
		name, "br-"+name, filepath.Join(n.dir, "ipam"), subnet)
}

// leases are the addresses that host-local has given.
func (n *node) leases(network string) []string {
	n.t.Helper()
	found, err := filepath.Glob(filepath.Join(n.dir, "ipam", network, "[0-9]*.*"))
	require.NoError(n.t, err)
	var all []string
	for _, f := range found {
		all = append(all, filepath.Base(f))
	}
	return all
}

func (n *node) add(list *libcni.NetworkConfigList, rt *libcni.RuntimeConf) *current.Result {
	n.t.Helper()
	result, err := n.libcni.AddNetworkList(context.Background(), list, rt)
	require.NoError(n.t, err)
	newest, err := current.NewResultFromResult(result)
	require.NoError(n.t, err)
	return newest
}

func (n *node) del(list *libcni.NetworkConfigList, rt *libcni.RuntimeConf) {
	n.t.Helper()
	require.NoError(n.t, n.libcni.DelNetworkList(context.Background(), list, rt))
}

// attach: a Pod without annotation, and one with two networks.
func attach(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.bridge("pods", "10.9.0.0/24") + `]`)
	n.nad("mac-a", fmt.Sprintf(`{"cniVersion":"0.4.0","plugins":[{"type":"macvlan","master":"up0","mode":"bridge","capabilities":{"ips":true},
		"ipam":{"type":"host-local","dataDir":%q,"subnet":"192.168.20.0/24","rangeStart":"192.168.20.10"}}]}`, filepath.Join(n.dir, "ipam")))
	bare, both := n.sandbox("bare", ""), n.sandbox("both", "mac-a, default/mac-a@extra")
	result := n.add(multus, bare)
	require.Equal(t, "10.9.0.2/24", result.IPs[0].Address.String())
	require.Equal(t, []string{"pods eth0 [10.9.0.2] default"}, n.networks("bare"))

	result = n.add(multus, both)
	require.Len(t, result.IPs, 1, "the runtime is told of the default network")
	require.Equal(t, "10.9.0.3/24", result.IPs[0].Address.String())
	require.Equal(t, []string{"pods eth0 [10.9.0.3] default", "default/mac-a net1 [192.168.20.10]", "default/mac-a extra [192.168.20.11]"}, n.networks("both"))
	require.Contains(t, n.inside(both, "addr", "show", "net1"), "192.168.20.10/24")
	require.Contains(t, n.inside(both, "-d", "link", "show", "extra"), "macvlan")
	require.ElementsMatch(t, []string{"box-bare", "box-both"}, n.records())
	require.NoError(t, n.libcni.CheckNetworkList(context.Background(), multus, both))
	require.Eventually(t, func() bool {
		events, err := n.client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return false
		}
		for _, e := range events.Items {
			if e.Reason == "AddedInterface" && e.Message == "Add net1 [192.168.20.10/24] from default/mac-a" {
				return true
			}
		}
		return false
	}, time.Minute, 50*time.Millisecond)

	n.inside(both, "link", "delete", "net1")
	require.Error(t, n.libcni.CheckNetworkList(context.Background(), multus, both), "an interface is missing")
	n.del(multus, both)
	n.del(multus, both) // a runtime may repeat it
	n.del(multus, bare)
	require.Empty(t, n.records())
	require.Empty(t, append(n.leases("pods"), n.leases("mac-a")...))
	require.NotContains(t, n.inside(both, "link"), "extra")
}

// kinds are the CNI project's plugins as additional networks.
func kinds(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.bridge("pods", "10.9.0.0/24") + `]`)
	ipam := func(name, subnet string) string {
		return fmt.Sprintf(`"ipam":{"type":"host-local","dataDir":%q,"subnet":%q}`, filepath.Join(n.dir, "ipam", name), subnet)
	}
	within(t, n.ns, func() {
		require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "dev0"}, PeerName: "dev1"}))
	})
	for _, tt := range []struct{ name, plugins, want string }{
		{"bridge", `{"type":"bridge","bridge":"br-second",` + ipam("bridge", "10.21.0.0/24") + `}`, "10.21.0.2/24"},
		{"ptp", `{"type":"ptp",` + ipam("ptp", "10.22.0.0/24") + `}`, "10.22.0.2"},
		{"macvlan", `{"type":"macvlan","master":"up0",` + ipam("macvlan", "10.23.0.0/24") + `}`, "10.23.0.2/24"},
		{"tuning", `{"type":"bridge","bridge":"br-second",` + ipam("tuning", "10.24.0.0/24") + `},{"type":"tuning","mtu":1300}`, "mtu 1300"},
		{"sbr", `{"type":"macvlan","master":"up0",` + ipam("sbr", "10.25.0.0/24") + `},{"type":"sbr"}`, "10.25.0.2/24"},
		{"host-device", `{"type":"host-device","device":"dev0",` + ipam("device", "10.26.0.0/24") + `}`, "10.26.0.2/24"},
		{"ipvlan", `{"type":"ipvlan","master":"up1",` + ipam("ipvlan", "10.27.0.0/24") + `}`, "10.27.0.2/24"},
		{"vlan", `{"type":"vlan","master":"up1","vlanId":5,` + ipam("vlan", "10.28.0.0/24") + `}`, "10.28.0.2/24"},
	} {
		ok := t.Run(tt.name, func(t *testing.T) {
			whole := n.t
			n.t = t
			defer func() { n.t = whole }()
			// sbr moves the routes that CHECK of the plugin before it looks for.
			n.nad("kind-"+tt.name, fmt.Sprintf(`{"cniVersion":"1.0.0","disableCheck":%t,"plugins":[%s]}`, tt.name == "sbr", tt.plugins))
			rt := n.sandbox("kind-"+tt.name, "kind-"+tt.name)
			_, err := n.libcni.AddNetworkList(context.Background(), multus, rt)
			if err != nil && strings.Contains(err.Error(), "operation not supported") {
				require.Empty(t, n.records())
				t.Skip("this kernel lacks it: ", err)
			}
			require.NoError(t, err)
			require.Contains(t, n.inside(rt, "addr", "show", "net1"), tt.want)
			if tt.name == "sbr" {
				require.Contains(t, n.inside(rt, "rule"), "from 10.25.0.2")
			}
			require.NoError(t, n.libcni.CheckNetworkList(context.Background(), multus, rt))
			n.del(multus, rt)
			require.Empty(t, n.records())
		})
		if !ok {
			return // what it left would fail the others
		}
	}
}

// defaultRoute: it leads through the network that asks for it.
func defaultRoute(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.bridge("pods", "10.9.0.0/24") + `]`)
	n.nad("way", n.bridge("way", "10.31.0.0/24"))
	rt := n.sandbox("routed", `[{"name":"way","default-route":["10.31.0.254"]}]`)
	result := n.add(multus, rt)
	require.Empty(t, result.Routes, "the default network has none any more")
	require.Equal(t, "default via 10.31.0.254 dev net1", strings.TrimSpace(n.inside(rt, "route", "show", "default")))
	require.Contains(t, n.status("routed"), `"gateway": [`+"\n        \"10.31.0.254\"\n    ]")
	require.Equal(t, 1, strings.Count(n.status("routed"), `"gateway"`))
	require.NoError(t, n.libcni.CheckNetworkList(context.Background(), multus, rt))
	n.del(multus, rt)
}

// requests: what the Pod asks for reaches its network, what the runtime gives the default network only.
func requests(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("first") + `]`)
	n.nad("second", n.told("second"))
	rt := n.sandbox("asks", `[{"name":"second","ips":["10.0.0.7/24"],"cni-args":{"color":"red"}}]`)
	rt.CapabilityArgs = map[string]any{"portMappings": []map[string]any{{"hostPort": 80, "containerPort": 8080, "protocol": "tcp"}}}
	n.add(multus, rt)
	require.Equal(t, []string{"ADD first eth0", "ADD second net1"}, n.calls())
	first, second := n.noted("ADD-first"), n.noted("ADD-second")
	require.Equal(t, `{"portMappings":[{"containerPort":8080,"hostPort":80,"protocol":"tcp"}]}`, string(first["runtimeConfig"]))
	require.Equal(t, `{"ips":["10.0.0.7/24"]}`, string(second["runtimeConfig"]))
	require.Equal(t, `{"cni":{"color":"red"}}`, string(second["args"]))
	args, err := os.ReadFile(filepath.Join(n.dir, "ADD-second.args"))
	require.NoError(t, err)
	require.Contains(t, string(args), "K8S_POD_NAME=asks;")
	require.Contains(t, string(args), ";IP=10.0.0.7/24")
	n.del(multus, rt)
	require.Equal(t, []string{"DEL second net1", "DEL first eth0"}, n.calls())
	require.Contains(t, string(n.noted("DEL-second")["prevResult"]), "net1")
}

// noted is the configuration that the plugin read.
func (n *node) noted(call string) map[string]json.RawMessage {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, call+".json"))
	require.NoError(n.t, err)
	var keys map[string]json.RawMessage
	require.NoError(n.t, json.Unmarshal(text, &keys))
	return keys
}

// onTheNode: configurations in files, the default network's with a directory of further plugins, and a chain for every Pod.
func onTheNode(n *node) {
	t := n.t
	write := func(name, text string) string {
		file := filepath.Join(n.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	write("conf/00-broken.conf", `{`)
	write("conf/10-plain.conf", n.told("disk"))
	write("conf/20-list.conflist", `{"cniVersion":"1.1.0","name":"disk","plugins":[`+n.told("x")+`]}`)
	cluster := write("net.d/10-first.conflist", `{"cniVersion":"1.1.0","name":"first","plugins":[`+n.told("first")+`]}`)
	write("net.d/first/20-more.conf", n.told("more"))
	write("net.d/extra/10-chain.conf", n.told("chained"))
	n.nad("disk", "")
	rt := n.sandbox("files", "disk")
	for _, where := range []string{cluster, filepath.Dir(cluster)} {
		multus := n.multus(fmt.Sprintf(`"clusterNetwork":%q,"auxiliaryCNIChainName":"extra"`, where))
		if where != cluster {
			multus = n.multus(fmt.Sprintf(`"clusterNetwork":%q`, where))
		}
		n.add(multus, rt)
		want := []string{"ADD first eth0", "ADD more eth0", "ADD x net1"}
		if where == cluster {
			want = append(want, "ADD chained eth0")
			require.Contains(t, string(n.noted("ADD-chained")["prevResult"]), "eth0")
		}
		require.Equal(t, want, n.calls(), "lists come before single plugins")
		require.Equal(t, []string{"first eth0 [] default", "default/disk net1 []"}, n.networks("files"))
		n.del(multus, rt)
		n.calls()
	}
}

// rollBack: the second network of three fails, then the status.
func rollBack(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `]`)
	for _, name := range []string{"r1", "r2", "r3"} {
		n.nad(name, n.told(name))
	}
	stop := n.tell("fail-ADD-r2")
	rt := n.sandbox("fails", "r1,r2,r3")
	_, err := n.libcni.AddNetworkList(context.Background(), multus, rt)
	require.ErrorContains(t, err, `network "r2": plugin told failed (add): told to fail`)
	var told *types.Error
	require.ErrorAs(t, err, &told)
	require.EqualValues(t, 123, told.Code)
	require.Equal(t, []string{"ADD r0 eth0", "ADD r1 net1", "ADD r2 net2", "DEL r2 net2", "DEL r1 net1", "DEL r0 eth0"}, n.calls())
	require.Empty(t, n.records())
	require.Empty(t, n.status("fails"))
	stop()
	n.add(multus, rt)
	n.del(multus, rt)
	n.calls()

	_, err = n.libcni.AddNetworkList(context.Background(), multus, n.sandbox("unknown", "r1,nowhere"))
	require.ErrorContains(t, err, `default/nowhere: network-attachment-definitions.k8s.cni.cncf.io "nowhere" not found`)
	require.Empty(t, n.calls(), "nothing is begun for a Pod that cannot have all")
}

// deleteFails: the other networks are deleted, the runtime is told, and it is tried until it is done.
func deleteFails(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `]`)
	rt := n.sandbox("stays", "r1,r2")
	n.add(multus, rt)
	n.calls()
	stop := n.tell("fail-DEL-r1")
	require.ErrorContains(t, n.libcni.DelNetworkList(context.Background(), multus, rt), `network "r1": plugin told failed (del): told to fail`)
	require.Equal(t, []string{"DEL r2 net2", "DEL r1 net1", "DEL r0 eth0"}, n.calls()[:3])
	require.Equal(t, []string{"box-stays"}, n.records())
	time.Sleep(1500 * time.Millisecond)
	require.Less(t, len(n.calls()), 5, "ever more rarely")
	stop()
	require.Eventually(t, func() bool { return len(n.records()) == 0 }, time.Minute, 20*time.Millisecond, "the daemon itself tries again")
	for _, call := range n.calls() {
		require.Equal(t, "DEL r1 net1", call, "what is deleted is not deleted again")
	}
}

// podReplaced: another Pod of the same name is not told of networks that are not its own.
func podReplaced(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `]`)
	rt := n.sandbox("twin", "r1")
	stop := n.tell("wait-ADD-r1")
	failed := make(chan error, 1)
	go func() {
		_, err := n.libcni.AddNetworkList(context.Background(), multus, rt)
		failed <- err
	}()
	n.waitFor("ADD r1 net1")
	pods := n.client.CoreV1().Pods("default")
	require.NoError(t, pods.Delete(context.Background(), "twin", *metav1.NewDeleteOptions(0)))
	pod, err := pods.Get(context.Background(), "both", metav1.GetOptions{})
	require.NoError(t, err)
	pod.ObjectMeta = metav1.ObjectMeta{Name: "twin"}
	_, err = pods.Create(context.Background(), pod, metav1.CreateOptions{})
	require.NoError(t, err)
	stop()
	require.ErrorContains(t, <-failed, "set annotation k8s.v1.cni.cncf.io/network-status of Pod default/twin")
	require.Empty(t, n.status("twin"))
	require.Empty(t, n.records())
	require.Equal(t, []string{"ADD r0 eth0", "ADD r1 net1", "DEL r1 net1", "DEL r0 eth0"}, n.calls())
}

// waitFor waits until the plugin was called so.
func (n *node) waitFor(call string) {
	n.t.Helper()
	require.Eventually(n.t, func() bool {
		text, _ := os.ReadFile(filepath.Join(n.dir, "calls"))
		return strings.Contains(string(text), call+"\n")
	}, time.Minute, 10*time.Millisecond)
}

// journalDamaged: a record with a changed byte is noticed, and DEL goes by what the Pod asks for.
func journalDamaged(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `]`)
	rt := n.sandbox("lost", "r1")
	n.add(multus, rt)
	n.kill()
	file := filepath.Join(n.dir, "journal", "box-lost")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "net1", "net7", 1)), 0o600))
	n.calls()
	n.start()
	n.del(multus, rt)
	require.Equal(t, []string{"DEL r1 net1", "DEL r0 eth0"}, n.calls())
	require.Equal(t, []string{"box-lost.damaged"}, n.records())
	require.NoError(t, os.Remove(file+".damaged"))
	n.kill()
	n.start()
}

// killed: the daemon in the middle of ADD, then the plugin; and ADD while there is no daemon.
func killed(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `]`)
	rt := n.sandbox("killed", "r1,r2")
	begin := func(ctx context.Context) chan error {
		ended := make(chan error, 1)
		go func() {
			_, err := n.libcni.AddNetworkList(ctx, multus, rt)
			ended <- err
		}()
		return ended
	}
	stop := n.tell("wait-ADD-r1")
	ended := begin(context.Background())
	n.waitFor("ADD r1 net1")
	n.unfinished(rt, "veth0badcafe")
	n.kill()
	err := <-ended
	var told *types.Error
	require.ErrorAs(t, err, &told)
	require.Equal(t, types.ErrTryAgainLater, told.Code)
	require.Equal(t, []string{"box-killed"}, n.records())
	stop()
	n.calls()
	n.start()
	require.Eventually(t, func() bool { return len(n.records()) == 0 }, time.Minute, 20*time.Millisecond, "the new daemon undoes it")
	require.Equal(t, []string{"DEL r1 net1", "DEL r0 eth0"}, n.calls())
	within(t, filepath.Base(rt.NetNS), func() {
		_, err := netlink.LinkByName("veth0badcafe")
		require.ErrorAs(t, err, new(netlink.LinkNotFoundError), "no plugin deletes what it has not renamed yet")
	})

	ctx, cancel := context.WithCancel(context.Background())
	stop = n.tell("wait-ADD-r1")
	ended = begin(ctx)
	n.waitFor("ADD r1 net1")
	cancel() // kills the plugin
	require.Error(t, <-ended)
	deleted := make(chan error, 1)
	go func() { deleted <- n.libcni.DelNetworkList(context.Background(), multus, rt) }() // as the runtime does
	stop()
	require.NoError(t, <-deleted)
	require.Empty(t, n.records())
	require.Equal(t, []string{"DEL r2 net2", "DEL r1 net1", "DEL r0 eth0"}, n.calls()[3:])

	n.kill()
	ended = begin(context.Background())
	n.start()
	require.NoError(t, <-ended, "ADD waits for a daemon that starts")
	n.del(multus, rt)
	n.calls()
}

// unfinished is what plugin macvlan leaves in a sandbox when it dies before it has renamed the interface.
func (n *node) unfinished(rt *libcni.RuntimeConf, name string) {
	n.t.Helper()
	sandbox, err := netns.GetFromPath(rt.NetNS)
	require.NoError(n.t, err)
	defer sandbox.Close()
	within(n.t, n.ns, func() {
		up, err := netlink.LinkByName("up0")
		require.NoError(n.t, err)
		attrs := netlink.LinkAttrs{Name: name, ParentIndex: up.Attrs().Index, Namespace: netlink.NsFd(sandbox)}
		require.NoError(n.t, netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}))
	})
}

// restarted: the daemon again and again while many Pods start. The runtime deletes what failed and tries again, until all run.
func restarted(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.bridge("many", "10.41.0.0/24") + `]`)
	n.nad("many-second", n.told("many-second"))
	var pods []*libcni.RuntimeConf
	for i := range 16 {
		pods = append(pods, n.sandbox(fmt.Sprint("many", i), "many-second"))
	}
	var added atomic.Int32
	var all sync.WaitGroup
	for _, rt := range pods {
		all.Go(func() {
			for {
				if _, err := n.libcni.AddNetworkList(context.Background(), multus, rt); err == nil {
					added.Add(1)
					return
				}
				for n.libcni.DelNetworkList(context.Background(), multus, rt) != nil {
					time.Sleep(50 * time.Millisecond) // as a runtime waits
				}
			}
		})
	}
	for _, after := range []int32{1, 6} {
		require.Eventually(t, func() bool { return added.Load() >= after }, 2*time.Minute, 5*time.Millisecond)
		n.kill()
		n.start()
	}
	all.Wait()
	require.Len(t, n.records(), len(pods))
	require.Len(t, n.leases("many"), len(pods), "what was begun twice has been undone once")
	for i, rt := range pods {
		require.Len(t, n.networks(fmt.Sprint("many", i)), 2)
		n.del(multus, rt)
	}
	require.Empty(t, n.records())
	require.Empty(t, n.leases("many"))
	n.calls()
}

// garbage: of three sandboxes the runtime knows one. All networks of the others are deleted, and their plugins told.
func garbage(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `]`)
	var boxes []*libcni.RuntimeConf
	for _, name := range []string{"g0", "g1", "g2"} {
		rt := n.sandbox(name, "r1")
		n.add(multus, rt)
		boxes = append(boxes, rt)
	}
	n.calls()
	// libcni itself deletes what it has in its cache, so GC gets another one.
	gc := libcni.NewCNIConfigWithCacheDir([]string{n.bin}, n.t.TempDir(), nil)
	valid := []types.GCAttachment{{ContainerID: "box-g1", IfName: "eth0"}}
	require.NoError(t, gc.GCNetworkList(context.Background(), multus, &libcni.GCArgs{ValidAttachments: valid}))
	require.Equal(t, []string{"box-g1"}, n.records())
	count := map[string]int{}
	for _, call := range n.calls() {
		count[strings.TrimSpace(call)]++
	}
	require.Equal(t, map[string]int{"DEL r1 net1": 2, "DEL r0 eth0": 2, "GC r0": 1, "GC r1": 1}, count)
	require.JSONEq(t, `[{"containerID":"box-g1","ifname":"eth0"}]`, string(n.noted("GC-r0")["cni.dev/valid-attachments"]))
	require.JSONEq(t, `[{"containerID":"box-g1","ifname":"net1"}]`, string(n.noted("GC-r1")["cni.dev/valid-attachments"]))

	valid = append(valid, types.GCAttachment{ContainerID: "of-multus", IfName: "eth0"})
	require.NoError(t, gc.GCNetworkList(context.Background(), multus, &libcni.GCArgs{ValidAttachments: valid}))
	require.Equal(t, []string{"GC r0"}, trimmed(n.calls()), "a sandbox that is not known could lose its addresses")
	n.del(multus, boxes[1])
	n.calls()
}

func trimmed(all []string) []string {
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// checkAndStatus: CHECK asks all networks, STATUS those that every Pod gets.
func checkAndStatus(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `],"defaultNetworks":["r1"],"multusNamespace":"default"`)
	rt := n.sandbox("checked", "r2")
	n.add(multus, rt)
	n.calls()
	require.NoError(t, n.libcni.CheckNetworkList(context.Background(), multus, rt))
	require.Equal(t, []string{"CHECK r0 eth0", "CHECK r1 net1", "CHECK r2 net2"}, n.calls())
	require.Contains(t, string(n.noted("CHECK-r2")["prevResult"]), "net2")
	stop := n.tell("fail-CHECK-r2")
	require.ErrorContains(t, n.libcni.CheckNetworkList(context.Background(), multus, rt), `network "r2": plugin told failed (check)`)
	stop()
	n.calls()
	require.Contains(t, n.scrape(), `antrea_multus_plugin_duration_seconds_count{command="CHECK",failed="true",plugin="told"} 1`)
	require.NoError(t, n.libcni.GetStatusNetworkList(context.Background(), multus))
	require.Equal(t, []string{"STATUS r0", "STATUS r1"}, trimmed(n.calls()))
	stop = n.tell("fail-STATUS-r1")
	var told *types.Error
	require.ErrorAs(t, n.libcni.GetStatusNetworkList(context.Background(), multus), &told)
	require.Equal(t, types.ErrPluginNotAvailable, told.Code)
	stop()
	n.calls()
	n.del(multus, rt)
}
