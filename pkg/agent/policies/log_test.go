package policies

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/flows"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// lines are what was logged.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(_, args string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, args)
}

// with are the lines that contain a text.
func (l *lines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// TestRealLog has an Open vSwitch refuse packets of Pods in a Namespace that is logged and in one that is not.
func TestRealLog(t *testing.T) {
	ovstest.Require(t)
	sw := ovstest.Start(t, ovstest.Config{})
	sw.AddBridge("br-int")
	s := pipeline.State{
		Node: pipeline.Node{
			Name: "node0", TunnelPort: tunnelPort, GatewayPort: gatewayPort, GatewayMAC: gatewayMAC, TransportIP: netip.MustParseAddr("192.168.0.1"),
			GatewayIPs: []netip.Addr{netip.MustParseAddr("10.1.0.1")}, PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")},
			ClusterPodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, NetworkPolicy: true,
		},
		Pods: make(map[string]pipeline.Pod),
	}
	client := fake.NewSimpleClientset()
	for i, name := range []string{"told/client", "told/server", "quiet/server", "tried/server"} {
		namespace, name, _ := strings.Cut(name, "/")
		port := firstPort + openflow.Port(i)
		device := fmt.Sprint("pod", i)
		sw.Vsctl("add-port", "br-int", device, "--", "set", "Interface", device, "type=dummy", fmt.Sprintf("ofport_request=%d", port))
		ip := netip.AddrFrom4([4]byte{10, 1, 0, byte(10 + i)})
		s.Pods[device] = pipeline.Pod{
			Name: pipeline.PodName{Namespace: namespace, Name: name}, Port: port, MAC: openflow.MAC{2, 0, 0, 0, 0, byte(i)}, IPs: []netip.Addr{ip},
		}
		annotations := map[string]string{}
		if namespace != "quiet" {
			annotations[policy.LogAnnotation] = "true"
		}
		_ = client.Tracker().Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Annotations: annotations}})
		_ = client.Tracker().Add(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: corev1.PodSpec{NodeName: "node0"},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: ip.String(), PodIPs: []corev1.PodIP{{IP: ip.String()}}},
		})
		audit := fmt.Sprint(namespace == "tried")
		_ = client.Tracker().Add(&networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "isolated", Annotations: map[string]string{policy.AuditAnnotation: audit}},
			Spec: networkingv1.NetworkPolicySpec{
				PodSelector: metav1.LabelSelector{}, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			},
		})
	}

	var logged lines
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), funcr.New(logged.add, funcr.Options{})))
	store := state.New(s, SourceName)
	source := New(Config{Client: client, Node: "node0", Store: store})
	syncer := flows.New(flows.Config{Address: sw.OpenFlow("br-int"), Store: store, Metrics: flows.NewMetrics(prometheus.NewRegistry())})
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for _, run := range []func() error{
		func() error { return source.Run(ctx) },
		func() error { return source.LogRefusals(ctx, sw.OpenFlow("br-int")) },
		func() error { return syncer.Run(ctx) },
	} {
		wait.Go(func() {
			if err := run(); err != nil {
				t.Error(err)
			}
		})
	}
	until(t, "the Pods' policies are in the switch", func() bool {
		return strings.Contains(sw.Ofctl("dump-flows", "br-int", "table=26"), "CONTROLLER") ||
			strings.Contains(sw.Ofctl("dump-flows", "br-int", "table=26"), "controller(")
	})
	send := func(to, port int) {
		sw.Appctl("netdev-dummy/receive", "pod0", fmt.Sprintf("in_port(1),eth(src=02:00:00:00:00:00,dst=%s),eth_type(0x0800),"+
			"ipv4(src=10.1.0.10,dst=10.1.0.%d,proto=6,tos=0,ttl=64,frag=no),tcp(src=40000,dst=%d),tcp_flags(syn)", pipeline.MACNode, to, port))
	}
	until(t, "the refusal is logged", func() bool {
		send(11, 80)
		return len(logged.with("Refused by policy")) > 0
	})
	line := logged.with("Refused by policy")[0]
	for _, want := range []string{
		`"direction"="Ingress"`, `"from"="told/client (10.1.0.10)"`, `"to"="told/server (10.1.0.11)"`, `"protocol"="TCP"`, `"port"=80`,
		"isolated by NetworkPolicy told/isolated",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s lacks %s", line, want)
		}
	}
	send(12, 81)
	send(11, 82)
	until(t, "a later refusal is logged", func() bool { return len(logged.with(`"port"=82`)) > 0 })
	if quiet := logged.with(`"port"=81`); len(quiet) > 0 {
		t.Errorf("logged without being asked: %s", quiet)
	}
	send(13, 83)
	until(t, "what would be refused is logged", func() bool { return len(logged.with(`"port"=83`)) > 0 })
	line = logged.with(`"port"=83`)[0]
	for _, want := range []string{
		"Would be refused by a policy in audit mode", `"to"="tried/server (10.1.0.13)"`,
		"allowed: no policy applies, and would be denied by NetworkPolicy tried/isolated, in audit mode",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s lacks %s", line, want)
		}
	}
	conn, err := syncer.Conn()
	if err != nil {
		t.Fatal(err)
	}
	counted, err := source.Counted(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range counted {
		if of.Policy == "NetworkPolicy tried/isolated" && (of.Action != "Audit" || !of.Isolation || of.Connections != 1 || of.Packets != 1) {
			t.Errorf("counted in audit mode: %+v", of)
		}
		if of.Policy == "NetworkPolicy quiet/isolated" && (of.Action != "Deny" || of.Connections != 1) {
			t.Errorf("counted where a policy isolates: %+v", of)
		}
	}
	if len(counted) != 3 {
		t.Errorf("%d policies have counted, want one of each Namespace: %+v", len(counted), counted)
	}
	trace := sw.Appctl("ofproto/trace", "br-int", fmt.Sprintf("in_port=%d,dl_src=02:00:00:00:00:00,dl_dst=%s,tcp,nw_src=10.1.0.10,nw_dst=10.1.0.11,"+
		"nw_ttl=64,tcp_dst=80", firstPort, pipeline.MACNode), "--ct-next", "trk,new")
	if !strings.Contains(trace, "meter(") {
		t.Errorf("nothing limits how many refusals are told:\n%s", trace)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}
