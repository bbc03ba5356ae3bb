package probe

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// BenchmarkRealSessions prints what share of a core ovs-vswitchd takes for so many BFD sessions at the interval that they get. The
// peers are addresses of one other switch in a network namespace of its own.
func BenchmarkRealSessions(b *testing.B) {
	if os.Geteuid() != 0 {
		b.Skip("needs root, for network namespaces")
	}
	for _, sessions := range []int{10, 50, 200} {
		b.Run(fmt.Sprint(sessions), func(b *testing.B) {
			watched := watch(b, sessions)
			const during = 10 * time.Second
			for b.Loop() {
				before := watched.CPU()
				time.Sleep(during)
				b.ReportMetric(100*float64(watched.CPU()-before)/float64(during), "%-of-a-core")
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(interval(sessions)), "ms-interval")
			if n := up(b, watched); n != sessions {
				b.Errorf("%d of %d sessions are up", n, sessions)
			}
		})
	}
}

// watch has two switches watch each other with so many sessions, and returns one of them when all are up and at their pace.
func watch(b *testing.B, sessions int) *ovstest.Switch {
	b.Helper()
	names := [2]string{fmt.Sprintf("antrea-bench-%d-a", os.Getpid()), fmt.Sprintf("antrea-bench-%d-b", os.Getpid())}
	for _, ns := range names {
		run(b, "ip", "netns", "add", ns)
		b.Cleanup(func() { run(b, "ip", "netns", "del", ns) })
	}
	run(b, "ip", "-n", names[0], "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", names[1])
	addresses := [2][]netip.Addr{{netip.MustParseAddr("172.31.0.1")}}
	for i := range sessions {
		addresses[1] = append(addresses[1], netip.AddrFrom4([4]byte{172, 31, 1, byte(1 + i)}))
	}
	var switches [2]*ovstest.Switch
	for i, ns := range names {
		run(b, "ip", "-n", ns, "link", "set", "eth0", "up")
		sw := ovstest.Start(b, ovstest.Config{NetNS: "/run/netns/" + ns})
		sw.Vsctl("add-br", "br-phy", "--", "set", "Bridge", "br-phy", "datapath_type=netdev", "--", "add-port", "br-phy", "eth0")
		for _, a := range addresses[i] {
			run(b, "ip", "-n", ns, "address", "add", a.String()+"/16", "dev", "br-phy")
		}
		run(b, "ip", "-n", ns, "link", "set", "br-phy", "up")
		sw.AddBridge("br-int")
		args := []string{"--"}
		for k, peer := range addresses[1] {
			local := addresses[0][0]
			if i == 1 {
				local, peer = peer, local
			}
			name := fmt.Sprintf("probe%d", k)
			args = append(args, "add-port", "br-int", name, "--", "set", "Interface", name, "type=geneve",
				"options:remote_ip="+peer.String(), "options:local_ip="+local.String(), "options:key="+key, "--")
			ms := strconv.Itoa(interval(sessions))
			args = append(args, "set", "Interface", name, "bfd:enable=true", "bfd:min_tx="+ms, "bfd:min_rx="+ms, "bfd:mult="+strconv.Itoa(multiplier), "--")
		}
		sw.Vsctl(args[1 : len(args)-1]...)
		switches[i] = sw
	}
	for i, sw := range switches { // as the agent does: the switch itself asks for one neighbour at a time
		mac := strings.Trim(strings.TrimSpace(switches[1-i].Vsctl("get", "Interface", "br-phy", "mac_in_use")), `"`)
		for _, a := range addresses[1-i] {
			sw.Appctl("tnl/neigh/set", "br-phy", a.String(), mac)
		}
	}
	for deadline := time.Now().Add(time.Minute); up(b, switches[0]) < sessions; time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d sessions are up after a minute", up(b, switches[0]), sessions)
		}
	}
	time.Sleep(5 * time.Second) // a session that has just come up sends once a second
	return switches[0]
}

// up counts the sessions that are up.
func up(b *testing.B, sw *ovstest.Switch) (n int) {
	b.Helper()
	for line := range strings.Lines(sw.Vsctl("--bare", "--columns=bfd_status", "find", "Interface", "type=geneve")) {
		for _, field := range strings.Fields(line) {
			if field == "state=up" {
				n++
			}
		}
	}
	return n
}

func run(b *testing.B, args ...string) {
	b.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
