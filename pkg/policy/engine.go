package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Engine holds the objects and the index for one Node. Its methods must not be called at the same time.
type Engine struct {
	node       string // empty: the Pods of all Nodes are local
	namespaces map[string]*namespace
	pods       map[types.NamespacedName]*pod
	nodes      map[string]Node
	policies   map[Policy]*policy
	groups     map[selectionKey]*group
	selecting  selectors          // the groups that select Namespaces by labels
	labelled   labelled           // the Namespaces that are known, by their labels
	byNodes    map[*policy]bool   // the policies that select Nodes
	ids        map[uint32]ruleKey // of rules in the index
	index      index
}

// New is an engine for the Pods of one Node, or for all if no Node is named.
func New(node string) *Engine {
	return &Engine{
		node: node, namespaces: make(map[string]*namespace), pods: make(map[types.NamespacedName]*pod), nodes: make(map[string]Node),
		policies: make(map[Policy]*policy), groups: make(map[selectionKey]*group), selecting: make(selectors), labelled: make(labelled),
		byNodes: make(map[*policy]bool), ids: make(map[uint32]ruleKey), index: newIndex(),
	}
}

// namespace is there as soon as anything refers to it; known when it was told of.
type namespace struct {
	known  bool
	labels labels.Set
	pods   map[types.NamespacedName]*pod
	groups map[*group]bool // those that can select Pods here
}

// pod is a Pod with the groups it is in.
type pod struct {
	Pod
	groups map[*group]bool
}

// selectable tells whether selectors may find the Pod at all.
func (p *pod) selectable() bool { return !p.HostNetwork }

// policy is a policy with what it adds to the index.
type policy struct {
	spec
	appliedTo *group
	peers     [][]*group                                // of each rule
	named     *group                                    // all Pods, if named ports are looked up in whoever has an address
	active    bool                                      // it applies to a local Pod
	refs      []map[variant]Ref                         // of each rule, with the variants that it has
	variants  []map[variant]int                         // the number of Pods that have each
	static    contribution                              // what does not depend on Pods
	ofPods    map[types.NamespacedName]*podContribution // what does
}

func (e *Engine) local(p *pod) bool { return e.node == "" || p.Node == e.node }

// namespace is the one with that name, told of or not.
func (e *Engine) namespace(name string) *namespace {
	ns, ok := e.namespaces[name]
	if !ok {
		ns = &namespace{pods: make(map[types.NamespacedName]*pod), groups: make(map[*group]bool)}
		e.namespaces[name] = ns
	}
	return ns
}

// SetNamespace tells of a Namespace or of its new labels.
func (e *Engine) SetNamespace(name string, set map[string]string) {
	ns := e.namespace(name)
	if ns.known && maps.Equal(ns.labels, set) {
		return
	}
	e.labelled.remove(name, ns)
	ns.known, ns.labels = true, set
	e.labelled.add(name, ns)
	e.regroup(name, ns)
}

// DeleteNamespace tells that a Namespace is gone. Its Pods stay until they are deleted too, found only by who names it.
func (e *Engine) DeleteNamespace(name string) {
	ns := e.namespace(name)
	e.labelled.remove(name, ns)
	ns.known, ns.labels = false, nil
	e.regroup(name, ns)
	e.tidy(name)
}

// tidy forgets a Namespace that nothing refers to.
func (e *Engine) tidy(name string) {
	if ns := e.namespace(name); !ns.known && len(ns.pods) == 0 && len(ns.groups) == 0 {
		delete(e.namespaces, name)
	}
}

// regroup finds the groups that select in a Namespace, and then those of its Pods.
func (e *Engine) regroup(name string, ns *namespace) {
	maps.DeleteFunc(ns.groups, func(g *group, _ bool) bool {
		return g.namespaces != nil && (!ns.known || !g.selectsIn(name, ns.labels))
	})
	if ns.known {
		for g := range e.selecting.of(ns.labels) {
			if g.selectsIn(name, ns.labels) {
				ns.groups[g] = true
			}
		}
	}
	for _, p := range ns.pods {
		e.place(p, p.Pod, true)
	}
}

// SetPod tells of a Pod or of what it is now.
func (e *Engine) SetPod(now Pod) {
	p, ok := e.pods[now.NamespacedName]
	if ok && reflect.DeepEqual(p.Pod, now) {
		return
	}
	if !ok {
		p = &pod{Pod: now, groups: make(map[*group]bool)}
		e.pods[now.NamespacedName] = p
		e.namespace(now.Namespace).pods[now.NamespacedName] = p
	}
	e.place(p, now, true)
}

// Pod is a Pod as it was told.
func (e *Engine) Pod(name types.NamespacedName) (Pod, bool) {
	if p, ok := e.pods[name]; ok {
		return p.Pod, true
	}
	return Pod{}, false
}

// DeletePod tells that a Pod is gone.
func (e *Engine) DeletePod(name types.NamespacedName) {
	p, ok := e.pods[name]
	if !ok {
		return
	}
	e.place(p, p.Pod, false)
	delete(e.pods, name)
	delete(e.namespace(name.Namespace).pods, name)
	e.tidy(name.Namespace)
}

// place puts a Pod into the groups that select it, or into none, and does what follows for policies that use these or
// those it was in.
func (e *Engine) place(p *pod, now Pod, exists bool) {
	touched := make(map[*policy]bool)
	touch := func(g *group) {
		for p := range g.policies {
			if p.active || p.appliedTo == g {
				touched[p] = true
			}
		}
	}
	for g := range p.groups {
		touch(g)
		e.leave(g, p)
	}
	p.Pod = now
	if exists && p.selectable() {
		for g := range e.namespace(p.Namespace).groups {
			if g.pods.Matches(labelSet(p.Labels)) {
				touch(g)
				e.join(g, p)
			}
		}
	}
	for policy := range touched {
		e.follow(policy, p)
	}
}

// SetNode tells of a Node or of what it is now.
func (e *Engine) SetNode(n Node) {
	if before, ok := e.nodes[n.Name]; ok && reflect.DeepEqual(before, n) {
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
	p.appliedTo = e.use(s.appliedTo, p)
	for i := range s.rules {
		r := &s.rules[i]
		var groups []*group
		for _, g := range r.peers.groups {
			groups = append(groups, e.use(g, p))
		}
		p.peers = append(p.peers, groups)
		if len(r.peers.nodes) > 0 {
			e.byNodes[p] = true
		}
		if r.direction == Egress && len(r.named) > 0 && p.named == nil && (r.peers.any || len(r.peers.blocks) > 0) {
			p.named = e.use(everybody, p)
		}
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
	e.release(p.appliedTo, p)
	for _, groups := range p.peers {
		for _, g := range groups {
			e.release(g, p)
		}
	}
	if p.named != nil {
		e.release(p.named, p)
	}
}

// everybody selects all Pods.
var everybody = selection{key: selectionKey{valid: true, namespaces: "everybody"}, namespaces: labels.Everything(), pods: labels.Everything()}

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
