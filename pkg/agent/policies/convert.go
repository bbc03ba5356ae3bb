package policies

import (
	"maps"
	"strconv"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// updated is what the rules are after changes. The old ones, nil at first, stay as they are.
func updated(old *pipeline.Policies, c policy.Changes) *pipeline.Policies {
	next := &pipeline.Policies{}
	if old != nil {
		*next = *old
	}
	next.Addresses, next.Ports, next.Rules = maps.Clone(next.Addresses), maps.Clone(next.Ports), maps.Clone(next.Rules)
	if old == nil {
		next.Addresses, next.Ports, next.Rules = make(map[string]pipeline.PolicyAddress), make(map[string]pipeline.PolicyPorts), make(map[string]pipeline.PolicyRule)
	}
	for prefix, refs := range c.Addresses {
		put(next.Addresses, prefix.String(), pipeline.PolicyAddress{Prefix: prefix, Parts: parts(refs)}, refs != nil)
	}
	for p, refs := range c.Ports {
		put(next.Ports, p.String(), pipeline.PolicyPorts{
			Protocol: uint8(p.Protocol), First: p.First, Last: p.Last, Parts: parts(refs),
		}, refs != nil)
	}
	for id, r := range c.Rules {
		var rule pipeline.PolicyRule
		if r != nil {
			rule = pipeline.PolicyRule{
				RulePlace: pipeline.RulePlace{Egress: r.Direction == policy.Egress, Tier: tiers[r.Tier], Precedence: r.Precedence},
				ID:        id, Verdict: verdicts[r.Action], Audit: r.Audit,
			}
		}
		put(next.Rules, strconv.FormatUint(uint64(id), 10), rule, r != nil)
	}
	return next
}

func put[V any](m map[string]V, name string, v V, exists bool) {
	if exists {
		m[name] = v
	} else {
		delete(m, name)
	}
}

var tiers = map[policy.Tier]pipeline.Tier{
	policy.Admin: pipeline.TierAdmin, policy.Namespaced: pipeline.TierNamespaced, policy.Baseline: pipeline.TierBaseline,
}

var verdicts = map[policy.Action]pipeline.Verdict{
	policy.Accept: pipeline.VerdictAccept, policy.Deny: pipeline.VerdictDeny, policy.Pass: pipeline.VerdictPass,
}

// podPolicy is what rules say of a Pod.
func podPolicy(refs []policy.Ref) pipeline.PodPolicy {
	var p pipeline.PodPolicy
	for _, r := range refs {
		switch {
		case r.ID != 0:
			p.Parts = append(p.Parts, part(r))
		case r.Direction == policy.Egress && r.Audit:
			p.AuditEgress = true
		case r.Direction == policy.Egress:
			p.Egress = true
		case r.Audit:
			p.AuditIngress = true
		default:
			p.Ingress = true
		}
	}
	return p
}

func parts(refs []policy.Ref) []pipeline.RulePart {
	all := make([]pipeline.RulePart, len(refs))
	for i, r := range refs {
		all[i] = part(r)
	}
	return all
}

func part(r policy.Ref) pipeline.RulePart {
	return pipeline.RulePart{
		RulePlace: pipeline.RulePlace{Egress: r.Direction == policy.Egress, Tier: tiers[r.Tier], Precedence: r.Precedence},
		Rule:      r.ID, Clause: r.Clause, Clauses: r.Clauses, Audit: r.Audit, Established: r.Established,
	}
}

// ofPods is what rules say of the Pods of the Node, and whether refusals are logged. One that the engine has not heard of is left out:
// it may neither send nor receive. An interface of no Pod that Kubernetes knows has no rules.
func ofPods(e *policy.Engine, pods map[string]pipeline.Pod) map[string]pipeline.PodPolicy {
	all := make(map[string]pipeline.PodPolicy, len(pods))
	for port, p := range pods {
		if p.Segment != 0 {
			continue // policies are about the first network
		}
		if p.Name.Name == "" {
			all[port] = pipeline.PodPolicy{}
			continue
		}
		name := nameOf(p)
		if told, ok := e.Pod(name); ok && told.Is(p.Name.UID) {
			of := podPolicy(e.PodRefs(name))
			of.Tell, of.Names = e.Logged(name.Namespace), e.Asks(name)
			all[port] = of
		}
	}
	return all
}
