// Package policytest makes small clusters with policies by chance, for tests of what decides about policies.
//
// Start at [New]. Few names and values are used, so that everything meets everything.
package policytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Follower is told of objects.
type Follower interface {
	Set(object any) error
	Delete(object any)
}

// World is a cluster.
type World struct {
	*rand.Rand
	Namespaces      map[string]map[string]string
	Pods            map[types.NamespacedName]*corev1.Pod
	Nodes           map[string]*corev1.Node
	Policies        map[types.NamespacedName]*networkingv1.NetworkPolicy
	ClusterPolicies map[string]*policyv1alpha2.ClusterNetworkPolicy
	// Told is what Pods were told when they asked for domain names. Followers do not hear of it.
	Told map[types.NamespacedName][]Told

	audits bool
}

// Told is an address of a name.
type Told struct {
	Name    string
	Address netip.Addr
	Lapsed  bool // for connections that there are already
}

// Connection is the first packet of one, as it leaves and arrives.
type Connection struct {
	From, To netip.Addr
	Protocol corev1.Protocol
	Port     int32
}

// New is the cluster of a seed, with ClusterNetworkPolicies and policies in audit mode or with neither.
func New(seed uint64, more bool) *World {
	w := &World{
		Rand: rand.New(rand.NewPCG(seed, 11)), Namespaces: make(map[string]map[string]string), Pods: make(map[types.NamespacedName]*corev1.Pod),
		Nodes: make(map[string]*corev1.Node), Policies: make(map[types.NamespacedName]*networkingv1.NetworkPolicy),
		ClusterPolicies: make(map[string]*policyv1alpha2.ClusterNetworkPolicy), audits: more,
		Told: make(map[types.NamespacedName][]Told),
	}
	for i := range 2 {
		w.node(i)
	}
	for i := range 3 {
		w.Namespaces[fmt.Sprint("ns", i)] = w.labels()
	}
	for range 7 {
		w.pod()
	}
	for range 2 + w.IntN(6) {
		w.policy()
	}
	if more {
		for range w.IntN(4) {
			w.clusterPolicy()
		}
		for range 30 {
			w.tell()
		}
	}
	return w
}

func one[T any](w *World, of ...T) T { return of[w.IntN(len(of))] }

func (w *World) chance(percent int) bool { return w.IntN(100) < percent }

func (w *World) labels() map[string]string {
	set := make(map[string]string)
	for _, k := range []string{"app", "env"} {
		if w.chance(80) {
			set[k] = one(w, "a", "b")
		}
	}
	return set
}

func (w *World) selector() *metav1.LabelSelector {
	s := &metav1.LabelSelector{}
	if w.chance(60) {
		s.MatchLabels = map[string]string{one(w, "app", "env"): one(w, "a", "b")}
	}
	if w.chance(25) {
		e := metav1.LabelSelectorRequirement{Key: one(w, "app", "env"), Operator: one(w, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn,
			metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist)}
		if e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn {
			e.Values = []string{one(w, "a", "b"), "c"}
		}
		s.MatchExpressions = append(s.MatchExpressions, e)
	}
	return s
}

func (w *World) node(i int) {
	name := fmt.Sprint("node", i)
	w.Nodes[name] = &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: w.labels()},
		Spec:       corev1.NodeSpec{PodCIDRs: []string{fmt.Sprintf("10.1.%d.0/24", i)}},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("192.168.0.%d", i+1)}, {Type: corev1.NodeHostName, Address: name},
		}},
	}
}

func (w *World) pod() {
	name := types.NamespacedName{Namespace: fmt.Sprint("ns", w.IntN(3)), Name: fmt.Sprint("pod", w.IntN(10))}
	node := w.IntN(2)
	last := 2 + (int(name.Namespace[2]-'0')*10+int(name.Name[3]-'0'))*8 // aligned, so that blocks cut between Pods
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, Labels: w.labels()}}
	p.Spec.NodeName = fmt.Sprint("node", node)
	p.Status.PodIPs = []corev1.PodIP{{IP: fmt.Sprintf("10.1.%d.%d", node, last)}}
	if w.chance(40) {
		p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: netip.MustParseAddr(fmt.Sprintf("fd00::%x:%x", node, last)).String()})
	}
	if w.chance(15) {
		p.Spec.HostNetwork = true
		p.Status.PodIPs = []corev1.PodIP{{IP: fmt.Sprintf("192.168.0.%d", node+1)}}
	}
	for _, port := range []string{"web", "dns"} {
		if w.chance(60) {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Ports: []corev1.ContainerPort{
				{Name: port, Protocol: one(w, corev1.ProtocolTCP, corev1.ProtocolUDP), ContainerPort: one[int32](w, 80, 81, 53)}}})
		}
	}
	w.Pods[name] = p
}

