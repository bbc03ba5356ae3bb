package store

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// TestClaimOnTwoNodes: what two processes write of an address that stays for a claim, in the pool and in the reservation.
func TestClaimOnTwoNodes(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	objects := fake.NewClientBuilder().WithScheme(scheme).Build()
	nodes := map[string]*Store{"a": New(objects, "ns"), "b": New(objects, "ns")}
	key := PoolKey{Name: "10.0.0.0-24", Subnet: netip.MustParsePrefix("10.0.0.0/24")}
	place := Place{Pools: []PoolKey{key}, Reserve: true}
	claims := []Claim{{Pool: key, Span: ipam.Span{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.0.9")}, Excluded: new(ipam.Set)}}
	keep := func(context.Context, string) (bool, error) { return true, nil }
	free := func(context.Context, string) (bool, error) { return false, nil }
	for _, step := range []struct {
		node, uid, sandbox string
		release            Keep
		want               string
	}{
		{"a", "1", "s1", nil, "10.0.0.1: s1 1 a, reserved s1 1 a"},
		{"a", "1", "s1", keep, "10.0.0.1:   , reserved   "},
		{"b", "2", "s2", nil, "10.0.0.1: s2 2 b, reserved s2 2 b"},
		{"a", "3", "s3", nil, "refused"},
		{"a", "3", "s3", keep, "10.0.0.1: s2 2 b, reserved s2 2 b"},
		{"b", "2", "s2", keep, "10.0.0.1:   , reserved   "},
		{"a", "3", "s4", nil, "10.0.0.1: s4 3 a, reserved s4 3 a"},
		{"a", "3", "s4", free, ""},
	} {
		owner := Owner{ContainerID: step.sandbox, IfName: "net1", PodRef: "default/web-0", PodUID: step.uid, Node: step.node, Claim: "statefulset/default/web-0"}
		var err error
		if step.release == nil {
			_, err = nodes[step.node].Claim(t.Context(), owner, place, claims, nil)
		} else {
			err = nodes[step.node].Release(t.Context(), owner, place, step.release)
		}
		var pools v1alpha1.IPPoolList
		var reservations v1alpha1.OverlappingRangeIPReservationList
		if objects.List(t.Context(), &pools) != nil || objects.List(t.Context(), &reservations) != nil {
			t.Fatal("the objects cannot be read")
		}
		got := ""
		if err != nil {
			got = "refused"
		} else if h, ok := pools.Items[0].Spec.Allocations["1"]; ok {
			got = fmt.Sprintf("10.0.0.1: %s %s %s", h.ContainerID, h.PodUID, h.Node)
			for _, r := range reservations.Items {
				got += fmt.Sprintf(", reserved %s %s %s", r.Spec.ContainerID, r.Spec.PodUID, r.Spec.Node)
			}
		} else if len(reservations.Items) > 0 {
			got = "reserved"
		}
		if got != step.want {
			t.Fatalf("%s on Node %s: %s, want %s", step.sandbox, step.node, got, step.want)
		}
	}
}
