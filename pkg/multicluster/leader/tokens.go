package leader

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// tokenReconciler deletes join tokens that have ended. A join token is a ServiceAccount: with it, every token that was
// issued for it is void.
type tokenReconciler struct {
	client client.Client
	clock  clock.Clock
}

func (r *tokenReconciler) setup(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).Named("join-token").For(&corev1.ServiceAccount{}).Complete(r)
}

// Reconcile looks at one join token.
func (r *tokenReconciler) Reconcile(ctx context.Context, req ctrl.Request) (reconcile.Result, error) {
	var sa corev1.ServiceAccount
	if err := r.client.Get(ctx, req.NamespacedName, &sa); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if sa.Labels[join.LabelToken] != "true" {
		return reconcile.Result{}, nil
	}
	if left := tokenOf(&sa).Expires.Sub(r.clock.Now()); left > 0 {
		return reconcile.Result{RequeueAfter: left}, nil
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: sa.Namespace, Name: sa.Name}}
	for _, o := range []client.Object{binding, &sa} {
		if err := r.client.Delete(ctx, o); client.IgnoreNotFound(err) != nil {
			return reconcile.Result{}, fmt.Errorf("delete join token %s, which has ended: %w", sa.Name, err)
		}
	}
	ctrl.LoggerFrom(ctx).Info("Deleted a join token that has ended", "token", sa.Name)
	return reconcile.Result{}, nil
}

// tokenOf reads a join token. One without a readable end has ended.
func tokenOf(sa *corev1.ServiceAccount) join.Token {
	expires, _ := time.Parse(time.RFC3339, sa.Annotations[join.AnnotationExpires])
	return join.Token{
		User:      join.User(sa.Namespace, sa.Name),
		ClusterID: sa.Annotations[join.AnnotationClusterID],
		Expires:   expires,
	}
}

// tokens are the join tokens in the leader's namespace.
func tokens(ctx context.Context, c client.Reader, namespace string) ([]join.Token, error) {
	var list corev1.ServiceAccountList
	if err := c.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{join.LabelToken: "true"}); err != nil {
		return nil, fmt.Errorf("list join tokens: %w", err)
	}
	all := make([]join.Token, len(list.Items))
	for i := range list.Items {
		all[i] = tokenOf(&list.Items[i])
	}
	return all, nil
}
