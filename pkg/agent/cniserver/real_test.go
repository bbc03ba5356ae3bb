package cniserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/go-logr/logr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// inOwnNamespaces marks the process that TestMain starts as a Node of its own.
const inOwnNamespaces = "CNISERVER_TEST_NODE"

// TestMain runs the tests in network and mount namespaces of their own, so that the process is the Node.
func TestMain(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(inOwnNamespaces) != "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inOwnNamespaces+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		os.Exit(m.Run()) // no namespaces to be had: the tests that need them skip
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

// init keeps the main thread to the main goroutine: it is the one that /proc/self shows, and it cannot end with a goroutine
// that has left the Node's namespace.
func init() { runtime.LockOSThread() }

func needNode(t testing.TB) {
	t.Helper()
	if os.Getenv(inOwnNamespaces) == "" {
		t.Skip("needs root, for network namespaces")
	}
}

// container is a network namespace with a path, as a runtime makes it.
type container struct{ id, netns string }

func newContainer(t testing.TB, id string) container {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netns")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
		}
		failed <- err
	}()
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	c := container{id, path}
	t.Cleanup(c.destroy)
	return c
}

func (c container) destroy() {
	_ = unix.Unmount(c.netns, unix.MNT_DETACH)
	_ = os.Remove(c.netns)
}

// run executes a command in the container.
func (c container) run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("nsenter", append([]string{"--net=" + c.netns}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("in container %s: %v: %v\n%s", c.id, args, err, out)
	}
	return string(out)
}

// reaches checks that a TCP connection from the container to a listener at addr, in another container or on the Node (nil),
// carries data both ways.
func (c container) reaches(t testing.TB, to *container, addr string) {
	t.Helper()
	here, err := ns.GetNS(c.netns)
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := ns.GetCurrentNS()
	if to != nil {
		there, err = ns.GetNS(to.netns)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	var listener net.Listener
	if err := there.Do(func(ns.NetNS) (err error) {
		listener, err = net.Listen("tcp", net.JoinHostPort(addr, "0"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = io.CopyN(conn, conn, 1<<16)
			conn.Close()
		}
	}()
	if err := here.Do(func(ns.NetNS) error {
		conn, err := net.DialTimeout("tcp", listener.Addr().String(), 5*time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		sent := bytes.Repeat([]byte("antrea-mc"), 1<<16/9+1)[:1<<16]
		go func() { _, _ = conn.Write(sent) }()
		received, err := io.ReadAll(io.LimitReader(conn, 1<<16))
		if err == nil && !bytes.Equal(sent, received) {
			err = errors.New("the data changed on the way")
		}
		return err
	}); err != nil {
		t.Errorf("from container %s to %s: %v", c.id, addr, err)
	}
}

// bridge is a Network without OVS: a bridge of the kernel, with the Node's gateway on it, and records in memory.
type bridge struct {
	link netlink.Link

	mu      sync.Mutex
	records []podport.Record
	ready   error
	failAdd error
	failDel error
	// failRecords makes the records incomplete.
	failRecords error
	attaching   chan struct{} // if set, Attach says here that it has begun,
	proceed     chan struct{} // and waits for this
}

func newBridge(t testing.TB, node Node) *bridge {
	t.Helper()
	br := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0", MTU: node.MTU}}
	if err := netlink.LinkAdd(br); err != nil {
		t.Fatal(err)
	}
	b := &bridge{link: br}
	t.Cleanup(func() {
		for _, rec := range b.records { // the kernel would do it, but later
			if err := deleteHostLink(rec.PortName); err != nil {
				t.Error(err)
			}
		}
		if err := netlink.LinkDel(br); err != nil {
			t.Error(err)
		}
	})
	for i, gw := range node.Gateways {
		a := &netlink.Addr{IPNet: device.IPNet(netip.PrefixFrom(gw, node.PodCIDRs[i].Bits())), Flags: unix.IFA_F_NODAD}
		if err := netlink.AddrAdd(br, a); err != nil {
			t.Fatal(err)
		}
	}
	if err := netlink.LinkSetUp(br); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bridge) Attach(_ context.Context, rec podport.Record) error {
	if b.attaching != nil {
		b.attaching <- struct{}{}
		<-b.proceed
	}
	host, err := netlink.LinkByName(rec.PortName)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	rec.OFPort = openflow.Port(host.Attrs().Index)
	b.records = append(b.records, rec)
	if b.failAdd != nil {
		return b.failAdd
	}
	return netlink.LinkSetMaster(host, b.link)
}

func (b *bridge) Detach(_ context.Context, portName string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failDel != nil {
		return b.failDel
	}
	var left []podport.Record
	for _, r := range b.records {
		if r.PortName != portName {
			left = append(left, r)
		}
	}
	b.records = left
	return nil
}

func (b *bridge) Records(context.Context) ([]podport.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.records), b.failRecords
}

func (b *bridge) list() []podport.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.records)
}

func (b *bridge) Ready() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ready
}

