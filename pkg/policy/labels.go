package policy

import (
	"iter"

	"k8s.io/apimachinery/pkg/labels"
	operators "k8s.io/apimachinery/pkg/selection"
)

// label is one of a Namespace. Most selectors want one, such as kubernetes.io/metadata.name, and are asked only where it is: a
// cluster has thousands of Namespaces, and as many selectors.
type label struct{ key, value string }

// wanted is a label without which a selector selects nothing, the zero value if there is none.
func wanted(s labels.Selector) label {
	requirements, _ := s.Requirements()
	for _, r := range requirements {
		switch r.Operator() {
		case operators.Equals, operators.DoubleEquals, operators.In:
			if values := r.Values(); len(values) == 1 {
				return label{r.Key(), values.List()[0]}
			}
		}
	}
	return label{}
}

// selectors are groups that select Namespaces, by the label that each wants.
type selectors map[label]map[*group]bool

func (s selectors) add(g *group) {
	l := wanted(g.namespaces)
	if s[l] == nil {
		s[l] = make(map[*group]bool)
	}
	s[l][g] = true
}

func (s selectors) remove(g *group) {
	l := wanted(g.namespaces)
	if delete(s[l], g); len(s[l]) == 0 {
		delete(s, l)
	}
}

// of goes over the groups that may select a Namespace with these labels.
func (s selectors) of(set labels.Set) iter.Seq[*group] {
	return func(yield func(*group) bool) {
		for g := range s[label{}] {
			if !yield(g) {
				return
			}
		}
		for k, v := range set {
			for g := range s[label{k, v}] {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// labelled are Namespaces by each of their labels.
type labelled map[label]map[*namespace]struct{}

func (x labelled) add(ns *namespace) {
	for k, v := range ns.Labels {
		l := label{k, v}
		if x[l] == nil {
			x[l] = make(map[*namespace]struct{})
		}
		x[l][ns] = struct{}{}
	}
}

func (x labelled) remove(ns *namespace) {
	for k, v := range ns.Labels {
		l := label{k, v}
		if delete(x[l], ns); len(x[l]) == 0 {
			delete(x, l)
		}
	}
}

// candidates goes over the known Namespaces that a group may select in.
func (m *membership) candidates(g *group) iter.Seq[*namespace] {
	return func(yield func(*namespace) bool) {
		if l := wanted(g.namespaces); l != (label{}) {
			for ns := range m.labelled[l] {
				if !yield(ns) {
					return
				}
			}
			return
		}
		for _, ns := range m.namespaces {
			if ns.known && !yield(ns) {
				return
			}
		}
	}
}
