package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/build/crds"
	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
)

var (
	operations = flag.Int("operations", 12, "ADDs and DELs of each of four runtimes that lose their plugins, daemons and API server")
	seed       = flag.Uint64("seed", 7, "of what is killed when")
)

// life is a Node whose processes die, and what its runtime believes: which interface of which sandbox has an address.
type life struct {
	*node
	pools     client.Client
	list      *libcni.NetworkConfigList
	addresses *exec.Cmd // whereabouts-daemon
	addrLog   bytes.Buffer

	mu     sync.Mutex
	owner  map[string]string // by address
	alive  map[string]bool   // sandboxes by container
	dead   map[string]bool
	twice  int // addresses that were given to two
	ops    int // all of them,
	failed int // and those that are to be repeated
	wake   chan struct{}
}

// TestRealKilled kills plugins, both daemons, the API server and etcd while Pods with three networks come and go. In the end, every
// address that is held has a living owner and the other way round, and no sandbox that is gone has an interface.
func TestRealKilled(t *testing.T) {
	l := newLife(t)
	const workers, pods = 4, 3
	sandboxes := make([][]*libcni.RuntimeConf, workers)
	for w := range sandboxes {
		for p := range pods {
			rt := l.sandbox(fmt.Sprintf("k%d-%d", w, p), "k-mac,k-two")
			sandboxes[w] = append(sandboxes[w], rt)
		}
	}
	left := make([]map[int]*libcni.RuntimeConf, workers)
	var running sync.WaitGroup
	for w := range left {
		running.Go(func() { left[w] = l.runtime(sandboxes[w], rand.New(rand.NewPCG(*seed, uint64(w)))) })
	}
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	kills := l.killAll(ended)
	t.Logf("seed %d: %d operations, %d of them failed, %d sandboxes, kills: %v", *seed, l.ops, l.failed, len(l.alive)+len(l.dead), kills)
	l.settles("after the kills")
	random := rand.New(rand.NewPCG(*seed, 100))
	for _, all := range left {
		for _, rt := range all {
			l.die(rt, random)
		}
	}
	l.settles("after all have gone")
	require.Empty(t, l.owner)
	t.Logf("leaks 0, duplicates %d", l.twice)
}

