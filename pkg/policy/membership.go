package policy

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// membership knows Namespaces and Pods, and which groups select which Pods.
type membership struct {
	namespaces map[string]*namespace
	pods       map[types.NamespacedName]*pod
	groups     map[selectionKey]*group
	selecting  selectors       // the groups that select Namespaces by labels
	labelled   labelled        // the Namespaces that are known, by their labels
	local      func(*pod) bool // counted in groups
	// placed is called when a Pod has changed or was put into other groups; before says what it was, and in which it was.
	placed func(p *pod, was Pod, before []*group)
}

func newMembership() membership {
	return membership{
		namespaces: make(map[string]*namespace), pods: make(map[types.NamespacedName]*pod), groups: make(map[selectionKey]*group),
		selecting: make(selectors), labelled: make(labelled),
	}
}

// namespace is there as soon as anything refers to it; known when it was told of.
type namespace struct {
	Namespace
	known  bool
	pods   map[*pod]struct{}
	groups map[*group]struct{} // those that can select Pods here
}

// pod is a Pod with the groups it is in.
type pod struct {
	Pod
	groups []*group
}

// selectable tells whether selectors may find the Pod at all.
func (p *pod) selectable() bool { return !p.HostNetwork }

// namespace is the one with that name, told of or not.
func (m *membership) namespace(name string) *namespace {
	ns, ok := m.namespaces[name]
	if !ok {
		ns = &namespace{Namespace: Namespace{Name: name}, pods: make(map[*pod]struct{}), groups: make(map[*group]struct{})}
		m.namespaces[name] = ns
	}
	return ns
}

// SetNamespace tells of a Namespace or of what it is now.
func (m *membership) SetNamespace(now Namespace) {
	ns := m.namespace(now.Name)
	if ns.known && ns.Log == now.Log && maps.Equal(ns.Labels, now.Labels) {
		return
	}
	m.labelled.remove(ns)
	ns.known, ns.Namespace = true, now
	m.labelled.add(ns)
	m.regroup(ns)
}

// DeleteNamespace tells that a Namespace is gone. Its Pods stay until they are deleted too, found only by who names it.
func (m *membership) DeleteNamespace(name string) {
	ns := m.namespace(name)
	m.labelled.remove(ns)
	ns.known, ns.Namespace = false, Namespace{Name: name}
	m.regroup(ns)
	m.tidy(ns)
}

// tidy forgets a Namespace that nothing refers to.
func (m *membership) tidy(ns *namespace) {
	if !ns.known && len(ns.pods) == 0 && len(ns.groups) == 0 {
		delete(m.namespaces, ns.Name)
	}
}

// regroup finds the groups that select in a Namespace, and then those of its Pods.
func (m *membership) regroup(ns *namespace) {
	maps.DeleteFunc(ns.groups, func(g *group, _ struct{}) bool {
		return g.namespaces != nil && (!ns.known || !g.selectsIn(ns))
	})
	if ns.known {
		for g := range m.selecting.of(ns.Labels) {
			if g.selectsIn(ns) {
				ns.groups[g] = struct{}{}
			}
		}
	}
	for p := range ns.pods {
		m.place(p, p.Pod, true)
	}
}

// SetPod tells of a Pod or of what it is now.
func (m *membership) SetPod(now Pod) {
	p, ok := m.pods[now.NamespacedName]
	if ok && p.equal(now) {
		return
	}
	if !ok {
		p = &pod{Pod: now}
		m.pods[now.NamespacedName] = p
		m.namespace(now.Namespace).pods[p] = struct{}{}
	}
	m.place(p, now, true)
}

// Pod is a Pod as it was told.
func (m *membership) Pod(name types.NamespacedName) (Pod, bool) {
	if p, ok := m.pods[name]; ok {
		return p.Pod, true
	}
	return Pod{}, false
}

// Logged tells whether refused connections of Pods of a Namespace are logged.
func (m *membership) Logged(namespace string) bool {
	ns, ok := m.namespaces[namespace]
	return ok && ns.Log
}

