package pipeline

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// segmented is the gateway of cluster 1 in S1, with its Pods a and b in segment 100, of which the ordinary Node has another
// interface. All have both families, and addresses that Pods of the first network have too.
func segmented() State {
	s := s1(0, 1)
	s.Pods = map[string]Pod{"pod-a": segmentPodAt(podAPort, 100, 2), "pod-b": segmentPodAt(podBPort, 100, 3)}
	s.Segments = map[string]Segment{"100": {VNI: 100, Remote: []SegmentPod{segmentPodOn(2, 4)}}}
	return s
}

// twoSegments is segmented with Pod b in another segment, whose members have the addresses of the first.
func twoSegments() State {
	s := segmented()
	s.Pods["pod-b"] = segmentPodAt(podBPort, 200, 2)
	s.Segments["200"] = Segment{VNI: 200, Remote: []SegmentPod{segmentPodOn(2, 4)}}
	return s
}

func segmentIPs(n int) []netip.Addr {
	return []netip.Addr{addr(fmt.Sprintf("10.244.2.%d", n)), addr(fmt.Sprintf("fd50::%d", n))}
}

func segmentPodAt(port openflow.Port, vni uint32, n int) Pod {
	return Pod{Port: port, Segment: vni, MAC: openflow.MAC{2, 0xcc, 0, 0, 0, byte(n)}, IPs: segmentIPs(n)}
}

func segmentPodOn(node, n int) SegmentPod {
	return SegmentPod{Node: s1Clusters[0].nodeIP(node), MAC: openflow.MAC{2, 0xcc, 0, 0, 0, byte(n)}, IPs: segmentIPs(n)}
}

// inSegmentOf is a packet from member m to member n, as it comes in with these fields. It is to stay as it is.
func inSegmentOf(in string, m, n int) string {
	return fmt.Sprintf("%s,udp,dl_src=02:cc:00:00:00:0%d,dl_dst=02:cc:00:00:00:0%d,nw_src=10.244.2.%d,nw_dst=10.244.2.%d,nw_ttl=64", in, m, n, m, n)
}

func segmentARP(in string, op, m, n int, to string) string {
	return fmt.Sprintf("%s,arp,dl_src=02:cc:00:00:00:0%d,dl_dst=%s,arp_op=%d,arp_sha=02:cc:00:00:00:0%d,arp_spa=10.244.2.%d,arp_tpa=10.244.2.%d", in, m, to, op, m, m, n)
}

func segmentND(in string, kind, m int, source, target, to string) string {
	lladdr := "nd_sll"
	if kind == 136 {
		lladdr = "nd_tll"
	}
	return fmt.Sprintf("%s,icmp6,dl_src=02:cc:00:00:00:0%d,dl_dst=%s,icmpv6_type=%d,icmpv6_code=0,ipv6_src=%s,nd_target=%s,%s=02:cc:00:00:00:0%d", in, m, to, kind, source, target, lladdr, m)
}

const (
	segmentPeer    = "192.168.150.103" // the ordinary Node of cluster 1
	everybody      = "ff:ff:ff:ff:ff:ff"
	solicitedNodes = "33:33:ff:00:00:04"
)

func segmentTunnel(vni int, sender string) string {
	return fmt.Sprintf("in_port=%d,tun_id=%d,tun_src=%s", tunnelPort, vni, sender)
}

