package leader

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

const (
	// finalizer keeps a MemberClusterAnnounce or the leader's ClusterSet until what belongs to it is gone.
	finalizer = "multicluster.antrea.io/leader"
	// refusedLifetime is how long a refused request is kept for its owner to read.
	refusedLifetime = time.Hour
	// retryRefused is how often a refused request is looked at again; what stood in its way may be gone.
	retryRefused = 10 * time.Second
)

// announceReconciler answers requests to join, and takes down what a cluster that left has had here.
type announceReconciler struct {
	client    client.Client
	live      client.Reader
	events    events.EventRecorder
	namespace string
	clock     clock.PassiveClock
}

func (r *announceReconciler) setup(mgr ctrl.Manager) error {
	// What happens to a member's namespace or Lease is the business of the announce that owns it.
	sameCluster := handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
		return r.requests(ctx, o.GetLabels()[join.LabelClusterID])
	})
	everyone := handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, _ client.Object) []reconcile.Request {
		return r.requests(ctx, "")
	})
	return ctrl.NewControllerManagedBy(mgr).Named("announce").
		For(&v1alpha1.MemberClusterAnnounce{}).
		Watches(&corev1.Namespace{}, sameCluster).
		Watches(&coordinationv1.Lease{}, sameCluster, builder.WithPredicates(predicate.NewPredicateFuncs(func(o client.Object) bool {
			return released(o.(*coordinationv1.Lease))
		}))).
		Watches(&v1alpha2.ClusterSet{}, everyone).
		Complete(r)
}

// requests are the announces for a cluster ID, or all.
func (r *announceReconciler) requests(ctx context.Context, clusterID string) []reconcile.Request {
	var list v1alpha1.MemberClusterAnnounceList
	if err := r.client.List(ctx, &list, client.InNamespace(r.namespace)); err != nil {
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if a := &list.Items[i]; clusterID == "" || a.ClusterID == clusterID {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(a)})
		}
	}
	return requests
}

// Reconcile answers one request.
func (r *announceReconciler) Reconcile(ctx context.Context, req ctrl.Request) (reconcile.Result, error) {
	var a v1alpha1.MemberClusterAnnounce
	if err := r.client.Get(ctx, req.NamespacedName, &a); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !a.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, r.takeDown(ctx, &a)
	}
	answer := r.answer
	if isAccepted(&a) {
		answer = r.keep
	}
	result, err := answer(ctx, &a)
	if refusal := (*join.Refusal)(nil); errors.As(err, &refusal) {
		return r.refuse(ctx, &a, refusal)
	}
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: time.Millisecond}, nil // the cache is behind
	}
	return result, err
}

// isAccepted says whether the cluster has joined.
func isAccepted(a *v1alpha1.MemberClusterAnnounce) bool {
	return meta.IsStatusConditionTrue(a.Status.Conditions, v1alpha2.ConditionAccepted)
}

// answer grants a new request, or returns a Refusal.
func (r *announceReconciler) answer(ctx context.Context, a *v1alpha1.MemberClusterAnnounce) (reconcile.Result, error) {
	set, err := clusterSet(ctx, r.client, r.namespace)
	if err != nil {
		return reconcile.Result{}, err
	}
	if set == nil || !set.DeletionTimestamp.IsZero() {
		return reconcile.Result{}, &join.Refusal{Reason: join.ReasonNoClusterSet, Message: "this leader has no ClusterSet: run `antctl mc init` there"}
	}
	known, err := tokens(ctx, r.live, r.namespace)
	if err != nil {
		return reconcile.Result{}, err
	}
	request := join.Request{Name: a.Name, ClusterID: a.ClusterID, ClusterSetID: a.ClusterSetID, PublicKey: a.PublicKey, Requester: a.Requester}
	if refusal := join.Decide(request, set.Name, known, r.clock.Now()); refusal != nil {
		return reconcile.Result{}, refusal
	}
	if controllerutil.AddFinalizer(a, finalizer) {
		if err := r.client.Update(ctx, a); err != nil {
			return reconcile.Result{}, fmt.Errorf("hold request %s of cluster %q: %w", a.Name, a.ClusterID, err)
		}
	}
	result, err := r.keep(ctx, a)
	if err == nil {
		ctrl.LoggerFrom(ctx).Info("Cluster joined", "cluster", a.ClusterID, "namespace", a.Status.Namespace)
		r.events.Eventf(set, a, corev1.EventTypeNormal, "MemberJoined", "Join", "cluster %q joined with key %s", a.ClusterID, join.Fingerprint(a.PublicKey))
	}
	return result, err
}

