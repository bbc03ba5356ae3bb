package policy

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Engine holds the objects and the index for one Node. Its methods must not be called at the same time.
type Engine struct {
	membership
	node     string // empty: the Pods of all Nodes are local
	nodes    map[string]Node
	policies map[Policy]*policy
	byNodes  map[*policy]bool   // the policies that select Nodes
	ids      map[uint32]ruleKey // of rules in the index
	index    index
	// resolutions are what Pods have been told of names.
	resolutions map[types.NamespacedName][]Resolution
}

// New is an engine for the Pods of one Node, or for all if no Node is named.
func New(node string) *Engine {
	e := &Engine{
		membership: newMembership(), node: node, nodes: make(map[string]Node), policies: make(map[Policy]*policy),
		byNodes: make(map[*policy]bool), ids: make(map[uint32]ruleKey), index: newIndex(),
		resolutions: make(map[types.NamespacedName][]Resolution),
	}
	e.local = func(p *pod) bool { return e.node == "" || p.Node == e.node }
	e.placed = e.placedIn
	return e
}

// policy is a policy with what it adds to the index.
type policy struct {
	spec
	appliedTo *group
	peers     [][]*group                // of each rule
	named     *group                    // all Pods, if named ports are looked up in whoever has an address
	active    bool                      // it applies to a local Pod
	refs      []map[variant]Ref         // of each rule, with the variants that it has
	variants  []map[variant]int         // the number of Pods that have each
	static    contribution              // what does not depend on Pods
	ofPods    map[*pod]*podContribution // what does
}

// placedIn does what a Pod's move means for the policies that use the groups it was in or is in.
func (e *Engine) placedIn(p *pod, _ Pod, before []*group) {
	touched := make(map[*policy]bool)
	for _, groups := range [][]*group{before, p.groups} {
		for _, g := range groups {
			for p := range g.policies {
				if p.active || p.appliedTo == g {
					touched[p] = true
				}
			}
		}
	}
	for policy := range touched {
		e.follow(policy, p)
	}
}

// SetNode tells of a Node or of what it is now.
func (e *Engine) SetNode(n Node) {
	if before, ok := e.nodes[n.Name]; ok && before.equal(n) {
		return
	}
	e.nodes[n.Name] = n
	e.nodesChanged()
}

// DeleteNode tells that a Node is gone.
func (e *Engine) DeleteNode(name string) {
	delete(e.nodes, name)
	e.nodesChanged()
}

func (e *Engine) nodesChanged() {
	for p := range e.byNodes {
		e.rebuild(p)
	}
}

// SetNetworkPolicy tells of a NetworkPolicy. The error says what of it is not understood; that part allows nothing.
func (e *Engine) SetNetworkPolicy(o *networkingv1.NetworkPolicy) error {
	s, err := specOf(o)
	e.set(s)
	return err
}

// SetClusterNetworkPolicy tells of a ClusterNetworkPolicy. The error says what of it is not understood; that part fails closed.
func (e *Engine) SetClusterNetworkPolicy(o *policyv1alpha2.ClusterNetworkPolicy) error {
	s, err := clusterSpecOf(o)
	e.set(s)
	return err
}

// DeletePolicy tells that a policy is gone.
func (e *Engine) DeletePolicy(name Policy) {
	if p, ok := e.policies[name]; ok {
		delete(e.policies, name)
		e.drop(p)
	}
}

// Policies are the policies that apply to a local Pod, in the order of their names.
func (e *Engine) Policies() []Policy {
	var names []Policy
	for name, p := range e.policies {
		if p.active {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b Policy) int { return strings.Compare(a.String(), b.String()) })
	return names
}

// set replaces a policy. The new one is in the index before the old one goes, so that what both have is not touched.
func (e *Engine) set(s spec) {
	p := &policy{spec: s}
	e.take(p)
	if s.selectsNodes() {
		e.byNodes[p] = true
	}
	before := e.policies[s.policy]
	e.policies[s.policy] = p
	e.rebuild(p)
	if before != nil {
		e.drop(before)
	}
}

// drop takes a policy out of the index and out of its groups.
func (e *Engine) drop(p *policy) {
	e.retract(p)
	delete(e.byNodes, p)
	e.give(p)
}

// id is the number of a rule. Rules with the same hash take the next that is free.
func (e *Engine) id(k ruleKey) uint32 {
	for id := k.hash(); ; id++ {
		if owner, taken := e.ids[id]; id != 0 && (!taken || owner == k) {
			e.ids[id] = k
			return id
		}
	}
}

// String is how much the engine has, for logs.
func (e *Engine) String() string {
	return fmt.Sprintf("%d Namespaces, %d Pods, %d policies, %d groups", len(e.namespaces), len(e.pods), len(e.policies), len(e.groups))
}

// Keys are the objects that the engine was told of.
func (e *Engine) Keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		for name, ns := range e.namespaces {
			if ns.known && !yield(Key{KindNamespace, types.NamespacedName{Name: name}}) {
				return
			}
		}
		for name := range e.pods {
			if !yield(Key{KindPod, name}) {
				return
			}
		}
		for name := range e.nodes {
			if !yield(Key{KindNode, types.NamespacedName{Name: name}}) {
				return
			}
		}
		for name := range e.policies {
			if !yield(Key{Kind(name.Kind), name.NamespacedName}) {
				return
			}
		}
	}
}
