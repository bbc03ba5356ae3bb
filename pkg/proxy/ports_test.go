package proxy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// read reads a Service and EndpointSlices as operators write them.
func read(t *testing.T, service string, endpointSlices ...string) (*corev1.Service, []*discoveryv1.EndpointSlice) {
	t.Helper()
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"}}
	if err := yaml.UnmarshalStrict([]byte(service), s); err != nil {
		t.Fatal(err)
	}
	var list []*discoveryv1.EndpointSlice
	for _, text := range endpointSlices {
		e := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
		if err := yaml.UnmarshalStrict([]byte(text), e); err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return s, list
}

// show writes ports as a test wants to read them.
func show(ports []Port) string {
	var b strings.Builder
	for _, p := range ports {
		fmt.Fprintf(&b, "%s proto=%d", p.Name, p.Protocol)
		if p.Affinity > 0 {
			fmt.Fprintf(&b, " affinity=%d", p.Affinity)
		}
		b.WriteString("\n")
		for _, f := range p.Frontends {
			clients := map[pipeline.Clients]string{pipeline.Everybody: "everybody", pipeline.InsideOnly: "inside", pipeline.OutsideOnly: "outside"}
			fmt.Fprintf(&b, "  %s for %s", f.Address, clients[f.Clients])
			if f.Local {
				b.WriteString(", local")
			}
			if len(f.Sources) > 0 {
				fmt.Fprintf(&b, ", from %v", f.Sources)
			}
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "  cluster %v local %v\n", p.Cluster, p.Local)
	}
	return b.String()
}

const (
	plain = `{spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}}`
	two   = `{ports: [{port: 8080}], endpoints: [{addresses: [10.244.1.2], nodeName: node1, conditions: {ready: true}}, {addresses: [10.244.2.2], nodeName: node2, conditions: {ready: true}}]}`
)

func TestPorts(t *testing.T) {
	tests := []struct {
		name    string
		node    Node
		service string
		slices  []string
		want    string
	}{
		{name: "cluster IP", service: plain, slices: []string{two}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.1.2:8080 10.244.2.2:8080] local [10.244.1.2:8080]
`},
		{name: "no endpoints", service: plain, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [] local []
`},
		{name: "headless", service: `{spec: {clusterIP: None, ports: [{port: 80}]}}`, slices: []string{two}},
		{name: "external name", service: `{spec: {type: ExternalName, externalName: example.org, ports: [{port: 80}]}}`},
		{name: "of another proxy", service: `{metadata: {labels: {service.kubernetes.io/service-proxy-name: other}}, spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}}`},
		{name: "not of this proxy's name", node: Node{ProxyName: "mine"}, service: plain},
		{name: "skipped by name", node: Node{Skip: []string{"default/web"}}, service: plain},
		{name: "skipped by address", node: Node{Skip: []string{"10.96.0.10"}}, service: plain},
		{name: "ports by name, in several slices",
			service: `{spec: {clusterIP: 10.96.0.10, ports: [{name: http, port: 80, targetPort: web}, {name: dns, port: 53, protocol: UDP}]}}`,
			slices: []string{
				`{ports: [{name: http, port: 8080}, {name: dns, port: 5353, protocol: UDP}], endpoints: [{addresses: [10.244.1.2]}]}`,
				`{ports: [{name: http, port: 9090}], endpoints: [{addresses: [10.244.1.3]}]}`,
			}, want: `
default/web:http proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.1.2:8080 10.244.1.3:9090] local []
default/web:dns proto=17
  10.96.0.10:53 for everybody
  cluster [10.244.1.2:5353] local []
`},
		{name: "both families", service: `{spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, "fd00:96::10"], ports: [{port: 80}]}}`,
			slices: []string{two, `{addressType: IPv6, ports: [{port: 8080}], endpoints: [{addresses: ["fd00:a::2"], nodeName: node1}]}`,
				`{addressType: FQDN, ports: [{port: 8080}], endpoints: [{addresses: [example.org]}]}`}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  [fd00:96::10]:80 for everybody
  cluster [10.244.1.2:8080 10.244.2.2:8080 [fd00:a::2]:8080] local [10.244.1.2:8080 [fd00:a::2]:8080]
`},
		{name: "SCTP and affinity", service: `{spec: {clusterIP: 10.96.0.10, sessionAffinity: ClientIP, ports: [{port: 9, protocol: SCTP}]}}`, want: `
default/web: proto=132 affinity=10800
  10.96.0.10:9 for everybody
  cluster [] local []
`},
		{name: "affinity for a day", service: `{spec: {clusterIP: 10.96.0.10, sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86400}}, ports: [{port: 9}]}}`, want: `
default/web: proto=6 affinity=65535
  10.96.0.10:9 for everybody
  cluster [] local []
`},
		{name: "internal traffic stays", service: `{spec: {clusterIP: 10.96.0.10, internalTrafficPolicy: Local, ports: [{port: 80}]}}`, slices: []string{two}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody, local
  cluster [10.244.1.2:8080 10.244.2.2:8080] local [10.244.1.2:8080]
`},
		{name: "node port, only Pods", service: `{spec: {type: NodePort, clusterIP: 10.96.0.10, ports: [{port: 80, nodePort: 30080}]}}`, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [] local []
`},
		{name: "node port", node: Node{All: true}, service: `{spec: {type: NodePort, clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, "fd00:96::10"], ports: [{port: 80, nodePort: 30080}]}}`, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  [fd00:96::10]:80 for everybody
  169.254.0.252:30080 for outside
  [fc01::aabb:ccdd:eefe]:30080 for outside
  cluster [] local []
`},
		{name: "load balancer, external traffic stays", node: Node{All: true}, service: `{spec: {type: LoadBalancer, externalTrafficPolicy: Local, clusterIP: 10.96.0.10, externalIPs: [192.0.2.1, 203.0.113.7],
			loadBalancerSourceRanges: [198.51.100.0/24], ports: [{port: 80, nodePort: 30080}]}, status: {loadBalancer: {ingress: [{ip: 203.0.113.7}, {ip: 203.0.113.8}, {ip: 203.0.113.9, ipMode: Proxy}, {hostname: example.org}]}}}`, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  192.0.2.1:80 for inside
  192.0.2.1:80 for outside, local
  203.0.113.7:80 for inside
  203.0.113.7:80 for outside, local
  203.0.113.8:80 for inside
  203.0.113.8:80 for outside, local, from [198.51.100.0/24]
  169.254.0.252:30080 for inside
  169.254.0.252:30080 for outside, local
  cluster [] local []
`},
		{name: "load balancer that somebody else does", node: Node{All: true, SkipLoadBalancers: true}, service: `{spec: {type: LoadBalancer, clusterIP: 10.96.0.10, ports: [{port: 80}]}, status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}}`, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [] local []
`},
		{name: "ready before ending, ending before nothing", service: `{spec: {clusterIP: 10.96.0.10, ports: [{port: 80}]}}`,
			slices: []string{`{ports: [{port: 8080}], endpoints: [
				{addresses: [10.244.1.2], nodeName: node1, conditions: {ready: false, serving: true, terminating: true}},
				{addresses: [10.244.1.4], nodeName: node1, conditions: {ready: false, serving: false, terminating: true}},
				{addresses: [10.244.1.5], nodeName: node1, conditions: {ready: false, serving: false}},
				{addresses: [10.244.2.2], nodeName: node2, conditions: {ready: true}}]}`}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.2.2:8080] local [10.244.1.2:8080]