// claim creates the member's namespace. Only one key can: so the cluster ID belongs to the first that asked, whatever the
// cache says.
func (r *announceReconciler) claim(ctx context.Context, a *v1alpha1.MemberClusterAnnounce) error {
	fingerprint := join.Fingerprint(a.PublicKey)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:        join.NamespaceFor(r.namespace, a.ClusterID),
		Labels:      r.labels(a),
		Annotations: map[string]string{join.AnnotationKey: fingerprint},
	}}
	err := r.client.Create(ctx, ns)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	var had corev1.Namespace
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(ns), &had); err != nil {
		return err
	}
	switch {
	case had.Labels[join.LabelLeaderNamespace] != r.namespace || had.Labels[join.LabelClusterID] != a.ClusterID:
		return &join.Refusal{Reason: join.ReasonNamespaceOccupied, Message: fmt.Sprintf("namespace %s exists and was not made by this leader: remove it", ns.Name)}
	case !had.DeletionTimestamp.IsZero():
		return &join.Refusal{Reason: join.ReasonLeaving, Message: fmt.Sprintf("the cluster that had the ID %q is still being removed; no action is needed", a.ClusterID)}
	case had.Annotations[join.AnnotationKey] != fingerprint:
		return &join.Refusal{Reason: join.ReasonClusterIDTaken, Message: fmt.Sprintf(
			"cluster ID %q belongs to a cluster that asked first: choose another ID, or remove that cluster at the leader with `kubectl delete memberclusterannounce -n %s %s`",
			a.ClusterID, r.namespace, join.AnnounceOf(had.Annotations[join.AnnotationKey]))}
	}
	return nil
}

func (r *announceReconciler) labels(a *v1alpha1.MemberClusterAnnounce) map[string]string {
	return map[string]string{join.LabelClusterID: a.ClusterID, join.LabelLeaderNamespace: r.namespace}
}

// keep gives a member its namespace and objects, renews its sealed credential, and lets it go when it has released its Lease.
func (r *announceReconciler) keep(ctx context.Context, a *v1alpha1.MemberClusterAnnounce) (reconcile.Result, error) {
	if err := r.claim(ctx, a); err != nil {
		return reconcile.Result{}, err
	}
	namespace := join.NamespaceFor(r.namespace, a.ClusterID)
	made := false // something was missing: tokens that were issued before may be void
	for _, o := range r.objects(a, namespace) {
		err := r.client.Create(ctx, o)
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return reconcile.Result{}, fmt.Errorf("make %T %s/%s for cluster %q: %w", o, o.GetNamespace(), o.GetName(), a.ClusterID, err)
		}
		made = made || err == nil
	}
	var lease coordinationv1.Lease
	if err := r.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: join.MemberName}, &lease); err == nil && released(&lease) {
		ctrl.LoggerFrom(ctx).Info("Cluster leaves", "cluster", a.ClusterID)
		return reconcile.Result{}, client.IgnoreNotFound(r.client.Delete(ctx, a))
	}
	now := r.clock.Now()
	if at := a.Status.CredentialRenewal; isAccepted(a) && !made && at != nil && now.Before(at.Time) {
		return reconcile.Result{RequeueAfter: at.Sub(now)}, nil
	}
	sealed, credential, err := r.seal(ctx, a, namespace)
	if err != nil {
		return reconcile.Result{}, err
	}
	a.Status.Namespace, a.Status.SealedCredential = namespace, sealed
	a.Status.CredentialRenewal = ptr.To(metav1.NewTime(credential.Renewal()))
	meta.SetStatusCondition(&a.Status.Conditions, metav1.Condition{Type: v1alpha2.ConditionAccepted, Status: metav1.ConditionTrue,
		Reason: join.ReasonJoined, Message: fmt.Sprintf("cluster ID %q belongs to key %s", a.ClusterID, join.Fingerprint(a.PublicKey))})
	if err := r.client.Status().Update(ctx, a); err != nil {
		return reconcile.Result{}, fmt.Errorf("answer request %s of cluster %q: %w", a.Name, a.ClusterID, err)
	}
	return reconcile.Result{RequeueAfter: credential.Renewal().Sub(now)}, nil
}

