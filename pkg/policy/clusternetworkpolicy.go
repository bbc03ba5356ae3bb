package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// The API allows so many rules in each direction, and priorities up to this one.
const (
	maxRules    = 25
	maxPriority = 1000
)

// MaxPrecedence is the largest precedence of a rule.
const MaxPrecedence = (maxPriority+1)*maxRules - 1

var actions = map[policyv1alpha2.ClusterNetworkPolicyRuleAction]Action{
	policyv1alpha2.ClusterNetworkPolicyRuleActionAccept: Accept,
	policyv1alpha2.ClusterNetworkPolicyRuleActionDeny:   Deny,
	policyv1alpha2.ClusterNetworkPolicyRuleActionPass:   Pass,
}

var tiers = map[policyv1alpha2.Tier]Tier{policyv1alpha2.AdminTier: Admin, policyv1alpha2.BaselineTier: Baseline}

// unknownPeer says that a peer is of a kind that is not known here. The API demands that such a rule fails closed.
var errUnknownPeer = errors.New("it is of a kind that is not implemented: the rule accepts nothing by it, and denies everything if it denies or passes")

// errDomainNamesDeny: who refuses by name has to know every address of it, and nobody does.
var errDomainNamesDeny = errors.New("domainNames are for rules with action Accept: the rule denies everything")

// errDomainNamesPort: whoever has the address is no Pod that could name its ports.
var errDomainNamesPort = errors.New("domainNames cannot be used with a destinationNamedPort: the rule accepts nothing by them")

// Understand says what of a ClusterNetworkPolicy is not understood, nil if all is; that part fails closed.
func Understand(o *policyv1alpha2.ClusterNetworkPolicy) error {
	_, err := clusterSpecOf(o)
	return err
}

// clusterSpecOf reads a ClusterNetworkPolicy. What is wrong with it fails closed, and is told in the error.
func clusterSpecOf(o *policyv1alpha2.ClusterNetworkPolicy) (spec, error) {
	s := spec{
		policy: Policy{Kind: "ClusterNetworkPolicy", NamespacedName: types.NamespacedName{Name: o.Name}},
		audit:  o.Annotations[AuditAnnotation] == "true",
	}
	var errs []error
	problem := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: spec.%s: %w", s.policy, field, err))
		}
	}
	var known bool
	if s.tier, known = tiers[o.Spec.Tier]; !known {
		problem("tier", fmt.Errorf("%q is neither Admin nor Baseline: the policy is left out", o.Spec.Tier))
		return s, errors.Join(errs...)
	}
	if o.Spec.Priority < 0 || o.Spec.Priority > maxPriority || len(o.Spec.Ingress) > maxRules || len(o.Spec.Egress) > maxRules {
		problem("priority", fmt.Errorf("more than %d or more than %d rules: the policy is left out", maxPriority, maxRules))
		return s, errors.Join(errs...)
	}
	var err error
	s.appliedTo, err = selectAnywhere(o.Spec.Subject.Namespaces, o.Spec.Subject.Pods)
	if err != nil {
		problem("subject", err)
		return s, errors.Join(errs...)
	}
	begin := func(d Direction, i int, name string, action policyv1alpha2.ClusterNetworkPolicyRuleAction) ruleSpec {
		a, known := actions[action]
		if !known {
			problem(fmt.Sprintf("%s rule %d", d, i), fmt.Errorf("action %q is none of Accept, Deny and Pass: taken for Deny", action))
			a = Deny
		}
		return ruleSpec{direction: d, precedence: uint16(int(o.Spec.Priority)*maxRules + i), action: a, index: i, name: name}
	}
	finish := func(r ruleSpec, protocols []policyv1alpha2.ClusterNetworkPolicyProtocol, unknown bool) {
		r.anyPort = len(protocols) == 0
		for j, p := range protocols {
			err := r.addProtocol(p)
			problem(fmt.Sprintf("%s rule %d protocols[%d]", r.direction, r.index, j), err)
			unknown = unknown || err != nil
		}
		if unknown && r.action != Accept {
			r.action, r.peers, r.anyPort, r.ports, r.named = Deny, peers{any: true}, true, nil, nil
		}
		s.rules = append(s.rules, r)
	}
	for i, rule := range o.Spec.Ingress {
		r, unknown := begin(Ingress, i, rule.Name, rule.Action), false
		for j, p := range rule.From {
			err := r.peers.addAnywhere(p.Namespaces, p.Pods)
			problem(fmt.Sprintf("ingress[%d].from[%d]", i, j), err)
			unknown = unknown || err != nil
		}
		finish(r, rule.Protocols, unknown)
	}
	for i, rule := range o.Spec.Egress {
		r, unknown := begin(Egress, i, rule.Name, rule.Action), false
		for j, p := range rule.To {
			err := r.addEgress(p, rule.Protocols)
			problem(fmt.Sprintf("egress[%d].to[%d]", i, j), err)
			unknown = unknown || err != nil
		}
		finish(r, rule.Protocols, unknown)
	}
	return s, errors.Join(errs...)
}

