package fastlane

import (
	"context"
	"runtime"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

// heartbeat is how often a Node renews its lease, as kubelet does.
const heartbeat = 10 * time.Second

// kubeletPort is where the API server looks for logs and exec.
const kubeletPort = 10250

// reportNode keeps the Node's status and lease. The Node is Ready while a CNI configuration is there.
func (d *Driver) reportNode(ctx context.Context) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	var renewed time.Time
	wasReady := false
	for {
		ready := d.cni.ready() == nil
		if time.Since(renewed) > heartbeat || ready != wasReady {
			if err := d.report(ctx, ready); err != nil {
				klog.FromContext(ctx).Error(err, "Reporting the Node failed")
			} else {
				renewed, wasReady = time.Now(), ready
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (d *Driver) report(ctx context.Context, ready bool) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		n, err := d.client.CoreV1().Nodes().Get(ctx, d.Node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		d.fillStatus(&n.Status, ready, metav1.Now())
		_, err = d.client.CoreV1().Nodes().UpdateStatus(ctx, n, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return d.renewLease(ctx)
}

func (d *Driver) fillStatus(s *corev1.NodeStatus, ready bool, now metav1.Time) {
	s.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: d.Address.String()}, {Type: corev1.NodeHostName, Address: d.Node}}
	// More than a test asks for; without them nothing is scheduled.
	s.Capacity = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"), corev1.ResourcePods: resource.MustParse("1000"),
		corev1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
	}
	s.Allocatable = s.Capacity
	s.NodeInfo.KubeletVersion, s.NodeInfo.OperatingSystem, s.NodeInfo.Architecture = "fast-lane", runtime.GOOS, runtime.GOARCH
	s.NodeInfo.ContainerRuntimeVersion = "fast-lane://1"
	s.DaemonEndpoints.KubeletEndpoint.Port = kubeletPort
	c := corev1.NodeCondition{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "the fast lane's driver runs",
		LastHeartbeatTime: now, LastTransitionTime: now,
	}
	if !ready {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "KubeletNotReady", "there is no CNI configuration"
	}
	for i := range s.Conditions {
		if old := &s.Conditions[i]; old.Type == c.Type {
			if old.Status == c.Status {
				c.LastTransitionTime = old.LastTransitionTime
			}
			*old = c
			return
		}
	}
	s.Conditions = append(s.Conditions, c)
}

func (d *Driver) renewLease(ctx context.Context) error {
	leases := d.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	now := metav1.NowMicro()
	lease, err := leases.Get(ctx, d.Node, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: d.Node},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &d.Node, LeaseDurationSeconds: ptr.To[int32](40), RenewTime: &now},
		}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.RenewTime = &now
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}
