package agent

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// Whatever somebody changes by hand of what the agent keeps in order is repaired, counted and shown; what the agent changes
// itself, and what goes with a switch that starts again, is not.
func TestRealDrift(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24"), k8sNode("node2", "192.168.77.2", "10.244.2.0/24")}
	n := f.node("node1", "192.168.77.1")
	n.child.Nodes = nodes
	n.start()
	a := n.addPod("web-a")
	host := testPod{node: n, name: "the host", ns: n.ns}
	host.answered(a.ip)
	port := strings.TrimSpace(n.sw.Vsctl("--columns=name", "--bare", "find", "Port", `external_ids:pod-name=web-a`))
	counts := func() map[string]int { return n.counted("antrea_agent_drift_repaired_total") }
	count := func(object systemv1alpha1.DriftObject, kind systemv1alpha1.DriftKind) int {
		return counts()[fmt.Sprintf("kind=%q,object=%q", kind, object)]
	}
	n.until("nothing differs", func() bool { return len(n.drift(false).Items) == 0 })
	n.drift(true) // from here on, what differs is somebody else's doing

	none := counts()
	if len(none) != 3*len(systemv1alpha1.DriftObjects()) {
		t.Errorf("counters: %v", none)
	}
	for labels, c := range none {
		if c != 0 {
			t.Errorf("%d times %s before anybody changed anything", c, labels)
		}
	}
	n.sw.StopVswitchd(true)
	n.sw.StartVswitchd()
	n.until("Pods answer again", func() bool { return strings.Contains(host.ping(a.ip, 1), " 1 received") })
	n.until("nothing differs", func() bool { return len(n.drift(false).Items) == 0 })
	if got := counts(); !maps.Equal(got, none) {
		t.Errorf("a switch that starts again is no drift: %v", got)
	}

	ip := func(args ...string) func() { return func() { n.in(n.ns, append([]string{"ip"}, args...)...) } }
	vsctl := func(args ...string) func() { return func() { n.sw.Vsctl(args...) } }
	const missing, changed, unwanted = systemv1alpha1.DriftMissing, systemv1alpha1.DriftChanged, systemv1alpha1.DriftUnwanted
	for _, tt := range []struct {
		object systemv1alpha1.DriftObject
		kind   systemv1alpha1.DriftKind
		do     func()
		event  string
	}{
		{systemv1alpha1.DriftPort, missing, vsctl("del-port", "br-int", "antrea-tun0"), "missing port Port antrea-tun0 type=geneve"},
		{systemv1alpha1.DriftPort, changed, vsctl("set", "Interface", "antrea-tun0", "options:key=7"), "changed port Interface antrea-tun0 options="},
		{systemv1alpha1.DriftPort, changed, vsctl("remove", "Port", "antrea-gw0", "external_ids", "antrea-type"), "Port antrea-gw0 external_ids={antrea-type=gateway}"},
		{systemv1alpha1.DriftPort, missing, vsctl("del-port", "br-int", port), "missing port Port " + port},
		{systemv1alpha1.DriftPort, changed, vsctl("set", "Port", port, `external_ids:ip-address="10.244.1.77/24"`), port + " external_ids={ip-address=" + a.ip.String() + "/24}"},
		{systemv1alpha1.DriftBridge, changed, vsctl("set", "Bridge", "br-int", "fail_mode=standalone"), "Bridge br-int fail_mode=secure"},
		{systemv1alpha1.DriftRoute, missing, ip("route", "del", "10.244.2.0/24"), "missing route 10.244.2.0/24 via 10.244.2.1 dev antrea-gw0"},
		{systemv1alpha1.DriftRoute, unwanted, ip("route", "add", "10.9.0.0/16", "dev", "antrea-gw0", "proto", "109"), "unwanted route 10.9.0.0/16 dev antrea-gw0"},
		{systemv1alpha1.DriftAddress, missing, ip("addr", "del", "10.244.1.1/24", "dev", "antrea-gw0"), "missing address 10.244.1.1/24 dev antrea-gw0"},
		{systemv1alpha1.DriftAddress, unwanted, ip("addr", "add", "10.9.9.9/32", "dev", "antrea-gw0"), "unwanted address 10.9.9.9/32 dev antrea-gw0"},
		{systemv1alpha1.DriftDevice, changed, ip("link", "set", "antrea-gw0", "down"), "changed device antrea-gw0 up"},
	} {
		start := time.Now()
		before := count(tt.object, tt.kind)
		tt.do()
		n.until(tt.event+" is repaired and counted", func() bool { return count(tt.object, tt.kind) > before })
		counted := time.Since(start)
		n.until("nothing differs", func() bool { return len(n.drift(false).Items) == 0 })
		t.Logf("%s: counted after %s, all well after %s", tt.event, counted, time.Since(start))
	}
	a.answered(netip.MustParseAddr("10.244.1.1"))
	host.reaches(a.ip, 64)

	// Of these nobody tells the agent. It looks now and then, or when it is asked to.
	deleteRule := func() {
		rules := n.in(n.ns, "nft", "-a", "list", "chain", "inet", "antrea-mc", "postrouting")
		handle := regexp.MustCompile(`masquerade.* # handle (\d+)`).FindStringSubmatch(rules)
		if handle == nil {
			t.Fatalf("no rule in %s", rules)
		}
		n.in(n.ns, "nft", "delete", "rule", "inet", "antrea-mc", "postrouting", "handle", handle[1])
	}
	quiet := []struct {
		object systemv1alpha1.DriftObject
		kind   systemv1alpha1.DriftKind
		do     func()
		shown  string
	}{
		{systemv1alpha1.DriftNFT, missing, deleteRule, `inet antrea-mc postrouting: ip saddr 10.244.1.0/24 oifname != "antrea-gw0" ip daddr != @known-ipv4 masquerade`},
		{systemv1alpha1.DriftSysctl, changed, func() { n.in(n.ns, "sysctl", "-q", "-w", "net.ipv4.ip_forward=0") }, "net/ipv4/ip_forward=1"},
		{systemv1alpha1.DriftNeighbor, missing, ip("neigh", "del", "169.254.0.253", "dev", "antrea-gw0"), "169.254.0.253 lladdr aa:bb:cc:dd:ee:ff dev antrea-gw0 PERMANENT"},
		{systemv1alpha1.DriftFlow, missing, func() { n.sw.Ofctl("del-flows", "br-int", "table=16,ip,nw_dst="+a.ip.String()) }, "table=16"},
		{systemv1alpha1.DriftMeter, missing, func() { n.sw.Ofctl("-O OpenFlow15 del-meter", "br-int", "meter=controller") }, "meter=controller"},
	}
	if n.sw.Datapath == "netdev" {
		quiet = append(quiet, quiet[0])
		last := &quiet[len(quiet)-1]
		last.object, last.shown = systemv1alpha1.DriftRoute, "ovs/route 192.168.77.0/24 br-phy"
		last.do = func() { n.sw.Appctl("ovs/route/del", "192.168.77.0/24") }
	}
	for _, tt := range quiet {
		shown := false
		for range 3 { // it may just be looking
			before := count(tt.object, tt.kind)
			tt.do()
			for _, d := range n.drift(false).Items {
				shown = shown || d.Object == tt.object && d.Kind == tt.kind && strings.Contains(d.Want, tt.shown)
			}
			if n.drift(true); count(tt.object, tt.kind) == before {
				t.Errorf("%s: not counted", tt.shown)
			}
			if found := n.drift(false).Items; len(found) != 0 {
				t.Errorf("%s: not repaired: %+v", tt.shown, found)
			}
			if shown {
				break
			}
		}
		if !shown {
			t.Errorf("%s: not shown", tt.shown)
		}
	}
	n.until("an Event tells of it", func() bool {
		return strings.Contains(n.log.String(), "Event DriftRepaired on Node node1: Somebody else has changed") && strings.Contains(n.log.String(), "First: missing port Port antrea-tun0 type=geneve")
	})
}