func (w *World) block() *networkingv1.IPBlock {
	switch w.IntN(4) {
	case 0:
		return &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"10.1.0.0/17", "192.168.0.1/32"}[:w.IntN(3)]}
	case 1:
		return &networkingv1.IPBlock{CIDR: "fd00::/64", Except: []string{"fd00::1:0/112"}[:w.IntN(2)]}
	case 2:
		return &networkingv1.IPBlock{CIDR: fmt.Sprintf("10.1.%d.%d/25", w.IntN(2), 128*w.IntN(2))}
	}
	return &networkingv1.IPBlock{CIDR: "10.1.0.0/16", Except: []string{"10.1.0.64/26", "10.1.1.0/25"}[:w.IntN(3)]}
}

func (w *World) peers() []networkingv1.NetworkPolicyPeer {
	var peers []networkingv1.NetworkPolicyPeer
	for range w.IntN(3) {
		switch w.IntN(4) {
		case 0:
			peers = append(peers, networkingv1.NetworkPolicyPeer{IPBlock: w.block()})
		case 1:
			peers = append(peers, networkingv1.NetworkPolicyPeer{NamespaceSelector: w.selector()})
		case 2:
			peers = append(peers, networkingv1.NetworkPolicyPeer{PodSelector: w.selector()})
		case 3:
			peers = append(peers, networkingv1.NetworkPolicyPeer{NamespaceSelector: w.selector(), PodSelector: w.selector()})
		}
	}
	return peers
}

func (w *World) ports() []networkingv1.NetworkPolicyPort {
	var ports []networkingv1.NetworkPolicyPort
	for range w.IntN(3) {
		p := networkingv1.NetworkPolicyPort{}
		if w.chance(70) {
			p.Protocol = new(one(w, corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP))
		}
		switch w.IntN(4) {
		case 0:
		case 1:
			p.Port = new(intstr.FromString(one(w, "web", "dns")))
		case 2:
			p.Port = new(intstr.FromInt32(one[int32](w, 80, 81, 53)))
		case 3:
			p.Port, p.EndPort = new(intstr.FromInt32(one[int32](w, 40, 53))), new(one[int32](w, 60, 80, 4000))
		}
		ports = append(ports, p)
	}
	return ports
}

func (w *World) policy() {
	np := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprint("ns", w.IntN(3)), Name: fmt.Sprint("np", w.IntN(3))}}
	np.Annotations = w.audit()
	np.Spec.PodSelector = *w.selector()
	np.Spec.PolicyTypes = one(w, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}, []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		[]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress})
	for range w.IntN(3) {
		np.Spec.Ingress = append(np.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{From: w.peers(), Ports: w.ports()})
		np.Spec.Egress = append(np.Spec.Egress, networkingv1.NetworkPolicyEgressRule{To: w.peers(), Ports: w.ports()})
	}
	w.Policies[types.NamespacedName{Namespace: np.Namespace, Name: np.Name}] = np
}

// audit has some policies in audit mode.
func (w *World) audit() map[string]string {
	if w.audits && w.chance(25) {
		return map[string]string{"networkpolicy.antrea.io/audit-mode": "true"}
	}
	return nil
}

func (w *World) clusterPolicy() {
	tier, priority := one(w, policyv1alpha2.AdminTier, policyv1alpha2.BaselineTier), int32(w.IntN(1001))
	for _, p := range w.ClusterPolicies { // what comes first among equals is not defined
		if p.Spec.Priority == priority {
			return
		}
	}
	p := &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("cnp", w.IntN(4))}}
	p.Annotations = w.audit()
	p.Spec.Tier, p.Spec.Priority = tier, priority
	p.Spec.Subject.Namespaces, p.Spec.Subject.Pods = w.anywhere()
	action := func() policyv1alpha2.ClusterNetworkPolicyRuleAction {
		return one[policyv1alpha2.ClusterNetworkPolicyRuleAction](w, "Accept", "Deny", "Pass")
	}
	for range w.IntN(3) {
		namespaces, pods := w.anywhere()
		p.Spec.Ingress = append(p.Spec.Ingress, policyv1alpha2.ClusterNetworkPolicyIngressRule{
			Action: action(), From: []policyv1alpha2.ClusterNetworkPolicyIngressPeer{{Namespaces: namespaces, Pods: pods}}, Protocols: w.protocols(),
		})
	}
	for range w.IntN(3) {
		to := policyv1alpha2.ClusterNetworkPolicyEgressPeer{}
		rule := policyv1alpha2.ClusterNetworkPolicyEgressRule{Action: action(), Protocols: w.protocols()}
		switch w.IntN(5) {
		case 0:
			to.Namespaces, to.Pods = w.anywhere()
		case 1:
			to.Nodes = w.selector()
		case 2:
			to.Networks = []policyv1alpha2.CIDR{policyv1alpha2.CIDR(w.block().CIDR), "fd00::/64"}
		default:
			to.DomainNames = []policyv1alpha2.DomainName{
				one[policyv1alpha2.DomainName](w, "*.example.com", "WWW.example.com."), one[policyv1alpha2.DomainName](w, "example.com", "*.example.org"),
			}
			rule.Action = policyv1alpha2.ClusterNetworkPolicyRuleActionAccept
			rule.Protocols = slices.DeleteFunc(rule.Protocols, func(p policyv1alpha2.ClusterNetworkPolicyProtocol) bool {
				return p.DestinationNamedPort != "" || w.chance(70)
			})
		}
		rule.To = []policyv1alpha2.ClusterNetworkPolicyEgressPeer{to}
		p.Spec.Egress = append(p.Spec.Egress, rule)
	}
	w.ClusterPolicies[p.Name] = p
}

