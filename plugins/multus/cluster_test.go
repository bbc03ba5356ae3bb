package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/build/manifests"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/apitest"
)

var nads = schema.GroupVersionResource{Group: "k8s.cni.cncf.io", Version: "v1", Resource: "network-attachment-definitions"}

// debianPlugins is where package containernetworking-plugins puts the plugins of the CNI project.
const debianPlugins = "/usr/lib/cni"

// node is a network namespace with a daemon as a process, and a runtime that calls the plugin.
type node struct {
	t       *testing.T
	api     *apitest.Cluster
	client  kubernetes.Interface
	objects dynamic.Interface
	bin     string // the plugin, and one that does as it is told
	dir     string
	ns      string // its network namespace, by name
	libcni  *libcni.CNIConfig

	mu   sync.Mutex
	proc *exec.Cmd
	log  bytes.Buffer

	away  bool       // the API server, for the node
	conns []net.Conn // of the node to the API server
}

func newNode(t *testing.T) *node {
	t.Helper()
	dir, err := os.MkdirTemp("", "multus") // short: a Unix socket's path has 108 bytes
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	n := &node{t: t, api: apitest.Start(t, "east")[0], bin: filepath.Join(dir, "bin"), dir: dir, ns: fmt.Sprintf("multus-test-%d", os.Getpid())}
	n.client, err = kubernetes.NewForConfig(n.api.Config)
	require.NoError(t, err)
	n.objects, err = dynamic.NewForConfig(n.api.Config)
	require.NoError(t, err)
	var crd unstructured.Unstructured
	require.NoError(t, yaml.Unmarshal([]byte(manifests.NetworkAttachmentDefinition), &crd.Object))
	kinds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	_, err = n.objects.Resource(kinds).Create(t.Context(), &crd, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := n.objects.Resource(nads).List(context.Background(), metav1.ListOptions{})
		return err == nil
	}, 2*time.Minute, 50*time.Millisecond)
	for _, pkg := range []string{".", "../../cmd/multus-daemon"} {
		build := exec.Command("go", "build", "-trimpath", "-o", n.bin+"/", pkg) // as make build does, so most is in the cache
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	require.NoError(t, os.WriteFile(filepath.Join(n.bin, "told"), []byte(toldPlugin), 0o755))
	n.libcni = libcni.NewCNIConfigWithCacheDir([]string{n.bin, debianPlugins}, filepath.Join(dir, "cache"), nil)
	n.makeNamespace(n.ns)
	n.forward()
	n.start()
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(n.log.String()), "\n")
			t.Logf("end of the log of the daemon:\n%s", strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	return n
}

// toldPlugin notes its calls, and fails, waits or succeeds as the files beside its notes say.
const toldPlugin = `#!/bin/sh
conf=$(cat)
dir=$(printf '%s' "$conf" | sed -n 's/.*"notes":"\([^"]*\)".*/\1/p')
name=$(printf '%s' "$conf" | sed -n 's/.*"tag":"\([^"]*\)".*/\1/p')
echo "$CNI_COMMAND $name $CNI_IFNAME" >> "$dir/calls"
printf '%s\n' "$conf" > "$dir/$CNI_COMMAND-$name.json"
echo "$CNI_ARGS" > "$dir/$CNI_COMMAND-$name.args"
while [ -e "$dir/wait-$CNI_COMMAND-$name" ]; do sleep 0.05; done
if [ -e "$dir/fail-$CNI_COMMAND-$name" ]; then
	echo '{"cniVersion":"1.1.0","code":123,"msg":"told to fail"}'
	exit 1
fi
if [ "$CNI_COMMAND" = ADD ]; then
	echo "{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"$CNI_IFNAME\",\"sandbox\":\"$CNI_NETNS\"}],\"ips\":[],\"dns\":{}}"
fi
`

// within runs f in a network namespace.
func within(t testing.TB, ns string, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	old, err := netns.Get()
	require.NoError(t, err)
	defer old.Close()
	there, err := netns.GetFromName(ns)
	require.NoError(t, err)
	defer there.Close()
	require.NoError(t, netns.Set(there))
	defer func() { require.NoError(t, netns.Set(old)) }()
	f()
}

