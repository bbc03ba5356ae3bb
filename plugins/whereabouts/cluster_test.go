package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
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
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/build/crds"
	"github.com/antrea-mc/antrea-mc/build/manifests"
	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/apitest"
)

const namespace = "kube-system"

// cluster is a real API server with the kinds, and the programs as they are built.
type cluster struct {
	*apitest.Cluster
	t      testing.TB
	client kubernetes.Interface
	any    dynamic.Interface
	pools  client.Client
	bin    string

	auditInterval string // of the daemons
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{Cluster: apitest.Start(t, "east")[0], t: t, bin: t.TempDir(), auditInterval: "300ms"}
	var err error
	c.client, err = kubernetes.NewForConfig(c.Config)
	require.NoError(t, err)
	c.pools, err = store.NewClient(c.Config)
	require.NoError(t, err)
	c.any, err = dynamic.NewForConfig(c.Config)
	require.NoError(t, err)
	files, err := crds.Whereabouts.ReadDir(".")
	require.NoError(t, err)
	kinds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	texts := [][]byte{[]byte(manifests.IPAMClaim)}
	for _, f := range files {
		text, err := crds.Whereabouts.ReadFile(f.Name())
		require.NoError(t, err)
		texts = append(texts, text)
	}
	for _, text := range texts {
		var crd unstructured.Unstructured
		require.NoError(t, yaml.Unmarshal(text, &crd.Object))
		_, err = c.any.Resource(kinds).Create(t.Context(), &crd, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		return c.pools.List(t.Context(), &v1alpha1.IPPoolList{}) == nil && c.pools.List(t.Context(), &v1alpha1.OverlappingRangeIPReservationList{}) == nil
	}, 2*time.Minute, 50*time.Millisecond)
	for _, pkg := range []string{".", "../../cmd/whereabouts-daemon"} {
		build := exec.Command("go", "build", "-trimpath", "-o", c.bin+"/", pkg) // as make build does, so most is in the cache
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return c
}

// pod makes a Pod on a node, and returns its UID.
func (c *cluster) pod(node, name string) string {
	c.t.Helper()
	pod, err := c.client.CoreV1().Pods("default").Create(context.Background(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}, metav1.CreateOptions{})
	require.NoError(c.t, err)
	return string(pod.UID)
}

// held is what the pools with such names have, as "address namespace/pod sandbox interface", sorted.
func (c *cluster) held(names string) []string {
	c.t.Helper()
	lines, err := c.tryHeld(names)
	require.NoError(c.t, err)
	return lines
}

func (c *cluster) tryHeld(names string) ([]string, error) {
	var pools v1alpha1.IPPoolList
	if err := c.pools.List(context.Background(), &pools, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	var lines []string
	for _, p := range pools.Items {
		if !strings.HasPrefix(p.Name, names) {
			continue
		}
		subnet := netip.MustParsePrefix(p.Spec.Range)
		for offset, h := range p.Spec.Allocations {
			a, err := ipam.AtOffset(subnet, offset)
			if err != nil {
				return nil, err
			}
			lines = append(lines, fmt.Sprintf("%s %s %s %s", a, h.PodRef, h.ContainerID, h.IfName))
		}
		if int64(len(p.Spec.Allocations)) != p.Status.Allocated {
			return nil, fmt.Errorf("pool %s has %d allocations, its status says %d", p.Name, len(p.Spec.Allocations), p.Status.Allocated)
		}
	}
	slices.Sort(lines)
	return lines, nil
}

// reserved is what is reserved with such names, in the same form.
func (c *cluster) reserved(names string) []string {
	c.t.Helper()
	lines, err := c.tryReserved(names)
	require.NoError(c.t, err)
	return lines
}

func (c *cluster) tryReserved(names string) ([]string, error) {
	var all v1alpha1.OverlappingRangeIPReservationList
	if err := c.pools.List(context.Background(), &all, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	var lines []string
	for _, r := range all.Items {
		if !strings.HasPrefix(r.Name, names) {
			continue
		}
		a, ok := whereabouts.Reserved("", r.Name)
		if !ok {
			return nil, fmt.Errorf("reservation %s is of no address", r.Name)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s", a, r.Spec.PodRef, r.Spec.ContainerID, r.Spec.IfName))
	}
	slices.Sort(lines)
	return lines, nil
}

// node is a daemon as a process, and a runtime that calls the plugin.
type node struct {
	c       *cluster
	name    string
	dir     string
	metrics string // where the daemon tells what it has counted
	libcni  *libcni.CNIConfig

	mu   sync.Mutex
	proc *exec.Cmd
	log  bytes.Buffer
}

// mustNode makes a Node in the API only.
func (c *cluster) mustNode(name string) {
	c.t.Helper()
	_, err := c.client.CoreV1().Nodes().Create(context.Background(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(c.t, err)
}

func (c *cluster) node(name string) *node {
	c.t.Helper()
	n := &node{c: c, name: name, dir: c.t.TempDir(), metrics: fmt.Sprint("127.0.0.1:", apitest.FreePort(c.t))}
	n.libcni = libcni.NewCNIConfigWithCacheDir([]string{c.bin}, filepath.Join(n.dir, "cache"), nil)
	c.mustNode(name)
	n.start()
	c.t.Cleanup(func() {
		n.kill()
		if c.t.Failed() {
			lines := strings.Split(strings.TrimSpace(n.log.String()), "\n")
			c.t.Logf("end of the log of %s:\n%s", name, strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	return n
}

func (n *node) socket() string { return filepath.Join(n.dir, "s") }

func (n *node) start() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proc = exec.Command(filepath.Join(n.c.bin, "whereabouts-daemon"), "--kubeconfig", n.c.Kubeconfig, "--node-name", n.name,
		"--socket", n.socket(), "--journal", filepath.Join(n.dir, "journal"), "--audit-interval", n.c.auditInterval, "--metrics-address", n.metrics, "-v", "2")
	n.proc.Stdout, n.proc.Stderr = &n.log, &n.log
	n.proc.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(n.c.t, n.proc.Start())
}

func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.proc.Process.Kill()
	_ = n.proc.Wait()
}

// network is a configuration list with the plugin alone, whose key ipam has the given content.
func (n *node) network(ipam string) *libcni.NetworkConfigList {
	n.c.t.Helper()
	list, err := libcni.NetworkConfFromBytes(fmt.Appendf(nil,
		`{"cniVersion":"1.1.0","name":"net","plugins":[{"type":"whereabouts","capabilities":{"ips":true},"ipam":{"type":"whereabouts","socket":%q,%s}}]}`, n.socket(), ipam))
	require.NoError(n.c.t, err)
	return list
}

func sandbox(pod, uid, id string) *libcni.RuntimeConf {
	return &libcni.RuntimeConf{ContainerID: id, NetNS: netns(id), IfName: "net1", Args: [][2]string{
		{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "default"}, {"K8S_POD_NAME", pod}, {"K8S_POD_UID", uid},
	}}
}

// netns is the name of a sandbox's network namespace, which the tests make only where it matters.
func netns(id string) string {
	return fmt.Sprintf("/run/netns/whereabouts-test-%d-%s", os.Getpid(), id)
}

// add attaches, waiting for a daemon that starts, and returns the addresses.
func (n *node) add(list *libcni.NetworkConfigList, rt *libcni.RuntimeConf) ([]string, error) {
	n.waitReady()
	result, err := n.libcni.AddNetworkList(context.Background(), list, rt)
	if err != nil {
		return nil, err
	}
	newest, err := current.NewResultFromResult(result)
	if err != nil {
		return nil, err
	}
	var ips []string
	for _, ip := range newest.IPs {
		ips = append(ips, ip.Address.String())
	}
	return ips, nil
}

// waitReady waits until the daemon answers.
func (n *node) waitReady() {
	n.c.t.Helper()
	require.Eventually(n.c.t, func() bool {
		return n.libcni.GetStatusNetworkList(context.Background(), n.network(`"range":"10.0.0.0/24"`)) == nil
	}, 2*time.Minute, 20*time.Millisecond, "daemon of %s", n.name)
}

// scrape is what the daemon tells Prometheus.
func (n *node) scrape() string {
	n.c.t.Helper()
	resp, err := http.Get("http://" + n.metrics + "/metrics")
	require.NoError(n.c.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(n.c.t, err)
	return string(text)
}

// waitEvent waits for a Warning of a Pod.
func (c *cluster) waitEvent(pod, reason, text string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		events, err := c.client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{})
		return err == nil && slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
			return e.InvolvedObject.Name == pod && e.Type == corev1.EventTypeWarning && e.Reason == reason && strings.Contains(e.Message, text)
		})
	}, time.Minute, 50*time.Millisecond, "%s of Pod %s", reason, pod)
}
