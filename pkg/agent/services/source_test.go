package services

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/proxy"
)

func parse[T any](t *testing.T, text string) *T {
	t.Helper()
	o := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), o); err != nil {
		t.Fatal(err)
	}
	return o
}

const (
	dns = `{metadata: {namespace: kube-system, name: dns}, spec: {clusterIP: 10.96.0.2, ports: [{name: dns, port: 53, protocol: UDP}, {name: tcp, port: 53}]}}`
	web = `{metadata: {namespace: default, name: web}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 32000, clusterIP: 10.96.0.10, ports: [{port: 80}]}}`

	dnsSlice = `{metadata: {namespace: kube-system, name: dns-1, labels: {kubernetes.io/service-name: dns}}, addressType: IPv4,
		ports: [{name: dns, port: 53, protocol: UDP}, {name: tcp, port: 53, protocol: TCP}], endpoints: [{addresses: [10.244.1.2]}, {addresses: [10.244.1.3]}]}`
	webSlice = `{metadata: {namespace: default, name: web-1, labels: {kubernetes.io/service-name: web}}, addressType: IPv4,
		ports: [{name: "", port: 8080, protocol: TCP}], endpoints: [{addresses: [10.244.1.4], nodeName: node1, hints: {forZones: [{name: east}]}}, {addresses: [10.244.2.4], nodeName: node2, hints: {forZones: [{name: west}]}}]}`
)

// observer keeps what a source told.
type observer struct {
	mu     sync.Mutex
	gone   []string
	health []proxy.Health
}

func (o *observer) Gone(_ state.Version, owner pipeline.Owner, endpoints []netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone = append(o.gone, fmt.Sprint(owner, endpoints))
}

func (o *observer) Health(list []proxy.Health) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.health = list
}

