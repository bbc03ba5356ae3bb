package services

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/antrea-mc/antrea-mc/pkg/agent/flows/flowstest"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/proxy"
)

// benchmarked is one Service with endpoints.
func benchmarked(i, endpoints int) (*corev1.Service, *discoveryv1.EndpointSlice) {
	name := fmt.Sprint("s", i)
	ip := netip.AddrFrom4([4]byte{10, 96, byte(i >> 8), byte(i)}).String()
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: corev1.ServiceSpec{
		ClusterIP: ip, ClusterIPs: []string{ip}, Ports: []corev1.ServicePort{{Port: 80, Protocol: corev1.ProtocolTCP}},
	}}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name}},
		AddressType: discoveryv1.AddressTypeIPv4, Ports: []discoveryv1.EndpointPort{{Name: new(""), Port: new(int32(8080)), Protocol: new(corev1.ProtocolTCP)}},
	}
	for e := range endpoints {
		at := i*endpoints + e
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{netip.AddrFrom4([4]byte{11, byte(at >> 16), byte(at >> 8), byte(at)}).String()}})
	}
	return s, slice
}

// BenchmarkRealServices prints what 10 000 Services with 10 endpoints each take: until an empty switch has them, in memory of the agent
// beside the API's objects; and then how long it is from the API's word of one more Service, or of an endpoint that is gone, until
// the switch has that.
func BenchmarkRealServices(b *testing.B) {
	ovstest.Require(b)
	for _, services := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("%d Services", services), func(b *testing.B) {
			for b.Loop() {
				benchmarkServices(b, services, 10)
			}
		})
	}
}

func benchmarkServices(b *testing.B, services, endpoints int) {
	client := fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1"}})
	for i := range services {
		s, slice := benchmarked(i, endpoints)
		_ = client.Tracker().Add(s)
		_ = client.Tracker().Add(slice)
	}
	sw := ovstest.Start(b, ovstest.Config{})
	sw.AddBridge("br-int")
	cidrs := []netip.Prefix{netip.MustParsePrefix("10.244.1.0/24")}
	m := flowstest.Start(b, sw, pipeline.State{Node: pipeline.Node{
		Name: "node1", TunnelPort: 1, GatewayPort: 2, GatewayMAC: openflow.MAC{2, 1}, TransportIP: netip.MustParseAddr("192.168.0.1"),
		GatewayIPs: []netip.Addr{cidrs[0].Addr().Next()}, PodCIDRs: cidrs, ClusterPodCIDRs: cidrs, Proxy: pipeline.ProxyAll,
	}}, SourceName, func(store *state.Store) func(context.Context) error {
		source := &Source{
			Client: client, Store: store, Node: proxy.Node{Name: "node1", All: true},
			Gone: func(state.Version, pipeline.Owner, []netip.AddrPort) {}, Health: func([]proxy.Health) {},
		}
		return source.Run
	})
	groups := strings.Count(sw.Ofctl("-O OpenFlow15 dump-groups", "br-int"), "group_id=")
	if groups != services {
		b.Fatalf("%d groups", groups)
	}
	for i := range 100 {
		s, slice := benchmarked(services+i, endpoints)
		if _, err := client.DiscoveryV1().EndpointSlices("default").Create(b.Context(), slice, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // of a slice without Service nothing follows, but it is looked at
		m.Change("created", func() error {
			_, err := client.CoreV1().Services("default").Create(b.Context(), s, metav1.CreateOptions{})
			return err
		})
		_, slice = benchmarked(i, endpoints)
		slice.Endpoints = slice.Endpoints[1:]
		m.Change("endpoint-gone", func() error {
			_, err := client.DiscoveryV1().EndpointSlices("default").Update(b.Context(), slice, metav1.UpdateOptions{})
			return err
		})
	}
	b.ReportMetric(float64(groups), "groups")
	m.Report()
}
