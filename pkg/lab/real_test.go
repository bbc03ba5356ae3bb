package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets the labs of these tests start the test binary as their process 1.
func TestMain(m *testing.M) {
	if isChild, err := Child(context.Background(), os.Args[1:]); isChild {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func realBuilder(t *testing.T) Builder {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a lab needs root")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed: test/lab/install.sh", p)
		}
	}
	cache, err := OpenCache()
	if err != nil {
		t.Fatal(err)
	}
	source, err := FindSource()
	if err != nil {
		t.Fatal(err)
	}
	return Builder{Cache: cache, Source: source, Progress: NewProgress(t.Output())}
}

const oneNode = `
nodes: real
underlays: [{cidr: 192.168.77.0/24, mtu: 1400}]
clusters:
- name: one
  podCIDR: 10.1.0.0/16
  serviceCIDR: 10.2.0.0/16
  nodes: [{name: one-1, address: 192.168.77.2}]
`

// The same must hold in both lanes, or tests in the fast one mean nothing.
func TestRealOneNode(t *testing.T) {
	for _, lane := range []Lane{Real, FastLane} {
		t.Run(string(lane), func(t *testing.T) { testOneNode(t, lane) })
	}
}

func testOneNode(t *testing.T, lane Lane) {
	b := realBuilder(t)
	d, err := ParseDescription([]byte(oneNode))
	if err != nil {
		t.Fatal(err)
	}
	d.Nodes = lane
	reporter := map[Lane]string{Real: svcKubelet, FastLane: svcFast}[lane]
	ctx := t.Context()
	name := fmt.Sprintf("test-%s-%d", lane, os.Getpid())
	l, err := Up(ctx, b, name, d)
	t.Cleanup(func() {
		if err := Down(context.Background(), b.Cache, name); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Progress = b.Progress

	in := func(t *testing.T, line string) string {
		t.Helper()
		argv, err := l.Enter("one-1", "sh", "-c", line)
		if err != nil {
			t.Fatal(err)
		}
		return output(t, argv...)
	}
	kubectl := func(t *testing.T, args ...string) string {
		t.Helper()
		args = append([]string{"--kubeconfig", l.dirs.kubeconfig("one"), "--cache-dir", l.KubectlCache()}, args...)
		return output(t, append([]string{l.Program("kubectl")}, args...)...)
	}

	if _, err := Up(ctx, b, name, d); err != nil {
		t.Errorf("up again: %v", err)
	}
	other := d
	other.Images = []string{"/other"}
	if _, err := Up(ctx, b, name, other); err == nil || !strings.Contains(err.Error(), "another description") {
		t.Errorf("up with another description: %v", err)
	}
	t.Run("the node is a machine of its own", func(t *testing.T) {
		for _, c := range []struct{ line, want string }{
			{"hostname", "one-1"},
			{"cat /proc/1/comm", "exe"},
			{"cat /sys/class/net/eth0/mtu", "1400"},
			{"ip -4 -br address show eth0 | awk '{print $3}'", "192.168.77.2/24"},
			{"ip route show default | awk '{print $3}'", "192.168.77.1"},
			{"cat /proc/sys/kernel/panic", "10"},
			{"ls /etc/cni/net.d /opt/cni/bin /run/netns", "/etc/cni/net.d:\n\n/opt/cni/bin:\n\n/run/netns:"},
			{"ping -c 1 -W 2 192.168.77.1 | grep -c ttl=64", "1"},
		} {
			if got := in(t, c.line); got != c.want {
				t.Errorf("%s: %q, want %q", c.line, got, c.want)
			}
		}
		if got := kubectl(t, "get", "node", "one-1", "-o", "jsonpath={.spec.podCIDR}"); got != "10.1.0.0/24" {
			t.Errorf("Pod CIDR %s", got)
		}
	})
	t.Run("a Pod runs with a throw-away CNI", func(t *testing.T) {
		in(t, `cp /usr/lib/cni/* /opt/cni/bin/
			echo '{"cniVersion":"0.4.0","name":"x","plugins":[{"type":"ptp","ipMasq":true,"ipam":{"type":"host-local","ranges":[[{"subnet":"10.1.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}}]}' >/etc/cni/net.d/10-x.conflist`)
		kubectl(t, "wait", "--for=condition=Ready", "node/one-1", "--timeout=60s")
		kubectl(t, "wait", "--for=create", "serviceaccount/default", "--timeout=60s")
		kubectl(t, "run", "p", "--image="+ImageToolbox, "--image-pull-policy=Never")
		kubectl(t, "wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
		kubectl(t, "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=60s")
		within(t, 10*time.Second, "the name service answers", func() bool { // kube-proxy takes up to a second to know it
			return kubectl(t, "exec", "p", "--", "sh", "-c", "dig +short +tries=1 kubernetes.default.svc.cluster.local || true") == "10.2.0.1"
		})
	})
	t.Run("kubelet comes back", func(t *testing.T) {
		started := kubectl(t, "get", "pod", "p", "-o", "jsonpath={.status.containerStatuses[0].state.running.startedAt}")
		if err := l.Kill(ctx, "one-1", "kubelet", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		killed := time.Now()
		client, err := l.client("one")
		if err != nil {
			t.Fatal(err)
		}
		within(t, 20*time.Second, reporter+" reports again", func() bool { return reported(ctx, client, "one-1", killed) })
		if now := kubectl(t, "get", "pod", "p", "-o", "jsonpath={.status.containerStatuses[0].state.running.startedAt}"); now != started {
			t.Errorf("the Pod was started anew: %s, before %s", now, started)
		}
	})
	t.Run("the cable", func(t *testing.T) {
		for _, c := range []struct {
			up   bool
			want string
		}{{false, "0"}, {true, "1"}} {
			if err := l.SetLink("one-1", c.up); err != nil {
				t.Fatal(err)
			}
			if got := in(t, "cat /sys/class/net/eth0/carrier"); got != c.want {
				t.Errorf("carrier %s, want %s", got, c.want)
			}
		}
	})
	t.Run("the node loses power and comes back with its Pods", func(t *testing.T) {
		if err := l.Kill(ctx, "one-1", "node", syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if _, err := l.NodePID("one-1"); err == nil {
			t.Fatal("the node still runs")
		}
		if err := l.Start(ctx, "one-1"); err != nil {
			t.Fatal(err)
		}
		kubectl(t, "wait", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "pod/p", "--timeout=60s")
		kubectl(t, "wait", "--for=condition=Ready", "pod/p", "--timeout=60s")
	})
	t.Run("Pods go and leave no network behind", func(t *testing.T) {
		kubectl(t, "delete", "deployment,pod", "--all", "--all-namespaces", "--timeout=60s", "--grace-period=1")
		within(t, 30*time.Second, "no namespace and no interface of a Pod is left", func() bool {
			return in(t, "ls /run/netns; ls /sys/class/net | grep -v -x -e lo -e eth0 || true") == ""
		})
	})
	t.Run("nothing is left", func(t *testing.T) {
		pid, err := l.init.PID()
		if err != nil {
			t.Fatal(err)
		}
		netns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
		if err != nil {
			t.Fatal(err)
		}
		if err := Down(ctx, b.Cache, name); err != nil {
			t.Fatal(err)
		}
		checkNothingLeft(t, l, netns)
		if err := Down(ctx, b.Cache, name); err != nil {
			t.Errorf("down again: %v", err)
		}
	})
}

func checkNothingLeft(t *testing.T, l *Lab, netns string) {
	t.Helper()
	if _, err := os.Stat(string(l.dirs)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder %s: %v", l.dirs, err)
	}
	for _, pattern := range []string{"/sys/fs/cgroup/antrea-lab-" + l.Name, "/sys/fs/cgroup/*/antrea-lab-" + l.Name} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			t.Errorf("cgroups are left: %v", found)
		}
	}
	if mounts, _ := os.ReadFile("/proc/self/mountinfo"); strings.Contains(string(mounts), string(l.dirs)) {
		t.Errorf("mounts are left:\n%s", mounts)
	}
	spaces, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, s := range spaces {
		if to, err := os.Readlink(s); err == nil && to == netns {
			t.Errorf("a process of the lab is left: %s", s)
		}
	}
}

// A program that cannot start is named, and the end of its log shown.
func TestRealUpNamesWhatFailed(t *testing.T) {
	b := realBuilder(t)
	bin, err := b.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A cache beside the real one, so that images can be linked, with one program replaced.
	real := b.Cache.Dir
	dir, err := os.MkdirTemp(real, "t")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b.Cache = Cache{dir}
	broken := filepath.Join(dir, "bin", filepath.Base(bin))
	for _, line := range []string{
		"mkdir -p " + filepath.Dir(broken),
		"cp --archive --link " + bin + " " + broken,
		"rm " + broken + "/kube-apiserver",
		"ln -s " + real + "/images " + real + "/store " + real + "/rootfs " + dir,
	} {
		output(t, "sh", "-c", line)
	}
	if err := os.WriteFile(filepath.Join(broken, "kube-apiserver"), []byte("#!/bin/sh\necho no mood today\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := ParseDescription([]byte(oneNode))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("broken-%d", os.Getpid())
	for range 2 { // a lab that did not come up is started anew
		if _, err = Up(t.Context(), b, name, d); err == nil {
			t.Error("up")
		}
	}
	if downErr := Down(t.Context(), b.Cache, name); downErr != nil {
		t.Error(downErr)
	}
	var failed *ComponentError
	if !errors.As(err, &failed) || failed.Component != "kube-apiserver of one-1" || !strings.Contains(err.Error(), "ended with status 3") || !strings.Contains(err.Error(), "no mood today") {
		t.Errorf("up: %v", err)
	}
}

// output runs a command and returns what it printed, less the last line break.
func output(t *testing.T, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// within polls until done says so.
func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
