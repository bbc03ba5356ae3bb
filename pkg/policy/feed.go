package policy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Kind is the kind of an object that rules depend on, as Kubernetes names it.
type Kind string

// The kinds.
const (
	KindNamespace            Kind = "Namespace"
	KindPod                  Kind = "Pod"
	KindNode                 Kind = "Node"
	KindNetworkPolicy        Kind = "NetworkPolicy"
	KindClusterNetworkPolicy Kind = "ClusterNetworkPolicy"
)

// Key names an object.
type Key struct {
	Kind Kind
	types.NamespacedName
}

// String is the object as kind namespace/name.
func (k Key) String() string {
	if k.Namespace == "" {
		return string(k.Kind) + " " + k.Name
	}
	return string(k.Kind) + " " + k.NamespacedName.String()
}

// Object is what rules depend on of an object of Kubernetes: exactly one field is set.
type Object struct {
	Namespace            *Namespace                           `json:",omitempty"`
	Pod                  *Pod                                 `json:",omitempty"`
	Node                 *Node                                `json:",omitempty"`
	NetworkPolicy        *networkingv1.NetworkPolicy          `json:",omitempty"`
	ClusterNetworkPolicy *policyv1alpha2.ClusterNetworkPolicy `json:",omitempty"`
}

// Key names the object; it is empty if no field is set.
func (o Object) Key() Key {
	switch {
	case o.Namespace != nil:
		return Key{KindNamespace, types.NamespacedName{Name: o.Namespace.Name}}
	case o.Pod != nil:
		return Key{KindPod, o.Pod.NamespacedName}
	case o.Node != nil:
		return Key{KindNode, types.NamespacedName{Name: o.Node.Name}}
	case o.NetworkPolicy != nil:
		return Key{KindNetworkPolicy, types.NamespacedName{Namespace: o.NetworkPolicy.Namespace, Name: o.NetworkPolicy.Name}}
	case o.ClusterNetworkPolicy != nil:
		return Key{KindClusterNetworkPolicy, types.NamespacedName{Name: o.ClusterNetworkPolicy.Name}}
	}
	return Key{}
}

// Read reads an object as the API has it. A Pod that has ended has a key, and no object.
func Read(object any) (k Key, o Object, err error) {
	switch x := object.(type) {
	case *corev1.Namespace:
		ns := NamespaceOf(x)
		o.Namespace = &ns
	case *corev1.Node:
		n := NodeOf(x)
		o.Node = &n
	case *corev1.Pod:
		if p, ok := PodOf(x); ok {
			o.Pod = &p
		} else {
			return Key{KindPod, types.NamespacedName{Namespace: x.Namespace, Name: x.Name}}, Object{}, nil
		}
	case *networkingv1.NetworkPolicy:
		o.NetworkPolicy = &networkingv1.NetworkPolicy{ObjectMeta: metaOf(x.ObjectMeta), Spec: x.Spec}
	case *policyv1alpha2.ClusterNetworkPolicy:
		o.ClusterNetworkPolicy = &policyv1alpha2.ClusterNetworkPolicy{ObjectMeta: metaOf(x.ObjectMeta), Spec: x.Spec}
	default:
		return Key{}, Object{}, fmt.Errorf("policies do not depend on a %T", object)
	}
	return o.Key(), o, nil
}

// metaOf is what rules depend on of a policy beside its spec.
func metaOf(m metav1.ObjectMeta) metav1.ObjectMeta {
	of := metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name}
	if audit, ok := m.Annotations[AuditAnnotation]; ok {
		of.Annotations = map[string]string{AuditAnnotation: audit}
	}
	return of
}

// Tell tells the engine of an object. The error says what of it is not understood.
func (e *Engine) Tell(o Object) error {
	switch {
	case o.Namespace != nil:
		e.SetNamespace(*o.Namespace)
	case o.Pod != nil:
		e.SetPod(*o.Pod)
	case o.Node != nil:
		e.SetNode(*o.Node)
	case o.NetworkPolicy != nil:
		return e.SetNetworkPolicy(o.NetworkPolicy)
	case o.ClusterNetworkPolicy != nil:
		return e.SetClusterNetworkPolicy(o.ClusterNetworkPolicy)
	}
	return nil
}

// Forget tells the engine that an object is gone.
func (e *Engine) Forget(k Key) {
	switch k.Kind {
	case KindNamespace:
		e.DeleteNamespace(k.Name)
	case KindPod:
		e.DeletePod(k.NamespacedName)
	case KindNode:
		e.DeleteNode(k.Name)
	case KindNetworkPolicy, KindClusterNetworkPolicy:
		e.DeletePolicy(Policy{string(k.Kind), k.NamespacedName})
	}
}

// follower is told of objects.
type follower interface {
	Tell(o Object) error
	Forget(k Key)
}

func tell(f follower, object any) error {
	k, o, err := Read(object)
	if err != nil {
		return err
	}
	if o == (Object{}) {
		f.Forget(k)
		return nil
	}
	return f.Tell(o)
}

func forget(f follower, object any) {
	if k, _, err := Read(object); err == nil {
		f.Forget(k)
	}
}

// Set tells the engine of an object as the API has it now. The error says what of it is not understood.
func (e *Engine) Set(object any) error { return tell(e, object) }

// Delete tells the engine that an object is gone.
func (e *Engine) Delete(object any) { forget(e, object) }
