package pipeline

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Policies are the rules for the Pods of this Node, in the form of conjunctions: a packet meets a rule if its Pod, the address
// of its peer and its port are all part of it. It is not changed once it is in a [State].
type Policies struct {
	// Pods are the Pods that rules have been looked up for, by name of the OVS port: others neither send nor receive.
	Pods map[string]PodPolicy
	// Addresses are the peers that rules are about, by range.
	Addresses map[string]PolicyAddress
	// Ports are the ports that rules are about, by whatever name.
	Ports map[string]PolicyPorts
	// Rules are the rules themselves, by number.
	Rules map[string]PolicyRule
}

// PodPolicy is what rules say of one Pod.
type PodPolicy struct {
	Egress, Ingress           bool // isolated: it sends or receives only what a rule accepts
	AuditEgress, AuditIngress bool // if it is not isolated: what no rule accepts is counted
	Tell                      bool // the agent is to hear of first packets that are refused, or counted, see [IsRefusal]
	Names                     bool // the agent is to hear of answers about names before the Pod does, see [NamesLease]
	Parts                     []RulePart
}

// PolicyAddress is a range of addresses.
type PolicyAddress struct {
	Prefix netip.Prefix
	Parts  []RulePart
}

// PolicyPorts is a range of ports that a mask can match: a power of two, from a multiple of it.
type PolicyPorts struct {
	Protocol    uint8
	First, Last uint16
	Parts       []RulePart
}

// Tier is the rank of a rule.
type Tier uint8

// The tiers, in the order in which they are asked.
const (
	TierAdmin      Tier = 1 + iota
	TierNamespaced      // decides for every Pod that is isolated
	TierBaseline
)

// Verdict is what a rule does with what it matches.
type Verdict uint8

// The verdicts.
const (
	VerdictAccept Verdict = 1 + iota
	VerdictDeny
	VerdictPass // on to the next tier
)

// RulePlace is where a rule stands.
type RulePlace struct {
	Egress     bool
	Tier       Tier
	Precedence uint16 // in its tier: smaller ones come first
}

// PolicyRule is a rule.
type PolicyRule struct {
	RulePlace
	ID      uint32
	Verdict Verdict
	Audit   bool // what it would deny is counted
}

// RulePart says that something is one part of a rule.
type RulePart struct {
	RulePlace
	Rule            uint32
	Clause, Clauses uint8 // which part, of how many
	Audit           bool  // of the rule
	Established     bool  // an address that is part of it only for connections that there are already
}

// The priorities of the policy tables. Rules of ClusterNetworkPolicies have one for every precedence.
const (
	policyAdmin      = 60000
	policyNamespaced = 40000
	policyIsolated   = 30000
	policyBaseline   = 26000
)

// Priority is that of the flow for packets that meet a rule and do not belong to a connection that has noted it.
func (p RulePlace) Priority() uint16 {
	switch p.Tier {
	case TierAdmin:
		return policyAdmin - p.Precedence
	case TierBaseline:
		return policyBaseline - p.Precedence
	}
	return policyNamespaced
}

// direction is one of the two ways through the policy tables.
type direction struct {
	dispatch, admin, rules, done openflow.TableID
	rule, ticket                 openflow.Subfield // where the rule's number is, in the packet and in the connection
	tells, audited               openflow.Subfield
	denied                       Feature
}

var (
	egress = direction{
		TableEgressPolicy, TableEgressAdmin, TableEgressRule, TableL3Forwarding, egressRule, connectionEgressRule,
		tellsEgress, auditedEgress, FeatureEgressPolicy,
	}
	ingress = direction{
		TableIngressPolicy, TableIngressAdmin, TableIngressRule, TableConntrackCommit, ingressRule, connectionIngressRule,
		tellsIngress, auditedIngress, FeatureIngressPolicy,
	}
)

func (p RulePlace) direction() direction {
	if p.Egress {
		return egress
	}
	return ingress
}

func (p RulePlace) table() openflow.TableID {
	if p.Tier == TierAdmin {
		return p.direction().admin
	}
	return p.direction().rules
}

// known matches later packets of a connection, in the direction of its first one.
func known() openflow.Match {
	return openflow.Match{}.CTState(openflow.CTEstablished|openflow.CTTracked, openflow.CTNew|openflow.CTReply)
}