// tell has a Pod be told an address, or forget all.
func (w *World) tell() {
	pods := slices.SortedFunc(maps.Keys(w.Pods), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	pod := one(w, pods...)
	if w.chance(15) {
		delete(w.Told, pod)
		return
	}
	address := one(w, netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("fd00::7"), netip.MustParseAddr("192.168.0.1"))
	if peer := w.Pods[one(w, pods...)]; w.chance(50) {
		address = netip.MustParseAddr(peer.Status.PodIPs[0].IP)
	}
	t := Told{Name: one(w, "www.example.com", "a.b.example.com", "example.com", "badexample.com", "www.example.org"), Address: address, Lapsed: w.chance(30)}
	told := slices.DeleteFunc(slices.Clone(w.Told[pod]), func(have Told) bool { return have.Name == t.Name && have.Address == t.Address })
	w.Told[pod] = append(told, t)
}

func (w *World) anywhere() (*metav1.LabelSelector, *policyv1alpha2.NamespacedPod) {
	if w.chance(50) {
		return w.selector(), nil
	}
	return nil, &policyv1alpha2.NamespacedPod{NamespaceSelector: *w.selector(), PodSelector: *w.selector()}
}

func (w *World) protocols() []policyv1alpha2.ClusterNetworkPolicyProtocol {
	var all []policyv1alpha2.ClusterNetworkPolicyProtocol
	for range w.IntN(3) {
		var port *policyv1alpha2.Port
		switch w.IntN(3) {
		case 0:
			port = &policyv1alpha2.Port{Number: one[int32](w, 80, 81, 53)}
		case 1:
			port = &policyv1alpha2.Port{Range: &policyv1alpha2.PortRange{Start: 53, End: one[int32](w, 80, 81, 4000)}}
		}
		all = append(all, one(w,
			policyv1alpha2.ClusterNetworkPolicyProtocol{TCP: &policyv1alpha2.ClusterNetworkPolicyProtocolTCP{DestinationPort: port}},
			policyv1alpha2.ClusterNetworkPolicyProtocol{UDP: &policyv1alpha2.ClusterNetworkPolicyProtocolUDP{DestinationPort: port}},
			policyv1alpha2.ClusterNetworkPolicyProtocol{SCTP: &policyv1alpha2.ClusterNetworkPolicyProtocolSCTP{DestinationPort: port}},
			policyv1alpha2.ClusterNetworkPolicyProtocol{DestinationNamedPort: one(w, "web", "dns")}))
	}
	return all
}

// Change changes something, and tells.
func (w *World) Change(f Follower) {
	switch w.IntN(9) {
	case 0:
		name := fmt.Sprint("ns", w.IntN(3))
		if w.chance(20) {
			delete(w.Namespaces, name)
			f.Delete(namespace(name, nil))
			return
		}
		w.Namespaces[name] = w.labels()
	case 1, 2:
		w.pod()
	case 3:
		drop(w.Pods, f)
	case 4:
		w.policy()
	case 5:
		w.clusterPolicy()
	case 6:
		drop(w.Policies, f)
	case 7:
		drop(w.ClusterPolicies, f)
		w.node(w.IntN(2))
	case 8:
		if w.audits && len(w.Pods) > 0 {
			w.tell()
		}
	}
	w.Tell(f)
}

// drop deletes one of several.
func drop[K comparable, V any](of map[K]V, f Follower) {
	for name, object := range of {
		delete(of, name)
		f.Delete(object)
		return
	}
}

// Tell tells of everything, in any order.
func (w *World) Tell(f Follower) {
	var objects []any
	for name, set := range w.Namespaces {
		objects = append(objects, namespace(name, set))
	}
	for _, o := range w.Pods {
		objects = append(objects, o)
	}
	for _, o := range w.Nodes {
		objects = append(objects, o)
	}
	for _, o := range w.Policies {
		objects = append(objects, o)
	}
	for _, o := range w.ClusterPolicies {
		objects = append(objects, o)
	}
	w.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	for _, o := range objects {
		if err := f.Set(o); err != nil {
			panic(err)
		}
	}
}

func namespace(name string, set map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: set}}
}

// Connections are between everybody and everybody, with a protocol and port for each.
func (w *World) Connections() []Connection {
	addresses := []netip.Addr{
		netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("fd00::7"),
	}
	names := slices.SortedFunc(maps.Keys(w.Pods), func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	for _, name := range names {
		for _, ip := range w.Pods[name].Status.PodIPs {
			addresses = append(addresses, netip.MustParseAddr(ip.IP))
		}
	}
	var all []Connection
	for _, from := range addresses {
		for _, to := range addresses {
			if from.Is4() == to.Is4() {
				protocol := one(w, corev1.ProtocolTCP, corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP)
				all = append(all, Connection{from, to, protocol, one[int32](w, 80, 81, 53, 60)})
			}
		}
	}
	return all
}
