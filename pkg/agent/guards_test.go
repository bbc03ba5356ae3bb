package agent

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// What nobody may send gets to nobody, and is counted for its reason: from a Pod, and through the tunnel.
func TestRealGuards(t *testing.T) {
	f := newFabric(t)
	nodes := []corev1.Node{
		k8sNode("node1", "192.168.77.1", "10.244.1.0/24", "fd00:10:244:1::/64"),
		k8sNode("node2", "192.168.77.2", "10.244.2.0/24", "fd00:10:244:2::/64"),
	}
	n := f.node("node1", "192.168.77.1")
	n.child.Nodes = nodes
	n.start()
	a, victim := n.addPod("web-a"), n.addPod("victim")
	mac := strings.TrimSpace(n.in(a.ns, "cat", "/sys/class/net/eth0/address"))
	theirs := strings.TrimSpace(n.in(victim.ns, "cat", "/sys/class/net/eth0/address"))
	// Underlay hosts that send what Nodes do: one that is a Node, and one that nobody knows.
	underlay := func(name, address string) string {
		ns := f.namespace(name)
		f.in(f.bridge, "ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", ns)
		f.in(f.bridge, "ip", "link", "set", name, "master", "segment", "up")
		f.in(ns, "ip", "addr", "add", address+"/24", "dev", "eth0")
		f.in(ns, "ip", "link", "set", "eth0", "up")
		return ns
	}
	peer, stranger := underlay("peer", "192.168.77.2"), underlay("stranger", "192.168.77.66")
	// Nobody talks to the Pod, so nothing comes.
	received := func() string { return n.in(victim.ns, "cat", "/sys/class/net/eth0/statistics/rx_packets") }
	silence := received()

	const gateway = "aa:bb:cc:dd:ee:ff"
	pod := strings.NewReplacer("MAC", mac, "THEIRS", theirs, "IP4", a.ip.String(), "IP6", a.ip6.String(), "VICTIM4", victim.ip.String(), "VICTIM6", victim.ip6.String(), "GW", gateway)
	tests := []struct {
		reason, frame string
		from          string // the underlay namespace; the Pod if empty
	}{
		{reason: "pod-mac", frame: "udp,dl_src=02:99:00:00:00:01,dl_dst=GW,nw_src=IP4,nw_dst=VICTIM4,tp_src=7,tp_dst=7"},
		{reason: "pod-ipv4", frame: "udp,dl_src=MAC,dl_dst=GW,nw_src=10.244.1.99,nw_dst=VICTIM4,tp_src=7,tp_dst=7"},
		{reason: "pod-ipv6", frame: "udp6,dl_src=MAC,dl_dst=GW,ipv6_src=fd00:10:244:1::99,ipv6_dst=VICTIM6,tp_src=7,tp_dst=7"},
		{reason: "arp", frame: "arp,dl_src=MAC,dl_dst=THEIRS,arp_op=2,arp_spa=10.244.1.1,arp_tpa=VICTIM4,arp_sha=MAC,arp_tha=THEIRS"},
		{reason: "neighbor", frame: "icmp6,dl_src=MAC,dl_dst=THEIRS,ipv6_src=IP6,ipv6_dst=VICTIM6,nw_ttl=255,icmp_type=136,icmp_code=0,nd_target=fd00:10:244:1::1,nd_tll=MAC"},
		{reason: "router", frame: "icmp6,dl_src=MAC,dl_dst=33:33:00:00:00:01,ipv6_src=fe80::1,ipv6_dst=ff02::1,nw_ttl=255,icmp_type=134,icmp_code=0"},
		{reason: "dhcp-server", frame: "udp,dl_src=MAC,dl_dst=ff:ff:ff:ff:ff:ff,nw_src=IP4,nw_dst=255.255.255.255,tp_src=67,tp_dst=68"},
		{reason: "dhcp-server", frame: "udp6,dl_src=MAC,dl_dst=THEIRS,ipv6_src=IP6,ipv6_dst=VICTIM6,tp_src=547,tp_dst=546"},
		{reason: "no-destination", frame: "udp,dl_src=MAC,dl_dst=02:99:00:00:00:02,nw_src=IP4,nw_dst=10.244.1.99,tp_src=7,tp_dst=7"},
		{reason: "unclassified", frame: "dl_type=0x88cc,dl_src=MAC,dl_dst=01:80:c2:00:00:0e"},
		{reason: "tunnel-sender", from: stranger, frame: "udp,dl_src=02:99:00:00:00:01,dl_dst=GW,nw_src=10.244.2.2,nw_dst=VICTIM4,tp_src=7,tp_dst=7"},
		{reason: "tunnel-mac", from: peer, frame: "udp,dl_src=02:99:00:00:00:01,dl_dst=THEIRS,nw_src=10.244.2.2,nw_dst=VICTIM4,tp_src=7,tp_dst=7"},
		{reason: "tunnel-source", from: peer, frame: "udp,dl_src=02:99:00:00:00:01,dl_dst=GW,nw_src=10.9.9.9,nw_dst=VICTIM4,tp_src=7,tp_dst=7"},
		{reason: "tunnel-neighbor", from: peer, frame: "arp,dl_src=02:99:00:00:00:01,dl_dst=THEIRS,arp_op=2,arp_spa=10.244.1.1,arp_tpa=VICTIM4"},
	}
	const packets = 5
	for _, tt := range tests {
		match, err := openflow.ParseMatch(pod.Replace(tt.frame))
		if err != nil {
			t.Fatalf("%s: %v", tt.frame, err)
		}
		frame, err := openflow.ComposePacket(match, nil)
		if err != nil {
			t.Fatalf("%s: %v", tt.frame, err)
		}
		before := n.drops()[tt.reason]
		for range packets {
			if tt.from == "" {
				err = a.emit(frame)
			} else {
				err = tunneled(tt.from, "192.168.77.1:6081", frame)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		n.until(fmt.Sprintf("%s counted for %s", tt.frame, tt.reason), func() bool { return n.drops()[tt.reason] >= before+packets })
	}
	counted, drops := n.counted("antrea_agent_dropped_packets_total"), n.drops()
	for _, tt := range tests {
		if got := counted[fmt.Sprintf("reason=%q", tt.reason)]; got < packets || got > drops[tt.reason]+packets {
			t.Errorf("metric of %s: %d, antctl get drops: %d", tt.reason, got, drops[tt.reason])
		}
	}
	if got := received(); got != silence {
		t.Errorf("the Pod that nobody may talk to had received %s packets, and now %s", silence, got)
	}
	// What is larger than the MTU is sent in fragments, which are nobody's crime.
	if out := a.ping(victim.ip, 5, "-s", "4000"); !strings.Contains(out, " 5 received") {
		t.Errorf("fragments: %s", out)
	}
}

// drops is what antctl get drops asks for.
func (n *testNode) drops() map[string]int {
	n.t.Helper()
	body, err := n.ask(http.MethodGet, "/apis/system.antrea.io/v1alpha1/nodes/"+n.name+"/drops")
	var list systemv1alpha1.DropList
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	if err != nil {
		n.t.Fatalf("drops of %s: %v", n.name, err)
	}
	drops := make(map[string]int)
	for _, d := range list.Items {
		drops[d.Reason] = int(d.Packets)
	}
	return drops
}

// emit sends a frame out of the Pod's interface as it is.
func (p testPod) emit(frame []byte) error {
	return inNamespace(p.ns, func() error {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		return unix.Sendto(socket, frame, 0, &unix.SockaddrLinklayer{Ifindex: eth0.Index})
	})
}

// tunneled sends a frame as Geneve (RFC 8926) does: no options, an Ethernet frame inside, number 0.
func tunneled(ns, to string, frame []byte) error {
	return inNamespace(ns, func() error {
		conn, err := net.Dial("udp", to)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write(append([]byte{0, 0, 0x65, 0x58, 0, 0, 0, 0}, frame...))
		return err
	})
}
