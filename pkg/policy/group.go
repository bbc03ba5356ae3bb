package policy

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
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
func (s selection) selectsIn(ns *namespace) bool {
	if s.namespaces == nil {
		return s.key.valid && s.key.namespace == ns.Name
	}
	return s.namespaces.Matches(labels.Set(ns.Labels))
}

// group is a selection with the Pods that it selects now, shared by all policies that use it.
type group struct {
	selection
	members  map[*pod]struct{}
	local    int                 // members on the Node that the index is for
	policies map[*policy]int     // how often each uses it
	needed   map[*needs]struct{} // by Nodes whose policies are about it
}

func (g *group) has(p *pod) bool {
	_, ok := g.members[p]
	return ok
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