// makeNamespace makes a network namespace with lo up.
func (n *node) makeNamespace(name string) string {
	n.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	old, err := netns.Get()
	require.NoError(n.t, err)
	defer old.Close()
	made, err := netns.NewNamed(name)
	require.NoError(n.t, err)
	defer made.Close()
	n.t.Cleanup(func() { _ = netns.DeleteNamed(name) })
	lo, err := netlink.LinkByName("lo")
	require.NoError(n.t, err)
	require.NoError(n.t, netlink.LinkSetUp(lo))
	require.NoError(n.t, netns.Set(old))
	return "/run/netns/" + name
}

// forward makes the API server, which listens outside, answer in the node's namespace at the same address.
func (n *node) forward() {
	n.t.Helper()
	api, err := url.Parse(n.api.Config.Host)
	require.NoError(n.t, err)
	var listener net.Listener
	within(n.t, n.ns, func() { listener, err = net.Listen("tcp", api.Host) })
	require.NoError(n.t, err)
	n.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			if !n.connect(here) {
				here.Close()
				continue
			}
			there, err := net.Dial("tcp", api.Host)
			if err != nil {
				here.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{here, there}, {there, here}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					way[0].Close()
					way[1].Close()
				}()
			}
		}
	}()
}

// connect notes a connection to the API server; it is false while that is away.
func (n *node) connect(c net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns = append(n.conns, c)
	return !n.away
}

// apiAway cuts the node off from the API server, until the returned function is called.
func (n *node) apiAway() (back func()) {
	set := func(away bool) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.away = away
		for _, c := range n.conns {
			c.Close()
		}
		n.conns = nil
	}
	set(true)
	return func() { set(false) }
}

func (n *node) socket() string { return filepath.Join(n.dir, "s") }

func (n *node) start() {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.proc = exec.Command(filepath.Join(n.bin, "multus-daemon"), "--kubeconfig", n.api.Kubeconfig, "--node-name", "a",
		"--socket", n.socket(), "--journal", filepath.Join(n.dir, "journal"), "--pod-resources", filepath.Join(n.dir, "k"), "--metrics-address", "127.0.0.1:9", "-v", "2")
	n.proc.Stdout, n.proc.Stderr = &n.log, &n.log
	n.proc.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	within(n.t, n.ns, func() { err = n.proc.Start() })
	require.NoError(n.t, err)
}

func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.proc.Process.Kill()
	_ = n.proc.Wait()
}

// multus is the runtime's configuration, with further keys.
func (n *node) multus(keys string) *libcni.NetworkConfigList {
	n.t.Helper()
	if keys != "" {
		keys = "," + keys
	}
	list, err := libcni.NetworkConfFromBytes(fmt.Appendf(nil,
		`{"cniVersion":"1.1.0","name":"multus-cni-network","plugins":[{"type":"multus","socket":%q,"binDir":%q,"confDir":%q,"capabilities":{"portMappings":true}%s}]}`,
		n.socket(), n.bin, filepath.Join(n.dir, "conf"), keys))
	require.NoError(n.t, err)
	return list
}

// told is a network of the plugin that does as it is told.
func (n *node) told(name string) string {
	return fmt.Sprintf(`{"cniVersion":"1.1.0","name":%q,"type":"told","notes":%q,"tag":%q,"capabilities":{"ips":true,"portMappings":true}}`, name, n.dir, name)
}

