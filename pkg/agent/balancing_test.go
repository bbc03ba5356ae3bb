package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"
)

// replaceServices makes Services and their endpoints in an agent's API server those that it is told of.
func (c child) replaceServices(ctx context.Context, client kubernetes.Interface) error {
	services, endpointSlices := client.CoreV1().Services("demo"), client.DiscoveryV1().EndpointSlices("demo")
	had, err := services.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	gone := make(map[string]bool)
	for _, v := range had.Items {
		gone[v.Name] = true
	}
	for _, s := range c.Slices {
		_, err := endpointSlices.Create(ctx, &s, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			_, err = endpointSlices.Update(ctx, &s, metav1.UpdateOptions{})
		}
		if err != nil {
			return err
		}
	}
	for _, v := range c.Services {
		delete(gone, v.Name)
		_, err := services.Create(ctx, &v, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			_, err = services.Update(ctx, &v, metav1.UpdateOptions{})
		}
		if err != nil {
			return err
		}
	}
	for name := range gone {
		if err := services.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// serve has the agent balance a Service over endpoints, which are Pods; port 8080 of each, by both protocols. The Service is text
// without its name.
func (n *testNode) serve(name, spec string, backends ...testPod) {
	n.t.Helper()
	var v corev1.Service
	if err := yaml.UnmarshalStrict([]byte(spec), &v.Spec); err != nil {
		n.t.Fatal(err)
	}
	v.ObjectMeta = metav1.ObjectMeta{Namespace: "demo", Name: name}
	v.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "203.0.113.7"}, {IP: "2001:db8::7"}}
	n.child.Services = append(n.child.Services, v)
	for _, kind := range []discoveryv1.AddressType{discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6} {
		slice := discoveryv1.EndpointSlice{
			ObjectMeta:  metav1.ObjectMeta{Namespace: "demo", Name: name + "-" + strings.ToLower(string(kind)), Labels: map[string]string{discoveryv1.LabelServiceName: name}},
			AddressType: kind,
		}
		for _, protocol := range []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP} {
			name, port := strings.ToLower(string(protocol)), int32(8080)
			slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &name, Port: &port, Protocol: &protocol})
		}
		for _, p := range backends {
			ip := p.ip
			if kind == discoveryv1.AddressTypeIPv6 {
				ip = p.ip6
			}
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{ip.String()}, NodeName: &p.node.name})
		}
		n.child.Slices = append(n.child.Slices, slice)
	}
}

// told has the agent's API server have what it is told of by now.
func (n *testNode) told() {
	n.t.Helper()
	n.write()
	if err := n.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		n.t.Fatal(err)
	}
}

// answers has port 8080 of a Pod answer everything by its name and the address that it sees, until the end of the test.
func (p testPod) answers() {
	p.node.t.Helper()
	var listener net.Listener
	var packets net.PacketConn
	err := inNamespace(p.ns, func() (err error) {
		if listener, err = net.Listen("tcp", ":8080"); err != nil {
			return err
		}
		packets, err = net.ListenPacket("udp", ":8080")
		return err
	})
	if err != nil {
		p.node.t.Fatal(err)
	}
	p.node.t.Cleanup(func() { listener.Close(); packets.Close() })
	seen := func(a net.Addr) []byte {
		return []byte(p.name + " " + netip.MustParseAddrPort(a.String()).Addr().Unmap().String())
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write(seen(conn.RemoteAddr()))
			_ = conn.Close()
		}
	}()
	go func() {
		b := make([]byte, 64)
		for {
			_, from, err := packets.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(seen(from), from)
		}
	}()
}

// ask opens a connection and returns the answer.
func (p testPod) ask(network, address string) (string, error) {
	return p.askFrom(nil, network, address)
}

// askFrom is ask, from a port of the client's choice.
func (p testPod) askFrom(local net.Addr, network, address string) (string, error) {
	var answer string
	err := inNamespace(p.ns, func() error {
		conn, err := (&net.Dialer{Timeout: 3 * time.Second, LocalAddr: local}).Dial(network, address)
		if err != nil {
			return err
		}
		defer conn.Close()
		answer, err = talk(conn)
		return err
	})
	return answer, err
}

func talk(conn net.Conn) (string, error) {
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	if conn.LocalAddr().Network() == "udp" {
		if _, err := conn.Write([]byte("who is there")); err != nil {
			return "", err
		}
	}
	b := make([]byte, 100)
	n, err := conn.Read(b)
	return string(b[:n]), err
}

