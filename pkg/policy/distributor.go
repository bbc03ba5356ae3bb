package policy

import (
	"fmt"
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Distributor finds out which objects each Node needs, so that an engine for the Node that knows no others has the rules that it
// would have if it knew all: the policies that apply to Pods of the Node, and whom these are about. Its methods must not be called
// at the same time.
type Distributor struct {
	membership
	policies map[Policy]*distributed
	nodes    map[string]Node
	byNode   map[string]map[*pod]struct{}
	needs    map[string]*needs
	version  uint64 // never 0, which is that of who knows nothing
}

// distributed is a policy as it was told, with the groups that it is about.
type distributed struct {
	Object
	*policy
}

// NewDistributor is a Distributor that knows nothing and serves no Node.
func NewDistributor() *Distributor {
	d := &Distributor{
		membership: newMembership(), policies: make(map[Policy]*distributed), nodes: make(map[string]Node),
		byNode: make(map[string]map[*pod]struct{}), needs: make(map[string]*needs), version: 1,
	}
	d.local = func(*pod) bool { return false }
	d.placed = d.placedIn
	return d
}

// needs is what a Node needs, and what has changed of that.
type needs struct {
	node     string
	policies map[*policy]int // the number of Pods of the Node to which each applies
	groups   map[*group]int  // the number of these policies that each group is a peer in
	nodes    int             // the number of these policies that are about Nodes
	log      []change
	floor    uint64 // changes up to this version are not in the log any more
	wake     chan struct{}
}

// change says that something about an object may have changed for a Node.
type change struct {
	version uint64
	key     Key
}

// logged is how many changes are kept for a Node that may have missed them.
const logged = 512

func (d *Distributor) mark(n *needs, keys ...Key) {
	d.version++
	for _, k := range keys {
		n.log = append(n.log, change{d.version, k})
	}
	if len(n.log) > 2*logged {
		cut := len(n.log) - logged
		n.floor = n.log[cut-1].version
		n.log = append([]change(nil), n.log[cut:]...)
		n.log = slices.DeleteFunc(n.log, func(c change) bool { return c.version == n.floor })
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (p *pod) key() Key { return Key{KindPod, p.NamespacedName} }

func (p *pod) keys() []Key {
	return []Key{p.key(), {KindNamespace, types.NamespacedName{Name: p.Namespace}}}
}

// Tell tells of an object. The error says what of it is not understood.
func (d *Distributor) Tell(o Object) (err error) {
	var s spec
	switch {
	case o.Namespace != nil:
		d.SetNamespace(*o.Namespace)
		return nil
	case o.Pod != nil:
		d.SetPod(*o.Pod)
		return nil
	case o.Node != nil:
		d.setNode(*o.Node)
		return nil
	case o.NetworkPolicy != nil:
		s, err = specOf(o.NetworkPolicy)
	case o.ClusterNetworkPolicy != nil:
		s, err = clusterSpecOf(o.ClusterNetworkPolicy)
	default:
		return nil
	}
	now := &distributed{o, &policy{spec: s}}
	d.take(now.policy)
	before := d.policies[s.policy]
	d.policies[s.policy] = now
	d.apply(now.policy, 1)
	if before != nil {
		d.apply(before.policy, -1)
		d.give(before.policy)
	}
	return err
}

// Forget tells that an object is gone.
func (d *Distributor) Forget(k Key) {
	switch k.Kind {
	case KindNamespace:
		d.DeleteNamespace(k.Name)
	case KindPod:
		d.DeletePod(k.NamespacedName)
	case KindNode:
		delete(d.nodes, k.Name)
		d.nodeChanged(k.Name)
	case KindNetworkPolicy, KindClusterNetworkPolicy:
		name := Policy{string(k.Kind), k.NamespacedName}
		if p, ok := d.policies[name]; ok {
			delete(d.policies, name)
			d.apply(p.policy, -1)
			d.give(p.policy)
		}
	}
}

// Set tells of an object as the API has it now. The error says what of it is not understood.
func (d *Distributor) Set(object any) error { return tell(d, object) }

// Delete tells that an object is gone.
func (d *Distributor) Delete(object any) { forget(d, object) }

func (d *Distributor) setNode(n Node) {
	if before, ok := d.nodes[n.Name]; ok && before.equal(n) {
		return
	}
	d.nodes[n.Name] = n
	d.nodeChanged(n.Name)
}

func (d *Distributor) nodeChanged(name string) {
	for _, n := range d.needs {
		if n.nodes > 0 || n.node == name {
			d.mark(n, Key{KindNode, types.NamespacedName{Name: name}})
		}
	}
}

// apply notes for all Nodes that a policy applies to their Pods, or no longer.
func (d *Distributor) apply(p *policy, by int) {
	if len(d.needs) == 0 {
		return
	}
	for x := range p.appliedTo.members {
		if n, ok := d.needs[x.Node]; ok {
			d.count(n, p, by)
		}
	}
}

// placedIn notes what a Pod's move means.
func (d *Distributor) placedIn(p *pod, was Pod, before []*group) {
	if was.Node != p.Node || d.pods[p.NamespacedName] != p {
		if of := d.byNode[was.Node]; of != nil {
			delete(of, p)
			if len(of) == 0 {
				delete(d.byNode, was.Node)
			}
		}
	}
	if d.pods[p.NamespacedName] == p && p.Node != "" {
		if d.byNode[p.Node] == nil {
			d.byNode[p.Node] = make(map[*pod]struct{})
		}
		d.byNode[p.Node][p] = struct{}{}
	}
	if len(d.needs) == 0 {
		return
	}
	concerned := make(map[*needs]struct{})
	for _, at := range []struct {
		node   string
		groups []*group
		by     int
	}{{p.Node, p.groups, 1}, {was.Node, before, -1}} { // what is to stay does not go in between
		n, ok := d.needs[at.node]
		if ok {
			concerned[n] = struct{}{}
		}
		for _, g := range at.groups {
			for n := range g.needed {
				concerned[n] = struct{}{}
			}
			if !ok {
				continue
			}
			for policy := range g.policies {
				if policy.appliedTo == g {
					d.count(n, policy, at.by)
				}
			}
		}
	}
	for n := range concerned {
		d.mark(n, p.keys()...)
	}
}

// count notes that a policy applies to one more or one less Pod of a Node.
func (d *Distributor) count(n *needs, p *policy, by int) {
	had := n.policies[p]
	n.policies[p] = had + by
	switch {
	case had == 0:
		d.about(n, p, 1)
	case had+by == 0:
		delete(n.policies, p)
		d.about(n, p, -1)
	}
}

// about notes that a Node needs a policy and all that it is about, or no longer.
func (d *Distributor) about(n *needs, p *policy, by int) {
	d.mark(n, Key{Kind(p.policy.Kind), p.policy.NamespacedName})
	for g := range p.about() {
		had := n.groups[g]
		n.groups[g] = had + by
		switch {
		case had == 0:
			if g.needed == nil {
				g.needed = make(map[*needs]struct{})
			}
			g.needed[n] = struct{}{}
		case had+by == 0:
			delete(n.groups, g)
			delete(g.needed, n)
		default:
			continue
		}
		for x := range g.members {
			d.mark(n, x.keys()...)
		}
	}
	if !p.selectsNodes() {
		return
	}
	if n.nodes += by; n.nodes == 0 || n.nodes == by {
		for name := range d.nodes {
			d.mark(n, Key{KindNode, types.NamespacedName{Name: name}})
		}
	}
}

// about goes over the groups that the policy's rules are about, which may come twice.
func (p *policy) about() iter.Seq[*group] {
	return func(yield func(*group) bool) {
		for _, groups := range p.peers {
			for _, g := range groups {
				if !yield(g) {
					return
				}
			}
		}
		if p.named != nil {
			yield(p.named)
		}
	}
}

// Serve begins to keep account of what a Node needs. The channel has a value whenever something changed since the last receive.
func (d *Distributor) Serve(node string) (changes <-chan struct{}) {
	if n, ok := d.needs[node]; ok {
		return n.wake
	}
	n := &needs{node: node, policies: make(map[*policy]int), groups: make(map[*group]int), wake: make(chan struct{}, 1)}
	d.needs[node] = n
	for x := range d.byNode[node] {
		for _, g := range x.groups {
			for p := range g.policies {
				if p.appliedTo == g {
					d.count(n, p, 1)
				}
			}
		}
	}
	d.version++ // nobody kept account of what changed before
	n.log, n.floor = nil, d.version
	select {
	case <-n.wake:
	default:
	}
	return n.wake
}

// Leave ends the account of a Node.
func (d *Distributor) Leave(node string) {
	n, ok := d.needs[node]
	if !ok {
		return
	}
	for g := range n.groups {
		delete(g.needed, n)
	}
	delete(d.needs, node)
}

// Since is what a Node that is served needs to know after a version; all that it needs to know if what it missed is not known.
func (d *Distributor) Since(node string, version uint64) Batch {
	n, ok := d.needs[node]
	if !ok {
		return Batch{}
	}
	b := Batch{Version: d.version}
	if version < n.floor || version > d.version {
		b.Whole = true
		for k := range d.wanted(n) {
			if o, ok := d.wants(n, k); ok {
				b.Objects = append(b.Objects, o)
			}
		}
		return b
	}
	seen := make(map[Key]bool)
	for _, c := range slices.Backward(n.log) {
		if c.version <= version {
			break
		}
		if seen[c.key] {
			continue
		}
		seen[c.key] = true
		if o, ok := d.wants(n, c.key); ok {
			b.Objects = append(b.Objects, o)
		} else {
			b.Gone = append(b.Gone, c.key)
		}
	}
	return b
}

// wanted are the keys of all objects that a Node may need.
func (d *Distributor) wanted(n *needs) map[Key]struct{} {
	all := make(map[Key]struct{})
	add := func(x *pod) {
		for _, k := range x.keys() {
			all[k] = struct{}{}
		}
	}
	for x := range d.byNode[n.node] {
		add(x)
	}
	for g := range n.groups {
		for x := range g.members {
			add(x)
		}
	}
	for p := range n.policies {
		all[Key{Kind(p.policy.Kind), p.policy.NamespacedName}] = struct{}{}
	}
	for name := range d.nodes {
		all[Key{KindNode, types.NamespacedName{Name: name}}] = struct{}{}
	}
	return all
}

// wants is an object as it is now, if there is one and the Node needs it.
func (d *Distributor) wants(n *needs, k Key) (o Object, ok bool) {
	switch k.Kind {
	case KindPod:
		if x, ok := d.pods[k.NamespacedName]; ok && n.wantsPod(x) {
			now := x.Pod // what is sent must not change under whoever sends it
			return Object{Pod: &now}, true
		}
	case KindNamespace:
		ns, ok := d.namespaces[k.Name]
		if !ok || !ns.known {
			return Object{}, false
		}
		for x := range ns.pods {
			if n.wantsPod(x) {
				now := ns.Namespace
				return Object{Namespace: &now}, true
			}
		}
	case KindNode:
		if of, ok := d.nodes[k.Name]; ok && (n.nodes > 0 || k.Name == n.node) {
			return Object{Node: &of}, true
		}
	case KindNetworkPolicy, KindClusterNetworkPolicy:
		if p, ok := d.policies[Policy{string(k.Kind), k.NamespacedName}]; ok && n.policies[p.policy] > 0 {
			return p.Object, true
		}
	}
	return Object{}, false
}

// wantsPod tells whether a Node needs a Pod: its own, peers of rules, and who has a port that rules name.
func (n *needs) wantsPod(x *pod) bool {
	if x.Node == n.node {
		return true
	}
	for _, g := range x.groups {
		if n.groups[g] > 0 && (g.key != everybody.key || len(x.Ports) > 0) {
			return true
		}
	}
	return false
}

// String is how much the Distributor has, for logs.
func (d *Distributor) String() string {
	return fmt.Sprintf("%d Namespaces, %d Pods, %d policies, %d groups, %d Nodes served", len(d.namespaces), len(d.pods), len(d.policies),
		len(d.groups), len(d.needs))
}
