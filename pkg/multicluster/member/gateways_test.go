package member

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// start is when the tables of this file begin.
var start = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// node reads "ready cordoned silent=90s internal=… external=… gateway=… gateway-ip=… gateway-weight=…".
func node(text string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: map[string]string{}}}
	ready, since := corev1.ConditionFalse, metav1.NewTime(start.Add(-time.Hour))
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "ready":
			ready = corev1.ConditionTrue
		case "cordoned":
			n.Spec.Unschedulable = true
		case "silent":
			d, err := time.ParseDuration(value)
			if err != nil {
				panic(err)
			}
			since = metav1.NewTime(start.Add(-d))
		case "going":
			n.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
		case "internal":
			n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: value})
		case "external":
			n.Status.Addresses = append(n.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeExternalIP, Address: value})
		default:
			n.Annotations["multicluster.antrea.io/"+key] = value
		}
	}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready, LastTransitionTime: since}}
	return n
}

func TestGateway(t *testing.T) {
	for _, tc := range []struct {
		name, node string
		public     bool
		want       string // gatewayIP internalIP weight, or part of the error
	}{
		{"its address", "internal=192.0.2.1", false, "192.0.2.1 192.0.2.1 100"},
		{"public is asked for", "internal=192.0.2.1 external=198.51.100.1", true, "198.51.100.1 192.0.2.1 100"},
		{"public is not asked for", "internal=192.0.2.1 external=198.51.100.1", false, "192.0.2.1 192.0.2.1 100"},
		{"public is asked for and there is none", "internal=192.0.2.1", true, "192.0.2.1 192.0.2.1 100"},
		{"an address of its own", "internal=192.0.2.1 gateway-ip=203.0.113.9", true, "203.0.113.9 192.0.2.1 100"},
		{"an address that is none", "internal=192.0.2.1 gateway-ip=here", false, "use a unicast IP address"},
		{"a multicast address", "internal=192.0.2.1 gateway-ip=224.0.0.1", false, "use a unicast IP address"},
		{"weight", "internal=192.0.2.1 gateway-weight=7", false, "192.0.2.1 192.0.2.1 7"},
		{"no weight", "internal=192.0.2.1 gateway-weight=0", false, "use a number from 1 to 65535"},
		{"a weight that is no number", "internal=192.0.2.1 gateway-weight=half", false, "use a number from 1 to 65535"},
		{"too much weight", "internal=192.0.2.1 gateway-weight=65536", false, "use a number from 1 to 65535"},
		{"IPv6", "internal=fd00::1", false, "fd00::1 fd00::1 100"},
		{"no address", "", false, "no InternalIP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := gateway(node(tc.node), "kube-system", tc.public)
			got := ""
			if g != nil {
				got = fmt.Sprintf("%s %s %d", g.GatewayIP, g.InternalIP, g.Weight)
			}
			switch {
			case err != nil && !strings.Contains(err.Error(), tc.want):
				t.Errorf("got %v, want %q", err, tc.want)
			case err == nil && got != tc.want:
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A Node goes through steps at which time passes or something is changed; after each the controller looks.
func TestGatewayReconciler(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, clientgoscheme.AddToScheme(scheme))
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	n := node("ready internal=192.0.2.1 gateway=true")
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(n).Build()
	now := clocktesting.NewFakePassiveClock(start)
	recorded := events.NewFakeRecorder(10)
	r := &gatewayReconciler{client: c, config: &configSource{client: c, namespace: "kube-system"}, clock: now, namespace: "kube-system", events: recorded, metrics: newMetrics()}
	for _, step := range []struct {
		name   string
		change func()
		want   string // name, weight and drain reason of the Gateway
		event  string
		again  time.Duration
	}{
		{"annotated", func() {}, "n1 100 ", "GatewayAdded", 0},
		{"nothing", func() {}, "n1 100 ", "", 0},
		{"weight", func() { n.Annotations[AnnotationGatewayWeight] = "7" }, "n1 7 ", "", 0},
		{"a mistake", func() { n.Annotations[AnnotationGatewayWeight] = "x" }, "n1 7 ", "InvalidGateway", 0},
		{"drain", func() { n.Annotations[AnnotationGatewayWeight] = "7"; n.Annotations[AnnotationGatewayDrain] = "true" }, "n1 7 Requested", "GatewayDraining", DrainPeriod},
		{"undone", func() { delete(n.Annotations, AnnotationGatewayDrain) }, "n1 7 ", "GatewayAdded", 0},
		{"no longer annotated", func() { delete(n.Annotations, AnnotationGateway) }, "n1 7 NotAnnotated", "GatewayDraining", DrainPeriod},
		{"some time", func() { now.SetTime(start.Add(DrainPeriod - time.Second)) }, "n1 7 NotAnnotated", "", time.Second},
		{"all of it", func() { now.SetTime(start.Add(DrainPeriod)) }, "", "GatewayDrained", 0},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.change()
			require.NoError(t, c.Update(t.Context(), n))
			result, err := r.Reconcile(t.Context(), reconcile.Request{})
			require.NoError(t, err)
			require.Equal(t, step.again, result.RequeueAfter)
			var list v1alpha1.GatewayList
			require.NoError(t, c.List(t.Context(), &list))
			got := ""
			for _, g := range list.Items {
				got += fmt.Sprintf("%s %d %s", g.Name, g.Weight, g.DrainReason)
			}
			require.Equal(t, step.want, got)
			event := ""
			if len(recorded.Events) > 0 {
				event = <-recorded.Events
			}
			require.Contains(t, event, step.event)
			require.Equal(t, step.event == "", event == "", event)
		})
	}
}
