package policy

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// selection selects Pods: of one Namespace, or of those that a selector selects. Equal selections have equal keys.
type selection struct {
	key        selectionKey
	namespaces labels.Selector // nil: the Namespace in the key
	pods       labels.Selector
}

type selectionKey struct {
	namespace        string // set if there is no selector
	namespaces, pods string
	valid            bool // the zero key selects nobody
}

// selectPods selects by labels of Namespaces and Pods. Without a selector for Namespaces it is the one that is given, without
// one for Pods it is all of them.
func selectPods(namespace string, namespaces, pods *metav1.LabelSelector) (selection, error) {
	s := selection{key: selectionKey{namespace: namespace, valid: true}, pods: labels.Everything()}
	var err error
	if pods != nil {
		if s.pods, err = metav1.LabelSelectorAsSelector(pods); err != nil {
			return selection{}, fmt.Errorf("podSelector: %w", err)
		}
	}
	s.key.pods = s.pods.String()
	if namespaces != nil {
		if s.namespaces, err = metav1.LabelSelectorAsSelector(namespaces); err != nil {
			return selection{}, fmt.Errorf("namespaceSelector: %w", err)
		}
		s.key.namespace, s.key.namespaces = "", s.namespaces.String()
	}
	return s, nil
}

// selectsIn reports whether Pods of a Namespace can be selected.
func (s selection) selectsIn(name string, namespaceLabels labels.Set) bool {
	if s.namespaces == nil {
		return s.key.valid && s.key.namespace == name
	}
	return s.namespaces.Matches(namespaceLabels)
}

// group is a selection with the Pods that it selects now, shared by all policies that use it.
type group struct {
	selection
	members  map[types.NamespacedName]*pod
	local    int             // members on the Node that the index is for
	policies map[*policy]int // how often each uses it
}

// nodeSelection selects Nodes.
type nodeSelection struct{ labels.Selector }

func selectNodes(s *metav1.LabelSelector) (nodeSelection, error) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return nodeSelection{}, fmt.Errorf("nodes: %w", err)
	}
	return nodeSelection{selector}, nil
}

// use takes a group for a policy, and fills it if it is new.
func (e *Engine) use(s selection, p *policy) *group {
	g, ok := e.groups[s.key]
	if !ok {
		g = &group{selection: s, members: make(map[types.NamespacedName]*pod), policies: make(map[*policy]int)}
		e.groups[s.key] = g
		if s.namespaces != nil {
			e.selecting.add(g)
			for name, ns := range e.candidates(g) {
				if s.selectsIn(name, ns.labels) {
					e.enter(g, ns)
				}
			}
		} else if s.key.valid {
			e.enter(g, e.namespace(s.key.namespace))
		}
	}
	g.policies[p]++
	return g
}

// release gives a group back.
func (e *Engine) release(g *group, p *policy) {
	if g.policies[p]--; g.policies[p] == 0 {
		delete(g.policies, p)
	}
	if len(g.policies) > 0 {
		return
	}
	delete(e.groups, g.key)
	if g.namespaces != nil {
		e.selecting.remove(g)
		for _, ns := range e.candidates(g) {
			delete(ns.groups, g)
		}
	} else {
		delete(e.namespace(g.key.namespace).groups, g)
		e.tidy(g.key.namespace)
	}
	for _, member := range g.members {
		delete(member.groups, g)
	}
}

// enter lets a group select Pods of a Namespace.
func (e *Engine) enter(g *group, ns *namespace) {
	ns.groups[g] = true
	for _, p := range ns.pods {
		if p.selectable() && g.pods.Matches(labelSet(p.Labels)) {
			e.join(g, p)
		}
	}
}

func (e *Engine) join(g *group, p *pod) {
	g.members[p.NamespacedName] = p
	p.groups[g] = true
	if e.local(p) {
		g.local++
	}
}

func (e *Engine) leave(g *group, p *pod) {
	delete(g.members, p.NamespacedName)
	delete(p.groups, g)
	if e.local(p) {
		g.local--
	}
}