// asks asks twenty times and wants every one of the answers, and no other.
func (p testPod) asks(network, address string, want ...string) {
	p.node.t.Helper()
	got := make(map[string]int)
	for range 20 {
		answer, err := p.ask(network, address)
		if err != nil {
			answer = err.Error()
		}
		got[answer]++
	}
	for _, w := range want {
		if got[w] == 0 || len(got) != len(want) {
			p.node.t.Errorf("%s asks %s %s: %v, want %q", p.name, network, address, got, want)
			return
		}
	}
}

// refused wants the first packet, or for UDP one of the first, to be answered by a refusal.
func (p testPod) refused(network, address string) {
	p.node.t.Helper()
	var err error
	for range 5 {
		if _, err = p.ask(network, address); errors.Is(err, syscall.ECONNREFUSED) || network == "udp" && errors.Is(err, syscall.EPERM) {
			return
		}
	}
	p.node.t.Errorf("%s is not refused at %s %s: %v", p.name, network, address, err)
}

// Two Nodes with both families balance Services of all kinds for Pods, for themselves and for a machine outside.
func TestRealServices(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{
		k8sNode("node1", "192.168.77.1", "10.244.1.0/24", "fd00:10:244:1::/64"),
		k8sNode("node2", "192.168.77.2", "10.244.2.0/24", "fd00:10:244:2::/64"),
	}
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	for i, n := range []*testNode{n1, n2} {
		n.child.Nodes = nodes
		n.child.File += "antreaProxy: {proxyAll: true}\nserviceCIDR: 10.96.0.0/16\nserviceCIDRv6: fd00:10:96::/112\n"
		n.in(n.ns, "ip", "addr", "add", fmt.Sprintf("fd77::%d/64", i+1), "dev", "eth0", "nodad")
		n.start()
	}
	a, b, c := n1.addPod("a"), n1.addPod("b"), n2.addPod("c")
	for _, p := range []testPod{a, b, c} {
		p.answers()
	}
	host := testPod{node: n1, name: "the host", ns: n1.ns}
	outside := testPod{node: n1, name: "the outside", ns: f.namespace("outside")}
	f.in(f.bridge, "ip", "link", "add", "outside", "type", "veth", "peer", "name", "eth0", "netns", outside.ns)
	f.in(f.bridge, "ip", "link", "set", "outside", "master", "segment", "up")
	for _, address := range []string{"192.168.77.99/24", "fd77::99/64"} {
		f.in(outside.ns, "ip", "addr", "add", address, "dev", "eth0", "nodad")
	}
	f.in(outside.ns, "ip", "link", "set", "eth0", "up")
	for _, route := range [][]string{{"203.0.113.0/24", "192.168.77.1"}, {"2001:db8::/64", "fd77::1"}} {
		f.in(outside.ns, "ip", "route", "add", route[0], "via", route[1])
	}

	const ports = `ports: [{name: tcp, port: 80, protocol: TCP}, {name: udp, port: 80, protocol: UDP}]`
	const none = `{type: NodePort, clusterIP: 10.96.0.13, clusterIPs: [10.96.0.13, "fd00:10:96::13"], externalIPs: [203.0.113.10, "2001:db8::10"],
			ports: [{name: tcp, port: 80, protocol: TCP, nodePort: 30082}, {name: udp, port: 80, protocol: UDP, nodePort: 30082}]}`
	for _, n := range []*testNode{n1, n2} {
		n.serve("both", `{type: NodePort, clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, "fd00:10:96::10"], externalIPs: [203.0.113.9, "2001:db8::9"],
			ports: [{name: tcp, port: 80, protocol: TCP, nodePort: 30080}, {name: udp, port: 80, protocol: UDP, nodePort: 30080}]}`, b, c)
		n.serve("own", `{clusterIP: 10.96.0.11, clusterIPs: [10.96.0.11, "fd00:10:96::11"], `+ports+`}`, a)
		n.serve("sticky", `{clusterIP: 10.96.0.12, clusterIPs: [10.96.0.12, "fd00:10:96::12"], sessionAffinity: ClientIP, `+ports+`}`, a, b, c)
		n.serve("none", none)
		n.serve("away", `{type: NodePort, clusterIP: 10.96.0.15, clusterIPs: [10.96.0.15, "fd00:10:96::15"],
			ports: [{name: tcp, port: 80, protocol: TCP, nodePort: 30083}, {name: udp, port: 80, protocol: UDP, nodePort: 30083}]}`, c)
		n.serve("lb", `{type: LoadBalancer, clusterIP: 10.96.0.14, clusterIPs: [10.96.0.14, "fd00:10:96::14"], externalTrafficPolicy: Local, healthCheckNodePort: 32000,
			loadBalancerSourceRanges: [192.168.77.99/32, "fd77::99/128"],
			ports: [{name: tcp, port: 80, protocol: TCP, nodePort: 30081}, {name: udp, port: 80, protocol: UDP, nodePort: 30081}]}`, b)
		n.told()
	}
	n1.until("Services are there", func() bool { answer, _ := a.ask("tcp", "10.96.0.14:80"); return strings.HasPrefix(answer, "b ") })
	a.answered(c.ip6)
	for _, node := range []string{"192.168.77.1", "[fd77::1]"} {
		n1.until("the host has its part", func() bool { _, err := outside.ask("tcp", node+":30081"); return err == nil })
	}

	for k, one := range []struct {
		name                                               string
		service, own, sticky, none, away, external, nobody string
		balancer, node, itself                             string // itself is what other Nodes know of its address
		a, host, outside, virtual, gateway                 string
	}{
		{"IPv4", "10.96.0.10", "10.96.0.11", "10.96.0.12", "10.96.0.13", "10.96.0.15", "203.0.113.9", "203.0.113.10", "203.0.113.7", "192.168.77.1", "192.168.77.1",
			a.ip.String(), "10.244.1.1", "192.168.77.99", "169.254.0.253", "10.244.1.1"},
		{"IPv6", "[fd00:10:96::10]", "[fd00:10:96::11]", "[fd00:10:96::12]", "[fd00:10:96::13]", "[fd00:10:96::15]", "[2001:db8::9]", "[2001:db8::10]", "[2001:db8::7]", "[fd77::1]", "fd00:10:244:1::1",
			a.ip6.String(), "fd00:10:244:1::1", "fd77::99", "fc01::aabb:ccdd:eeff", "fd00:10:244:1::1"},
	} {
		for _, network := range []string{"tcp", "udp"} {
			t.Run(one.name+"/"+network, func(t *testing.T) {
				n1.t = t
				a.asks(network, one.service+":80", "b "+one.a, "c "+one.a)
				host.asks(network, one.service+":80", "b "+one.host, "c "+one.host)
				a.asks(network, one.own+":80", "a "+one.virtual)
				a.asks(network, one.external+":80", "b "+one.a, "c "+one.a)
				outside.asks(network, one.external+":80", "b "+one.outside, "c "+one.gateway)
				outside.asks(network, one.node+":30080", "b "+one.outside, "c "+one.gateway)
				host.asks(network, one.node+":30080", "b "+strings.Trim(one.node, "[]"), "c "+one.itself)
				a.asks(network, one.node+":30080", "b "+one.a, "c "+one.gateway)
				outside.asks(network, one.node+":30081", "b "+one.outside)
				outside.asks(network, one.balancer+":80", "b "+one.outside)
				a.asks(network, one.balancer+":80", "b "+one.a)
				first, err := a.ask(network, one.sticky+":80")
				if err != nil {
					t.Fatal(err)
				}
				a.asks(network, one.sticky+":80", first)
				for _, p := range []testPod{a, host} {
					p.refused(network, one.none+":80")
					p.refused(network, one.nobody+":80")
				}
				outside.refused(network, one.node+":30082")
				outside.refused(network, one.nobody+":80")
			})
		}
		// All of them reach c with the address of antrea-gw0, and as long as c remembers one of them, another's packets would be
		// taken for the first one's if they came from the same port.
		t.Run(one.name+"/same port", func(t *testing.T) {
			for i, clients := range [][]testPod{{host, outside, a}, {outside, a, host}, {a, host, outside}} {
				port := 20000 + 10*k + i
				for _, p := range clients {
					address := one.node + ":30083"
					if p.name == host.name {
						address = one.away + ":80"
					}
					answer, err := p.askFrom(&net.TCPAddr{Port: port}, "tcp", address)
					if err != nil || answer != "c "+one.gateway {
						t.Errorf("%s asks from port %d: %q, %v", p.name, port, answer, err)
					}
				}
			}
		})
	}
	n1.t = f.t

	// A client has been sending all the time when a NodePort gets its first endpoint.
	port := &net.UDPAddr{Port: 21000}
	if _, err := outside.askFrom(port, "udp", "192.168.77.1:30082"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("the outside asks a NodePort without endpoints: %v", err)
	}
	n1.serve("none", none, b)
	n1.told()
	n1.until("the client is served", func() bool {
		answer, _ := outside.askFrom(port, "udp", "192.168.77.1:30082")
		return answer == "b 192.168.77.99"
	})
}
