// Package nodes is the source of everything that the state of a Node takes from Node and ServiceCIDR objects: this Node's Pod
// CIDRs and address, the other Nodes of the cluster, and the cluster's ranges.
//
// Start at [Source]. source.go watches, nodes.go turns objects into state without asking anyone.
package nodes

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// errIncomplete says that this Node lacks something that Kubernetes fills in later.
var errIncomplete = errors.New("not complete yet")

// compute puts what the objects say into a state. The ranges of Services are those given, or else those of the objects. It
// returns an error, and changes nothing, as long as this Node has no Pod CIDR or address; what is wrong with others is skipped,
// and told in problems.
func compute(s *pipeline.State, self string, nodes []*corev1.Node, services []*networkingv1.ServiceCIDR, given []netip.Prefix) (problems []error, err error) {
	var own *corev1.Node
	peers := make(map[string]pipeline.Peer)
	var all []netip.Prefix
	for _, n := range nodes {
		cidrs, err := podCIDRs(n)
		if err != nil {
			problems = append(problems, err)
		}
		all = append(all, cidrs...)
		if n.Name == self {
			own = n
			continue
		}
		ip, err := TransportIP(n)
		switch {
		case err != nil:
			problems = append(problems, err)
		case len(cidrs) > 0: // a Node that has just registered has none
			peers[n.Name] = pipeline.Peer{TransportIP: ip, Addresses: addresses(n), PodCIDRs: cidrs}
		}
	}
	if own == nil {
		return nil, fmt.Errorf("node %s: %w: it is not registered", self, errIncomplete)
	}
	cidrs, _ := podCIDRs(own)
	if len(cidrs) == 0 {
		return nil, fmt.Errorf("node %s: %w: it has no podCIDR (does kube-controller-manager run with --allocate-node-cidrs?)", self, errIncomplete)
	}
	ip, err := TransportIP(own)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, errIncomplete)
	}
	s.Node.PodCIDRs = cidrs
	s.Node.GatewayIPs = gatewayIPs(cidrs)
	s.Node.TransportIP = ip
	s.Node.ClusterPodCIDRs = aggregate(all)
	s.Node.ServiceCIDRs = given
	if len(given) == 0 {
		ranges, errs := serviceCIDRs(services)
		s.Node.ServiceCIDRs = ranges
		problems = append(problems, errs...)
	}
	s.Peers = peers
	return problems, nil
}

// podCIDRs are the Node's ranges, one of each family.
func podCIDRs(n *corev1.Node) ([]netip.Prefix, error) {
	texts := n.Spec.PodCIDRs
	if len(texts) == 0 && n.Spec.PodCIDR != "" {
		texts = []string{n.Spec.PodCIDR}
	}
	var cidrs []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("node %s: podCIDRs: %w", n.Name, err)
		}
		cidrs = append(cidrs, p.Masked())
	}
	return cidrs, nil
}

// gatewayIPs are the first addresses of ranges.
func gatewayIPs(cidrs []netip.Prefix) []netip.Addr {
	ips := make([]netip.Addr, len(cidrs))
	for i, p := range cidrs {
		ips[i] = p.Addr().Next()
	}
	return ips
}

// TransportIP is the address that a Node uses for tunnels: the one it says in its annotation, or its InternalIP, IPv4 first.
func TransportIP(n *corev1.Node) (netip.Addr, error) {
	if text := n.Annotations[systemv1alpha1.AnnotationTransport]; text != "" {
		first, _, _ := strings.Cut(text, ",")
		ip, err := netip.ParseAddr(first)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("node %s: annotation %s: %w", n.Name, systemv1alpha1.AnnotationTransport, err)
		}
		return ip, nil
	}
	var found netip.Addr
	for _, a := range n.Status.Addresses {
		if a.Type != corev1.NodeInternalIP {
			continue
		}
		ip, err := netip.ParseAddr(a.Address)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("node %s: InternalIP: %w", n.Name, err)
		}
		if !found.IsValid() || found.Is6() && ip.Is4() {
			found = ip
		}
	}
	if !found.IsValid() {
		return netip.Addr{}, fmt.Errorf("node %s: it has no InternalIP", n.Name)
	}
	return found, nil
}

// addresses are what a Node is reached by without a tunnel: those of its annotation, or its InternalIPs.
func addresses(n *corev1.Node) []netip.Addr {
	var list []netip.Addr
	add := func(text string) {
		if ip, err := netip.ParseAddr(text); err == nil && !slices.Contains(list, ip) {
			list = append(list, ip)
		}
	}
	if text := n.Annotations[systemv1alpha1.AnnotationTransport]; text != "" {
		for word := range strings.SplitSeq(text, ",") {
			add(word)
		}
		return list
	}
	for _, a := range n.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			add(a.Address)
		}
	}
	return list
}

func serviceCIDRs(objects []*networkingv1.ServiceCIDR) (ranges []netip.Prefix, problems []error) {
	for _, o := range objects {
		for _, text := range o.Spec.CIDRs {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				problems = append(problems, fmt.Errorf("ServiceCIDR %s: %w", o.Name, err))
				continue
			}
			ranges = append(ranges, p.Masked())
		}
	}
	slices.SortFunc(ranges, netip.Prefix.Compare)
	return slices.Compact(ranges), problems
}

// aggregate is the smallest list of ranges with the same addresses.
func aggregate(ranges []netip.Prefix) []netip.Prefix {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, netip.Prefix.Compare)
	var out []netip.Prefix
	for _, p := range sorted {
		if n := len(out); n > 0 && out[n-1].Overlaps(p) {
			continue // a wider one sorts before those inside it
		}
		out = append(out, p)
		for n := len(out); n >= 2; n = len(out) { // two halves make a whole, and that may be a half again
			whole := netip.PrefixFrom(out[n-1].Addr(), out[n-1].Bits()-1).Masked()
			if out[n-2].Bits() != out[n-1].Bits() || !whole.Contains(out[n-2].Addr()) {
				break
			}
			out = append(out[:n-2], whole)
		}
	}
	return out
}
