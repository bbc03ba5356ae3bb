package policy

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/antrea-mc/antrea-mc/pkg/policy/policytest"
)

// slow decides by reading the objects again for every question, as their documentation says it.
type slow struct {
	world *policytest.World
	audit bool // policies in audit mode do not refuse; otherwise they do, as if they were not
}

func audits(o metav1.Object) bool { return o.GetAnnotations()[AuditAnnotation] == "true" }

func (s slow) podWith(a netip.Addr) *corev1.Pod {
	for _, p := range s.world.Pods {
		if !p.Spec.HostNetwork && slices.ContainsFunc(p.Status.PodIPs, func(ip corev1.PodIP) bool { return ip.IP == a.String() }) {
			return p
		}
	}
	return nil
}

// answer is what becomes of a connection in one direction, and whether a policy in audit mode would be who refuses it.
type answer struct{ allowed, audited bool }

func (s slow) answers(c policytest.Connection) (egress, ingress answer) {
	from, to := s.podWith(c.From), s.podWith(c.To)
	egress, ingress = answer{allowed: true}, answer{allowed: true}
	if from != nil && from == to {
		return egress, ingress
	}
	of := func(subject *corev1.Pod, d Direction, peer netip.Addr, peerPod *corev1.Pod) (a answer) {
		s.audit = false
		allowed, auditor := s.decide(subject, d, peer, peerPod, to, c)
		a.audited = !allowed && auditor
		s.audit = true
		a.allowed, _ = s.decide(subject, d, peer, peerPod, to, c)
		return a
	}
	if from != nil {
		egress = of(from, Egress, c.To, to)
	}
	if to != nil && (from != nil || !s.isNode(to.Spec.NodeName, c.From)) {
		ingress = of(to, Ingress, c.From, from)
	}
	return egress, ingress
}

func (s slow) isNode(name string, a netip.Addr) bool {
	n := s.world.Nodes[name]
	if n == nil {
		return false
	}
	gateway := netip.MustParsePrefix(n.Spec.PodCIDRs[0]).Addr().Next()
	return a == gateway || slices.ContainsFunc(n.Status.Addresses, func(x corev1.NodeAddress) bool { return x.Address == a.String() })
}

func (s slow) decide(subject *corev1.Pod, d Direction, peer netip.Addr, peerPod, receiver *corev1.Pod, c policytest.Connection) (allowed, auditor bool) {
	if a, auditor := s.cluster(policyv1alpha2.AdminTier, subject, d, peer, peerPod, receiver, c); a == "Accept" || a == "Deny" {
		return a == "Accept", auditor
	}
	isolated, auditors := false, true
	for _, np := range s.world.Policies {
		if np.Namespace != subject.Namespace || !selects(&np.Spec.PodSelector, subject.Labels) {
			continue
		}
		want := networkingv1.PolicyTypeIngress
		if d == Egress {
			want = networkingv1.PolicyTypeEgress
		}
		if !slices.Contains(np.Spec.PolicyTypes, want) {
			continue
		}
		if !audits(np) || !s.audit {
			isolated, auditors = true, auditors && audits(np)
		}
		if d == Ingress {
			for _, r := range np.Spec.Ingress {
				if s.peers(np.Namespace, r.From, peer, peerPod) && ports(r.Ports, receiver, c) {
					return true, false
				}
			}
			continue
		}
		for _, r := range np.Spec.Egress {
			if s.peers(np.Namespace, r.To, peer, peerPod) && ports(r.Ports, receiver, c) {
				return true, false
			}
		}
	}
	if isolated {
		return false, auditors
	}
	action, auditor := s.cluster(policyv1alpha2.BaselineTier, subject, d, peer, peerPod, receiver, c)
	return action != "Deny", auditor
}

func (s slow) peers(namespace string, peers []networkingv1.NetworkPolicyPeer, a netip.Addr, pod *corev1.Pod) bool {
	if len(peers) == 0 {
		return true
	}
	for _, p := range peers {
		if p.IPBlock != nil {
			in := netip.MustParsePrefix(p.IPBlock.CIDR).Contains(a)
			for _, e := range p.IPBlock.Except {
				in = in && !netip.MustParsePrefix(e).Contains(a)
			}
			if in {
				return true
			}
			continue
		}
		if pod == nil {
			continue
		}
		if p.NamespaceSelector == nil && pod.Namespace != namespace {
			continue
		}
		if p.NamespaceSelector != nil && !s.selectsNamespace(p.NamespaceSelector, pod.Namespace) {
			continue
		}
		if p.PodSelector == nil || selects(p.PodSelector, pod.Labels) {
			return true
		}
	}
	return false
}

func (s slow) selectsNamespace(selector *metav1.LabelSelector, name string) bool {
	ns, ok := s.world.Namespaces[name]
	return ok && selects(selector, ns)
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		panic(err)
	}
	return s.Matches(labels.Set(set))
}

func ports(ports []networkingv1.NetworkPolicyPort, receiver *corev1.Pod, c policytest.Connection) bool {
	if len(ports) == 0 {
		return true
	}
	for _, p := range ports {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		if protocol != c.Protocol {
			continue
		}
		switch {
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.String:
			if named(receiver, p.Port.StrVal, c) {
				return true
			}
		case p.EndPort != nil:
			if p.Port.IntVal <= c.Port && c.Port <= *p.EndPort {
				return true
			}
		case p.Port.IntVal == c.Port:
			return true
		}
	}
	return false
}