func newLife(t *testing.T) *life {
	l := &life{node: newNode(t), owner: map[string]string{}, alive: map[string]bool{}, dead: map[string]bool{}, wake: make(chan struct{}, 1)}
	var err error
	l.pools, err = store.NewClient(l.api.Config)
	require.NoError(t, err)
	files, err := crds.Whereabouts.ReadDir(".")
	require.NoError(t, err)
	kinds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	for _, f := range files {
		text, err := crds.Whereabouts.ReadFile(f.Name())
		require.NoError(t, err)
		var crd unstructured.Unstructured
		require.NoError(t, yaml.Unmarshal(text, &crd.Object))
		_, err = l.objects.Resource(kinds).Create(t.Context(), &crd, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	_, err = l.client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	for _, pkg := range []string{"../whereabouts", "../../cmd/whereabouts-daemon"} {
		build := exec.Command("go", "build", "-trimpath", "-o", l.bin+"/", pkg)
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	require.Eventually(t, func() bool { return l.pools.List(t.Context(), &v1alpha1.IPPoolList{}) == nil }, 2*time.Minute, 50*time.Millisecond)
	l.startAddresses()
	t.Cleanup(func() {
		l.killAddresses()
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(l.addrLog.String()), "\n")
			t.Logf("end of the log of whereabouts-daemon:\n%s", strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	within(t, l.ns, func() { // what macvlan stands on
		require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up0"}, PeerName: "up1"}))
	})
	ipam := func(ranges string) string {
		return fmt.Sprintf(`"ipam":{"type":"whereabouts","socket":%q,%s}`, filepath.Join(l.dir, "w"), ranges)
	}
	l.nad("k-mac", `{"cniVersion":"1.0.0","type":"macvlan","master":"up0","mode":"bridge",`+ipam(`"range":"10.82.0.0/24"`)+`}`)
	l.nad("k-two", `{"cniVersion":"1.0.0","type":"bridge","bridge":"br-second",`+ipam(`"range":"10.83.0.0/24","ipRanges":[{"range":"10.84.0.0/24"}]`)+`}`)
	l.list = l.multus(`"delegates":[{"cniVersion":"1.0.0","name":"first","type":"bridge","bridge":"br-first",` + ipam(`"range":"10.81.0.0/24"`) + `}]`)
	return l
}

func (l *life) startAddresses() {
	l.addresses = exec.Command(filepath.Join(l.bin, "whereabouts-daemon"), "--kubeconfig", l.api.Kubeconfig, "--node-name", "a",
		"--socket", filepath.Join(l.dir, "w"), "--journal", filepath.Join(l.dir, "addresses"), "--audit-interval", "300ms", "-v", "2")
	l.addresses.Stdout, l.addresses.Stderr = &l.addrLog, &l.addrLog
	l.addresses.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	within(l.t, l.ns, func() { err = l.addresses.Start() })
	require.NoError(l.t, err)
}

func (l *life) killAddresses() {
	_ = l.addresses.Process.Kill()
	_ = l.addresses.Wait()
}

// runtime starts and ends sandboxes of its Pods as a container runtime does: each ADD is for a new one, what failed is deleted, and DEL is
// repeated until it succeeds. It returns the sandboxes that live.
func (l *life) runtime(pods []*libcni.RuntimeConf, random *rand.Rand) map[int]*libcni.RuntimeConf {
	living := map[int]*libcni.RuntimeConf{}
	for i := range *operations {
		p := random.IntN(len(pods))
		if rt := living[p]; rt != nil {
			delete(living, p)
			l.die(rt, random)
			continue
		}
		rt := *pods[p]
		rt.ContainerID += fmt.Sprint("-", i)
		rt.NetNS = l.makeNamespace(filepath.Base(rt.NetNS) + fmt.Sprint("-", i))
		ctx, cancel := mortal(random)
		_, err := l.libcni.AddNetworkList(ctx, l.list, &rt)
		cancel()
		l.done(err)
		if err != nil {
			l.del(&rt, random)
			continue
		}
		living[p] = &rt
		l.born(&rt)
	}
	return living
}

// born notes the addresses that a sandbox has. Whoever gets one that another has, has stolen it.
func (l *life) born(rt *libcni.RuntimeConf) {
	found := l.found(rt.NetNS)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive[rt.ContainerID] = true
	if len(found) != 4 {
		l.t.Errorf("%s was attached and has %v", rt.ContainerID, found)
	}
	for address, ifName := range found {
		owner := fmt.Sprintf("%s %s %s", strings.TrimPrefix(filepath.Base(rt.NetNS), l.ns+"-")[:4], rt.ContainerID, ifName)
		if other, ok := l.owner[address]; ok {
			l.t.Errorf("%s was given to %s, but %s has it", address, owner, other)
			l.twice++
		}
		l.owner[address] = owner
	}
}

// found are the addresses in a network namespace, with their interfaces.
func (l *life) found(netns string) map[string]string {
	out, err := exec.Command("ip", "-n", filepath.Base(netns), "-json", "-4", "addr").Output()
	if err != nil {
		l.t.Errorf("addresses in %s: %v", netns, err)
	}
	var links []struct {
		IfName    string `json:"ifname"`
		Addresses []struct {
			Local string `json:"local"`
			Scope string `json:"scope"`
		} `json:"addr_info"`
	}
	if err := json.Unmarshal(out, &links); err != nil {
		l.t.Errorf("%v: %s", err, out)
	}
	all := map[string]string{}
	for _, link := range links {
		for _, a := range link.Addresses {
			if a.Scope == "global" {
				all[a.Local] = link.IfName
			}
		}
	}
	return all
}

func (l *life) die(rt *libcni.RuntimeConf, random *rand.Rand) {
	l.mu.Lock()
	delete(l.alive, rt.ContainerID)
	for address, owner := range l.owner {
		if strings.Fields(owner)[1] == rt.ContainerID {
			delete(l.owner, address)
		}
	}
	l.mu.Unlock()
	l.del(rt, random)
}

// del deletes until it succeeds. The namespace stays, for whatever else may come into it.
func (l *life) del(rt *libcni.RuntimeConf, random *rand.Rand) {
	l.mu.Lock()
	l.dead[rt.NetNS] = true
	l.mu.Unlock()
	for {
		ctx, cancel := mortal(random)
		err := l.libcni.DelNetworkList(ctx, l.list, rt)
		cancel()
		l.done(err)
		if err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // a runtime does not repeat at once either
	}
}

func (l *life) done(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops++
	if err != nil {
		l.failed++
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// mortal is a context that kills one in six plugins some time after its start.
func mortal(random *rand.Rand) (context.Context, context.CancelFunc) {
	if random.IntN(6) == 0 {
		return context.WithTimeout(context.Background(), time.Duration(random.IntN(400))*time.Millisecond)
	}
	return context.WithCancel(context.Background())
}

// killAll kills something every so many operations and some time, until they end.
func (l *life) killAll(ended chan struct{}) map[string]int {
	kills := map[string]int{}
	random := rand.New(rand.NewPCG(*seed, 99))
	for next, n := 3, 0; ; {
		select {
		case <-ended:
			return kills
		case <-l.wake:
		}
		l.mu.Lock()
		due := l.ops-l.failed >= next // between two kills something has to work
		l.mu.Unlock()
		if !due {
			continue
		}
		time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond) // in the middle of what comes
		next += 4 + random.IntN(4)
		switch n++; {
		case n%12 == 5:
			kills["API server"]++
			require.NoError(l.t, l.api.Crash(false))
		case n%12 == 11:
			kills["etcd"]++
			require.NoError(l.t, l.api.Crash(true))
		case n%3 == 0:
			kills["whereabouts-daemon"]++
			l.killAddresses()
			l.startAddresses()
		default:
			kills["multus-daemon"]++
			l.kill()
			l.start()
		}
	}
}

// settles waits until what is held, journaled and in the namespaces is what lives.
func (l *life) settles(when string) {
	l.t.Helper()
	var last string
	defer func() {
		if l.t.Failed() {
			l.t.Logf("%s: %s", when, last)
		}
	}()
	require.Eventually(l.t, func() bool {
		last = l.differs()
		return last == ""
	}, 5*time.Minute, 100*time.Millisecond, when) // on a machine with other work
}

// differs says what is not as it should be.
func (l *life) differs() string {
	var want, sandboxes, attachments []string
	for address, owner := range l.owner {
		want = append(want, address+" "+owner)
	}
	for id := range l.alive {
		sandboxes = append(sandboxes, id)
		attachments = append(attachments, id+":eth0", id+":net1", id+":net2")
	}
	var pools v1alpha1.IPPoolList
	if err := l.pools.List(context.Background(), &pools, client.InNamespace("kube-system")); err != nil {
		return err.Error()
	}
	var held []string
	for _, p := range pools.Items {
		for offset, h := range p.Spec.Allocations {
			a, err := ipam.AtOffset(netip.MustParsePrefix(p.Spec.Range), offset)
			if err != nil {
				return err.Error()
			}
			held = append(held, fmt.Sprintf("%s %s %s %s", a, strings.TrimPrefix(h.PodRef, "default/"), h.ContainerID, h.IfName))
		}
	}
	var journal []string
	entries, err := os.ReadDir(filepath.Join(l.dir, "addresses"))
	for _, e := range entries {
		journal = append(journal, e.Name())
	}
	if err != nil {
		return err.Error()
	}
	for _, c := range []struct {
		what      string
		want, got []string
	}{{"addresses", want, held}, {"records of multus", sandboxes, l.records()}, {"records of whereabouts", attachments, journal}} {
		slices.Sort(c.want)
		if slices.Sort(c.got); !slices.Equal(c.want, c.got) {
			return fmt.Sprintf("%s: want\n%s\ngot\n%s", c.what, strings.Join(c.want, "\n"), strings.Join(c.got, "\n"))
		}
	}
	return l.leftOver(len(sandboxes))
}

// leftOver is what there is in namespaces of sandboxes that are gone, and on the Node for them.
func (l *life) leftOver(living int) string {
	for netns := range l.dead {
		out, err := exec.Command("ip", "-n", filepath.Base(netns), "-brief", "link").CombinedOutput()
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); err != nil || len(lines) != 1 {
			return fmt.Sprintf("%s is dead and has %s", netns, out)
		}
	}
	out, err := exec.Command("ip", "-n", l.ns, "-brief", "link", "show", "type", "veth").CombinedOutput()
	if got, want := strings.Count(string(out), "\n"), 2+2*living; err != nil || got != want { // up0 and up1; two of three networks have one each
		return fmt.Sprintf("%d interfaces on the Node, not %d: %s", got, want, out)
	}
	return ""
}
