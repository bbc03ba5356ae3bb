package agent

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// replaceGuarded makes Pods and policies of an agent's API server those that it is told of. Pods are only added; a policy that stays
// is there all the time.
func (c child) replaceGuarded(ctx context.Context, client kubernetes.Interface) error {
	for _, p := range c.Pods {
		if _, err := client.CoreV1().Pods(p.Namespace).Create(ctx, &p, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	policies := client.NetworkingV1().NetworkPolicies("demo")
	had, err := policies.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, p := range c.Policies {
		if _, err := policies.Create(ctx, &p, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	for _, p := range had.Items {
		if slices.ContainsFunc(c.Policies, func(wanted networkingv1.NetworkPolicy) bool { return wanted.Name == p.Name }) {
			continue
		}
		if err := policies.Delete(ctx, p.Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func demoPod(name, node string) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "demo", Name: name, Labels: map[string]string{"role": name}}, Spec: corev1.PodSpec{NodeName: node},
	}
}

// scheduled has the agent's API server have a Pod, as it is when a runtime adds it.
func (n *testNode) scheduled(name string) {
	n.t.Helper()
	if slices.ContainsFunc(n.child.Pods, func(p corev1.Pod) bool { return p.Name == name }) {
		return
	}
	n.child.Pods = append(n.child.Pods, demoPod(name, n.name))
	n.told()
}

// enforce gives the agent's API server other policies.
func (n *testNode) enforce(texts ...string) {
	n.t.Helper()
	n.child.Policies = nil
	for _, text := range texts {
		var p networkingv1.NetworkPolicy
		if err := yaml.UnmarshalStrict([]byte(text), &p); err != nil {
			n.t.Fatal(err)
		}
		n.child.Policies = append(n.child.Policies, p)
	}
	n.write()
	if err := n.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		n.t.Fatal(err)
	}
}

// stream is a connection on which everything comes back.
type stream struct {
	net.Conn
	sent, back int
}

// echoes has port 8080 of a Pod send everything back, until the end of the test.
func (p testPod) echoes() {
	t := p.node.t
	t.Helper()
	var listener net.Listener
	err := inNamespace(p.ns, func() (err error) {
		listener, err = net.Listen("tcp4", ":8080")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go func() { _, _ = io.Copy(conn, conn) }()
		}
	}()
}

// connects opens a connection by TCP to a Pod.
func (p testPod) connects(to testPod) *stream {
	p.node.t.Helper()
	to.echoes()
	return p.dials(net.JoinHostPort(to.ip.String(), "8080"))
}

// dials opens a connection by TCP to what echoes.
func (p testPod) dials(address string) *stream {
	t := p.node.t
	t.Helper()
	s := &stream{}
	err := inNamespace(p.ns, func() (err error) {
		s.Conn, err = net.DialTimeout("tcp4", address, 20*time.Second)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// passes sends a byte and reports whether all that was sent has come back.
func (s *stream) passes() bool {
	if n, err := s.Write([]byte{1}); err == nil {
		s.sent += n
	}
	_ = s.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	buffer := make([]byte, 100)
	for s.back < s.sent {
		n, err := s.Read(buffer)
		s.back += n
		if err != nil {
			return false
		}
	}
	return true
}

func TestRealPolicies(t *testing.T) {
	f := newFabric(t)
	n := f.node("node1", "192.168.77.1")
	n.child.Nodes = []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24")}
	n.start()
	frontend, backend := n.addPod("frontend"), n.addPod("backend")
	host := testPod{node: n, name: "the host", ns: n.ns}
	frontend.answered(backend.ip)
	connection := frontend.connects(backend)
	n.until("the connection passes without policies", connection.passes)

	n.enforce(`{metadata: {namespace: demo, name: audited, annotations: {networkpolicy.antrea.io/audit-mode: "true"}},
		spec: {podSelector: {matchLabels: {role: backend}}, policyTypes: [Ingress]}}`)
	counted := func() int {
		return n.counted("antrea_agent_networkpolicy_packets_total")[`action="Audit",direction="Ingress",policy="NetworkPolicy demo/audited",rule="none"`]
	}
	n.until("a policy in audit mode counts what passes", func() bool { return connection.passes() && counted() > 0 })
	frontend.answered(backend.ip)
	before := counted()
	if out := frontend.ping(backend.ip, 3); !strings.Contains(out, " 3 received") {
		t.Errorf("audit mode does not let all pass:\n%s", out)
	}
	n.until("all of them are counted", func() bool { return counted() >= before+3 })

	const isolated = `{metadata: {namespace: demo, name: isolated}, spec: {podSelector: {matchLabels: {role: backend}}, policyTypes: [Ingress]}}`
	n.enforce(isolated)
	n.until("a policy ends the connection that was there before", func() bool { return !connection.passes() })
	host.answered(backend.ip)
	if out := frontend.ping(backend.ip, 3); !strings.Contains(out, " 0 received") {
		t.Errorf("past a policy:\n%s", out)
	}

	n.enforce(isolated, `{metadata: {namespace: demo, name: web}, spec: {podSelector: {matchLabels: {role: backend}}, policyTypes: [Ingress],
		ingress: [{from: [{podSelector: {matchLabels: {role: frontend}}}], ports: [{port: 8080, protocol: TCP}]}]}}`)
	n.until("a policy lets the connection go on", connection.passes)
	if out := frontend.ping(backend.ip, 3); !strings.Contains(out, " 0 received") {
		t.Errorf("past a policy that is about another protocol:\n%s", out)
	}

	n.enforce()
	frontend.answered(backend.ip)
	n.until("without policies the connection goes on", connection.passes)

	// A Pod that the API has not told of.
	late := testPod{node: n, name: "late", ns: n.namespace("late")}
	answer := make(chan error, 1)
	go func() {
		response, err := n.request(cni.Add, late)
		if err == nil && response.Error != nil {
			err = response.Error
		}
		answer <- err
	}()
	n.until("the Pod has its port", func() bool {
		return strings.Contains(n.sw.Ofctl("dump-flows", "br-int", "table=4"), "10.244.1.4")
	})
	if out := frontend.ping(backend.ip.Next(), 3); !strings.Contains(out, " 0 received") {
		t.Errorf("a Pod is reachable before its policies are known:\n%s", out)
	}
	n.child.Pods = append(n.child.Pods, demoPod("late", n.name))
	n.enforce()
	if err := <-answer; err != nil {
		t.Fatalf("ADD of a Pod that the API has told of meanwhile: %v", err)
	}
	late.ip = backend.ip.Next()
	frontend.answered(late.ip)
}
