package fastlane

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// report writes the Pod's status: what runs is ready.
func (p *pod) report(ctx context.Context, phase corev1.PodPhase, message string, all []supervisor.Status) {
	pods := p.driver.client.CoreV1().Pods(p.spec.Namespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		now, err := pods.Get(ctx, p.spec.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if now.UID != p.spec.UID {
			return nil
		}
		p.fillStatus(&now.Status, phase, message, all)
		_, err = pods.UpdateStatus(ctx, now, metav1.UpdateOptions{})
		return err
	})
	if err != nil && !apierrors.IsNotFound(err) && ctx.Err() == nil {
		klog.FromContext(ctx).Error(err, "Reporting the Pod failed")
	}
}

func (p *pod) fillStatus(s *corev1.PodStatus, phase corev1.PodPhase, message string, all []supervisor.Status) {
	now := metav1.Now()
	s.Phase, s.Message, s.HostIP, s.HostIPs = phase, message, p.driver.Address.String(), []corev1.HostIP{{IP: p.driver.Address.String()}}
	if s.StartTime == nil {
		s.StartTime = &now
	}
	s.PodIP, s.PodIPs = "", nil
	for _, a := range p.addresses() {
		s.PodIPs = append(s.PodIPs, corev1.PodIP{IP: a})
	}
	if len(s.PodIPs) > 0 {
		s.PodIP = s.PodIPs[0].IP
	}
	s.ContainerStatuses = nil
	ready := corev1.ConditionTrue
	for _, c := range p.spec.Spec.Containers {
		cs := p.containerStatus(c, all)
		if !cs.Ready {
			ready = corev1.ConditionFalse
		}
		s.ContainerStatuses = append(s.ContainerStatuses, cs)
	}
	for _, t := range []corev1.PodConditionType{corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady, corev1.PodReadyToStartContainers} {
		status := ready
		if t == corev1.PodInitialized || t == corev1.PodReadyToStartContainers {
			status = corev1.ConditionFalse
			if all != nil {
				status = corev1.ConditionTrue
			}
		}
		setCondition(s, corev1.PodCondition{Type: t, Status: status, LastTransitionTime: now})
	}
}

func (p *pod) containerStatus(c corev1.Container, all []supervisor.Status) corev1.ContainerStatus {
	cs := corev1.ContainerStatus{
		Name: c.Name, Image: c.Image, ImageID: c.Image, ContainerID: "fast://" + string(p.spec.UID) + "/" + c.Name,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}},
	}
	for _, s := range all {
		if s.Name != c.Name {
			continue
		}
		since := metav1.NewTime(s.Since)
		cs.RestartCount = p.restarts[c.Name] + int32(s.Exits)
		switch {
		case s.Running:
			cs.Ready = true
			cs.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: since}}
		case s.Exits > 0 && p.spec.Spec.RestartPolicy != corev1.RestartPolicyAlways:
			code := int32(0)
			if s.Last != supervisor.Success {
				code = 1
			}
			cs.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: s.Last, FinishedAt: since}}
		case s.Exits > 0:
			cs.State.Waiting.Reason, cs.State.Waiting.Message = "CrashLoopBackOff", s.Last
		}
	}
	cs.Started = &cs.Ready
	return cs
}

// setCondition sets a condition; its time of transition stays where the status does.
func setCondition(s *corev1.PodStatus, c corev1.PodCondition) {
	for i := range s.Conditions {
		if old := &s.Conditions[i]; old.Type == c.Type {
			if old.Status != c.Status {
				*old = c
			}
			return
		}
	}
	s.Conditions = append(s.Conditions, c)
}