// owners are all owners of flows of policies.
func (p *Policies) owners() []Owner {
	if p == nil {
		return nil
	}
	var owners []Owner
	for name := range p.Pods {
		owners = append(owners, Owner{KindPodPolicy, name})
	}
	for name := range p.Addresses {
		owners = append(owners, Owner{KindPolicyAddress, name})
	}
	for name := range p.Ports {
		owners = append(owners, Owner{KindPolicyPorts, name})
	}
	for name := range p.Rules {
		owners = append(owners, Owner{KindPolicyRule, name})
	}
	return owners
}

// policy adds what one of these owners wants.
func (r *rules) policy(s State, o Owner) {
	if !s.Node.NetworkPolicy {
		return
	}
	switch o.Kind {
	case KindPodPolicy:
		if p, ok := s.Policies.Pods[o.Name]; ok {
			r.podPolicy(s, s.Pods[o.Name], p)
		}
	case KindPolicyAddress:
		if a, ok := s.Policies.Addresses[o.Name]; ok {
			r.policyAddress(s.Node, a)
		}
	case KindPolicyPorts:
		if p, ok := s.Policies.Ports[o.Name]; ok {
			r.policyPorts(s.Node, p)
		}
	case KindPolicyRule:
		if p, ok := s.Policies.Rules[o.Name]; ok {
			r.policyRule(s.Node, p)
		}
	}
}

// nodePolicy adds what does not depend on Pods or rules. Every packet of a connection in the direction of its first one goes
// through the policies again, so that a change of whatever rule, Pod or address ends what is no longer allowed; replies do not.
func (r *rules) nodePolicy(n Node) {
	r.add(TableEgressPolicy, 0, openflow.Match{}, next(TableL3Forwarding))
	r.add(TableIngressPolicy, 0, openflow.Match{}, next(TableConntrackCommit))
	for _, d := range []direction{egress, ingress} {
		r.add(d.admin, 0, openflow.Match{}, next(d.rules))
		r.add(d.rules, 0, openflow.Match{}, next(d.done))
	}
	if !n.NetworkPolicy {
		return
	}
	// Pods pass because a flow of theirs says so.
	r.drop(FeaturePolicyUnknown, TableEgressPolicy, 10, openflow.Match{}.RegRange(sourceClass, classPod))
	r.drop(FeaturePolicyUnknown, TableIngressPolicy, 10, openflow.Match{}.RegRange(destinationClass, classPod))
	for _, skip := range []openflow.Match{
		openflow.Match{}.CTState(openflow.CTReply|openflow.CTTracked, 0),
		openflow.Match{}.CTState(openflow.CTRelated|openflow.CTTracked, 0),
	} {
		r.add(TableIngressPolicy, 260, skip, next(TableConntrackCommit))
	}
	r.add(TableIngressPolicy, 255, openflow.Match{}.RegRange(hostRefuses, 1), next(TableConntrackCommit))
	own := slices.Clone(n.GatewayIPs)
	if n.TransportIP.IsValid() {
		own = append(own, n.TransportIP)
	}
	for _, ip := range own {
		r.add(TableIngressPolicy, 250, openflow.Match{}.RegRange(sourceClass, classGateway).IPSrc(host(ip)), next(TableConntrackCommit))
	}
	r.drop(FeaturePolicyBlocked, TableConntrackState, 215,
		openflow.Match{}.CTState(openflow.CTReply|openflow.CTTracked, 0).RegRange(connectionBlocked, 1))
	again := openflow.Actions{}.CT(openflow.CT{Commit: true, Zone: ZoneMain,
		Exec: n.tickets(openflow.Actions{}.Load(connectionBlocked, 0))}).Resubmit(TableOutput)
	for _, f := range n.families() {
		m := known().EthType(f.ethType)
		r.add(TableConntrackCommit, 220, m.RegRange(ruleDecided, 1), again)
		r.add(TableConntrackCommit, 219, m.RegRange(connectionBlocked, 1), again)
	}
}

// tickets notes which rules let the connection pass.
func (n Node) tickets(a openflow.Actions) openflow.Actions {
	if !n.NetworkPolicy {
		return a
	}
	return a.Move(egressRule, connectionEgressRule).Move(ingressRule, connectionIngressRule)
}