// selectAnywhere selects Pods by their Namespaces, or by these and their own labels.
func selectAnywhere(namespaces *metav1.LabelSelector, pods *policyv1alpha2.NamespacedPod) (selection, error) {
	switch {
	case namespaces != nil:
		return selectPods("", namespaces, nil)
	case pods != nil:
		return selectPods("", &pods.NamespaceSelector, &pods.PodSelector)
	}
	return selection{}, errUnknownPeer
}

func (p *peers) addAnywhere(namespaces *metav1.LabelSelector, pods *policyv1alpha2.NamespacedPod) error {
	group, err := selectAnywhere(namespaces, pods)
	if err == nil {
		p.groups = append(p.groups, group)
	}
	return err
}

// addEgress adds one peer of an egress rule.
func (r *ruleSpec) addEgress(o policyv1alpha2.ClusterNetworkPolicyEgressPeer, protocols []policyv1alpha2.ClusterNetworkPolicyProtocol) error {
	p := &r.peers
	switch {
	case o.Nodes != nil:
		nodes, err := selectNodes(o.Nodes)
		if err == nil {
			p.nodes = append(p.nodes, nodes)
		}
		return err
	case len(o.DomainNames) > 0:
		return r.addDomains(o.DomainNames, protocols)
	case len(o.Networks) > 0:
		for i, text := range o.Networks {
			cidr, err := netip.ParsePrefix(string(text))
			if err != nil {
				return fmt.Errorf("networks[%d]: %w", i, err)
			}
			p.blocks = append(p.blocks, cidr.Masked())
		}
		return nil
	}
	return p.addAnywhere(o.Namespaces, o.Pods)
}

// addDomains adds the domain names of one peer.
func (r *ruleSpec) addDomains(names []policyv1alpha2.DomainName, protocols []policyv1alpha2.ClusterNetworkPolicyProtocol) error {
	if r.action != Accept {
		return errDomainNamesDeny
	}
	if slices.ContainsFunc(protocols, func(p policyv1alpha2.ClusterNetworkPolicyProtocol) bool { return p.DestinationNamedPort != "" }) {
		return errDomainNamesPort
	}
	var errs []error
	for i, text := range names {
		d, err := ParseDomain(string(text))
		if err != nil {
			errs = append(errs, fmt.Errorf("domainNames[%d]: %w: the rule accepts nothing by it", i, err))
			continue
		}
		r.peers.domains = append(r.peers.domains, d)
	}
	return errors.Join(errs...)
}

// addProtocol adds one kind of packet.
func (r *ruleSpec) addProtocol(o policyv1alpha2.ClusterNetworkPolicyProtocol) error {
	var port *policyv1alpha2.Port
	var protocol Protocol
	switch {
	case o.TCP != nil:
		protocol, port = TCP, o.TCP.DestinationPort
	case o.UDP != nil:
		protocol, port = UDP, o.UDP.DestinationPort
	case o.SCTP != nil:
		protocol, port = SCTP, o.SCTP.DestinationPort
	case o.DestinationNamedPort != "":
		r.named = append(r.named, namedPort{name: o.DestinationNamedPort})
		return nil
	default:
		return errUnknownPeer
	}
	if port == nil {
		r.ports = append(r.ports, allPorts(protocol))
		return nil
	}
	first, last := port.Number, port.Number
	if port.Range != nil {
		first, last = port.Range.Start, port.Range.End
	}
	ports, err := numbered(protocol, first, last)
	if err == nil {
		r.ports = append(r.ports, ports)
	}
	return err
}