func (b *bridge) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// testNode is a Node whose agent answers at a socket.
type testNode struct {
	t      testing.TB
	socket string
	bridge *bridge
	stop   func() // ends the agent and waits for it
}

func node4() Node {
	return Node{
		PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.244.1.0/24")}, Gateways: []netip.Addr{netip.MustParseAddr("10.244.1.1")},
		MTU: 1450, UserspaceDatapath: true,
	}
}

func startNode(t testing.TB, node Node) *testNode {
	t.Helper()
	needNode(t)
	n := &testNode{t: t, socket: filepath.Join(t.TempDir(), "cni.sock"), bridge: newBridge(t, node)}
	n.startAgent(node)
	return n
}

func (n *testNode) startAgent(node Node) {
	n.t.Helper()
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logr.Discard()))
	done := make(chan error, 1)
	// The first agent's socket stays, so that listening has to wait for nothing: connect only succeeds with the new one.
	_ = os.Remove(n.socket)
	server := New(n.bridge, func() Node { return node }, Config{Socket: n.socket})
	go func() { done <- server.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			n.t.Errorf("agent: %v", err)
		}
	})
	n.t.Cleanup(func() { n.stop() })
	for {
		if c, err := net.Dial("unix", n.socket); err == nil {
			c.Close()
			return
		}
		runtime.Gosched()
	}
}

const conf1 = `{"cniVersion":"1.1.0","name":"antrea","type":"antrea","ipam":{"type":"host-local"}}`

// call sends a request for the container's eth0 and gives the answer.
func (n *testNode) call(command cni.Command, c container, conf string) (*current.Result, *types.Error) {
	n.t.Helper()
	return n.send(cni.Request{
		Command: command, ContainerID: c.id, NetNS: c.netns, IfName: "eth0", Args: "IgnoreUnknown=1;K8S_POD_NAMESPACE=demo;K8S_POD_NAME=web-" + c.id,
		Stdin: json.RawMessage(conf),
	})
}

func (n *testNode) send(req cni.Request) (*current.Result, *types.Error) {
	n.t.Helper()
	netns, err := os.Open(req.NetNS)
	if err == nil {
		defer netns.Close()
	}
	resp, err := cni.Call(n.t.Context(), n.socket, req, netns)
	if err != nil {
		n.t.Fatal(err)
	}
	if len(resp.Result) == 0 {
		return nil, resp.Error
	}
	var result current.Result
	if err := json.Unmarshal(resp.Result, &result); err != nil {
		n.t.Fatal(err)
	}
	return &result, resp.Error
}

func (n *testNode) mustAdd(c container, conf string) *current.Result {
	n.t.Helper()
	result, err := n.call(cni.Add, c, conf)
	if err != nil {
		n.t.Fatalf("ADD %s: %v", c.id, err)
	}
	return result
}

func (n *testNode) mustDel(c container, conf string) {
	n.t.Helper()
	if _, err := n.call(cni.Del, c, conf); err != nil {
		n.t.Fatalf("DEL %s: %v", c.id, err)
	}
}

// wantClean checks that nothing of any Pod is left.
func (n *testNode) wantClean() {
	n.t.Helper()
	for _, rec := range n.bridge.list() {
		n.t.Errorf("record left: %+v", rec)
	}
	links, err := netlink.LinkList()
	if err != nil {
		n.t.Fatal(err)
	}
	for _, l := range links {
		if l.Type() == "veth" {
			n.t.Errorf("interface left: %s", l.Attrs().Name)
		}
	}
}

func ips(r *current.Result) string {
	var texts []string
	for _, ip := range r.IPs {
		texts = append(texts, fmt.Sprintf("%s via %s", ip.Address.String(), ip.Gateway))
	}
	return strings.Join(texts, ", ")
}

func wantCode(t testing.TB, err *types.Error, code uint, text string) {
	t.Helper()
	if err == nil || err.Code != code || !strings.Contains(err.Error(), text) {
		t.Errorf("error %+v, want code %d with %q", err, code, text)
	}
}