// segmentSuites are what reaches its segment, and what must not get out of it or into it.
var segmentSuites = []walkSuite{
	{"segment", segmented(), []walk{
		{name: "same Node", packet: inSegmentOf("in_port=10", 2, 3), want: "pod-b"},
		{name: "other Node", packet: inSegmentOf("in_port=10", 2, 4), want: "tun0 to " + segmentPeer},
		{name: "from the other Node", packet: inSegmentOf(segmentTunnel(100, segmentPeer), 4, 2), want: "pod-a"},
		{name: "IPv6 to the other Node", want: "tun0 to " + segmentPeer,
			packet: "in_port=10,udp6,dl_src=02:cc:00:00:00:02,dl_dst=02:cc:00:00:00:04,ipv6_src=fd50::2,ipv6_dst=fd50::4,nw_ttl=64"},
		{name: "ARP on the Node", packet: segmentARP("in_port=10", 1, 2, 3, everybody), want: "pod-b"},
		{name: "ARP to the other Node", packet: segmentARP("in_port=10", 1, 2, 4, everybody), want: "tun0 to " + segmentPeer},
		{name: "ARP from the other Node", packet: segmentARP(segmentTunnel(100, segmentPeer), 1, 4, 2, everybody), want: "pod-a"},
		{name: "reply to the other Node", packet: segmentARP("in_port=10", 2, 2, 4, "02:cc:00:00:00:04"), want: "tun0 to " + segmentPeer},
		{name: "reply from the other Node", packet: segmentARP(segmentTunnel(100, segmentPeer), 2, 4, 2, "02:cc:00:00:00:02"), want: "pod-a"},
		{name: "solicitation", packet: segmentND("in_port=10", 135, 2, "fd50::2", "fd50::4", solicitedNodes), want: "tun0 to " + segmentPeer},
		{name: "solicitation from a link-local address", packet: segmentND("in_port=10", 135, 2, "fe80::cc:ff:fe00:2", "fd50::3", solicitedNodes), want: "pod-b"},
		{name: "solicitation from the other Node", packet: segmentND(segmentTunnel(100, segmentPeer), 135, 4, "fd50::4", "fd50::2", "33:33:ff:00:00:02"), want: "pod-a"},
		{name: "advertisement", packet: segmentND("in_port=10", 136, 2, "fd50::2", "fd50::2", "02:cc:00:00:00:04"), want: "tun0 to " + segmentPeer},

		{name: "ARP for nobody", packet: segmentARP("in_port=10", 1, 2, 9, everybody), refuse: refusal{TableSegmentNeighbor, FeatureUnknownNeighbor}},
		{name: "solicitation for nobody", packet: segmentND("in_port=10", 135, 2, "fd50::2", "fd50::9", solicitedNodes), refuse: refusal{TableSegmentNeighbor, FeatureUnknownNeighbor}},
		{name: "ARP for itself", packet: segmentARP("in_port=10", 1, 2, 2, everybody), refuse: refusal{TableSegmentGuard, FeatureARP}},
		{name: "ARP for another", packet: strings.ReplaceAll(segmentARP("in_port=10", 2, 2, 4, "02:cc:00:00:00:04"), "arp_spa=10.244.2.2", "arp_spa=10.244.2.3"),
			refuse: refusal{TableSegmentGuard, FeatureARP}},
		{name: "advertisement for another", packet: segmentND("in_port=10", 136, 2, "fd50::2", "fd50::3", "02:cc:00:00:00:04"), refuse: refusal{TableSegmentGuard, FeatureNeighbor}},
		{name: "another's address", packet: strings.ReplaceAll(inSegmentOf("in_port=10", 2, 4), "nw_src=10.244.2.2", "nw_src=10.244.2.3"),
			refuse: refusal{TableSegmentGuard, FeatureSegmentSource}},
		{name: "another's MAC", packet: strings.ReplaceAll(inSegmentOf("in_port=10", 2, 4), "dl_src=02:cc:00:00:00:02", "dl_src=02:cc:00:00:00:03"),
			refuse: refusal{TableSegmentGuard, FeatureSegmentSource}},
		{name: "router advertisement", packet: "in_port=10,icmp6,dl_src=02:cc:00:00:00:02,dl_dst=02:cc:00:00:00:04,icmpv6_type=134,icmpv6_code=0,ipv6_src=fd50::2,ipv6_dst=fd50::4",
			refuse: refusal{TableSegmentGuard, FeatureRouter}},
		{name: "DHCP server", packet: "in_port=10,udp,dl_src=02:cc:00:00:00:02,dl_dst=02:cc:00:00:00:04,nw_src=10.244.2.2,nw_dst=10.244.2.4,udp_src=67,udp_dst=68",
			refuse: refusal{TableSegmentGuard, FeatureDHCPServer}},
		{name: "DHCP client", packet: "in_port=10,udp,dl_src=02:cc:00:00:00:02,dl_dst=ff:ff:ff:ff:ff:ff,nw_src=0.0.0.0,nw_dst=255.255.255.255,udp_src=68,udp_dst=67",
			refuse: refusal{TableSegmentGuard, FeatureSegmentSource}},
		{name: "DHCPv6 server", packet: "in_port=10,udp6,dl_src=02:cc:00:00:00:02,dl_dst=02:cc:00:00:00:04,ipv6_src=fd50::2,ipv6_dst=fd50::4,udp_src=547,udp_dst=546",
			refuse: refusal{TableSegmentGuard, FeatureDHCPServer}},
		{name: "broadcast", packet: "in_port=10,udp,dl_src=02:cc:00:00:00:02,dl_dst=ff:ff:ff:ff:ff:ff,nw_src=10.244.2.2,nw_dst=255.255.255.255",
			refuse: refusal{TableSegmentForward, FeatureNoDestination}},
		{name: "unknown MAC", packet: inSegmentOf("in_port=10", 2, 9), refuse: refusal{TableSegmentForward, FeatureNoDestination}},
		{name: "the first network", packet: "in_port=10,tcp,dl_src=02:cc:00:00:00:02,dl_dst=aa:bb:cc:dd:ee:ff,nw_src=10.244.2.2,nw_dst=10.244.18.2,nw_ttl=64",
			refuse: refusal{TableSegmentForward, FeatureNoDestination}},
		{name: "neither IP nor ARP", packet: "in_port=10,dl_type=0x88cc,dl_src=02:cc:00:00:00:02,dl_dst=02:cc:00:00:00:04", refuse: refusal{TableSegmentGuard, FeatureSegmentSource}},

		{name: "a Node that has another member", packet: strings.ReplaceAll(inSegmentOf(segmentTunnel(100, segmentPeer), 4, 2), "nw_src=10.244.2.4", "nw_src=10.244.2.3"),
			refuse: refusal{TableSegmentGuard, FeatureTunnelSource}},
		{name: "a Node without members", packet: inSegmentOf(segmentTunnel(100, "192.168.150.101"), 4, 2), refuse: refusal{TableClassifier, FeatureTunnelSender}},
		{name: "a gateway of another cluster", packet: inSegmentOf(segmentTunnel(100, "192.168.200.102"), 4, 2), refuse: refusal{TableClassifier, FeatureTunnelSender}},
		{name: "a segment that is not here", packet: inSegmentOf(segmentTunnel(200, segmentPeer), 4, 2), refuse: refusal{TableClassifier, FeatureTunnelSender}},
		{name: "ARP in a segment that is not here", packet: segmentARP(segmentTunnel(200, segmentPeer), 1, 4, 2, everybody), refuse: refusal{TableNeighborGuard, FeatureTunnelNeighbor}},
		{name: "the first network's packet with a segment's number", refuse: refusal{TableClassifier, FeatureTunnelSender},
			packet: fmt.Sprintf("in_port=%d,tun_id=200,tun_src=%s,tcp,dl_dst=%s,nw_src=10.244.2.2,nw_dst=10.244.1.2,nw_ttl=63", tunnelPort, segmentPeer, macNode)},
	}},
	{"two segments", twoSegments(), []walk{
		{name: "the one", packet: inSegmentOf("in_port=10", 2, 4), want: "tun0 to " + segmentPeer},
		{name: "the other", packet: inSegmentOf("in_port=11", 2, 4), want: "tun0 to " + segmentPeer},
		{name: "into the one", packet: inSegmentOf(segmentTunnel(100, segmentPeer), 4, 2), want: "pod-a"},
		{name: "into the other", packet: inSegmentOf(segmentTunnel(200, segmentPeer), 4, 2), want: "pod-b"},
		{name: "from the one to the other", packet: inSegmentOf("in_port=10", 2, 3), refuse: refusal{TableSegmentForward, FeatureNoDestination}},
	}},
}

func TestRealSegmentWalks(t *testing.T) { runWalks(t, segmentSuites) }

// Two that claim one MAC in a segment do not both get it, and the first network does not lose anything by it.
func TestSegmentConflict(t *testing.T) {
	s := segmented()
	s.Segments["100"] = Segment{VNI: 100, Remote: []SegmentPod{segmentPodOn(2, 2)}}
	all, err := Compile(s)
	if err == nil || !strings.Contains(err.Error(), "pod/pod-a and segment/100 want different flows") {
		t.Errorf("error %v", err)
	}
	for _, f := range Flows(all) {
		if f.Table == TableSegmentForward && f.Match == inSegment(100).EthDst(openflow.MAC{2, 0xcc, 0, 0, 0, 2}) && f.Actions != (openflow.Actions{}).Output(podAPort) {
			t.Errorf("the Pod of this Node lost: %s", f)
		}
	}
}
