package store

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// TestDirectory gives blocks to Nodes and takes them back, and reads what is written each time.
func TestDirectory(t *testing.T) {
	subnet := netip.MustParsePrefix("10.0.0.0/28")
	span := ipam.Span{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.0.14")}
	var excluded ipam.Set
	excluded.Add(ipam.SpanOf(netip.MustParsePrefix("10.0.0.8/30")))
	object := v1alpha1.NodeSlicePool{ObjectMeta: metav1.ObjectMeta{Name: "net"}}
	object.Status.Allocations = listed(subnet, 30)
	text := func() string {
		var all []string
		for _, a := range object.Status.Allocations {
			all = append(all, a.SliceRange+"="+a.NodeName)
		}
		return strings.Join(all, " ")
	}
	if got, want := text(), "10.0.0.0/30= 10.0.0.4/30= 10.0.0.8/30= 10.0.0.12/30="; got != want {
		t.Fatalf("all blocks: %s, want %s", got, want)
	}
	for _, step := range []struct{ node, back, want string }{
		{node: "a", want: "10.0.0.0/30=a 10.0.0.4/30= 10.0.0.8/30= 10.0.0.12/30="},
		{node: "b", want: "10.0.0.0/30=a 10.0.0.4/30=b 10.0.0.8/30= 10.0.0.12/30="},
		{back: "10.0.0.0/30", want: "10.0.0.0/30= 10.0.0.4/30=b 10.0.0.8/30= 10.0.0.12/30="},
		{node: "b", want: "10.0.0.0/30=b 10.0.0.4/30=b 10.0.0.8/30= 10.0.0.12/30="},
		{node: "c", want: "10.0.0.0/30=b 10.0.0.4/30=b 10.0.0.8/30= 10.0.0.12/30=c"},
		{node: "d", want: "none"},
	} {
		d, err := newDirectory(object)
		if err != nil {
			t.Fatal(err)
		}
		if step.back != "" {
			object = d.with(netip.MustParsePrefix(step.back), "")
		} else if p, ok := d.free(span, &excluded, 30); ok {
			object = d.with(p, step.node)
		} else if step.want == "none" {
			continue
		}
		if got := text(); got != step.want {
			t.Fatalf("%+v: %s", step, got)
		}
	}
	d, err := newDirectory(object)
	if err != nil {
		t.Fatal(err)
	}
	own, others := d.blocks("b")
	prefix := netip.MustParsePrefix
	if want := []block{{"b", prefix("10.0.0.0/30")}, {"b", prefix("10.0.0.4/30")}}; !slices.Equal(own, want) {
		t.Errorf("own: %v, want %v", own, want)
	}
	if want := []block{{"c", prefix("10.0.0.12/30")}}; !slices.Equal(others, want) {
		t.Errorf("others': %v, want %v", others, want)
	}
	object.Status.Allocations[0].SliceRange = "x"
	if _, err := newDirectory(object); err == nil {
		t.Error("a part that is no CIDR is accepted")
	}
}

// TestManyBlocks: blocks behind those that are listed are given too, of both families.
func TestManyBlocks(t *testing.T) {
	subnet := netip.MustParsePrefix("fd00::/64")
	object := v1alpha1.NodeSlicePool{}
	object.Status.Allocations = listed(subnet, 122)
	if len(object.Status.Allocations) != maxListed {
		t.Fatalf("%d blocks are listed", len(object.Status.Allocations))
	}
	span := ipam.Span{First: netip.MustParseAddr("fd00::1"), Last: ipam.SpanOf(subnet).Last}
	for i := range maxListed + 3 {
		d, err := newDirectory(object)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := d.free(span, new(ipam.Set), 122)
		if want := fmt.Sprintf("fd00::%x/122", i*64); !ok || p != netip.MustParsePrefix(want) {
			t.Fatalf("block %d is %s, want %s", i, p, want)
		}
		object = d.with(p, "n")
	}
	sorted := slices.IsSortedFunc(object.Status.Allocations, func(a, b v1alpha1.NodeSliceAllocation) int {
		return netip.MustParsePrefix(a.SliceRange).Addr().Compare(netip.MustParsePrefix(b.SliceRange).Addr())
	})
	if !sorted || len(object.Status.Allocations) != maxListed+3 {
		t.Errorf("%d blocks are listed, in order: %t", len(object.Status.Allocations), sorted)
	}
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct{ first, last, block, want string }{
		{"10.0.0.1", "10.0.0.254", "10.0.0.0/30", "10.0.0.1-10.0.0.3"},
		{"10.0.0.1", "10.0.0.254", "10.0.0.64/26", "10.0.0.64-10.0.0.127"},
		{"10.0.0.1", "10.0.0.254", "10.0.0.252/30", "10.0.0.252-10.0.0.254"},
		{"10.0.0.10", "10.0.0.20", "10.0.0.0/29", ""},
	} {
		part, ok := within(ipam.Span{First: netip.MustParseAddr(tt.first), Last: netip.MustParseAddr(tt.last)}, netip.MustParsePrefix(tt.block))
		if got := part.String(); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%+v: %s, %t", tt, got, ok)
		}
	}
}

func TestNetworksOfParts(t *testing.T) {
	pool := func(name string, annotations map[string]string, allocations ...v1alpha1.NodeSliceAllocation) v1alpha1.NodeSlicePool {
		return v1alpha1.NodeSlicePool{
			ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}, Status: v1alpha1.NodeSlicePoolStatus{Allocations: allocations},
		}
	}
	got := networksOfParts([]v1alpha1.NodeSlicePool{
		pool("theirs", nil, v1alpha1.NodeSliceAllocation{NodeName: "a", SliceRange: "10.0.0.0/26"}, v1alpha1.NodeSliceAllocation{SliceRange: "10.0.0.64/26"}),
		pool("ours", map[string]string{annotationNetwork: "blue"}, v1alpha1.NodeSliceAllocation{NodeName: "b", SliceRange: "fd00::/120"}),
	})
	want := map[string]string{"a-10.0.0.0-26": "", "theirs-a-10.0.0.0-26": "theirs", "blue-b-fd00---120": "blue"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