func TestSource(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node1", Labels: map[string]string{corev1.LabelTopologyZone: "east"}}}
	client := fake.NewClientset(parse[corev1.Service](t, dns), parse[corev1.Service](t, web),
		parse[discoveryv1.EndpointSlice](t, dnsSlice), parse[discoveryv1.EndpointSlice](t, webSlice), node)
	store := state.New(pipeline.State{}, SourceName)
	changes, stop := store.Watch()
	defer stop()
	var told observer
	source := &Source{Client: client, Store: store, Node: proxy.Node{Name: "node1", All: true}, Gone: told.Gone, Health: told.Health}
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	<-store.Synced()
	show := func() string {
		snapshot, _ := store.Snapshot()
		var lines []string
		for _, o := range snapshot.Owners() {
			if v := snapshot.Services[o.Name]; o.Kind == pipeline.KindService {
				lines = append(lines, fmt.Sprintf("%s %d %v %v", o.Name, v.Protocol, v.Cluster, v.Local))
			}
		}
		return strings.Join(lines, "\n")
	}
	wait := func(want string) {
		t.Helper()
		for deadline := time.After(time.Minute); show() != want; {
			select {
			case <-changes:
			case <-deadline:
				t.Fatalf("got\n%s\nwant\n%s", show(), want)
			}
		}
	}
	wait(`default/web: 6 [10.244.1.4:8080] [10.244.1.4:8080]
kube-system/dns:dns 17 [10.244.1.2:53 10.244.1.3:53] []
kube-system/dns:tcp 6 [10.244.1.2:53 10.244.1.3:53] []`)
	before, _ := store.Snapshot()

	smaller := parse[discoveryv1.EndpointSlice](t, dnsSlice)
	smaller.Endpoints = smaller.Endpoints[:1]
	if _, err := client.DiscoveryV1().EndpointSlices("kube-system").Update(ctx, smaller, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	wait(`default/web: 6 [10.244.1.4:8080] [10.244.1.4:8080]
kube-system/dns:dns 17 [10.244.1.2:53] []
kube-system/dns:tcp 6 [10.244.1.2:53] []`)
	after, _ := store.Snapshot()
	if before.Services["default/web:"] != after.Services["default/web:"] {
		t.Error("a Service that did not change is another one now")
	}
	if before.Services["kube-system/dns:dns"].ID != after.Services["kube-system/dns:dns"].ID {
		t.Error("a Service has another number")
	}

	node = node.DeepCopy()
	node.Labels[corev1.LabelTopologyZone] = "west"
	if _, err := client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	wait(`default/web: 6 [10.244.2.4:8080] [10.244.1.4:8080]
kube-system/dns:dns 17 [10.244.1.2:53] []
kube-system/dns:tcp 6 [10.244.1.2:53] []`)

	for _, step := range []struct {
		labels map[string]string
		want   string
	}{
		{map[string]string{discoveryv1.LabelServiceName: "web", corev1.IsHeadlessService: ""}, "[] []"},
		{map[string]string{discoveryv1.LabelServiceName: "web"}, "[10.244.2.4:8080] [10.244.1.4:8080]"},
	} {
		slice := parse[discoveryv1.EndpointSlice](t, webSlice)
		slice.Labels = step.labels
		if _, err := client.DiscoveryV1().EndpointSlices("default").Update(ctx, slice, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		wait("default/web: 6 " + step.want + `
kube-system/dns:dns 17 [10.244.1.2:53] []
kube-system/dns:tcp 6 [10.244.1.2:53] []`)
	}

	if err := client.CoreV1().Services("kube-system").Delete(ctx, "dns", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	wait(`default/web: 6 [10.244.2.4:8080] [10.244.1.4:8080]`)

	cancel()
	done <- <-done // all is told when it has ended
	told.mu.Lock()
	defer told.mu.Unlock()
	if want := []string{"service/kube-system/dns:dns [10.244.1.3:53]", "service/kube-system/dns:dns [10.244.1.2:53]"}; !reflect.DeepEqual(told.gone, want) {
		t.Errorf("told of %v, want %v", told.gone, want)
	}
	if want := []proxy.Health{{Namespace: "default", Name: "web", Port: 32000, Local: 1}}; !reflect.DeepEqual(told.health, want) {
		t.Errorf("health %v, want %v", told.health, want)
	}
}

// Connections are ended after the switch has forgotten the endpoint, and again until it could be told.
func TestForgetter(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var flushed bool
	var sent []openflow.Message
	tries := 0
	f := &Forgetter{
		Flush: func(_ context.Context, version state.Version, owner pipeline.Owner) error {
			flushed = version == 7 && owner.Name == "kube-system/dns:dns"
			return nil
		},
		Send: func(_ context.Context, m ...openflow.Message) error {
			if tries++; tries == 1 {
				return fmt.Errorf("no connection")
			}
			if !flushed {
				t.Error("before the switch had its flows")
			}
			sent = m
			cancel()
			return nil
		},
	}
	f.Gone(7, pipeline.Owner{Kind: pipeline.KindService, Name: "kube-system/dns:dns"}, []netip.AddrPort{netip.MustParseAddrPort("10.244.1.3:53")})
	if err := f.Run(ctx); err != nil {
		t.Fatal(err)
	}
	want := []openflow.Message{openflow.CTFlush{
		Zone: pipeline.ZoneMain, HasZone: true, Protocol: openflow.ProtoUDP,
		Reply: openflow.CTTuple{Src: netip.MustParseAddr("10.244.1.3"), SrcPort: 53},
	}}
	if !reflect.DeepEqual(sent, want) {
		t.Errorf("sent %+v, want %+v", sent, want)
	}
}

func TestHealthHandler(t *testing.T) {
	var s HealthServer
	for local, want := range map[int]int{0: http.StatusServiceUnavailable, 2: http.StatusOK} {
		s.Set([]proxy.Health{{Namespace: "default", Name: "web", Port: 32000, Local: local}})
		r := httptest.NewRecorder()
		s.handler(32000)(r, nil)
		body := fmt.Sprintf(`{"localEndpoints":%d,"service":{"name":"web","namespace":"default"},"serviceProxyHealthy":true}`, local)
		if r.Code != want || strings.TrimSpace(r.Body.String()) != body {
			t.Errorf("%d endpoints: %d %s, want %d %s", local, r.Code, r.Body, want, body)
		}
	}
}
