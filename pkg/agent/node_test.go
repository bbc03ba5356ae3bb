package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/plugins/pkg/ns"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	"github.com/antrea-mc/antrea-mc/pkg/agent/segments"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/policywatch"
)

// The tests below put whole Nodes into network namespaces: a switch and an agent each, the agent as a process of its own whose
// API server is a fake one with fixed objects.

// childEnv, if set, makes the test binary an agent that is told what it needs by the file of that name.
const childEnv = "ANTREA_AGENT_TEST_CHILD"

// child is what an agent of a test is told.
type child struct {
	File     string // antrea-agent.conf
	Agent    Config // without clients
	Nodes    []corev1.Node
	Pods     []corev1.Pod // of Namespace demo, as all that is about policies
	Policies []networkingv1.NetworkPolicy
	Services []corev1.Service // of Namespace demo, with their endpoints
	Slices   []discoveryv1.EndpointSlice
	Objects  []map[string]any // Gateways and ClusterInfoImports
	Cleanup  bool
	V        int // verbosity of the log
}

func TestMain(m *testing.M) {
	file := os.Getenv(childEnv)
	if file == "" {
		os.Exit(m.Run())
	}
	if err := runChild(file); err != nil {
		fmt.Fprintln(os.Stderr, "antrea-agent:", err)
		os.Exit(1)
	}
}

func runChild(file string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var c child
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	if c.Agent.Config, err = config.Parse([]byte(c.File)); err != nil {
		return err
	}
	var verbosity klog.Level
	if err := verbosity.Set(strconv.Itoa(c.V)); err != nil {
		return err
	}
	if c.Cleanup {
		return Cleanup(ctx, c.Agent)
	}
	var nodes []runtime.Object
	for _, n := range c.Nodes {
		nodes = append(nodes, &n)
	}
	nodes = append(nodes, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "demo"}})
	kube := fake.NewClientset(nodes...)
	if err := c.replaceGuarded(ctx, kube); err != nil {
		return err
	}
	if err := c.replaceServices(ctx, kube); err != nil {
		return err
	}
	if c.Agent.Client, err = newReviewed(kube); err != nil {
		return err
	}
	group := schema.GroupVersion{Group: "multicluster.crd.antrea.io", Version: "v1alpha1"}
	resources := map[string]schema.GroupVersionResource{
		"Gateway": group.WithResource("gateways"), "ClusterInfoImport": group.WithResource("clusterinfoimports"), "NodeSegments": segments.Resource,
		"ClusterNetworkPolicy": policywatch.Resource(),
	}
	client := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		resources["Gateway"]: "GatewayList", resources["ClusterInfoImport"]: "ClusterInfoImportList", resources["NodeSegments"]: "NodeSegmentsList",
		policywatch.Resource(): "ClusterNetworkPolicyList",
	})
	for _, o := range c.Objects {
		object := &unstructured.Unstructured{Object: o}
		into := client.Resource(resources[object.GetKind()]).Namespace(object.GetNamespace())
		if _, err := into.Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	c.Agent.Dynamic = client
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGUSR1)
	go func() {
		for range again {
			if err := replaceObjects(ctx, file, client, resources, kube); err != nil {
				fmt.Fprintln(os.Stderr, "replace objects:", err)
			}
		}
	}()
	return Run(ctx, c.Agent)
}

