package cyclonus

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policy/policytest"
)

var protocols = map[corev1.Protocol]policy.Protocol{
	corev1.ProtocolTCP: policy.TCP, corev1.ProtocolUDP: policy.UDP, corev1.ProtocolSCTP: policy.SCTP,
}

// TestAgainstCyclonus asks both about everything between everybody in clusters made by chance. Left out is what cyclonus does not
// decide: a Pod to itself and a Node to its Pods, which Kubernetes always allows, ports with two names, and NotIn for a label that is
// not there.
func TestAgainstCyclonus(t *testing.T) {
	asked, denied, left := 0, 0, 0
	for seed := range uint64(400) {
		w := policytest.New(seed+5000, false)
		if seed%2 == 0 {
			allLabels(w)
		} else {
			withoutNotIn(w)
		}
		e := policy.New("")
		w.Tell(e)
		var policies []*networkingv1.NetworkPolicy
		for _, p := range w.Policies {
			policies = append(policies, p)
		}
		theirs := matcher.BuildNetworkPolicies(false, policies)
		for _, c := range w.Connections() {
			v, err := e.Query(policy.Peer{IP: c.From}, policy.Peer{IP: c.To}, protocols[c.Protocol], uint16(c.Port))
			if err != nil {
				t.Fatal(err)
			}
			name, clear := portName(podAt(w, c.To), c)
			if !clear || v.Ingress.Reason == policy.FromOwnNode || v.Ingress.Reason == policy.ToItself {
				left++
				continue
			}
			got := theirs.IsTrafficAllowed(&matcher.Traffic{
				Source: peer(w, c.From), Destination: peer(w, c.To), ResolvedPort: int(c.Port), ResolvedPortName: name, Protocol: c.Protocol,
			})
			if v.Egress.Allowed != got.Egress.IsAllowed() || v.Ingress.Allowed != got.Ingress.IsAllowed() {
				t.Fatalf("world %d: %v: egress %s, ingress %s; cyclonus:\n%s", seed, c, v.Egress, v.Ingress, got.Table())
			}
			asked++
			if !v.Allowed() {
				denied++
			}
		}
	}
	t.Logf("%d connections, %d of them denied, 0 disagreements; %d left out", asked, denied, left)
	if asked < 10000 || denied < asked/10 {
		t.Error("the clusters are too dull")
	}
}

// podAt is the Pod with an address of its own, nil if there is none.
func podAt(w *policytest.World, ip netip.Addr) *corev1.Pod {
	for _, p := range w.Pods {
		for _, of := range p.Status.PodIPs {
			if of.IP == ip.String() && !p.Spec.HostNetwork {
				return p
			}
		}
	}
	return nil
}

func peer(w *policytest.World, ip netip.Addr) *matcher.TrafficPeer {
	of := &matcher.TrafficPeer{IP: ip.String()}
	if p := podAt(w, ip); p != nil {
		of.Internal = &matcher.InternalPeer{PodLabels: p.Labels, Namespace: p.Namespace, NamespaceLabels: w.Namespaces[p.Namespace]}
	}
	return of
}

// portName is the name that a Pod has for the port; clear is false if it has two.
func portName(p *corev1.Pod, c policytest.Connection) (name string, clear bool) {
	if p == nil {
		return "", true
	}
	for _, container := range p.Spec.Containers {
		for _, port := range container.Ports {
			if port.ContainerPort != c.Port || port.Protocol != c.Protocol {
				continue
			}
			if name != "" {
				return "", false
			}
			name = port.Name
		}
	}
	return name, true
}

// allLabels gives everybody a value of every label.
func allLabels(w *policytest.World) {
	fill := func(labels map[string]string) {
		for _, key := range []string{"app", "env"} {
			if _, ok := labels[key]; !ok {
				labels[key] = "none"
			}
		}
	}
	for _, labels := range w.Namespaces {
		fill(labels)
	}
	for _, p := range w.Pods {
		fill(p.Labels)
	}
}

// withoutNotIn takes NotIn out of all selectors.
func withoutNotIn(w *policytest.World) {
	clean := func(s *metav1.LabelSelector) {
		if s != nil {
			s.MatchExpressions = slices.DeleteFunc(s.MatchExpressions, func(r metav1.LabelSelectorRequirement) bool {
				return r.Operator == metav1.LabelSelectorOpNotIn
			})
		}
	}
	peers := func(list []networkingv1.NetworkPolicyPeer) {
		for _, p := range list {
			clean(p.PodSelector)
			clean(p.NamespaceSelector)
		}
	}
	for _, p := range w.Policies {
		clean(&p.Spec.PodSelector)
		for _, r := range p.Spec.Ingress {
			peers(r.From)
		}
		for _, r := range p.Spec.Egress {
			peers(r.To)
		}
	}
}
