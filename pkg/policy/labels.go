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
type labelled map[label]map[string]*namespace

func (x labelled) add(name string, ns *namespace) {
	for k, v := range ns.labels {
		l := label{k, v}
		if x[l] == nil {
			x[l] = make(map[string]*namespace)
		}
		x[l][name] = ns
	}
}

func (x labelled) remove(name string, ns *namespace) {
	for k, v := range ns.labels {
		l := label{k, v}
		if delete(x[l], name); len(x[l]) == 0 {
			delete(x, l)
		}
	}
}

// candidates goes over the known Namespaces that a group may select in.
func (e *Engine) candidates(g *group) iter.Seq2[string, *namespace] {
	among := e.namespaces
	if l := wanted(g.namespaces); l != (label{}) {
		among = e.labelled[l]
	}
	return func(yield func(string, *namespace) bool) {
		for name, ns := range among {
			if ns.known && !yield(name, ns) {
				return
			}
		}
	}
}