// replaceObjects makes the objects of an agent's API server those that the file has now.
func replaceObjects(ctx context.Context, file string, client dynamic.Interface, resources map[string]schema.GroupVersionResource, kube kubernetes.Interface) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var c child
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	if err := errors.Join(c.replaceNodes(ctx, kube), c.replaceGuarded(ctx, kube), c.replaceServices(ctx, kube)); err != nil {
		return err
	}
	for kind, resource := range resources {
		into := client.Resource(resource).Namespace(c.Agent.Namespace)
		if resource == policywatch.Resource() {
			into = client.Resource(resource).Namespace("")
		}
		if resource == segments.Resource {
			continue // the agent writes some of these itself
		}
		had, err := into.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		gone := make(map[string]bool)
		for _, o := range had.Items {
			gone[o.GetName()] = true
		}
		for _, o := range c.Objects {
			object := &unstructured.Unstructured{Object: o}
			if object.GetKind() != kind {
				continue
			}
			if gone[object.GetName()] {
				_, err = into.Update(ctx, object, metav1.UpdateOptions{})
			} else {
				_, err = into.Create(ctx, object, metav1.CreateOptions{})
			}
			if err != nil {
				return err
			}
			delete(gone, object.GetName())
		}
		for name := range gone {
			if err := into.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// fabric is the network between Nodes: one L2 segment in a namespace of its own.
type fabric struct {
	t      testing.TB
	prefix string
	bridge string
}

// fabrics counts them, so that tests may run at once.
var fabrics atomic.Int32

func newFabric(t testing.TB) *fabric {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, for network namespaces")
	}
	ovstest.Require(t)
	f := &fabric{t: t, prefix: fmt.Sprintf("antrea-test-%d-%d-", os.Getpid(), fabrics.Add(1))}
	f.bridge = f.namespace("fabric")
	f.in(f.bridge, "ip", "link", "add", "segment", "type", "bridge")
	f.in(f.bridge, "ip", "link", "set", "segment", "up")
	return f
}

// namespace makes a network namespace that goes with the test.
func (f *fabric) namespace(name string) string {
	f.t.Helper()
	ns := f.prefix + name
	f.run("ip", "netns", "add", ns)
	f.t.Cleanup(func() { f.run("ip", "netns", "del", ns) })
	f.in(ns, "ip", "link", "set", "lo", "up")
	return ns
}

func (f *fabric) run(args ...string) string {
	f.t.Helper()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (f *fabric) in(ns string, args ...string) string {
	f.t.Helper()
	return f.run(append([]string{"ip", "netns", "exec", ns}, args...)...)
}

// testNode is a Node: namespace, switch, agent.
type testNode struct {
	*fabric
	name, ns, dir string
	sw            *ovstest.Switch
	child         child
	cmd           *exec.Cmd
	log           *syncBuffer
	client        *http.Client // of the agent's own API; see ask
}

// syncBuffer is the log of a process while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// node makes a Node with an address on the segment.
func (f *fabric) node(name, address string) *testNode {
	f.t.Helper()
	n := &testNode{fabric: f, name: name, ns: f.namespace(name), dir: f.t.TempDir()}
	f.in(f.bridge, "ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", n.ns)
	f.in(f.bridge, "ip", "link", "set", name, "master", "segment", "up")
	if strings.Contains(address, ":") {
		f.in(n.ns, "ip", "addr", "add", address+"/64", "dev", "eth0", "nodad")
	} else {
		f.in(n.ns, "ip", "addr", "add", address+"/24", "dev", "eth0")
	}
	f.in(n.ns, "ip", "link", "set", "eth0", "up")
	n.sw = ovstest.Start(f.t, ovstest.Config{NetNS: "/run/netns/" + n.ns})
	n.child = child{
		File: "ovsDatapathType: " + n.sw.Datapath + "\n",
		Agent: Config{
			NodeName: name, Namespace: "kube-system", OVSRunDir: n.sw.Dir, CNISocket: filepath.Join(n.dir, "cni.sock"),
			ConflistDir: n.dir, ConflistFile: filepath.Join(n.dir, "none"), ProcSys: "/proc/sys",
		},
	}
	return n
}

// start starts the agent and waits until it has installed the network configuration.
func (n *testNode) start() {
	n.t.Helper()
	n.spawn()
	n.ready()
}

func (n *testNode) ready() {
	n.t.Helper()
	n.until("the agent is ready", func() bool {
		_, err := os.Stat(filepath.Join(n.dir, cni.ConflistName))
		return err == nil && strings.Contains(n.log.String(), "Flows are in sync") && n.answersPlugin()
	})
}

// answersPlugin reports whether the CNI plugin finds somebody.
func (n *testNode) answersPlugin() bool {
	conn, err := net.Dial("unix", n.child.Agent.CNISocket)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// write writes what the agent is told and returns the file.
func (n *testNode) write() string {
	n.t.Helper()
	text, err := json.Marshal(n.child)
	if err != nil {
		n.t.Fatal(err)
	}
	file := filepath.Join(n.dir, "child.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		n.t.Fatal(err)
	}
	return file
}

// replace gives the agent's API server other objects.
func (n *testNode) replace(objects []map[string]any) {
	n.t.Helper()
	n.child.Objects = objects
	n.write()
	if err := n.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		n.t.Fatal(err)
	}
}

func (n *testNode) spawn() {
	n.t.Helper()
	file := n.write()
	n.log = &syncBuffer{}
	n.cmd = exec.Command("ip", "netns", "exec", n.ns, os.Args[0])
	n.cmd.Env = append(os.Environ(), childEnv+"="+file)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	cmd, log := n.cmd, n.log
	n.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if n.t.Failed() {
			n.t.Logf("agent of %s:\n%s", n.name, log)
		}
	})
}

