package member

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// labelManagedBy marks what this controller made; nothing else is ever deleted.
const (
	labelManagedBy = "app.kubernetes.io/managed-by"
	managedBy      = "antrea-mc-controller"
)

// wantedImports are the records of the other clusters, by the name of their ClusterInfoImport.
func wantedImports(ownID, namespace string, published []v1alpha1.ResourceImport) map[string]*v1alpha1.ClusterInfoImport {
	want := map[string]*v1alpha1.ClusterInfoImport{}
	for _, p := range published {
		if p.Spec.Kind != v1alpha1.KindClusterInfo || p.Spec.ClusterInfo == nil || p.Spec.ClusterID == ownID || !p.DeletionTimestamp.IsZero() {
			continue
		}
		i := &v1alpha1.ClusterInfoImport{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: p.Spec.ClusterID + "-clusterinfo", Labels: map[string]string{labelManagedBy: managedBy}},
			Spec:       *p.Spec.ClusterInfo,
		}
		want[i.Name] = i
	}
	return want
}

// applyImports makes the ClusterInfoImports of this cluster be these. Taking back comes first: addresses may have changed
// hands.
func applyImports(ctx context.Context, c client.Client, namespace string, want map[string]*v1alpha1.ClusterInfoImport) error {
	var list v1alpha1.ClusterInfoImportList
	if err := c.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{labelManagedBy: managedBy}); err != nil {
		return fmt.Errorf("list ClusterInfoImports: %w", err)
	}
	have := map[string]*v1alpha1.ClusterInfoImport{}
	for i := range list.Items {
		h := &list.Items[i]
		have[h.Name] = h
		if want[h.Name] != nil {
			continue
		}
		if err := c.Delete(ctx, h); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete ClusterInfoImport %s: %w", h.Name, err)
		}
	}
	for name, w := range want {
		h := have[name]
		switch {
		case h == nil:
			if err := c.Create(ctx, w); err != nil {
				return fmt.Errorf("create ClusterInfoImport %s: %w", name, err)
			}
		case !equality.Semantic.DeepEqual(h.Spec, w.Spec):
			h.Spec = w.Spec
			if err := c.Update(ctx, h); err != nil {
				return fmt.Errorf("update ClusterInfoImport %s: %w", name, err)
			}
		}
	}
	return nil
}
