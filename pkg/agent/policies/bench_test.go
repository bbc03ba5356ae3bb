package policies

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/antrea-mc/antrea-mc/pkg/agent/flows/flowstest"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func benchmarkedPod(i int, node, app string) *corev1.Pod {
	ip := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}).String()
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("pod", i), Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}}},
	}
}

// benchmarkedPolicy lets a group of peers talk to the Pods of an app.
func benchmarkedPolicy(i int, app, peers string) *networkingv1.NetworkPolicy {
	selects := func(app string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
	}
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("policy", i)},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: *selects(app), PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: selects(peers)}}}},
		},
	}
}

// BenchmarkRealPolicies prints, for a Node with 100 Pods and peers elsewhere, and so many policies about all of these peers: how long
// it takes until an empty switch has the rules, and the agent's memory for it; and then how long it is from the API's word of one
// more policy about one peer, or of one more Pod that all policies are about, until the switch has that.
func BenchmarkRealPolicies(b *testing.B) {
	ovstest.Require(b)
	for _, size := range []struct{ policies, peers int }{{0, 1000}, {1000, 1000}} {
		b.Run(fmt.Sprintf("%d policies, %d addresses", size.policies, size.peers), func(b *testing.B) {
			for b.Loop() {
				benchmarkPolicies(b, size.policies, size.peers)
			}
		})
	}
}

func benchmarkPolicies(b *testing.B, policies, peers int) {
	const own = 100
	s := pipeline.State{
		Node: pipeline.Node{
			Name: "node0", TunnelPort: tunnelPort, GatewayPort: gatewayPort, GatewayMAC: gatewayMAC, TransportIP: netip.MustParseAddr("192.168.0.1"),
			GatewayIPs: []netip.Addr{netip.MustParseAddr("10.1.0.1")}, PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24")},
			ClusterPodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, NetworkPolicy: true,
		},
		Pods: make(map[string]pipeline.Pod),
	}
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}})
	for i := range own {
		p := benchmarkedPod(2+i, "node0", fmt.Sprint("app", i))
		_ = client.Tracker().Add(p)
		s.Pods[p.Name] = pipeline.Pod{
			Name: pipeline.PodName{Namespace: "default", Name: p.Name}, Port: firstPort + openflow.Port(i), MAC: openflow.MAC{2, 0, 0, 0, 0, byte(i)},
			IPs: []netip.Addr{netip.MustParseAddr(p.Status.PodIP)},
		}
	}
	for i := range peers {
		_ = client.Tracker().Add(benchmarkedPod(256+i, "node1", "peer"))
	}
	_ = client.Tracker().Add(benchmarkedPod(255, "node1", "single"))
	for i := range policies {
		_ = client.Tracker().Add(benchmarkedPolicy(i, fmt.Sprint("app", i%own), "peer"))
	}
	sw := ovstest.Start(b, ovstest.Config{})
	sw.AddBridge("br-int")
	m := flowstest.Start(b, sw, s, SourceName, func(store *state.Store) func(context.Context) error {
		return New(Config{Client: client, Node: "node0", Store: store}).Run
	})
	for i := range 200 {
		m.Change("policy", func() error {
			_, err := client.NetworkingV1().NetworkPolicies("default").Create(b.Context(), benchmarkedPolicy(policies+i, fmt.Sprint("app", i%own), "single"), metav1.CreateOptions{})
			return err
		})
		if policies > 0 && i < 100 {
			m.Change("address", func() error {
				_, err := client.CoreV1().Pods("default").Create(b.Context(), benchmarkedPod(10_000+i, "node1", "peer"), metav1.CreateOptions{})
				return err
			})
		}
	}
	m.Report()
}