// DeletePod tells that a Pod is gone.
func (m *membership) DeletePod(name types.NamespacedName) {
	p, ok := m.pods[name]
	if !ok {
		return
	}
	delete(m.pods, name)
	ns := m.namespace(name.Namespace)
	delete(ns.pods, p)
	m.place(p, p.Pod, false)
	m.tidy(ns)
}

// place puts a Pod into the groups that select it, or into none.
func (m *membership) place(p *pod, now Pod, exists bool) {
	before, was := p.groups, p.Pod
	for _, g := range before {
		m.leave(g, p)
	}
	p.groups, p.Pod = nil, now
	if exists && p.selectable() {
		for g := range m.namespace(p.Namespace).groups {
			if g.pods.Matches(labels.Set(p.Labels)) {
				m.join(g, p)
			}
		}
	}
	m.placed(p, was, before)
}

func (m *membership) join(g *group, p *pod) {
	g.members[p] = struct{}{}
	p.groups = append(p.groups, g)
	if m.local(p) {
		g.local++
	}
}

// leave takes a Pod out of a group; the caller forgets the group in the Pod.
func (m *membership) leave(g *group, p *pod) {
	delete(g.members, p)
	if m.local(p) {
		g.local--
	}
}

// use takes a group for a policy, and fills it if it is new.
func (m *membership) use(s selection, p *policy) *group {
	g, ok := m.groups[s.key]
	if !ok {
		g = &group{selection: s, members: make(map[*pod]struct{}), policies: make(map[*policy]int)}
		m.groups[s.key] = g
		if s.namespaces != nil {
			m.selecting.add(g)
			for ns := range m.candidates(g) {
				if s.selectsIn(ns) {
					m.enter(g, ns)
				}
			}
		} else if s.key.valid {
			m.enter(g, m.namespace(s.key.namespace))
		}
	}
	g.policies[p]++
	return g
}

// release gives a group back.
func (m *membership) release(g *group, p *policy) {
	if g.policies[p]--; g.policies[p] == 0 {
		delete(g.policies, p)
	}
	if len(g.policies) > 0 {
		return
	}
	delete(m.groups, g.key)
	if g.namespaces != nil {
		m.selecting.remove(g)
		for ns := range m.candidates(g) {
			delete(ns.groups, g)
		}
	} else {
		ns := m.namespace(g.key.namespace)
		delete(ns.groups, g)
		m.tidy(ns)
	}
	for member := range g.members {
		member.groups = slices.DeleteFunc(member.groups, func(of *group) bool { return of == g })
	}
}

// enter lets a group select Pods of a Namespace.
func (m *membership) enter(g *group, ns *namespace) {
	ns.groups[g] = struct{}{}
	for p := range ns.pods {
		if p.selectable() && g.pods.Matches(labels.Set(p.Labels)) {
			m.join(g, p)
		}
	}
}

// take takes the groups that a policy is about.
func (m *membership) take(p *policy) {
	p.appliedTo = m.use(p.spec.appliedTo, p)
	for i := range p.rules {
		r := &p.rules[i]
		groups := make([]*group, 0, len(r.peers.groups))
		for _, g := range r.peers.groups {
			groups = append(groups, m.use(g, p))
		}
		p.peers = append(p.peers, groups)
		if r.direction == Egress && len(r.named) > 0 && p.named == nil && (r.peers.any || len(r.peers.blocks) > 0) {
			p.named = m.use(everybody, p)
		}
	}
}

// give gives them back.
func (m *membership) give(p *policy) {
	m.release(p.appliedTo, p)
	for _, groups := range p.peers {
		for _, g := range groups {
			m.release(g, p)
		}
	}
	if p.named != nil {
		m.release(p.named, p)
	}
}

// everybody selects all Pods.
var everybody = selection{key: selectionKey{valid: true, namespaces: "everybody"}, namespaces: labels.Everything(), pods: labels.Everything()}
