package agent

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

const userspaceMessage = "The kernel has no module openvswitch, so Pods use the userspace datapath of Open vSwitch, which is slower. " +
	"Install the module and restart the agent, or set ovsDatapathType: netdev in ConfigMap antrea-config if this is intended."

// warnUserspace tells operators, as an Event of the Node, that the datapath is not the one they would want. It tries until the
// API takes it.
func warnUserspace(ctx context.Context, client kubernetes.Interface, node string) error {
	logger := klog.FromContext(ctx)
	logger.Info(userspaceMessage)
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: node + ".antrea-agent.", Namespace: metav1.NamespaceDefault},
		InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: node, UID: types.UID(node)}, // as the kubelet refers to its Node
		Reason:         "UserspaceDatapath", Message: userspaceMessage, Type: corev1.EventTypeWarning,
		Source:         corev1.EventSource{Component: "antrea-agent", Host: node},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	for {
		_, err := client.CoreV1().Events(event.Namespace).Create(ctx, event, metav1.CreateOptions{})
		if err == nil || ctx.Err() != nil {
			return nil
		}
		logger.V(2).Info("Could not write an Event; trying again", "err", err.Error())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(10 * time.Second):
		}
	}
}
