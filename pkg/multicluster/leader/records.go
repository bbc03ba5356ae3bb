package leader

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// look is how often the leader looks for members that have gone silent.
const look = 10 * time.Second

// recordReconciler publishes what members export, and keeps the ClusterSet's members and status. Records of one cluster
// depend on those of all others, so it looks at all of them at once.
type recordReconciler struct {
	client    client.Client
	events    events.EventRecorder
	namespace string
	seen      *heartbeats
}

func (r *recordReconciler) setup(mgr ctrl.Manager) error {
	all := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: r.namespace}}}
	})
	return ctrl.NewControllerManagedBy(mgr).Named("records").
		Watches(&v1alpha2.ClusterSet{}, all).
		Watches(&v1alpha1.MemberClusterAnnounce{}, all).
		Watches(&v1alpha1.ResourceExport{}, all).
		Watches(&v1alpha1.ResourceImport{}, all).
		Watches(&coordinationv1.Lease{}, all).
		Complete(r)
}

// clusterSet is the ClusterSet of this leader, or nil: the oldest in its namespace.
func clusterSet(ctx context.Context, c client.Reader, namespace string) (*v1alpha2.ClusterSet, error) {
	var list v1alpha2.ClusterSetList
	if err := c.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list ClusterSets: %w", err)
	}
	if len(list.Items) == 0 {
		return nil, nil
	}
	return slices.MinFunc(ptrs(list.Items), func(a, b *v1alpha2.ClusterSet) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	}), nil
}

func ptrs[T any](s []T) []*T {
	out := make([]*T, len(s))
	for i := range s {
		out[i] = &s[i]
	}
	return out
}

// Reconcile publishes all records and writes the ClusterSet.
func (r *recordReconciler) Reconcile(ctx context.Context, _ ctrl.Request) (reconcile.Result, error) {
	members, err := r.members(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	set, err := clusterSet(ctx, r.client, r.namespace)
	if err != nil {
		return reconcile.Result{}, err
	}
	if set != nil && !set.DeletionTimestamp.IsZero() {
		return reconcile.Result{RequeueAfter: time.Second}, r.dissolve(ctx, set)
	}
	if set != nil {
		// Before a member hears that it is one.
		if err := r.writeMembers(ctx, set, members); err != nil {
			return reconcile.Result{}, err
		}
	}
	accepted, err := r.publish(ctx, members)
	if err != nil || set == nil {
		return reconcile.Result{}, err
	}
	statuses, err := r.statuses(ctx, members, accepted)
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: look}, r.writeStatus(ctx, set, statuses)
}

// members are the clusters that joined and do not leave, by the namespace that they write to.
func (r *recordReconciler) members(ctx context.Context) (map[string]string, error) {
	var list v1alpha1.MemberClusterAnnounceList
	if err := r.client.List(ctx, &list, client.InNamespace(r.namespace)); err != nil {
		return nil, fmt.Errorf("list members: %w", err)
	}
	members := map[string]string{}
	for i := range list.Items {
		if a := &list.Items[i]; isAccepted(a) && a.DeletionTimestamp.IsZero() {
			members[a.Status.Namespace] = a.ClusterID
		}
	}
	return members, nil
}

