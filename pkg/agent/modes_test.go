package agent

import (
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Cluster east with a gateway and a Node in one subnet and a Node in another, cluster west with a gateway: each mode, with both kinds
// of tunnels, and from one to the next by a restart of the agents.
func TestRealTrafficModes(t *testing.T) {
	const gwIP, nearIP, farIP, westIP = "192.168.77.1", "192.168.77.2", "192.168.78.3", "192.168.77.11"
	f := newFabric(t)
	gw, near, far, west := f.node("east-gw", gwIP), f.node("east-near", nearIP), f.node("east-far", farIP), f.node("west-gw", westIP)
	// A router is between the subnets, and knows the way to Pods, as noEncap wants it.
	router := f.namespace("router")
	f.in(f.bridge, "ip", "link", "add", "router", "type", "veth", "peer", "name", "eth0", "netns", router)
	f.in(f.bridge, "ip", "link", "set", "router", "master", "segment", "up")
	f.in(router, "ip", "addr", "add", "192.168.77.254/24", "dev", "eth0")
	f.in(router, "ip", "addr", "add", "192.168.78.254/24", "dev", "eth0")
	f.in(router, "ip", "link", "set", "eth0", "up")
	f.in(router, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0")
	for pods, node := range map[string]string{"10.244.1.0/24": gwIP, "10.244.2.0/24": nearIP, "10.244.3.0/24": farIP} {
		f.in(router, "ip", "route", "add", pods, "via", node)
	}
	for _, n := range []*testNode{gw, near, west} {
		f.in(n.ns, "ip", "route", "add", "default", "via", "192.168.77.254")
	}
	f.in(far.ns, "ip", "route", "add", "default", "via", "192.168.78.254")
	east := []*testNode{gw, near, far}
	for _, n := range east {
		n.child.Nodes = []corev1.Node{
			k8sNode("east-gw", gwIP, "10.244.1.0/24"), k8sNode("east-near", nearIP, "10.244.2.0/24"), k8sNode("east-far", farIP, "10.244.3.0/24"),
		}
		n.child.Objects = []map[string]any{gatewayObject("east-gw", gwIP), importObject("west", "10.244.16.0/20", "10.96.16.0/20", westIP)}
	}
	west.child.Nodes = []corev1.Node{k8sNode("west-gw", westIP, "10.244.17.0/24")}
	west.child.Objects = []map[string]any{gatewayObject("west-gw", westIP), importObject("east", "10.244.0.0/20", "10.96.0.0/20", gwIP)}
	all := []*testNode{gw, near, far, west}

	var pods []testPod
	for i, mode := range []struct {
		name, file         string
		near, far          int    // TTL between Pods of Nodes in one subnet, and in two
		tunnel             string // type of antrea-tun0
		routeNear, ownsFar string // device of the route to a Node in the same subnet, and whether the agent has one to the other
	}{
		{name: "encap", file: "", near: 62, far: 62, tunnel: "geneve", routeNear: "antrea-gw0", ownsFar: "antrea-gw0"},
		{name: "hybrid", file: "trafficEncapMode: hybrid\ntunnelType: vxlan\n", near: 62, far: 62, tunnel: "vxlan", routeNear: "eth0", ownsFar: "antrea-gw0"},
		{name: "noEncap", file: "trafficEncapMode: noEncap\n", near: 62, far: 61, tunnel: "geneve", routeNear: "eth0", ownsFar: "eth0"},
		{name: "encap again, VXLAN at a port of its own", file: "tunnelType: vxlan\ntunnelPort: 8472\n", near: 62, far: 62, tunnel: "vxlan", routeNear: "antrea-gw0", ownsFar: "antrea-gw0"},
	} {
		for _, n := range all {
			if i > 0 {
				n.stop(syscall.SIGTERM)
			}
			n.child.File = "ovsDatapathType: " + n.sw.Datapath + "\nfeatureGates: {Multicluster: true}\nmulticluster: {enable: true, namespace: \"\"}\n" + mode.file
			n.spawn()
		}
		for _, n := range all {
			n.ready()
		}
		if i == 0 {
			for _, n := range all {
				pods = append(pods, n.addPod("pod-"+n.name))
			}
		}
		a, b, c, w := pods[0], pods[1], pods[2], pods[3]
		t.Log(mode.name)
		for _, to := range []testPod{b, c, w} {
			a.answered(to.ip)
		}
		c.answered(w.ip)
		together(
			func() { a.reaches(b.ip, mode.near) }, func() { b.reaches(a.ip, mode.near) },
			func() { b.reaches(c.ip, mode.far) }, func() { c.reaches(b.ip, mode.far) },
			func() { a.reaches(w.ip, 62) }, func() { b.reaches(w.ip, 61) }, func() { c.reaches(w.ip, 61) }, func() { w.reaches(c.ip, 61) },
		)
		testPod{node: near, name: "the host", ns: near.ns}.answered(w.ip)
		b.seenBy(a)
		b.seenBy(c)
		b.seenBy(w)
		b.sends(a)
		b.sends(c)
		c.sends(w)
		if got := strings.TrimSpace(near.sw.Vsctl("get", "interface", "antrea-tun0", "type")); got != mode.tunnel {
			t.Errorf("%s: tunnels are %s", mode.name, got)
		}
		for to, device := range map[string]string{a.ip.String(): mode.routeNear, c.ip.String(): mode.ownsFar} {
			if got := f.in(near.ns, "ip", "route", "get", to); !strings.Contains(got, " dev "+device+" ") {
				t.Errorf("%s: route to %s: %s, want %s", mode.name, to, got, device)
			}
		}
	}
}

// seenBy checks that another Pod sees this one's own address.
func (p testPod) seenBy(server testPod) {
	p.node.t.Helper()
	var seen, own netip.AddrPort
	err := inNamespace(server.ns, func() error {
		listener, err := net.Listen("tcp4", ":0")
		if err != nil {
			return err
		}
		defer listener.Close()
		address := netip.AddrPortFrom(server.ip, uint16(listener.Addr().(*net.TCPAddr).Port))
		var client net.Conn
		err = inNamespace(p.ns, func() (err error) {
			client, err = net.DialTimeout("tcp4", address.String(), 5*time.Second)
			return err
		})
		if err != nil {
			return err
		}
		defer client.Close()
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		defer conn.Close()
		seen, own = conn.RemoteAddr().(*net.TCPAddr).AddrPort(), client.LocalAddr().(*net.TCPAddr).AddrPort()
		return nil
	})
	if err != nil || seen != own || seen.Addr() != p.ip {
		p.node.t.Errorf("%s sees %s as %s instead of %s: %v", server.name, p.name, seen, own, err)
	}
}
