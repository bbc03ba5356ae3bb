package policy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Set tells the engine of an object as the API has it now. The error says what of it is not understood.
func (e *Engine) Set(object any) error {
	switch o := object.(type) {
	case *corev1.Namespace:
		e.SetNamespace(o.Name, o.Labels)
	case *corev1.Node:
		e.SetNode(NodeOf(o))
	case *corev1.Pod:
		p, ok := PodOf(o)
		if !ok {
			e.DeletePod(types.NamespacedName{Namespace: o.Namespace, Name: o.Name})
			return nil
		}
		e.SetPod(p)
	case *networkingv1.NetworkPolicy:
		return e.SetNetworkPolicy(o)
	case *policyv1alpha2.ClusterNetworkPolicy:
		return e.SetClusterNetworkPolicy(o)
	default:
		return fmt.Errorf("policies do not depend on a %T", object)
	}
	return nil
}

// Delete tells the engine that an object is gone.
func (e *Engine) Delete(object any) {
	switch o := object.(type) {
	case *corev1.Namespace:
		e.DeleteNamespace(o.Name)
	case *corev1.Node:
		e.DeleteNode(o.Name)
	case *corev1.Pod:
		e.DeletePod(types.NamespacedName{Namespace: o.Namespace, Name: o.Name})
	case *networkingv1.NetworkPolicy:
		e.DeletePolicy(Policy{"NetworkPolicy", types.NamespacedName{Namespace: o.Namespace, Name: o.Name}})
	case *policyv1alpha2.ClusterNetworkPolicy:
		e.DeletePolicy(Policy{"ClusterNetworkPolicy", types.NamespacedName{Name: o.Name}})
	}
}
