package cniserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/plugins/pkg/ns"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// installPlugins builds what the agent's image has and installs it as the init container does.
func installPlugins(t testing.TB) (binDir string) {
	t.Helper()
	image, binDir := t.TempDir(), t.TempDir()
	const plugins = "github.com/containernetworking/plugins/plugins/"
	for _, args := range [][]string{
		{"go", "build", "-C", "../../..", "-o", filepath.Join(image, "antrea-cni"), "./cmd/antrea-cni"},
		{"go", "build", "-C", "../../../build/cni-plugins", "-o", image + "/", plugins + "main/loopback", plugins + "meta/bandwidth", plugins + "meta/portmap"},
		{filepath.Join(image, "antrea-cni"), "install", "--plugins-dir", image, "--bin-dir", binDir},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	return binDir
}

// runtimeOf is a runtime with its own cache.
func runtimeOf(t testing.TB, binDir string) *libcni.CNIConfig {
	t.Helper()
	return libcni.NewCNIConfigWithCacheDir([]string{binDir}, t.TempDir(), nil)
}

func runtimeConf(c container, capabilities map[string]any) *libcni.RuntimeConf {
	return &libcni.RuntimeConf{
		ContainerID: c.id, NetNS: c.netns, IfName: "eth0", CapabilityArgs: capabilities,
		Args: [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", "demo"}, {"K8S_POD_NAME", "web-" + c.id}},
	}
}

// TestRealVersions runs the installed plugin through libcni in every version of the specification.
func TestRealVersions(t *testing.T) {
	n := startNode(t, node4())
	rt := runtimeOf(t, installPlugins(t))
	for _, version := range cni.Versions {
		t.Run(version, func(t *testing.T) {
			list, err := libcni.NetworkConfFromBytes(fmt.Appendf(nil,
				`{"cniVersion":%q,"name":"antrea","plugins":[{"type":"antrea","socket":%q,"ipam":{"type":"host-local"}}]}`, version, n.socket))
			if err != nil {
				t.Fatal(err)
			}
			c := newContainer(t, "v")
			conf := runtimeConf(c, nil)
			result, err := rt.AddNetworkList(t.Context(), list, conf)
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := json.Marshal(result)
			if err != nil {
				t.Fatal(err)
			}
			var top struct {
				CNIVersion string
				IPs        []struct{ Version, Address string }
			}
			if err := json.Unmarshal(encoded, &top); err != nil {
				t.Fatal(err)
			}
			// Results carry the family of an address up to 0.4.0.
			family := map[bool]string{true: "4"}[strings.HasPrefix(version, "0.")]
			if top.CNIVersion != version || len(top.IPs) != 1 || top.IPs[0].Version != family || !strings.HasPrefix(top.IPs[0].Address, "10.244.1.") {
				t.Errorf("result %s", encoded)
			}
			c.reaches(t, nil, "10.244.1.1")
			if version >= "0.4.0" {
				if err := rt.CheckNetworkList(t.Context(), list, conf); err != nil {
					t.Errorf("CHECK: %v", err)
				}
			}
			if err := rt.GetStatusNetworkList(t.Context(), list); err != nil {
				t.Errorf("STATUS: %v", err)
			}
			if version >= "1.1.0" {
				if err := rt.GCNetworkList(t.Context(), list, &libcni.GCArgs{}); err != nil {
					t.Errorf("GC: %v", err)
				}
				n.wantClean()
			}
			for range 2 {
				if err := rt.DelNetworkList(t.Context(), list, conf); err != nil {
					t.Errorf("DEL: %v", err)
				}
			}
			n.wantClean()
		})
	}
}

// TestRealChain runs the default conflist, with a port of the Node mapped to the Pod and its bandwidth limited.
func TestRealChain(t *testing.T) {
	n := startNode(t, node4())
	rt := runtimeOf(t, installPlugins(t))
	conflist := strings.Replace(cni.DefaultConflist, `"type": "antrea",`, fmt.Sprintf(`"type": "antrea", "socket": %q,`, n.socket), 1)
	list, err := libcni.NetworkConfFromBytes([]byte(conflist))
	if err != nil {
		t.Fatal(err)
	}
	c := newContainer(t, "chain")
	conf := runtimeConf(c, map[string]any{
		"portMappings": []map[string]any{{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}},
		"bandwidth":    map[string]any{"ingressRate": 8_000_000, "ingressBurst": 8_000_000},
	})
	result, err := rt.AddNetworkList(t.Context(), list, conf)
	if err != nil {
		t.Fatal(err)
	}
	final, err := current.GetResult(result)
	if err != nil {
		t.Fatal(err)
	}
	if final.CNIVersion != "1.1.0" || ips(final) != "10.244.1.2/24 via 10.244.1.1" {
		t.Errorf("result %s: %s", final.CNIVersion, ips(final))
	}
	if err := rt.CheckNetworkList(t.Context(), list, conf); err != nil {
		t.Errorf("CHECK: %v", err)
	}
	port := final.Interfaces[slices.IndexFunc(final.Interfaces, func(i *current.Interface) bool { return i.Sandbox == "" })].Name
	if out, err := exec.Command("tc", "qdisc", "show", "dev", port).CombinedOutput(); err != nil || !strings.Contains(string(out), "qdisc tbf") {
		t.Errorf("no bandwidth limit on %s: %v\n%s", port, err, out)
	}
	n.wantHostPort(c, "10.244.1.1:8080", 80)

	n.stop()
	var refused *types.Error
	err = rt.DelNetworkList(t.Context(), list, conf)
	if !errors.As(err, &refused) || refused.Code != types.ErrTryAgainLater || !strings.Contains(refused.Msg, n.socket) {
		t.Errorf("DEL without an agent: %v", err)
	}
	n.startAgent(node4())
	if err := rt.DelNetworkList(t.Context(), list, conf); err != nil {
		t.Error(err)
	}
	n.wantClean()
}

// wantHostPort checks that a connection to address, from the Node, arrives at the container's port.
func (n *testNode) wantHostPort(c container, address string, port int) {
	n.t.Helper()
	netns, err := ns.GetNS(c.netns)
	if err != nil {
		n.t.Fatal(err)
	}
	defer netns.Close()
	var listener net.Listener
	if err := netns.Do(func(ns.NetNS) (err error) {
		listener, err = net.Listen("tcp", fmt.Sprintf(":%d", port))
		return err
	}); err != nil {
		n.t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		n.t.Errorf("mapped port: %v", err)
		return
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if got, err := io.ReadAll(conn); string(got) != "hello" {
		n.t.Errorf("mapped port: got %q, %v", got, err)
	}
}
