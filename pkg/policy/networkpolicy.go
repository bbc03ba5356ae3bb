package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// specOf reads a NetworkPolicy. What is wrong with it allows nothing, and is told in the error; the rest is good.
func specOf(o *networkingv1.NetworkPolicy) (spec, error) {
	s := spec{
		policy: Policy{Kind: "NetworkPolicy", NamespacedName: types.NamespacedName{Namespace: o.Namespace, Name: o.Name}}, tier: Namespaced,
		directions: directions(o.Spec), audit: o.Annotations[AuditAnnotation] == "true",
	}
	var errs []error
	problem := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: spec.%s: %w", s.policy, field, err))
		}
	}
	var err error
	s.appliedTo, err = selectPods(o.Namespace, nil, &o.Spec.PodSelector)
	if err != nil {
		problem("podSelector", err)
		return s, errors.Join(errs...)
	}
	add := func(d Direction, field string, i int, ps []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
		r := ruleSpec{direction: d, action: Accept, index: i, anyPort: len(ports) == 0}
		r.peers.any = len(ps) == 0
		for j, p := range ps {
			problem(fmt.Sprintf("%s[%d] peer %d", field, i, j), r.peers.add(o.Namespace, p))
		}
		for j, p := range ports {
			problem(fmt.Sprintf("%s[%d].ports[%d]", field, i, j), r.addPort(p))
		}
		s.rules = append(s.rules, r)
	}
	if slices.Contains(s.directions, Ingress) {
		for i, r := range o.Spec.Ingress {
			add(Ingress, "ingress", i, r.From, r.Ports)
		}
	}
	if slices.Contains(s.directions, Egress) {
		for i, r := range o.Spec.Egress {
			add(Egress, "egress", i, r.To, r.Ports)
		}
	}
	return s, errors.Join(errs...)
}

// directions is what a policy isolates in; the API server fills it in where it is not said.
func directions(s networkingv1.NetworkPolicySpec) []Direction {
	if len(s.PolicyTypes) == 0 {
		if len(s.Egress) > 0 {
			return []Direction{Ingress, Egress}
		}
		return []Direction{Ingress}
	}
	var ds []Direction
	for _, t := range s.PolicyTypes {
		switch t {
		case networkingv1.PolicyTypeIngress:
			ds = append(ds, Ingress)
		case networkingv1.PolicyTypeEgress:
			ds = append(ds, Egress)
		}
	}
	return ds
}

// add adds one peer.
func (p *peers) add(namespace string, o networkingv1.NetworkPolicyPeer) error {
	if o.IPBlock == nil {
		if o.NamespaceSelector == nil && o.PodSelector == nil {
			return errors.New("it has neither ipBlock nor a selector: it is taken for nobody")
		}
		group, err := selectPods(namespace, o.NamespaceSelector, o.PodSelector)
		if err != nil {
			return err
		}
		p.groups = append(p.groups, group)
		return nil
	}
	cidr, err := netip.ParsePrefix(o.IPBlock.CIDR)
	if err != nil {
		return fmt.Errorf("ipBlock.cidr: %w", err)
	}
	var except []netip.Prefix
	for i, text := range o.IPBlock.Except {
		e, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("ipBlock.except[%d]: %w", i, err)
		}
		except = append(except, e.Masked())
	}
	p.blocks = append(p.blocks, without(cidr.Masked(), except)...)
	return nil
}

// addPort adds one port.
func (r *ruleSpec) addPort(o networkingv1.NetworkPolicyPort) error {
	protocol, err := protocolOf(o.Protocol)
	if err != nil {
		return err
	}
	switch {
	case o.Port == nil:
		r.ports = append(r.ports, allPorts(protocol))
	case o.Port.Type == intstr.String:
		r.named = append(r.named, namedPort{o.Port.StrVal, protocol})
	default:
		last := o.Port.IntVal
		if o.EndPort != nil {
			last = *o.EndPort
		}
		ports, err := numbered(protocol, o.Port.IntVal, last)
		if err != nil {
			return err
		}
		r.ports = append(r.ports, ports)
	}
	return nil
}
