package policy

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Direction is whether a rule is about what a Pod sends or about what it receives.
type Direction uint8

// The directions.
const (
	Ingress Direction = 1 + iota
	Egress
)

// String is the direction as Kubernetes writes it.
func (d Direction) String() string {
	if d == Egress {
		return "Egress"
	}
	return "Ingress"
}

// Tier is the rank of a rule: a later tier is asked if the earlier ones have not decided.
type Tier uint8

// The tiers, in order.
const (
	Admin      Tier = 1 + iota // ClusterNetworkPolicies of tier Admin
	Namespaced                 // NetworkPolicies: they decide for every Pod that they select
	Baseline                   // ClusterNetworkPolicies of tier Baseline
)

// String is the tier as the API of ClusterNetworkPolicy writes it.
func (t Tier) String() string {
	return map[Tier]string{Admin: "Admin", Namespaced: "NetworkPolicy", Baseline: "Baseline"}[t]
}

// Action is what a rule does with the packets that it matches.
type Action uint8

// The actions.
const (
	Accept Action = 1 + iota
	Deny
	Pass // on to the next tier
)

// String is the action as the API of ClusterNetworkPolicy writes it.
func (a Action) String() string {
	return map[Action]string{Accept: "Accept", Deny: "Deny", Pass: "Pass"}[a]
}

// Policy names a policy.
type Policy struct {
	Kind string // "NetworkPolicy" or "ClusterNetworkPolicy"
	types.NamespacedName
}

// String is the policy as kind namespace/name.
func (p Policy) String() string {
	if p.Namespace == "" {
		return p.Kind + " " + p.Name
	}
	return p.Kind + " " + p.NamespacedName.String()
}

// Rule is a rule of a policy. One with a named port is a rule for every number that the name stands for.
type Rule struct {
	ID        uint32 // the same wherever and whenever it is computed, unless two rules want the same
	Policy    Policy
	Direction Direction
	Tier      Tier
	// Precedence is the place in its tier, from 0, which comes first. All rules of NetworkPolicies have 0.
	Precedence uint16
	Action     Action
	Audit      bool   // it would deny, but is in audit mode: what it matches is counted, and rules of other policies decide
	Index      int    // in the policy's list for that direction
	Name       string // as the policy names it, which may be not at all
	Named      string // the named port that it is for, if it is for one
	Ports      []Ports
	Domains    []Domain // that it is about, beside other peers
	Clauses    uint8    // how many parts a match has: 2 are Pod and address, 3 are Pod, address and port
}

// String names the rule as operators find it: by policy, direction and place.
func (r *Rule) String() string {
	text := fmt.Sprintf("%s, %s rule %d", r.Policy, r.Direction, r.Index)
	if r.Name != "" {
		text += fmt.Sprintf(" (%s)", r.Name)
	}
	return text
}

// ruleKey is what the id of a rule is made of.
type ruleKey struct {
	policy    Policy
	direction Direction
	index     int
	variant   variant
}

func (k ruleKey) hash() uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d\x00%d\x00%s\x00%d\x00%d", k.policy.Kind, k.policy.Namespace, k.policy.Name, k.direction, k.index,
		k.variant.name, k.variant.port.Protocol, k.variant.port.First)
	return h.Sum32()
}

// variant is a named port and what it stands for; the zero value is the part of a rule that has no named ports.
type variant struct {
	name string
	port Ports
}

// spec is what a policy says.
type spec struct {
	policy     Policy
	tier       Tier
	audit      bool // it does all that it says but refuse
	appliedTo  selection
	directions []Direction // in which the Pods that it selects are isolated; only NetworkPolicies isolate
	rules      []ruleSpec
}

// selectsNodes tells whether a rule is about Nodes.
func (s *spec) selectsNodes() bool {
	return slices.ContainsFunc(s.rules, func(r ruleSpec) bool { return len(r.peers.nodes) > 0 })
}

// ruleSpec is one rule as the policy has it.
type ruleSpec struct {
	direction  Direction
	precedence uint16
	action     Action
	index      int
	name       string
	peers      peers
	ports      []Ports     // numbered
	named      []namedPort // looked up in the Pod that receives
	anyPort    bool        // also protocols without ports
}

// peers is whom a rule is about.
type peers struct {
	any     bool
	groups  []selection
	nodes   []nodeSelection
	blocks  []netip.Prefix
	domains []Domain
}

// contains reports whether the address itself, whoever has it, is one of the peers.
func (p peers) contains(a netip.Addr) bool {
	if p.any {
		return true
	}
	for _, b := range p.blocks {
		if b.Contains(a) {
			return true
		}
	}
	return false
}

// namedPort is a port that a rule names; protocol 0 is any.
type namedPort struct {
	name     string
	protocol Protocol
}

// audits tells whether a rule would refuse, but is one of a policy in audit mode.
func (s *spec) audits(r *ruleSpec) bool { return s.audit && r.action == Deny }

// base reports whether the rule has a part without named ports.
func (r *ruleSpec) base() bool { return r.anyPort || len(r.ports) > 0 }