// named tells whether the receiver has the port of the connection under that name.
func named(receiver *corev1.Pod, name string, c policytest.Connection) bool {
	if receiver == nil {
		return false
	}
	for _, container := range receiver.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name && port.Protocol == c.Protocol && port.ContainerPort == c.Port {
				return true
			}
		}
	}
	return false
}

// cluster is the action of the first rule of a tier that fits, or nothing, and whether its policy is in audit mode.
func (s slow) cluster(tier policyv1alpha2.Tier, subject *corev1.Pod, d Direction, peer netip.Addr, peerPod, receiver *corev1.Pod, c policytest.Connection) (action string, auditor bool) {
	var policies []*policyv1alpha2.ClusterNetworkPolicy
	for _, p := range s.world.ClusterPolicies {
		if p.Spec.Tier == tier && s.pod(p.Spec.Subject.Namespaces, p.Spec.Subject.Pods, subject) {
			policies = append(policies, p)
		}
	}
	slices.SortFunc(policies, func(a, b *policyv1alpha2.ClusterNetworkPolicy) int {
		return int(a.Spec.Priority) - int(b.Spec.Priority)
	})
	for _, p := range policies {
		counts := func(action policyv1alpha2.ClusterNetworkPolicyRuleAction) bool {
			return s.audit && audits(p) && action == "Deny"
		}
		if d == Ingress {
			for _, r := range p.Spec.Ingress {
				hit := slices.ContainsFunc(r.From, func(f policyv1alpha2.ClusterNetworkPolicyIngressPeer) bool {
					return s.pod(f.Namespaces, f.Pods, peerPod)
				})
				if hit && clusterPorts(r.Protocols, receiver, c) && !counts(r.Action) {
					return string(r.Action), audits(p)
				}
			}
			continue
		}
		for _, r := range p.Spec.Egress {
			hit := slices.ContainsFunc(r.To, func(t policyv1alpha2.ClusterNetworkPolicyEgressPeer) bool {
				if t.Nodes != nil {
					for _, n := range s.world.Nodes {
						if selects(t.Nodes, n.Labels) && slices.ContainsFunc(n.Status.Addresses, func(x corev1.NodeAddress) bool { return x.Address == peer.String() }) {
							return true
						}
					}
					return false
				}
				if t.Networks != nil {
					return slices.ContainsFunc(t.Networks, func(n policyv1alpha2.CIDR) bool { return netip.MustParsePrefix(string(n)).Contains(peer) })
				}
				if t.DomainNames != nil {
					return s.told(p.Spec.Subject, t.DomainNames, peer)
				}
				return s.pod(t.Namespaces, t.Pods, peerPod)
			})
			if hit && clusterPorts(r.Protocols, receiver, c) && !counts(r.Action) {
				return string(r.Action), audits(p)
			}
		}
	}
	return "", false
}

// told tells whether a Pod of a policy was told that somebody with one of the names has an address.
func (s slow) told(subject policyv1alpha2.ClusterNetworkPolicySubject, names []policyv1alpha2.DomainName, a netip.Addr) bool {
	for of, told := range s.world.Told {
		pod := s.world.Pods[of]
		if pod == nil || pod.Spec.HostNetwork || !s.pod(subject.Namespaces, subject.Pods, pod) {
			continue
		}
		for _, t := range told {
			for _, name := range names {
				pattern := strings.ReplaceAll(strings.TrimSuffix(string(name), "."), ".", "[.]")
				pattern = strings.Replace(pattern, "*", "[^.]+([.][^.]+)*", 1)
				if t.Address == a && !t.Lapsed && regexp.MustCompile("(?i)^"+pattern+"$").MatchString(t.Name) {
					return true
				}
			}
		}
	}
	return false
}

func (s slow) pod(namespaces *metav1.LabelSelector, pods *policyv1alpha2.NamespacedPod, pod *corev1.Pod) bool {
	switch {
	case pod == nil:
		return false
	case namespaces != nil:
		return s.selectsNamespace(namespaces, pod.Namespace)
	}
	return s.selectsNamespace(&pods.NamespaceSelector, pod.Namespace) && selects(&pods.PodSelector, pod.Labels)
}

func clusterPorts(protocols []policyv1alpha2.ClusterNetworkPolicyProtocol, receiver *corev1.Pod, c policytest.Connection) bool {
	fits := func(protocol corev1.Protocol, port *policyv1alpha2.Port) bool {
		switch {
		case protocol != c.Protocol:
			return false
		case port == nil:
			return true
		case port.Range != nil:
			return port.Range.Start <= c.Port && c.Port <= port.Range.End
		}
		return port.Number == c.Port
	}
	for _, p := range protocols {
		if p.TCP != nil && fits(corev1.ProtocolTCP, p.TCP.DestinationPort) || p.UDP != nil && fits(corev1.ProtocolUDP, p.UDP.DestinationPort) ||
			p.SCTP != nil && fits(corev1.ProtocolSCTP, p.SCTP.DestinationPort) || p.DestinationNamedPort != "" && named(receiver, p.DestinationNamedPort, c) {
			return true
		}
	}
	return len(protocols) == 0
}