// objects are what a member needs beside its namespace: an account, what the account may do, and a Lease to show life.
func (r *announceReconciler) objects(a *v1alpha1.MemberClusterAnnounce, namespace string) []client.Object {
	own := metav1.ObjectMeta{Namespace: namespace, Name: join.MemberName, Labels: r.labels(a)}
	reader := metav1.ObjectMeta{Namespace: r.namespace, Name: namespace, Labels: r.labels(a)}
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: join.MemberName}}
	role := func(name string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}
	}
	return []client.Object{
		&corev1.ServiceAccount{ObjectMeta: own, AutomountServiceAccountToken: ptr.To(false)},
		&coordinationv1.Lease{ObjectMeta: own},
		&rbacv1.RoleBinding{ObjectMeta: own, RoleRef: role(join.ClusterRoleMember), Subjects: subjects},
		&rbacv1.RoleBinding{ObjectMeta: reader, RoleRef: role(join.ClusterRoleReader), Subjects: subjects},
	}
}

// released says whether the member has let go of its Lease: it leaves.
func released(l *coordinationv1.Lease) bool {
	return l.Spec.RenewTime != nil && ptr.Deref(l.Spec.HolderIdentity, "") == ""
}

// seal issues a token for the member's account and seals it to the member's key.
func (r *announceReconciler) seal(ctx context.Context, a *v1alpha1.MemberClusterAnnounce, namespace string) ([]byte, join.Credential, error) {
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: join.MemberName}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To(int64(join.CredentialLifetime.Seconds()))}}
	issued := r.clock.Now()
	if err := r.client.SubResource("token").Create(ctx, sa, request); err != nil {
		return nil, join.Credential{}, fmt.Errorf("issue a token for cluster %q: %w", a.ClusterID, err)
	}
	credential := join.Credential{Namespace: namespace, Token: request.Status.Token, Issued: issued, Expires: request.Status.ExpirationTimestamp.Time}
	sealed, err := join.Seal(a.PublicKey, a.ClusterSetID, a.ClusterID, credential)
	return sealed, credential, err
}

// refuse says no, and forgets the request after a while.
func (r *announceReconciler) refuse(ctx context.Context, a *v1alpha1.MemberClusterAnnounce, why *join.Refusal) (reconcile.Result, error) {
	if r.clock.Since(a.CreationTimestamp.Time) > refusedLifetime {
		return reconcile.Result{}, client.IgnoreNotFound(r.client.Delete(ctx, a))
	}
	changed := meta.SetStatusCondition(&a.Status.Conditions, metav1.Condition{
		Type: v1alpha2.ConditionAccepted, Status: metav1.ConditionFalse, Reason: why.Reason, Message: why.Message})
	if changed {
		ctrl.LoggerFrom(ctx).Info("Refused a request to join", "cluster", a.ClusterID, "reason", why.Reason, "message", why.Message)
		if err := r.client.Status().Update(ctx, a); err != nil {
			return reconcile.Result{}, fmt.Errorf("refuse request %s of cluster %q: %w", a.Name, a.ClusterID, err)
		}
	}
	return reconcile.Result{RequeueAfter: retryRefused}, nil
}

// takeDown removes what a member has had: first what it may read, then its namespace with account and records.
func (r *announceReconciler) takeDown(ctx context.Context, a *v1alpha1.MemberClusterAnnounce) error {
	if !controllerutil.ContainsFinalizer(a, finalizer) {
		return nil
	}
	var ns corev1.Namespace
	err := r.live.Get(ctx, client.ObjectKey{Name: join.NamespaceFor(r.namespace, a.ClusterID)}, &ns)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	owned := err == nil && ns.Labels[join.LabelLeaderNamespace] == r.namespace && ns.Annotations[join.AnnotationKey] == join.Fingerprint(a.PublicKey)
	if owned {
		reader := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: ns.Name}}
		if err := r.client.Delete(ctx, reader); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("take back what cluster %q may read: %w", a.ClusterID, err)
		}
		if ns.DeletionTimestamp.IsZero() {
			if err := r.client.Delete(ctx, &ns); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("delete the namespace of cluster %q: %w", a.ClusterID, err)
			}
		}
	}
	controllerutil.RemoveFinalizer(a, finalizer)
	if err := r.client.Update(ctx, a); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("let go of request %s of cluster %q: %w", a.Name, a.ClusterID, err)
	}
	ctrl.LoggerFrom(ctx).Info("Cluster left", "cluster", a.ClusterID)
	return nil
}