// publish brings ResourceImports and the conditions of ResourceExports in line, and returns the condition of every cluster
// that exported something.
func (r *recordReconciler) publish(ctx context.Context, members map[string]string) (map[string]metav1.Condition, error) {
	var all v1alpha1.ResourceExportList
	if err := r.client.List(ctx, &all); err != nil {
		return nil, fmt.Errorf("list ResourceExports: %w", err)
	}
	exports := slices.DeleteFunc(all.Items, func(e v1alpha1.ResourceExport) bool {
		_, member := members[e.Namespace]
		return !member || e.Name != join.ExportClusterInfo || !e.DeletionTimestamp.IsZero()
	})
	var imports v1alpha1.ResourceImportList
	if err := r.client.List(ctx, &imports, client.InNamespace(r.namespace)); err != nil {
		return nil, fmt.Errorf("list ResourceImports: %w", err)
	}
	published := make([]v1alpha1.Resource, len(imports.Items))
	for i := range imports.Items {
		published[i] = imports.Items[i].Spec
	}
	records, verdicts := publish(members, exports, published)
	if err := r.apply(ctx, records, imports.Items); err != nil {
		return nil, err
	}

	accepted := map[string]metav1.Condition{}
	for i := range exports {
		e, v := &exports[i], verdicts[i]
		condition := metav1.Condition{Type: v1alpha2.ConditionAccepted, Status: metav1.ConditionFalse, Reason: v.reason, Message: v.message, ObservedGeneration: e.Generation}
		if v.accepted {
			condition.Status = metav1.ConditionTrue
		}
		accepted[members[e.Namespace]] = condition
		if !meta.SetStatusCondition(&e.Status.Conditions, condition) {
			continue
		}
		if err := r.client.Status().Update(ctx, e); client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("tell cluster %q about its record: %w", members[e.Namespace], err)
		}
		ctrl.LoggerFrom(ctx).Info("Looked at a record", "cluster", members[e.Namespace], "accepted", v.accepted, "reason", v.reason, "message", v.message)
		if !v.accepted {
			r.events.Eventf(e, nil, corev1.EventTypeWarning, v.reason, "Publish", "%s", v.message)
		}
	}
	return accepted, nil
}

// apply makes the published records be these, and no others. Taking back comes first: addresses may have changed hands.
func (r *recordReconciler) apply(ctx context.Context, records []v1alpha1.Resource, have []v1alpha1.ResourceImport) error {
	want := map[string]v1alpha1.Resource{}
	for _, record := range records {
		want[join.ImportClusterInfo(record.ClusterID)] = record
	}
	for i := range have {
		h := &have[i]
		record, wanted := want[h.Name]
		delete(want, h.Name)
		switch {
		case !wanted:
			if err := r.client.Delete(ctx, h); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("take back the record of cluster %q: %w", h.Spec.ClusterID, err)
			}
		case !equality.Semantic.DeepEqual(h.Spec, record):
			h.Spec = record
			if err := r.client.Update(ctx, h); err != nil {
				return fmt.Errorf("publish the record of cluster %q: %w", record.ClusterID, err)
			}
		}
	}
	for name, record := range want {
		o := &v1alpha1.ResourceImport{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name, Labels: map[string]string{join.LabelClusterID: record.ClusterID}}, Spec: record}
		if err := r.client.Create(ctx, o); err != nil {
			return fmt.Errorf("publish the record of cluster %q: %w", record.ClusterID, err)
		}
	}
	return nil
}

// statuses has one entry a member, by cluster ID.
func (r *recordReconciler) statuses(ctx context.Context, members map[string]string, accepted map[string]metav1.Condition) ([]v1alpha2.ClusterStatus, error) {
	var leases coordinationv1.LeaseList
	if err := r.client.List(ctx, &leases, client.MatchingLabels{join.LabelLeaderNamespace: r.namespace}); err != nil {
		return nil, fmt.Errorf("list the members' Leases: %w", err)
	}
	lease := map[string]*coordinationv1.Lease{}
	for _, l := range ptrs(leases.Items) {
		lease[l.Namespace] = l
	}
	var statuses []v1alpha2.ClusterStatus
	for namespace, id := range members {
		connected := metav1.Condition{Type: v1alpha2.ConditionConnected, Status: metav1.ConditionTrue, Reason: "Heartbeat", Message: "the member renews its Lease"}
		if !r.seen.observe(id, lease[namespace]) {
			connected.Status, connected.Reason = metav1.ConditionFalse, "Silent"
			connected.Message = fmt.Sprintf("nothing was heard from cluster %q for %s: look at antrea-mc-controller there; its record stays published", id, silence)
		}
		record, ok := accepted[id]
		if !ok {
			record = metav1.Condition{Type: v1alpha2.ConditionAccepted, Status: metav1.ConditionFalse, Reason: "NoRecord", Message: fmt.Sprintf("cluster %q has not published its addresses yet", id)}
		}
		record.ObservedGeneration = 0
		statuses = append(statuses, v1alpha2.ClusterStatus{ClusterID: v1alpha2.ClusterID(id), Conditions: []metav1.Condition{connected, record}})
	}
	slices.SortFunc(statuses, func(a, b v1alpha2.ClusterStatus) int { return cmp.Compare(a.ClusterID, b.ClusterID) })
	return statuses, nil
}

