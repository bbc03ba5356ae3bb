package daemon

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	events "k8s.io/client-go/tools/record"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// teller writes Events about Pods that get no address.
type teller struct {
	client      kubernetes.Interface
	broadcaster events.EventBroadcaster
	recorder    events.EventRecorder
}

func newTeller(client kubernetes.Interface, node string) *teller {
	t := &teller{client: client, broadcaster: events.NewBroadcaster()}
	t.recorder = t.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "whereabouts", Host: node})
	return t
}

func (t *teller) run(ctx context.Context) error {
	t.broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: t.client.CoreV1().Events("")})
	<-ctx.Done()
	t.broadcaster.Shutdown()
	return nil
}

// refused tells of an address that was not given. The runtime tries again, and the same Event counts up.
func (d *daemon) refused(pod whereabouts.Pod, err, told error) {
	var exhausted *store.ExhaustedError
	reason := ""
	switch {
	case errors.As(err, &exhausted):
		reason = "IPPoolExhausted"
		d.counts.exhausted.WithLabelValues(d.counts.pools.Label(exhausted.Pool.Name)).Inc()
	case errors.Is(err, store.ErrTaken):
		reason = "IPAddressInUse"
		d.counts.taken.Inc()
	default:
		return // the API server does not take Events either
	}
	d.events.recorder.Event(involved(pod), corev1.EventTypeWarning, reason, told.Error())
}

// involved is a Pod that an Event is about.
func involved(pod whereabouts.Pod) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: types.UID(pod.UID)}}
}
