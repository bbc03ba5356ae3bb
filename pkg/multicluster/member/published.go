package member

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// published is the condition Published of a Gateway, by what the leader answered to the record that it is in.
func published(g *v1alpha1.Gateway, answer metav1.Condition) metav1.Condition {
	c := metav1.Condition{Type: v1alpha1.ConditionPublished, Status: answer.Status, Reason: answer.Reason, Message: answer.Message, ObservedGeneration: g.Generation}
	if answer.Status == metav1.ConditionTrue {
		c.Message = "the other clusters are told of this gateway"
		if g.DrainingSince != nil {
			c.Message = "the other clusters are told that this gateway drains"
		}
	}
	return c
}

// writePublished puts the leader's answer into the status of every gateway of the record.
func writePublished(ctx context.Context, c client.Client, gateways []v1alpha1.Gateway, answer metav1.Condition) error {
	for i := range gateways {
		before := &gateways[i]
		g := before.DeepCopy()
		meta.SetStatusCondition(&g.Status.Conditions, published(g, answer))
		if equality.Semantic.DeepEqual(before.Status, g.Status) {
			continue
		}
		if err := c.Status().Patch(ctx, g, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("write the status of Gateway %s: %w", g.Name, err)
		}
	}
	return nil
}