// writeMembers fills in the members of the ClusterSet.
func (r *recordReconciler) writeMembers(ctx context.Context, set *v1alpha2.ClusterSet, members map[string]string) error {
	before := set.DeepCopy()
	controllerutil.AddFinalizer(set, finalizer)
	set.Spec.Members = nil
	for _, id := range slices.Sorted(maps.Values(members)) {
		set.Spec.Members = append(set.Spec.Members, v1alpha2.MemberCluster{ClusterID: v1alpha2.ClusterID(id)})
	}
	if equality.Semantic.DeepEqual(before, set) {
		return nil
	}
	if err := r.client.Patch(ctx, set, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("write the members of ClusterSet %q: %w", set.Name, err)
	}
	return nil
}

// writeStatus puts what is known of the members into the ClusterSet.
func (r *recordReconciler) writeStatus(ctx context.Context, set *v1alpha2.ClusterSet, statuses []v1alpha2.ClusterStatus) error {
	before := set.DeepCopy()
	status := &set.Status
	had := status.ClusterStatuses
	status.ClusterStatuses, status.TotalClusters, status.ReadyClusters, status.ObservedGeneration = nil, int32(len(statuses)), 0, set.Generation
	var missing []string
	for _, s := range statuses {
		conditions := conditionsOf(had, s.ClusterID)
		for _, c := range s.Conditions {
			meta.SetStatusCondition(&conditions, c)
		}
		status.ClusterStatuses = append(status.ClusterStatuses, v1alpha2.ClusterStatus{ClusterID: s.ClusterID, Conditions: conditions})
		if meta.IsStatusConditionTrue(conditions, v1alpha2.ConditionConnected) && meta.IsStatusConditionTrue(conditions, v1alpha2.ConditionAccepted) {
			status.ReadyClusters++
		} else {
			missing = append(missing, string(s.ClusterID))
		}
	}
	ready := metav1.Condition{Type: v1alpha2.ConditionReady, Status: metav1.ConditionTrue, Reason: "Leading", Message: fmt.Sprintf("%d of %d clusters are ready", status.ReadyClusters, status.TotalClusters), ObservedGeneration: set.Generation}
	if len(missing) > 0 {
		ready.Message += fmt.Sprintf("; look at status.clusterStatuses of %q", missing)
	}
	meta.SetStatusCondition(&status.Conditions, ready)
	if equality.Semantic.DeepEqual(before.Status, set.Status) {
		return nil
	}
	if err := r.client.Status().Patch(ctx, set, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("write the status of ClusterSet %q: %w", set.Name, err)
	}
	return nil
}

func conditionsOf(statuses []v1alpha2.ClusterStatus, id v1alpha2.ClusterID) []metav1.Condition {
	for _, s := range statuses {
		if s.ClusterID == id {
			return slices.Clone(s.Conditions)
		}
	}
	return nil
}

// dissolve removes every member, and then lets the ClusterSet go.
func (r *recordReconciler) dissolve(ctx context.Context, set *v1alpha2.ClusterSet) error {
	var list v1alpha1.MemberClusterAnnounceList
	if err := r.client.List(ctx, &list, client.InNamespace(r.namespace)); err != nil {
		return fmt.Errorf("list members: %w", err)
	}
	for _, a := range ptrs(list.Items) {
		if !a.DeletionTimestamp.IsZero() {
			continue
		}
		if err := r.client.Delete(ctx, a); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("remove cluster %q: %w", a.ClusterID, err)
		}
	}
	if _, err := r.publish(ctx, nil); err != nil {
		return err
	}
	if len(list.Items) > 0 || !controllerutil.RemoveFinalizer(set, finalizer) {
		return nil
	}
	return client.IgnoreNotFound(r.client.Update(ctx, set))
}
