package pipeline

import (
	"fmt"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// guarded is a dual-stack Node whose one Pod is a backend: others may talk to it on port 80 and on 8000 to 8003, it may talk to
// nobody but a range and an address that is only for connections that there are, and the administrator denies a port and leaves another to the rest. In audit mode are a rule that would deny
// it what it may send, and a policy that would isolate the other Pod.
func guarded() State {
	s := dualStack()
	s.Node.Proxy, s.Node.NetworkPolicy = ProxyAll, true
	in, out := RulePlace{Tier: TierNamespaced}, RulePlace{Tier: TierNamespaced, Egress: true}
	deny, pass := RulePlace{Tier: TierAdmin, Precedence: 25}, RulePlace{Tier: TierAdmin, Precedence: 26}
	accept := RulePlace{Tier: TierBaseline, Precedence: 3}
	part := func(place RulePlace, rule uint32, clause, clauses uint8) RulePart {
		return RulePart{RulePlace: place, Rule: rule, Clause: clause, Clauses: clauses, Audit: rule == 7}
	}
	p := &Policies{Pods: make(map[string]PodPolicy), Addresses: make(map[string]PolicyAddress), Ports: make(map[string]PolicyPorts), Rules: make(map[string]PolicyRule)}
	audited := RulePlace{Tier: TierAdmin, Precedence: 27, Egress: true}
	p.Pods["pod-b"] = PodPolicy{AuditIngress: true, Tell: true, Names: true}
	p.Pods["pod-a"] = PodPolicy{Egress: true, Ingress: true, Tell: true, Parts: []RulePart{
		part(in, 1, 1, 3), part(in, 2, 1, 2), part(out, 3, 1, 2), part(deny, 4, 1, 3), part(pass, 5, 1, 3), part(accept, 6, 1, 2), part(audited, 7, 1, 2),
	}}
	for text, parts := range map[string][]RulePart{
		"10.244.2.7/32": {part(in, 1, 2, 3), part(in, 2, 2, 2)}, "fd00:a:0:2::7/128": {part(in, 1, 2, 3)}, "10.9.0.0/16": {part(out, 3, 2, 2), part(audited, 7, 2, 2)},
		"0.0.0.0/0": {part(deny, 4, 2, 3), part(pass, 5, 2, 3), part(accept, 6, 2, 2)}, "::/0": {part(deny, 4, 2, 3)},
	} {
		p.Addresses[text] = PolicyAddress{netip.MustParsePrefix(text), parts}
	}
	lapsed := part(out, 3, 2, 2)
	lapsed.Established = true
	p.Addresses["10.8.0.1/32"] = PolicyAddress{netip.MustParsePrefix("10.8.0.1/32"), []RulePart{lapsed}}
	for _, ports := range []PolicyPorts{
		{openflow.ProtoTCP, 80, 80, []RulePart{part(in, 1, 3, 3)}}, {openflow.ProtoTCP, 8000, 8003, []RulePart{part(in, 1, 3, 3)}},
		{openflow.ProtoTCP, 22, 22, []RulePart{part(deny, 4, 3, 3)}}, {openflow.ProtoSCTP, 0, 65535, []RulePart{part(pass, 5, 3, 3)}},
	} {
		p.Ports[fmt.Sprint(ports.Protocol, ports.First)] = ports
	}
	for _, r := range []PolicyRule{
		{RulePlace: in, ID: 1, Verdict: VerdictAccept}, {RulePlace: in, ID: 2, Verdict: VerdictAccept}, {RulePlace: out, ID: 3, Verdict: VerdictAccept},
		{RulePlace: deny, ID: 4, Verdict: VerdictDeny}, {RulePlace: pass, ID: 5, Verdict: VerdictPass},
		{RulePlace: accept, ID: 6, Verdict: VerdictAccept}, {RulePlace: audited, ID: 7, Verdict: VerdictDeny, Audit: true},
	} {
		p.Rules[fmt.Sprint(r.ID)] = r
	}
	s.Policies = p
	return s
}
