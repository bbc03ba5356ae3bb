package multicluster

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: "kube-system"}
}

func TestCompute(t *testing.T) {
	gatewayList := []v1alpha1.Gateway{
		{ObjectMeta: named("node2"), GatewayIP: "172.16.0.3", InternalIP: "10.0.0.3", Weight: 70},
		{ObjectMeta: named("node1"), GatewayIP: "10.0.0.2", InternalIP: "10.0.0.2"},
		{ObjectMeta: named("bad"), GatewayIP: "10.0.0", InternalIP: "10.0.0.4"},
	}
	importList := []v1alpha1.ClusterInfoImport{
		{ObjectMeta: named("west-clusterinfo"), Spec: v1alpha1.ClusterInfo{
			ClusterID: "west", PodCIDRs: []string{"10.244.16.0/20", "nonsense"}, ServiceCIDR: "10.96.16.0/20",
			GatewayInfos: []v1alpha1.GatewayInfo{{Name: "a", GatewayIP: "192.168.200.102", Weight: 30}, {GatewayIP: "nowhere"}, {GatewayIP: "192.168.200.103"}},
		}},
		{ObjectMeta: named("east-clusterinfo"), Spec: v1alpha1.ClusterInfo{ClusterID: "east", ServiceCIDR: "10.96.32.0/20", ServiceCIDRs: []string{"10.96.32.0/20", "fd00:e::/112"}}},
		{ObjectMeta: named("nameless")},
	}
	want := pipeline.State{
		Gateways: []pipeline.Gateway{
			{Name: "node1", InternalIP: netip.MustParseAddr("10.0.0.2"), GatewayIP: netip.MustParseAddr("10.0.0.2")},
			{Name: "node2", InternalIP: netip.MustParseAddr("10.0.0.3"), GatewayIP: netip.MustParseAddr("172.16.0.3"), Weight: 70},
		},
		Clusters: map[string]pipeline.Cluster{
			"west": {
				PodCIDRs: []netip.Prefix{netip.MustParsePrefix("10.244.16.0/20")}, ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.16.0/20")},
				Gateways: []pipeline.RemoteGateway{
					{Name: "a", IP: netip.MustParseAddr("192.168.200.102"), Weight: 30}, {IP: netip.MustParseAddr("192.168.200.103")},
				},
			},
			"east": {ServiceCIDRs: []netip.Prefix{netip.MustParsePrefix("10.96.32.0/20"), netip.MustParsePrefix("fd00:e::/112")}},
		},
	}
	var got pipeline.State
	problems := compute(&got, gatewayList, importList)
	if len(problems) != 4 {
		t.Errorf("problems: %v", problems)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Without the kinds the source is synced and empty; when they are installed, objects arrive.
func TestSource(t *testing.T) {
	client := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{
		gateways: "GatewayList", imports: "ClusterInfoImportList",
	})
	installed := make(chan struct{})
	client.PrependReactor("list", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		select {
		case <-installed:
			return false, nil, nil
		default:
			return true, nil, apierrors.NewNotFound(action.GetResource().GroupResource(), "")
		}
	})
	store := state.New(pipeline.State{}, SourceName)
	changes, stop := store.Watch()
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	source := Source{Client: client, Namespace: "kube-system", Store: store}
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
	select {
	case <-store.Synced():
	case <-ctx.Done():
		t.Fatal("not synced without the kinds")
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group.String(), "kind": "ClusterInfoImport", "metadata": map[string]any{"name": "west-clusterinfo", "namespace": "kube-system"},
		"spec": map[string]any{"clusterID": "west", "podCIDRs": []any{"10.244.16.0/20"}},
	}}
	if _, err := client.Resource(imports).Namespace("kube-system").Create(ctx, object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	close(installed)
	for {
		if s, _ := store.Snapshot(); len(s.Clusters["west"].PodCIDRs) == 1 {
			break
		}
		select {
		case <-changes:
		case <-ctx.Done():
			t.Fatal("the other cluster did not arrive")
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
