package policy

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Ref says that something is part of a rule: a Pod that it applies to, an address that it is about, a range of ports. The Ref
// of a Pod without an ID says that the Pod is isolated in that direction.
type Ref struct {
	ID         uint32
	Direction  Direction
	Tier       Tier
	Precedence uint16
	Audit      bool  // the rule would deny, or the Pod would be isolated, but that is only counted
	Clause     uint8 // which part: ClausePod, ClauseAddress or ClausePorts
	Clauses    uint8 // how many parts the rule has
	// Established says that an address is part of the rule only for connections that are there already.
	Established bool
}

// The parts of a rule.
const (
	ClausePod     = 1
	ClauseAddress = 2
	ClausePorts   = 3
)

func (r Ref) clause(n uint8) Ref {
	r.Clause = n
	return r
}

// Compare orders Refs: by direction, tier and precedence, then by number.
func (r Ref) Compare(s Ref) int {
	return cmp.Or(cmp.Compare(r.Direction, s.Direction), cmp.Compare(r.Tier, s.Tier), cmp.Compare(r.Precedence, s.Precedence),
		cmp.Compare(r.ID, s.ID), compareBool(r.Audit, s.Audit), cmp.Compare(r.Clause, s.Clause), cmp.Compare(r.Clauses, s.Clauses),
		compareBool(r.Established, s.Established))
}

// compareBool has false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// key is what the index has Refs of: one of the three.
type key struct {
	pod     types.NamespacedName
	address netip.Prefix
	ports   Ports
}

// entry is one line of the index.
type entry struct {
	key key
	ref Ref
}

// contribution is lines of the index, and the rules that they are about.
type contribution struct {
	entries []entry
	rules   []*Rule
}

// index counts entries, because several parts of a policy may want the same.
type index struct {
	entries      map[key]map[Ref]int
	rules        map[uint32]*countedRule
	changed      map[key]bool
	changedRules map[uint32]bool
}

type countedRule struct {
	rule  *Rule
	count int
}

func newIndex() index {
	return index{
		entries: make(map[key]map[Ref]int), rules: make(map[uint32]*countedRule), changed: make(map[key]bool), changedRules: make(map[uint32]bool),
	}
}

func (x *index) add(entries []entry) {
	for _, n := range entries {
		refs := x.entries[n.key]
		if refs == nil {
			refs = make(map[Ref]int, 1)
			x.entries[n.key] = refs
		}
		if refs[n.ref]++; refs[n.ref] == 1 {
			x.changed[n.key] = true
		}
	}
}

func (x *index) remove(entries []entry) {
	for _, n := range entries {
		refs := x.entries[n.key]
		if refs[n.ref]--; refs[n.ref] > 0 {
			continue
		}
		x.changed[n.key] = true
		delete(refs, n.ref)
		if len(refs) == 0 {
			delete(x.entries, n.key)
		}
	}
}

func (x *index) addRules(rules []*Rule) {
	for _, r := range rules {
		have, ok := x.rules[r.ID]
		if !ok {
			have = &countedRule{}
			x.rules[r.ID] = have
		}
		if !reflect.DeepEqual(have.rule, r) {
			have.rule = r
			x.changedRules[r.ID] = true
		}
		have.count++
	}
}

// removeRules returns the ids that are free now.
func (x *index) removeRules(rules []*Rule) (free []uint32) {
	for _, r := range rules {
		have := x.rules[r.ID]
		if have.count--; have.count == 0 {
			delete(x.rules, r.ID)
			x.changedRules[r.ID] = true
			free = append(free, r.ID)
		}
	}
	return free
}

// refs are what the index has for a key, in order.
func (x *index) refs(k key) []Ref {
	var refs []Ref
	for r := range x.entries[k] {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, Ref.Compare)
	return refs
}

// PodRefs are what a local Pod is part of.
func (e *Engine) PodRefs(name types.NamespacedName) []Ref { return e.index.refs(key{pod: name}) }

// Rules are the rules of the policies that apply to a local Pod, in the order of their policies.
func (e *Engine) Rules() []*Rule {
	var all []*Rule
	for _, r := range e.index.rules {
		all = append(all, r.rule)
	}
	slices.SortFunc(all, func(a, b *Rule) int {
		return cmp.Or(cmp.Compare(a.Policy.String(), b.Policy.String()), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Index, b.Index),
			cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Changes is what the index has for everything that changed: nil for what is not in it any more.
type Changes struct {
	Pods      map[types.NamespacedName][]Ref
	Addresses map[netip.Prefix][]Ref
	Ports     map[Ports][]Ref // each a power of two, from a multiple of it
	Rules     map[uint32]*Rule
}

// Len is how many things changed.
func (c Changes) Len() int { return len(c.Pods) + len(c.Addresses) + len(c.Ports) + len(c.Rules) }

// Changes returns what changed since it was asked for the last time; the first time it is everything.
func (e *Engine) Changes() Changes {
	x := &e.index
	c := Changes{
		Pods: make(map[types.NamespacedName][]Ref), Addresses: make(map[netip.Prefix][]Ref), Ports: make(map[Ports][]Ref), Rules: make(map[uint32]*Rule),
	}
	for k := range x.changed {
		switch refs := x.refs(k); {
		case k.pod.Name != "":
			c.Pods[k.pod] = refs
		case k.address.IsValid():
			c.Addresses[k.address] = refs
		default:
			c.Ports[k.ports] = refs
		}
	}
	for id := range x.changedRules {
		c.Rules[id] = nil
		if r, ok := x.rules[id]; ok {
			c.Rules[id] = r.rule
		}
	}
	clear(x.changed)
	clear(x.changedRules)
	return c
}

func labelSet(m map[string]string) labels.Set { return m }