// podPolicy lets a Pod into the policy tables, past them if nothing applies to it, and says which rules apply to it.
func (r *rules) podPolicy(s State, pod Pod, p PodPolicy) {
	if pod.Port == 0 {
		return
	}
	from := openflow.Match{}.InPort(pod.Port)
	to := openflow.Match{}.RegRange(destinationClass, classPod).RegRange(outputPort, uint64(pod.Port))
	for _, d := range []direction{egress, ingress} {
		isEgress := d.dispatch == TableEgressPolicy
		isolated, audited, m := p.Ingress, p.AuditIngress, to
		if isEgress {
			isolated, audited, m = p.Egress, p.AuditEgress, from
		}
		first := p.firstTable(isEgress)
		enter := next(first)
		if p.Tell && first != d.done {
			enter = openflow.Actions{}.Load(d.tells, 1).Resubmit(first)
		}
		r.add(d.dispatch, 200, m, enter)
		switch {
		case isolated:
			for _, f := range s.Node.families() {
				r.deny(d, d.rules, policyIsolated+1, m.EthType(f.ethType))
			}
			r.drop(d.denied, d.rules, policyIsolated, m)
			if p.Tell {
				r.tell(d, d.rules, policyIsolated+1, m)
			}
		case audited:
			r.audit(d, d.rules, policyIsolated, m.RegRange(d.audited, 0))
		}
		if first == d.done {
			continue
		}
		// A Pod may always talk to itself, which takes a Service to be seen here.
		if !isEgress {
			r.add(d.dispatch, 240, to.InPort(pod.Port), next(d.done))
			continue
		}
		for _, ip := range pod.IPs {
			r.add(d.dispatch, 240, from.IPDst(host(ip)), next(d.done))
		}
	}
	if p.Names {
		r.hearNames(s.Node, to)
	}
	matches := func(place RulePlace) []openflow.Match {
		if place.Egress {
			return []openflow.Match{from}
		}
		return []openflow.Match{to}
	}
	audited, others := partition(p.Parts, func(part RulePart) bool { return part.Audit })
	r.parts(others, matches)
	r.parts(audited, func(place RulePlace) []openflow.Match {
		return []openflow.Match{matches(place)[0].RegRange(place.direction().audited, 0)}
	})
}

// firstTable is the first table that has something to say about the Pod.
func (p PodPolicy) firstTable(isEgress bool) openflow.TableID {
	d := RulePlace{Egress: isEgress}.direction()
	table := d.done
	if isEgress && (p.Egress || p.AuditEgress) || !isEgress && (p.Ingress || p.AuditIngress) {
		table = d.rules
	}
	for _, part := range p.Parts {
		if part.Egress == isEgress {
			table = min(table, part.table())
		}
	}
	return table
}

// partition parts those that are so from those that are not, in order.
func partition(parts []RulePart, is func(RulePart) bool) (those, others []RulePart) {
	for _, part := range parts {
		if is(part) {
			those = append(those, part)
		} else {
			others = append(others, part)
		}
	}
	return those, others
}

// policyAddress says which rules an address is a peer in.
func (r *rules) policyAddress(n Node, a PolicyAddress) {
	if !n.hasFamily(a.Prefix.Addr()) {
		return
	}
	matches := func(place RulePlace) []openflow.Match {
		if place.Egress {
			return []openflow.Match{openflow.Match{}.IPDst(a.Prefix)}
		}
		return []openflow.Match{openflow.Match{}.IPSrc(a.Prefix)}
	}
	established, always := partition(a.Parts, func(part RulePart) bool { return part.Established })
	r.parts(always, matches)
	r.parts(established, func(place RulePlace) []openflow.Match {
		return []openflow.Match{merged(matches(place)[0], known())}
	})
}

// policyPorts says which rules a range of ports is part of.
func (r *rules) policyPorts(n Node, p PolicyPorts) {
	var matches []openflow.Match
	for _, f := range n.families() {
		m := f.match().IPProto(p.Protocol)
		if mask := ^(p.Last ^ p.First); mask != 0 {
			m = m.WithUint(destinationPort(p.Protocol), uint64(p.First), uint64(mask))
		}
		matches = append(matches, m)
	}
	r.parts(p.Parts, func(RulePlace) []openflow.Match { return matches })
}

// parts adds the flows that make something part of rules. Rules in one place share them.
func (r *rules) parts(parts []RulePart, matches func(RulePlace) []openflow.Match) {
	sorted := slices.Clone(parts)
	slices.SortFunc(sorted, func(a, b RulePart) int {
		return cmp.Or(a.compare(b.RulePlace), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Clause, b.Clause))
	})
	for len(sorted) > 0 {
		place, members := sorted[0].RulePlace, openflow.Actions{}
		for len(sorted) > 0 && sorted[0].RulePlace == place {
			members = members.Conjunction(sorted[0].Rule, sorted[0].Clause, sorted[0].Clauses)
			sorted = sorted[1:]
		}
		for _, m := range matches(place) {
			r.add(place.table(), place.Priority(), m, members)
		}
	}
}

func (p RulePlace) compare(q RulePlace) int {
	return cmp.Or(cmp.Compare(p.table(), q.table()), cmp.Compare(q.Priority(), p.Priority()))
}

