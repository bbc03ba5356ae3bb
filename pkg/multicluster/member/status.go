package member

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// state is what one look at everything gave.
type state struct {
	connection  error            // why the leader was not reached, or refused
	config      error            // why the configuration cannot be used
	accepted    metav1.Condition // what the leader thinks of this cluster's record; zero if it was not asked
	imported    bool             // the records of the other clusters are complete
	imports     int              // how many there are
	lastContact time.Time
}

// write turns the state into conditions. A short silence of the leader changes none.
func (st *state) write(set *v1alpha2.ClusterSet, now time.Time) {
	status := &set.Status
	status.ObservedGeneration = set.Generation
	silent := st.connection != nil && !refused(st.connection) && now.Sub(st.lastContact) < grace
	if !silent {
		st.writeConnected(set)
	}
	if st.accepted.Type != "" {
		accepted := st.accepted
		accepted.ObservedGeneration = 0 // the generation of the record at the leader means nothing here
		meta.SetStatusCondition(&status.Conditions, accepted)
	}
	if st.imported {
		status.TotalClusters = int32(st.imports) + 1
	}
	if !silent {
		meta.SetStatusCondition(&status.Conditions, st.ready(set))
	}
}

func refused(err error) bool {
	refusal := (*join.Refusal)(nil)
	return errors.As(err, &refusal)
}

func (st *state) writeConnected(set *v1alpha2.ClusterSet) {
	leader := set.Spec.Leaders[0]
	c := metav1.Condition{Type: v1alpha2.ConditionConnected, Status: metav1.ConditionTrue, Reason: reasonConnected, Message: "the leader takes heartbeats"}
	refusal := (*join.Refusal)(nil)
	switch {
	case errors.As(st.connection, &refusal):
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, refusal.Reason, refusal.Message
	case st.connection != nil:
		c.Status, c.Reason = metav1.ConditionFalse, reasonLeaderUnreachable
		c.Message = fmt.Sprintf("leader at %s: %v; what was imported stays", leader.Server, st.connection)
	}
	meta.SetStatusCondition(&set.Status.Conditions, c)
	var conditions []metav1.Condition
	for _, s := range set.Status.ClusterStatuses {
		if s.ClusterID == leader.ClusterID {
			conditions = s.Conditions
		}
	}
	meta.SetStatusCondition(&conditions, c)
	set.Status.ClusterStatuses = []v1alpha2.ClusterStatus{{ClusterID: leader.ClusterID, Conditions: conditions}}
}

// ready is the first thing that is wrong.
func (st *state) ready(set *v1alpha2.ClusterSet) metav1.Condition {
	ready := metav1.Condition{Type: v1alpha2.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: set.Generation}
	connected := meta.FindStatusCondition(set.Status.Conditions, v1alpha2.ConditionConnected)
	accepted := meta.FindStatusCondition(set.Status.Conditions, v1alpha2.ConditionAccepted)
	switch {
	case connected.Status != metav1.ConditionTrue:
		ready.Reason, ready.Message = connected.Reason, connected.Message
	case st.config != nil:
		ready.Reason, ready.Message = "InvalidConfig", st.config.Error()+"; what was published before stays"
	case accepted == nil || accepted.Status != metav1.ConditionTrue:
		if accepted == nil {
			accepted = &metav1.Condition{Reason: "Pending", Message: "waiting for the leader to look at this cluster's addresses"}
		}
		ready.Reason, ready.Message = accepted.Reason, accepted.Message
	case !st.imported:
		ready.Reason, ready.Message = "Importing", "waiting for the records of the other clusters"
	default:
		ready.Status, ready.Reason, ready.Message = metav1.ConditionTrue, "Member", fmt.Sprintf("the addresses of %d other clusters are known", st.imports)
	}
	return ready
}

// report writes an Event and a log line when this cluster becomes ready or ceases to be.
func (r *clusterSetReconciler) report(ctx context.Context, before, after *v1alpha2.ClusterSet) {
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha2.ConditionReady)
	is := meta.FindStatusCondition(after.Status.Conditions, v1alpha2.ConditionReady)
	if is == nil || was != nil && was.Status == is.Status && was.Reason == is.Reason {
		return
	}
	kind := corev1.EventTypeNormal
	if is.Status != metav1.ConditionTrue && is.Reason != reasonJoining && is.Reason != "Pending" && is.Reason != "Importing" {
		kind = corev1.EventTypeWarning
	}
	ctrl.LoggerFrom(ctx).Info("Membership changed", "ready", is.Status, "reason", is.Reason, "message", is.Message)
	r.events.Eventf(after, nil, kind, is.Reason, "Membership", "%s", is.Message)
}

// ignore tells a ClusterSet that another one was first.
func (r *clusterSetReconciler) ignore(ctx context.Context, set *v1alpha2.ClusterSet) error {
	before := set.DeepCopy()
	meta.SetStatusCondition(&set.Status.Conditions, metav1.Condition{Type: v1alpha2.ConditionReady, Status: metav1.ConditionFalse, Reason: "NotFirst",
		Message: fmt.Sprintf("namespace %s has an older ClusterSet, and a cluster can be in one only: leave that first", set.Namespace), ObservedGeneration: set.Generation})
	if equality.Semantic.DeepEqual(before.Status, set.Status) {
		return nil
	}
	return client.IgnoreNotFound(r.client.Status().Patch(ctx, set, client.MergeFrom(before)))
}