// stop ends the agent.
func (n *testNode) stop(signal syscall.Signal) {
	n.t.Helper()
	_ = n.cmd.Process.Signal(signal)
	done := make(chan error, 1)
	go func() { done <- n.cmd.Wait() }()
	select {
	case err := <-done:
		if signal == syscall.SIGTERM && err != nil {
			n.t.Errorf("agent of %s ended with %v", n.name, err)
		}
	case <-time.After(10 * time.Second):
		n.t.Fatalf("agent of %s does not end", n.name)
	}
}

func (n *testNode) until(what string, ok func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(90 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatalf("%s: not so: %s", n.name, what)
		}
	}
}

// testPod is a network namespace attached by the agent.
type testPod struct {
	node *testNode
	name string
	ns   string
	ip   netip.Addr
	ip6  netip.Addr // if the Node has a range of that family
}

func (n *testNode) request(command cni.Command, pod testPod) (cni.Response, error) {
	netns, err := os.Open("/run/netns/" + pod.ns)
	if err != nil {
		return cni.Response{}, err
	}
	defer netns.Close()
	ctx, cancel := context.WithTimeout(n.t.Context(), 90*time.Second)
	defer cancel()
	return cni.Call(ctx, n.child.Agent.CNISocket, cni.Request{
		Command: command, ContainerID: "container-" + pod.name, NetNS: "/run/netns/" + pod.ns, IfName: "eth0",
		Args:  "IgnoreUnknown=1;K8S_POD_NAMESPACE=demo;K8S_POD_NAME=" + pod.name,
		Stdin: json.RawMessage(`{"cniVersion":"1.0.0","name":"antrea","type":"antrea","ipam":{"type":"host-local"}}`),
	}, netns)
}

// addPod attaches a Pod that the API has.
func (n *testNode) addPod(name string) testPod {
	n.t.Helper()
	n.scheduled(name)
	return n.attachPod(name)
}

// attachPod attaches a Pod, whether the API has it or not.
func (n *testNode) attachPod(name string) testPod {
	n.t.Helper()
	pod := testPod{node: n, name: name, ns: n.namespace(name)}
	response, err := n.request(cni.Add, pod)
	if err != nil || response.Error != nil {
		n.t.Fatalf("ADD of %s: %v %+v", name, err, response.Error)
	}
	var result current.Result
	if err := json.Unmarshal(response.Result, &result); err != nil || len(result.IPs) == 0 {
		n.t.Fatalf("ADD of %s: %v %s", name, err, response.Result)
	}
	for _, ip := range result.IPs {
		if a, _ := netip.AddrFromSlice(ip.Address.IP); a.Unmap().Is4() {
			pod.ip = a.Unmap()
		} else {
			pod.ip6 = a
		}
	}
	return pod
}

func (n *testNode) delPod(pod testPod) *types.Error {
	n.t.Helper()
	response, err := n.request(cni.Del, pod)
	if err != nil {
		n.t.Fatalf("DEL of %s: %v", pod.name, err)
	}
	return response.Error
}

