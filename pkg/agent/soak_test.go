package agent

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

var (
	soakCycles   = flag.Int("cycles", 40, "ADD and DEL of a Pod, in TestRealSoak")
	soakRestarts = flag.Int("restarts", 2, "restarts of the agent, in TestRealSoak")
)

// footprint is what a process costs.
type footprint struct{ files, goroutines, resident, switchFiles, switchResident int }

func (f footprint) String() string {
	return fmt.Sprintf("agent %d open files, %d goroutines, %d MB; ovs-vswitchd %d open files, %d MB", f.files, f.goroutines, f.resident>>20, f.switchFiles, f.switchResident>>20)
}

func (n *testNode) footprint() footprint {
	n.t.Helper()
	body, err := n.ask(http.MethodGet, "/metrics")
	if err != nil {
		n.t.Fatal(err)
	}
	value := func(name string) int {
		for line := range strings.Lines(string(body)) {
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
				v, err := strconv.ParseFloat(text, 64)
				if err != nil {
					n.t.Fatal(err)
				}
				return int(v)
			}
		}
		n.t.Fatalf("no metric %s", name)
		return 0
	}
	f := footprint{files: value("process_open_fds"), goroutines: value("go_goroutines"), resident: value("process_resident_memory_bytes")}
	process := fmt.Sprintf("/proc/%d/", n.sw.VswitchdPID())
	files, err := os.ReadDir(process + "fd")
	if err != nil {
		n.t.Fatal(err)
	}
	f.switchFiles = len(files)
	text, err := os.ReadFile(process + "statm")
	if err != nil {
		n.t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		n.t.Fatal(err)
	}
	f.switchResident = pages * os.Getpagesize()
	return f
}

// Pods come and go, and the agent is killed and ended again and again: nothing is left over, and nothing grows.
func TestRealSoak(t *testing.T) {
	f := newFabric(t)
	n := f.node("node1", "192.168.77.1")
	n.child.Nodes = []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24")}
	n.start()
	stays := n.addPod("stays")
	host := testPod{node: n, name: "the host", ns: n.ns}
	n.scheduled("comes")
	comes := testPod{node: n, name: "comes", ns: n.namespace("comes")}
	cycles := func(count int) (longest time.Duration) {
		for i := range count {
			start := time.Now()
			for _, command := range []cni.Command{cni.Add, cni.Del} {
				if response, err := n.request(command, comes); err != nil || response.Error != nil {
					t.Fatalf("%s, cycle %d: %v %+v", command, i, err, response.Error)
				}
			}
			longest = max(longest, time.Since(start))
		}
		return longest
	}
	settled := func() footprint {
		time.Sleep(time.Second) // what was asked a moment ago may still be closing
		return n.footprint()
	}
	left := func() string {
		return n.sw.Vsctl("list-ports", "br-int") + n.in(n.ns, "ip", "-br", "link") + n.flows()
	}

	cycles(max(*soakCycles/10, 10)) // caches fill
	before, held := settled(), left()
	longest := cycles(*soakCycles)
	after := settled()
	t.Logf("before: %s", before)
	t.Logf("after %d cycles, the longest took %s: %s", *soakCycles, longest.Round(time.Millisecond), after)
	if got := left(); got != held {
		t.Errorf("before:\n%s\nafter:\n%s", held, got)
	}
	flat(t, before, after)

	first := footprint{}
	for i := range *soakRestarts {
		n.stop([]syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}[i%2])
		n.start()
		n.until("the agent attaches Pods", func() bool { _, err := n.ask(http.MethodGet, "/readyz"); return err == nil })
		cycles(1)
		if i == 0 {
			first = settled()
		}
	}
	last := settled()
	t.Logf("after the first of %d restarts: %s", *soakRestarts, first)
	t.Logf("after the last: %s", last)
	if got := left(); got != held {
		t.Errorf("before:\n%s\nafter restarts:\n%s", held, got)
	}
	flat(t, first, last)
	host.reaches(stays.ip, 64)
}

// flat: some more of each may be there at one time than at another, and no more.
func flat(t *testing.T, before, after footprint) {
	t.Helper()
	for _, c := range []struct {
		what              string
		before, after, by int
	}{
		{"open files of the agent", before.files, after.files, 5},
		{"goroutines", before.goroutines, after.goroutines, 20},
		{"memory of the agent", before.resident, after.resident, 16 << 20},
		{"open files of ovs-vswitchd", before.switchFiles, after.switchFiles, 5},
		{"memory of ovs-vswitchd", before.switchResident, after.switchResident, 16 << 20},
	} {
		if c.after > c.before+c.by {
			t.Errorf("%s: %d, was %d", c.what, c.after, c.before)
		}
	}
}