// calls are the notes of the plugin since the last time.
func (n *node) calls() []string {
	n.t.Helper()
	text, err := os.ReadFile(filepath.Join(n.dir, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(n.t, err)
	require.NoError(n.t, os.Remove(filepath.Join(n.dir, "calls")))
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// tell makes a network of the plugin fail or wait at a verb, until the returned function is called.
func (n *node) tell(what string) (stop func()) {
	n.t.Helper()
	file := filepath.Join(n.dir, what)
	require.NoError(n.t, os.WriteFile(file, nil, 0o600))
	return func() { require.NoError(n.t, os.Remove(file)) }
}

// nad makes a NetworkAttachmentDefinition, with an annotation and its value if they are given.
func (n *node) nad(name, config string, annotations ...string) {
	n.t.Helper()
	metadata := map[string]any{"name": name}
	if len(annotations) > 0 {
		metadata["annotations"] = map[string]any{annotations[0]: annotations[1]}
	}
	spec := map[string]any{}
	if config != "" {
		spec["config"] = config
	}
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition", "metadata": metadata, "spec": spec,
	}}
	_, err := n.objects.Resource(nads).Namespace("default").Create(context.Background(), o, metav1.CreateOptions{})
	require.NoError(n.t, err)
}

// sandbox makes a Pod with these networks, and a network namespace for it.
func (n *node) sandbox(name, networks string) *libcni.RuntimeConf {
	n.t.Helper()
	if networks == "" {
		return n.sandboxOf(name, nil)
	}
	return n.sandboxOf(name, map[string]string{"k8s.v1.cni.cncf.io/networks": networks})
}

// sandboxOf makes a Pod with these annotations, and a network namespace for it.
func (n *node) sandboxOf(name string, annotations map[string]string) *libcni.RuntimeConf {
	n.t.Helper()
	return n.sandboxAs(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}})
}

// sandboxAs makes that Pod on the node, and a network namespace for it.
func (n *node) sandboxAs(pod *corev1.Pod) *libcni.RuntimeConf {
	n.t.Helper()
	name := pod.Name
	pod.Spec.NodeName, pod.Spec.Containers = "a", []corev1.Container{{Name: "c", Image: "i"}}
	made, err := n.client.CoreV1().Pods("default").Create(context.Background(), pod, metav1.CreateOptions{})
	require.NoError(n.t, err)
	id := "box-" + name
	return &libcni.RuntimeConf{ContainerID: id, NetNS: n.makeNamespace(fmt.Sprintf("%s-%s", n.ns, name)), IfName: "eth0", Args: [][2]string{
		{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "default"}, {"K8S_POD_NAME", name}, {"K8S_POD_INFRA_CONTAINER_ID", id}, {"K8S_POD_UID", string(made.UID)},
	}}
}

// status is what the Pod says of its networks.
func (n *node) status(pod string) string {
	n.t.Helper()
	o, err := n.client.CoreV1().Pods("default").Get(context.Background(), pod, metav1.GetOptions{})
	require.NoError(n.t, err)
	return o.Annotations["k8s.v1.cni.cncf.io/network-status"]
}

// networks is the status in short: the name, interface and addresses of each.
func (n *node) networks(pod string) []string {
	n.t.Helper()
	var all []struct {
		Name, Interface string
		IPs             []string
		Default         bool
	}
	require.NoError(n.t, json.Unmarshal([]byte(n.status(pod)), &all))
	var lines []string
	for _, s := range all {
		line := fmt.Sprint(s.Name, " ", s.Interface, " ", s.IPs)
		if s.Default {
			line += " default"
		}
		lines = append(lines, line)
	}
	return lines
}

// inside runs ip in the network namespace of a sandbox.
func (n *node) inside(rt *libcni.RuntimeConf, args ...string) string {
	n.t.Helper()
	out, err := exec.Command("ip", append([]string{"-n", filepath.Base(rt.NetNS)}, args...)...).CombinedOutput()
	require.NoError(n.t, err, "%s", out)
	return string(out)
}

// records is what the journal has.
func (n *node) records() []string {
	n.t.Helper()
	entries, err := os.ReadDir(filepath.Join(n.dir, "journal"))
	require.NoError(n.t, err)
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") { // what is beside the records
			names = append(names, e.Name())
		}
	}
	return names
}

// scrape is what the daemon tells Prometheus, in the node's namespace.
func (n *node) scrape() string {
	n.t.Helper()
	var conn net.Conn
	var err error
	within(n.t, n.ns, func() { conn, err = net.Dial("tcp", "127.0.0.1:9") })
	require.NoError(n.t, err)
	defer conn.Close()
	_, err = conn.Write([]byte("GET /metrics HTTP/1.0\r\n\r\n"))
	require.NoError(n.t, err)
	text, err := io.ReadAll(conn)
	require.NoError(n.t, err)
	return string(text)
}