`},
		{name: "only ending", service: plain,
			slices: []string{`{ports: [{port: 8080}], endpoints: [{addresses: [10.244.2.2], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.244.2.3], conditions: {ready: false}}]}`}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.2.2:8080] local []
`},
		{name: "hints for the zone", node: Node{Zone: "east"}, service: plain, slices: []string{hinted("forZones", "east", "west")}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.1.1:8080] local []
`},
		{name: "hints for the Node", service: plain, slices: []string{hinted("forNodes", "node2", "node1")}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.1.2:8080] local []
`},
		{name: "no hint for this zone", node: Node{Zone: "north"}, service: plain, slices: []string{hinted("forZones", "east", "west")}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.1.1:8080 10.244.1.2:8080] local []
`},
		{name: "not all have hints", node: Node{Zone: "east"}, service: plain, slices: []string{hinted("forZones", "east"), `{ports: [{port: 8080}], endpoints: [{addresses: [10.244.9.9]}]}`}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.1.1:8080 10.244.9.9:8080] local []
`},
		{name: "in two slices at once", service: plain, slices: []string{two, `{ports: [{port: 8080}], endpoints: [{addresses: [10.244.1.2], nodeName: node1, conditions: {ready: false, serving: true, terminating: true}}]}`}, want: `
default/web: proto=6
  10.96.0.10:80 for everybody
  cluster [10.244.1.2:8080 10.244.2.2:8080] local [10.244.1.2:8080]
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.node.Name = "node1"
			service, endpointSlices := read(t, test.service, test.slices...)
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), show(test.node.Ports(service, endpointSlices))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// hinted is a slice with one endpoint for each name.
func hinted(kind string, names ...string) string {
	var list []string
	for i, name := range names {
		list = append(list, fmt.Sprintf("{addresses: [10.244.1.%d], hints: {%s: [{name: %s}]}}", i+1, kind, name))
	}
	return "{ports: [{port: 8080}], endpoints: [" + strings.Join(list, ", ") + "]}"
}

// Of too many endpoints every Node uses others, and together they use all; one that goes moves nobody else's.
func TestManyEndpoints(t *testing.T) {
	service, endpointSlices := read(t, plain, `{ports: [{port: 8080}]}`)
	for i := range 1000 {
		a := netip.AddrFrom4([4]byte{10, 244, byte(i / 250), byte(i % 250)})
		endpointSlices[0].Endpoints = append(endpointSlices[0].Endpoints, discoveryv1.Endpoint{Addresses: []string{a.String()}})
	}
	used := make(map[netip.AddrPort]bool)
	var first []netip.AddrPort
	for i := range 20 {
		list := Node{Name: fmt.Sprintf("node%d", i)}.Ports(service, endpointSlices)[0].Cluster
		if len(list) != maxEndpoints {
			t.Fatalf("a Node uses %d endpoints", len(list))
		}
		for _, e := range list {
			used[e] = true
		}
		if i == 0 {
			first = list
		}
	}
	if len(used) != 1000 {
		t.Errorf("20 Nodes use %d of 1000 endpoints", len(used))
	}
	endpointSlices[0].Endpoints = endpointSlices[0].Endpoints[1:]
	after := Node{Name: "node0"}.Ports(service, endpointSlices)[0].Cluster
	gone := 0
	for _, e := range first {
		found := false
		for _, f := range after {
			found = found || e == f
		}
		if !found {
			gone++
		}
	}
	if gone > 1 {
		t.Errorf("one endpoint less, and the Node uses %d others", gone)
	}
}

func TestHealth(t *testing.T) {
	const balanced = `{spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 32000, clusterIP: 10.96.0.10, ports: [{port: 80}, {name: b, port: 81}]}}`
	service, endpointSlices := read(t, balanced, two,
		`{ports: [{name: b, port: 8081}], endpoints: [{addresses: [10.244.1.2], nodeName: node1}, {addresses: [10.244.1.3], nodeName: node1, conditions: {ready: false}}]}`)
	got, ok := Node{Name: "node1", All: true}.Health(service, endpointSlices)
	if want := (Health{"default", "web", 32000, 1}); !ok || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, ok := (Node{Name: "node1"}).Health(service, endpointSlices); ok {
		t.Error("answers for what another proxy does")
	}
	service.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyCluster
	if _, ok := (Node{Name: "node1", All: true}).Health(service, endpointSlices); ok {
		t.Error("answers for a Service that does not ask")
	}
}

func TestNumbers(t *testing.T) {
	var a, b Numbers
	seen := make(map[uint32]bool)
	for i := range 20000 {
		name := fmt.Sprintf("default/web-%d:http", i)
		n := a.Of(name)
		if n == 0 || n > pipeline.MaxServiceID || seen[n] {
			t.Fatalf("%s has number %d", name, n)
		}
		if again := a.Of(name); again != n {
			t.Fatalf("%s has number %d, then %d", name, n, again)
		}
		if other := b.Of(name); other != n {
			t.Fatalf("%s has number %d here and %d there", name, n, other)
		}
		seen[n] = true
	}
	n := a.Of("default/web-0:http")
	a.Free("default/web-0:http")
	if again := a.Of("default/web-0:http"); again != n {
		t.Errorf("number %d after %d was given back", again, n)
	}
}