// ping sends packets every 10 ms and returns the output.
func (p testPod) ping(to netip.Addr, count int, options ...string) string {
	args := append([]string{"netns", "exec", p.ns, "ping", "-n", "-i", "0.01", "-W", "1", "-c", fmt.Sprint(count)}, options...)
	out, _ := exec.Command("ip", append(args, to.String())...).CombinedOutput()
	return string(out)
}

// reaches checks that nothing is lost and that every answer has this TTL.
func (p testPod) reaches(to netip.Addr, ttl int) {
	p.node.t.Helper()
	var out string
	for range 3 { // it does not wait long for the last answers, which a busy machine may owe it
		out = p.ping(to, 20, "-i", "0.05")
		if n := strings.Count(out, "icmp_seq="); n == 0 || n == 20 || !strings.Contains(out, fmt.Sprintf("icmp_seq=%d ", n)) {
			break
		}
	}
	if !strings.Contains(out, " 20 received") || strings.Count(out, fmt.Sprintf("ttl=%d ", ttl)) != 20 {
		p.node.t.Errorf("%s to %s, want ttl=%d:\n%s", p.name, to, ttl, out)
	}
}

// together makes checks at the same time: each waits for answers most of its own.
func together(checks ...func()) {
	var all sync.WaitGroup
	for _, check := range checks {
		all.Go(check)
	}
	all.Wait()
}

// fits checks that packets of mtu bytes arrive, and that the Pod cannot send longer ones. Of the former one may be lost: Open vSwitch has no
// route to the other Node while it reads them anew, as it does when the MTU of a link changes.
func (p testPod) fits(to netip.Addr, mtu int) {
	p.node.t.Helper()
	headers := 28
	if to.Is6() {
		headers = 48
	}
	if got := p.ping(to, 1, "-w", "2", "-M", "do", "-s", fmt.Sprint(mtu-headers)); !strings.Contains(got, " 1 received") {
		p.node.t.Errorf("%s to %s, packet of exactly %d bytes: %s", p.name, to, mtu, got)
	}
	if got := p.ping(to, 1, "-M", "do", "-s", fmt.Sprint(mtu-headers+1)); strings.Contains(got, " 1 received") {
		p.node.t.Errorf("%s to %s, packet of %d bytes: %s", p.name, to, mtu+1, got)
	}
}

// answered waits for a first answer: Nodes that were started a moment ago may not know each other yet.
func (p testPod) answered(by netip.Addr) {
	p.node.t.Helper()
	for range 50 {
		if strings.Contains(p.ping(by, 1), " 1 received") {
			return
		}
	}
	p.node.t.Fatalf("%s never answered %s", by, p.name)
}

// sends checks that a megabyte arrives whole over TCP.
func (p testPod) sends(to testPod) {
	p.node.t.Helper()
	if err := p.send(to); err != nil {
		p.node.t.Errorf("1 MB over TCP from %s to %s: %v", p.name, to.name, err)
	}
}

func (p testPod) send(to testPod) error {
	var listener net.Listener
	err := inNamespace(to.ns, func() (err error) {
		listener, err = net.Listen("tcp", ":0")
		return err
	})
	if err != nil {
		return err
	}
	defer listener.Close()
	received := make(chan []byte, 1)
	go func() {
		defer close(received)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		data, _ := io.ReadAll(conn)
		received <- data
	}()
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	return inNamespace(p.ns, func() error {
		address := netip.AddrPortFrom(to.ip, uint16(listener.Addr().(*net.TCPAddr).Port))
		conn, err := net.DialTimeout("tcp", address.String(), 5*time.Second)
		if err != nil {
			return err
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, err = conn.Write(data)
		conn.Close()
		if err != nil {
			return err
		}
		select {
		case got := <-received:
			if !bytes.Equal(got, data) {
				return fmt.Errorf("%d bytes of %d arrived, or others", len(got), len(data))
			}
			return nil
		case <-time.After(20 * time.Second):
			return errors.New("not received within 20 s")
		}
	})
}

func inNamespace(name string, f func() error) error {
	return ns.WithNetNSPath("/run/netns/"+name, func(ns.NetNS) error { return f() })
}

func k8sNode(name, ip string, cidrs ...string) corev1.Node {
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDRs: cidrs},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: ip}}},
	}
}
