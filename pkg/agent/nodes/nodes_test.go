package nodes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func node(name, ip string, cidrs ...string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDRs: cidrs}}
	if ip != "" {
		n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalIP, Address: ip}}
	}
	return n
}

func prefixes(texts ...string) (ps []netip.Prefix) {
	for _, text := range texts {
		ps = append(ps, netip.MustParsePrefix(text))
	}
	return ps
}

func ips(texts ...string) (as []netip.Addr) {
	for _, text := range texts {
		as = append(as, netip.MustParseAddr(text))
	}
	return as
}

var compareNetIP = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()}

func TestCompute(t *testing.T) {
	services := []*networkingv1.ServiceCIDR{{Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.96.0.0/20", "fd00:96::/112"}}}}
	announced := node("node2", "10.0.0.3", "10.244.2.0/24")
	announced.Annotations = map[string]string{systemv1alpha1.AnnotationTransport: "172.16.0.3,fd00::3"}
	tests := []struct {
		name     string
		nodes    []*corev1.Node
		given    []netip.Prefix
		want     pipeline.State
		err      error
		problems int
	}{
		{
			name:  "three Nodes",
			nodes: []*corev1.Node{node("node2", "10.0.0.3", "10.244.2.0/24"), node("node1", "10.0.0.2", "10.244.1.0/24"), node("master", "10.0.0.1", "10.244.0.0/24")},
			want: pipeline.State{
				Node: pipeline.Node{
					PodCIDRs: prefixes("10.244.1.0/24"), GatewayIPs: []netip.Addr{netip.MustParseAddr("10.244.1.1")},
					TransportIP: netip.MustParseAddr("10.0.0.2"), ClusterPodCIDRs: prefixes("10.244.0.0/23", "10.244.2.0/24"),
					ServiceCIDRs: prefixes("10.96.0.0/20", "fd00:96::/112"),
				},
				Peers: map[string]pipeline.Peer{
					"master": {TransportIP: netip.MustParseAddr("10.0.0.1"), Addresses: ips("10.0.0.1"), PodCIDRs: prefixes("10.244.0.0/24")},
					"node2":  {TransportIP: netip.MustParseAddr("10.0.0.3"), Addresses: ips("10.0.0.3"), PodCIDRs: prefixes("10.244.2.0/24")},
				},
			},
		},
		{
			name: "dual stack, Service range given, peers that are not ready or not sound",
			nodes: []*corev1.Node{
				node("node1", "10.0.0.2", "10.244.1.0/24", "fd00:a:0:1::/64"), node("new", "10.0.0.9"), node("bad", "10.0.0.8", "10.244.9/24"),
				node("homeless", "", "10.244.8.0/24"),
			},
			given: prefixes("10.99.0.0/16"),
			want: pipeline.State{Node: pipeline.Node{
				PodCIDRs: prefixes("10.244.1.0/24", "fd00:a:0:1::/64"), GatewayIPs: []netip.Addr{netip.MustParseAddr("10.244.1.1"), netip.MustParseAddr("fd00:a:0:1::1")},
				TransportIP: netip.MustParseAddr("10.0.0.2"), ClusterPodCIDRs: prefixes("10.244.1.0/24", "10.244.8.0/24", "fd00:a:0:1::/64"),
				ServiceCIDRs: prefixes("10.99.0.0/16"),
			}},
			problems: 2,
		},
		{
			name:  "announced address",
			nodes: []*corev1.Node{node("node1", "10.0.0.2", "10.244.1.0/24"), announced},
			given: prefixes("10.99.0.0/16"),
			want: pipeline.State{
				Node: pipeline.Node{
					PodCIDRs: prefixes("10.244.1.0/24"), GatewayIPs: []netip.Addr{netip.MustParseAddr("10.244.1.1")},
					TransportIP: netip.MustParseAddr("10.0.0.2"), ClusterPodCIDRs: prefixes("10.244.1.0/24", "10.244.2.0/24"), ServiceCIDRs: prefixes("10.99.0.0/16"),
				},
				Peers: map[string]pipeline.Peer{"node2": {TransportIP: netip.MustParseAddr("172.16.0.3"), Addresses: ips("172.16.0.3", "fd00::3"), PodCIDRs: prefixes("10.244.2.0/24")}},
			},
		},
		{name: "not registered", nodes: []*corev1.Node{node("node2", "10.0.0.3", "10.244.2.0/24")}, err: errIncomplete},
		{name: "no range yet", nodes: []*corev1.Node{node("node1", "10.0.0.2")}, err: errIncomplete},
		{name: "no address yet", nodes: []*corev1.Node{node("node1", "", "10.244.1.0/24")}, err: errIncomplete, problems: 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got pipeline.State
			problems, err := compute(&got, "node1", test.nodes, services, test.given)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v", err)
			}
			if len(problems) != test.problems {
				t.Errorf("problems: %v", problems)
			}
			if diff := cmp.Diff(test.want, got, compareNetIP); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAggregate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"10.244.0.0/24 10.244.1.0/24 10.244.2.0/24 10.244.3.0/24", "[10.244.0.0/22]"},
		{"10.244.3.0/24 10.244.1.0/24 10.244.2.0/24", "[10.244.1.0/24 10.244.2.0/23]"},
		{"10.0.0.0/8 10.244.1.0/24 10.0.0.0/8", "[10.0.0.0/8]"},
		{"fd00::/64 fd00:0:0:1::/64 10.0.0.0/25 10.0.0.128/25", "[10.0.0.0/24 fd00::/63]"},
	}
	for _, test := range tests {
		var in []netip.Prefix
		for text := range strings.FieldsSeq(test.in) {
			in = append(in, netip.MustParsePrefix(text))
		}
		if got := fmt.Sprint(aggregate(in)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.in, got, test.want)
		}
	}
}

// A Node that comes, and one that is made again with another range, reach the store.
func TestSource(t *testing.T) {
	client := fake.NewClientset(node("node1", "10.0.0.2"))
	store := state.New(pipeline.State{}, SourceName)
	changes, stop := store.Watch()
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	source := Source{Client: client, NodeName: "node1", Store: store}
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()

	until := func(what string, ok func(pipeline.State) bool) {
		t.Helper()
		for {
			if s, _ := store.Snapshot(); ok(s) {
				return
			}
			select {
			case <-ctx.Done():
				s, _ := store.Snapshot()
				t.Fatalf("%s: still %+v", what, s)
			case <-changes:
			}
		}
	}
	nodes := client.CoreV1().Nodes()
	if _, err := nodes.Update(ctx, node("node1", "10.0.0.2", "10.244.1.0/24"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	until("own range", func(s pipeline.State) bool { return len(s.Node.PodCIDRs) == 1 })
	<-store.Synced()
	if _, err := nodes.Create(ctx, node("node2", "10.0.0.3", "10.244.2.0/24"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until("peer", func(s pipeline.State) bool { return len(s.Peers) == 1 })
	if err := nodes.Delete(ctx, "node2", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes.Create(ctx, node("node2", "10.0.0.3", "10.244.7.0/24"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	until("peer with its new range", func(s pipeline.State) bool {
		p := s.Peers["node2"].PodCIDRs
		return len(p) == 1 && p[0] == netip.MustParsePrefix("10.244.7.0/24")
	})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
