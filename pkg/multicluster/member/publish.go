package member

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// heartbeat is how often a member tells the leader that it is there.
const heartbeat = 10 * time.Second

// publish tells the leader about this cluster and returns what it thinks of that.
func (s *session) publish(ctx context.Context, info *v1alpha1.ClusterInfo) (metav1.Condition, error) {
	want := v1alpha1.Resource{ClusterID: info.ClusterID, Kind: v1alpha1.KindClusterInfo, ClusterInfo: info}
	e := &v1alpha1.ResourceExport{ObjectMeta: metav1.ObjectMeta{Namespace: s.own, Name: join.ExportClusterInfo}}
	err := s.Get(ctx, client.ObjectKeyFromObject(e), e)
	switch {
	case apierrors.IsNotFound(err):
		e.Spec = want
		err = s.Create(ctx, e)
	case err == nil && !equality.Semantic.DeepEqual(e.Spec, want):
		e.Spec = want
		err = s.Update(ctx, e)
	}
	if err != nil {
		return metav1.Condition{}, fmt.Errorf("publish this cluster's addresses: %w", err)
	}
	answer := meta.FindStatusCondition(e.Status.Conditions, v1alpha2.ConditionAccepted)
	if answer == nil || answer.ObservedGeneration != e.Generation {
		return metav1.Condition{Type: v1alpha2.ConditionAccepted, Status: metav1.ConditionUnknown, Reason: "Pending", Message: "waiting for the leader to look at this cluster's addresses"}, nil
	}
	return *answer, nil
}

// thinking is how long the leader may take to look at a changed record before the last answer no longer holds.
const thinking = 5 * time.Second

// pending says whether the answer to the last change can still be waited for.
func (s *session) pending(answer metav1.Condition, now time.Time) bool {
	if answer.Status != metav1.ConditionUnknown {
		s.asked = time.Time{}
		return false
	}
	if s.asked.IsZero() {
		s.asked = now
	}
	return now.Sub(s.asked) < thinking
}

// beat renews the Lease that shows the leader that this cluster lives.
func (s *session) beat(ctx context.Context, clusterID string, now time.Time) error {
	return s.changeLease(ctx, func(l *coordinationv1.LeaseSpec) {
		l.HolderIdentity = ptr.To(clusterID)
		l.LeaseDurationSeconds = ptr.To(int32(3 * heartbeat / time.Second))
		l.RenewTime = ptr.To(metav1.NewMicroTime(now))
	})
}

// release lets go of the Lease: this cluster leaves. The leader removes its account then, so an answer that the token is
// void, or the Lease gone, means that it is done.
func (s *session) release(ctx context.Context, now time.Time) (done bool, err error) {
	err = s.changeLease(ctx, func(l *coordinationv1.LeaseSpec) {
		l.HolderIdentity = nil
		l.RenewTime = ptr.To(metav1.NewMicroTime(now))
	})
	if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
		return true, nil
	}
	return false, err
}

func (s *session) changeLease(ctx context.Context, change func(*coordinationv1.LeaseSpec)) error {
	var l coordinationv1.Lease
	if err := s.Get(ctx, client.ObjectKey{Namespace: s.own, Name: join.MemberName}, &l); err != nil {
		return fmt.Errorf("read this cluster's Lease at the leader: %w", err)
	}
	change(&l.Spec)
	if err := s.Update(ctx, &l); err != nil {
		return fmt.Errorf("write this cluster's Lease at the leader: %w", err)
	}
	return nil
}
