package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

// nodes is what is needed of client-go's NodeInterface.
type nodes interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (*corev1.Node, error)
	Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, subresources ...string) (*corev1.Node, error)
}

// announcement is the annotations that say where this agent's API is.
type announcement struct {
	node        string
	annotations map[string]string
}

const (
	announceRetry = 2 * time.Second
	// A Node that was deleted and has registered again has lost its annotations.
	announceAgain = time.Minute
)

func (a announcement) run(ctx context.Context, client nodes) error {
	for {
		wait := announceAgain
		if err := a.ensure(ctx, client); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).V(2).Info("Could not announce the agent API", "err", err)
			wait = announceRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// ensure writes the annotations if the Node does not have them.
func (a announcement) ensure(ctx context.Context, client nodes) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	node, err := client.Get(ctx, a.node, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("announce agent API on Node %s: %w", a.node, err)
	}
	merged := maps.Clone(node.Annotations)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, a.annotations)
	if maps.Equal(merged, node.Annotations) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": a.annotations}})
	if err != nil {
		return err
	}
	if _, err := client.Patch(ctx, a.node, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("announce agent API on Node %s: %w", a.node, err)
	}
	return nil
}
