// Package policystatus says in the status of every ClusterNetworkPolicy whether it is understood.
//
// Start at [Run].
package policystatus

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policywatch"
)

// ConditionAccepted is true of policies of which all is understood.
const ConditionAccepted = "Accepted"

// The reasons of ConditionAccepted.
const (
	ReasonUnderstood    = "Understood"
	ReasonNotUnderstood = "NotUnderstood"
)

// Run writes until ctx is done.
func Run(ctx context.Context, client dynamic.Interface) error {
	policywatch.ClusterNetworkPolicies(ctx, client, func(ctx context.Context, p *policyv1alpha2.ClusterNetworkPolicy) error {
		return write(ctx, client, p)
	})
	return nil
}

// condition is what a policy is to be told.
func condition(p *policyv1alpha2.ClusterNetworkPolicy) metav1.Condition {
	c := metav1.Condition{
		Type: ConditionAccepted, Status: metav1.ConditionTrue, Reason: ReasonUnderstood, ObservedGeneration: p.Generation,
		Message: "all of the policy is understood",
	}
	if err := policy.Understand(p); err != nil {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, ReasonNotUnderstood, err.Error()
	}
	return c
}

// write writes the status of a policy if it does not say so already. One that has changed meanwhile comes again.
func write(ctx context.Context, client dynamic.Interface, p *policyv1alpha2.ClusterNetworkPolicy) error {
	now := p.DeepCopy()
	if !meta.SetStatusCondition(&now.Status.Conditions, condition(p)) {
		return nil
	}
	now.APIVersion, now.Kind = policyv1alpha2.GroupVersion.String(), "ClusterNetworkPolicy"
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(now)
	if err != nil {
		return fmt.Errorf("status of ClusterNetworkPolicy %s: %w", p.Name, err)
	}
	_, err = client.Resource(policywatch.Resource()).UpdateStatus(ctx, &unstructured.Unstructured{Object: content}, metav1.UpdateOptions{})
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return fmt.Errorf("status of ClusterNetworkPolicy %s: %w", p.Name, err)
	}
	return nil
}