// policyRule says what becomes of packets that meet a rule. Their connection notes the rule; if it has done so before, there
// is nothing to be noted.
func (r *rules) policyRule(n Node, p PolicyRule) {
	d, met := p.direction(), openflow.Match{}.ConjID(p.ID)
	accepted := openflow.Actions{}.Load(d.rule, uint64(p.ID))
	switch p.Verdict {
	case VerdictAccept:
		r.add(p.table(), p.Priority()+1, met.CTState(openflow.CTEstablished|openflow.CTTracked, openflow.CTNew).RegRange(d.ticket, uint64(p.ID)),
			accepted.Resubmit(d.done))
		r.add(p.table(), p.Priority(), met, accepted.Load(ruleDecided, 1).Resubmit(d.done))
	case VerdictDeny:
		if p.Audit {
			r.audit(d, p.table(), p.Priority(), met)
			return
		}
		for _, f := range n.families() {
			r.deny(d, p.table(), p.Priority()+1, met.EthType(f.ethType))
		}
		r.tell(d, p.table(), p.Priority()+1, met)
		r.drop(d.denied, p.table(), p.Priority(), met)
	case VerdictPass:
		after := d.done
		if p.Tier == TierAdmin {
			after = d.rules
		}
		r.add(p.table(), p.Priority(), met, next(after))
	}
}

// deny ends connections that policies allowed when they began: their replies die too.
func (r *rules) deny(d direction, t openflow.TableID, priority uint16, m openflow.Match) {
	r.flow(d.denied, t, priority, m.CTState(openflow.CTEstablished|openflow.CTTracked, openflow.CTNew), openflow.Actions{}.CT(openflow.CT{
		Commit: true, Zone: ZoneMain, Exec: openflow.Actions{}.Load(connectionBlocked, 1).Load(d.ticket, 0),
	}))
}

// audit counts packets that a policy in audit mode would refuse, and asks the same table again what becomes of them: policies in
// audit mode have no say any more. Where nothing is left that could refuse, they pass.
func (r *rules) audit(d direction, t openflow.TableID, priority uint16, m openflow.Match) {
	again := openflow.Actions{}.Load(d.audited, 1).Resubmit(t)
	r.flow(FeaturePolicyAudit, t, priority+1, m.CTState(openflow.CTNew|openflow.CTTracked, 0).RegRange(d.tells, 1), toAgent().Load(d.audited, 1).Resubmit(t))
	r.flow(FeaturePolicyAudit, t, priority+1, m.CTState(openflow.CTEstablished|openflow.CTTracked, openflow.CTNew), again)
	r.flow(FeaturePolicyAudit, t, priority, m, again)
}

const (
	told            = 128 // bytes of a refused packet that the agent gets: the headers
	becauseOfAction = 1   // OFPR_ACTION
)

// tell drops first packets whose Pod is one that refusals are logged of, and lets the agent hear of it.
func (r *rules) tell(d direction, t openflow.TableID, priority uint16, m openflow.Match) {
	r.flow(d.denied, t, priority, m.CTState(openflow.CTNew|openflow.CTTracked, 0).RegRange(d.tells, 1), toAgent())
}

// toAgent sends a packet to the agent.
func toAgent() openflow.Actions {
	return openflow.Actions{}.Punt(openflow.Punt{MaxLen: told, Reason: becauseOfAction, UserData: []byte{1}})
}

// IsIsolation reports whether a flow is what becomes of packets of an isolated Pod, or one that would be, that no rule accepts, and
// in which direction.
func IsIsolation(f openflow.Flow) (isEgress, ok bool) {
	isEgress = f.Table == TableEgressRule
	return isEgress, (isEgress || f.Table == TableIngressRule) && (f.Priority == policyIsolated || f.Priority == policyIsolated+1)
}

// IsRefusal reports whether a packet that the switch sends to the agent is one that policies have refused, and in which direction;
// audit says that it was not, because the policy is in audit mode.
func IsRefusal(p openflow.PacketIn) (isEgress, audit, ok bool) {
	f, _ := CookieFeature(p.Cookie)
	audit = f == FeaturePolicyAudit
	switch p.Table {
	case TableEgressAdmin, TableEgressRule:
		return true, audit, true
	case TableIngressAdmin, TableIngressRule:
		return false, audit, true
	}
	return false, false, false
}

func (n Node) hasFamily(a netip.Addr) bool {
	return slices.ContainsFunc(n.families(), func(f family) bool { return (f == ipv4) == a.Is4() })
}
