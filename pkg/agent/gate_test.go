package agent

import (
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Without AntreaProxy the agent leaves Services and policies alone, and waits for neither. Restarts with it and without it again lose
// nothing of what Pods say to each other.
func TestRealWithoutProxy(t *testing.T) {
	f := newFabric(t)
	n := f.node("node1", "192.168.77.1")
	n.child.Nodes = []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24")}
	with := n.child.File + "serviceCIDR: 10.96.0.0/16\n"
	without := with + "featureGates: {AntreaProxy: false}\n"
	n.child.File = without
	n.child.Policies = []networkingv1.NetworkPolicy{{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: "nobody"}, Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}},
	}}
	n.start()
	a, b := n.attachPod("a"), n.attachPod("b")
	for _, p := range []testPod{a, b} {
		n.scheduled(p.name)
		p.answers()
	}
	n.serve("web", `{clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], ports: [{name: tcp, port: 80, protocol: TCP}]}`, b)
	n.told()
	a.answered(b.ip)
	a.reaches(b.ip, 64)
	tr := startTraffic(t, []testPod{a}, []testPod{b})
	tr.flowing("before")

	const service = "10.96.0.10"
	balanced := func() bool { return strings.Contains(n.sw.Ofctl("dump-flows", "br-int"), service) }
	if balanced() {
		t.Error("the switch balances a Service")
	}
	n.child.Policies = nil
	n.stop(syscall.SIGTERM)
	n.child.File = with
	n.start()
	n.until("the switch balances the Service", func() bool { answer, _ := a.ask("tcp", service+":80"); return answer == "b "+a.ip.String() })
	tr.flowing("with it")

	n.stop(syscall.SIGTERM)
	n.child.File = without
	n.start()
	if balanced() {
		t.Error("the switch still balances a Service")
	}
	tr.flowing("without it again")
	if r := tr.finish(); r.lost > 0 {
		t.Error(r)
	}
}
