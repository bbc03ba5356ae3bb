package agent

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/probe"
)

const userspaceMessage = "The kernel has no module openvswitch, so Pods use the userspace datapath of Open vSwitch, which is slower. " +
	"Install the module and restart the agent, or set ovsDatapathType: netdev in ConfigMap antrea-config if this is intended."

const (
	// eventQueue is how many Events wait while the API is away; more are lost.
	eventQueue = 64
	// eventRetry is the pause between attempts.
	eventRetry = 5 * time.Second
)

// events tells operators what they should know, as Events of the Node.
type events struct {
	client kubernetes.Interface
	node   string
	queue  chan *corev1.Event
}

func newEvents(client kubernetes.Interface, node string) *events {
	return &events{client: client, node: node, queue: make(chan *corev1.Event, eventQueue)}
}

// notify queues an Event with the time that it is now.
func (e *events) notify(what probe.Event) {
	now := metav1.Now()
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: e.node + ".antrea-agent.", Namespace: metav1.NamespaceDefault},
		InvolvedObject: corev1.ObjectReference{Kind: "Node", Name: e.node, UID: types.UID(e.node)}, // as the kubelet refers to its Node
		Reason:         what.Reason, Message: what.Message, Type: what.Type,
		Source:         corev1.EventSource{Component: "antrea-agent", Host: e.node},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	select {
	case e.queue <- event:
	default: // the log has it
	}
}

// notifyRepaired tells of what somebody else had changed.
func (a *agent) notifyRepaired(message string) {
	a.events.notify(probe.Event{Type: corev1.EventTypeWarning, Reason: "DriftRepaired", Message: message})
}

// run writes the Events, each until the API takes it, until ctx is done.
func (e *events) run(ctx context.Context) error {
	for {
		var event *corev1.Event
		select {
		case <-ctx.Done():
			return nil
		case event = <-e.queue:
		}
		for {
			_, err := e.client.CoreV1().Events(event.Namespace).Create(ctx, event, metav1.CreateOptions{})
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return nil
			}
			klog.FromContext(ctx).V(2).Info("Could not write an Event; trying again", "err", err.Error())
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(eventRetry):
			}
		}
	}
}
