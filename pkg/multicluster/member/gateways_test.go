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
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// node reads "ready internal=… external=… gateway=… gateway-ip=… gateway-weight=…".
func node(text string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: map[string]string{}}}
	ready := corev1.ConditionFalse
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "ready":
			ready = corev1.ConditionTrue
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
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}
	return n
}

func TestGateway(t *testing.T) {
	for _, tc := range []struct {
		name, node string
		public     bool
		want       string // gatewayIP internalIP weight, or part of the error
	}{
		{"annotated", "ready internal=192.0.2.1 gateway=true", false, "192.0.2.1 192.0.2.1 100"},
		{"not annotated", "ready internal=192.0.2.1", false, ""},
		{"annotated false", "ready internal=192.0.2.1 gateway=false", false, ""},
		{"annotated with something else", "ready internal=192.0.2.1 gateway=yes", false, "use true or false"},
		{"not ready", "internal=192.0.2.1 gateway=true", false, ""},
		{"going", "ready going internal=192.0.2.1 gateway=true", false, ""},
		{"public is asked for", "ready internal=192.0.2.1 external=198.51.100.1 gateway=true", true, "198.51.100.1 192.0.2.1 100"},
		{"public is not asked for", "ready internal=192.0.2.1 external=198.51.100.1 gateway=true", false, "192.0.2.1 192.0.2.1 100"},
		{"public is asked for and there is none", "ready internal=192.0.2.1 gateway=true", true, "192.0.2.1 192.0.2.1 100"},
		{"an address of its own", "ready internal=192.0.2.1 gateway=true gateway-ip=203.0.113.9", true, "203.0.113.9 192.0.2.1 100"},
		{"an address that is none", "ready internal=192.0.2.1 gateway=true gateway-ip=here", false, "use a unicast IP address"},
		{"a multicast address", "ready internal=192.0.2.1 gateway=true gateway-ip=224.0.0.1", false, "use a unicast IP address"},
		{"weight", "ready internal=192.0.2.1 gateway=true gateway-weight=7", false, "192.0.2.1 192.0.2.1 7"},
		{"no weight", "ready internal=192.0.2.1 gateway=true gateway-weight=0", false, "use a number from 1 to 65535"},
		{"IPv6", "ready internal=fd00::1 gateway=true", false, "fd00::1 fd00::1 100"},
		{"no address", "ready gateway=true", false, "no InternalIP"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g, err := gateway(node(tc.node), "kube-system", tc.public)
			got := ""
			if g != nil {
				got = fmt.Sprintf("%s %s %d", g.GatewayIP, g.InternalIP, g.Weight)
			}
			switch {
			case err != nil && (tc.want == "" || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			case err == nil && got != tc.want:
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// What there is of Gateways after a Node changes.
func TestGatewaysOfNodesThatAreNotReady(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, clientgoscheme.AddToScheme(scheme))
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	for _, tc := range []struct {
		name  string
		have  []string
		nodes map[string]string
		want  []string
	}{
		{"the only one stays", []string{"a"}, map[string]string{"a": "internal=192.0.2.1 gateway=true"}, []string{"a"}},
		{"another takes over", []string{"a"}, map[string]string{
			"a": "internal=192.0.2.1 gateway=true", "b": "ready internal=192.0.2.2 gateway=true"}, []string{"b"}},
		{"both stay", []string{"a", "b"}, map[string]string{
			"a": "internal=192.0.2.1 gateway=true", "b": "internal=192.0.2.2 gateway=true"}, []string{"a", "b"}},
		{"it does not become one", nil, map[string]string{"a": "internal=192.0.2.1 gateway=true"}, nil},
		{"it is none any more", []string{"a"}, map[string]string{"a": "internal=192.0.2.1 gateway=false"}, nil},
		{"it is gone", []string{"a"}, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var objects []client.Object
			for _, name := range tc.have {
				objects = append(objects, &v1alpha1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: name}})
			}
			for name, text := range tc.nodes {
				n := node(text)
				n.Name = name
				objects = append(objects, n)
			}
			c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
			r := &gatewayReconciler{client: c, config: &configSource{client: c, namespace: "kube-system"}, namespace: "kube-system"}
			_, err := r.Reconcile(t.Context(), reconcile.Request{})
			require.NoError(t, err)
			var list v1alpha1.GatewayList
			require.NoError(t, c.List(t.Context(), &list))
			var got []string
			for _, g := range list.Items {
				got = append(got, g.Name)
			}
			require.Equal(t, tc.want, got)
		})
	}
}
