package pipeline

import (
	"fmt"
	"strings"
	"testing"
)

// to makes the packet of a walk one to a port.
func to(port int, packet string) string { return packet + fmt.Sprintf(",tp_src=40000,tp_dst=%d", port) }

// as makes the packet of a walk one of another protocol.
func as(protocol, packet string) string {
	return strings.NewReplacer(",tcp,", ","+protocol+",", "tp_", protocol+"_").Replace(packet)
}

// commitService is the commit of a connection from a class, with the kind of its source NAT, to an endpoint.
func commitService(class, kind int, endpoint string) string {
	return fmt.Sprintf("ct(commit,zone=65520,mark=%#x/0x7f,nat(dst=%s)),", kind<<5|1<<4|class, endpoint)
}

func snat(address string) string { return "ct(commit,zone=65521,nat(src=" + address + "))," }

const (
	podA = "02:aa:0a:f4:01:02"
	podB = "02:aa:0a:f4:01:03"
	gw0  = "02:bb:00:00:00:01"
)

// serviceSuites are walks to Services, on a Node that balances all of them.
var serviceSuites = []walkSuite{
	{"services", serving(), []walk{
		{name: "Pod to the one endpoint", packet: to(80, fromPod("10.244.1.3", "10.96.0.11")),
			want: lookup + leaves(gw0, podA, 64) + commitService(3, 0, "10.244.1.2:8080") + "pod-a"},
		{name: "Pod to itself", packet: to(80, fromPod("10.244.1.2", "10.96.0.11")),
			want: lookup + leaves(gw0, podA, 64) + commitService(3, natHairpin, "10.244.1.2:8080") + snat("169.254.0.253") + "pod-a"},
		{name: "Pod to an endpoint on another Node", packet: to(80, fromPod("10.244.1.3", "10.96.0.12")),
			want: lookup + leaves(gw0, macNode, 63) + commitService(3, 0, "10.244.2.2:8080") + "tun0 to 192.168.150.103"},
		{name: "Pod to one of three endpoints", packet: to(80, fromPod("10.244.1.3", "10.96.0.10")), want: lookup + "hash(l4(0)),recirc"},
		{name: "Pod to a Service by UDP", packet: as("udp", to(53, fromPod("10.244.1.2", "10.96.0.2"))),
			want: lookup + "set(eth(src=02:bb:00:00:00:01,dst=02:aa:0a:f4:01:03))," + commitService(3, 0, "10.244.1.3:53") + "pod-b"},
		{name: "Pod to a Service by SCTP", packet: as("sctp", to(9, fromPod("10.244.1.2", "10.96.0.16"))),
			want: lookup + "set(eth(src=02:bb:00:00:00:01,dst=02:aa:0a:f4:01:03))," + commitService(3, 0, "10.244.1.3:9") + "pod-b"},
		{name: "established connection commits nothing", packet: to(8080, fromPod("10.244.1.3", "10.244.1.2")), ct: "trk,est",
			want: lookup + leaves(gw0, podA, 64) + "pod-a"},
		{name: "reply", packet: fromPod("10.244.1.2", "10.244.1.3"), ct: "trk,est,rpl", want: lookup + leaves(gw0, podB, 64) + "pod-b"},
		{name: "Pod to a port that the Service has not", packet: to(81, fromPod("10.244.1.3", "10.96.0.10")),
			want: lookup + leaves(macNode, gw0, 64) + commit(3) + "gw0"},
		{name: "Pod to no endpoint: the host refuses, nothing is committed", packet: to(80, fromPod("10.244.1.3", "10.96.0.13")),
			want: lookup + leaves(macNode, gw0, 64) + "gw0"},
		{name: "the host refuses in the name of a Service", packet: to(80, fromGateway("10.96.0.13", "10.244.1.3")) + ",tcp_flags=rst",
			want: leaves(gw0, podB, 64) + "pod-b"},
		{name: "the host speaks for a Service", packet: to(80, fromGateway("10.96.0.13", "10.244.1.3")) + ",tcp_flags=syn",
			want: lookup + leaves(gw0, podB, 64) + commit(2) + "pod-b"},
		{name: "the host refuses UDP", packet: "in_port=2,icmp,dl_src=02:bb:00:00:00:01,dl_dst=aa:bb:cc:dd:ee:ff,nw_src=10.244.1.1,nw_dst=10.244.1.3,nw_ttl=64,icmp_type=3,icmp_code=3",
			want: "set(eth(dst=02:aa:0a:f4:01:03)),pod-b"},
		{name: "the host to no endpoint", packet: to(80, fromGateway("10.244.1.1", "10.96.0.13")), refuse: refusal{TableServiceLB, FeatureNoEndpoint}},
		{name: "Pod to a host", packet: to(443, fromPod("10.244.1.3", "10.96.0.14")),
			want: lookup + leaves(macNode, gw0, 64) + commitService(3, 0, "192.168.150.101:6443") + "gw0"},
		{name: "host to a host", packet: to(443, fromGateway("10.244.1.1", "10.96.0.14")),
			want: lookup + leaves(macNode, gw0, 64) + commitService(2, natHairpin, "192.168.150.101:6443") + snat("169.254.0.253") + "gw0"},
		{name: "host to a Pod", packet: to(80, fromGateway("10.244.1.1", "10.96.0.11")),
			want: lookup + leaves(gw0, podA, 64) + commitService(2, 0, "10.244.1.2:8080") + "pod-a"},
		{name: "host to another Node's Pod", packet: to(80, fromGateway("10.244.1.1", "10.96.0.12")),
			want: lookup + leaves(gw0, macNode, 64) + commitService(2, natGateway, "10.244.2.2:8080") + snat("10.244.1.1") + "tun0 to 192.168.150.103"},
		{name: "host to another Node's Pod by its address", packet: to(8080, fromGateway("10.244.1.1", "10.244.2.2")),
			want: lookup + leaves(gw0, macNode, 64) + commit(2) + snat("10.244.1.1") + "tun0 to 192.168.150.103"},
		{name: "host to another Node's Pod, established", packet: to(8080, fromGateway("10.244.1.1", "10.244.2.2")), ct: "trk,est",
			want: lookup + leaves(gw0, macNode, 64) + snat("10.244.1.1") + "tun0 to 192.168.150.103"},
		{name: "host's reply to another Node's Pod", packet: to(8080, fromGateway("10.244.1.1", "10.244.2.2")), ct: "trk,est,rpl",
			want: lookup + leaves(gw0, macNode, 64) + "tun0 to 192.168.150.103"},
		{name: "host, by its own address, to another Node's Pod", packet: to(80, fromGateway("192.168.150.102", "10.96.0.12")),
			want: lookup + leaves(gw0, macNode, 64) + commitService(2, 0, "10.244.2.2:8080") + "tun0 to 192.168.150.103"},
		{name: "another Node's host to a Pod here", packet: to(8080, fromTunnel("192.168.150.103", macNode, "192.168.150.103", "10.244.1.2", 64)),
			want: lookup + leaves(gw0, podA, 63) + commit(1) + "pod-a"},
		{name: "a Node in the name of another's host", packet: to(8080, fromTunnel("192.168.150.103", macNode, "192.168.150.101", "10.244.1.2", 64)),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "reply to another Node's host", packet: fromPod("10.244.1.2", "192.168.150.103") + ",ct_mark=1", ct: "trk,est,rpl",
			want: lookup + leaves(gw0, macNode, 63) + "tun0 to 192.168.150.103"},
		{name: "Pod to another Node's host", packet: fromPod("10.244.1.2", "192.168.150.103"), want: lookup + leaves(macNode, gw0, 64) + commit(3) + "gw0"},
		{name: "host, by another address of its, to another Node's Pod", packet: to(80, fromGateway("192.168.150.77", "10.96.0.12")),
			want: lookup + leaves(gw0, macNode, 64) + commitService(2, natGateway, "10.244.2.2:8080") + snat("10.244.1.1") + "tun0 to 192.168.150.103"},
		{name: "NodePort from outside to a Pod here keeps the source", packet: to(30083, fromGateway("198.51.100.9", "169.254.0.252")),
			want: lookup + leaves(gw0, podA, 64) + commitService(2, 0, "10.244.1.2:8080") + "pod-a"},
		{name: "NodePort from outside to another Node's Pod", packet: to(30081, fromGateway("198.51.100.9", "169.254.0.252")),
			want: lookup + leaves(gw0, macNode, 64) + commitService(2, natGateway, "10.244.2.2:8080") + snat("10.244.1.1") + "tun0 to 192.168.150.103"},
		{name: "a Pod to itself by NodePort", packet: to(30083, fromGateway("10.244.1.2", "169.254.0.252")),
			want: lookup + leaves(gw0, podA, 64) + commitService(2, natHairpin, "10.244.1.2:8080") + snat("169.254.0.253") + "pod-a"},
		{name: "NodePort is not for what Pods send", packet: to(30083, fromPod("10.244.1.2", "169.254.0.252")),
			want: lookup + leaves(macNode, gw0, 64) + commit(3) + "gw0"},
		{name: "NodePort, Local, from outside", packet: to(30082, fromGateway("198.51.100.9", "169.254.0.252")),
			want: lookup + leaves(gw0, podB, 64) + commitService(2, 0, "10.244.1.3:8080") + "pod-b"},
		{name: "NodePort, Local, from the Node: all endpoints", packet: to(30082, fromGateway("192.168.150.102", "169.254.0.252")),
			want: lookup + "hash(l4(0)),recirc"},
		{name: "load balancer, Local, from a client that it serves", packet: to(80, fromGateway("198.51.100.9", "203.0.113.7")),
			want: lookup + leaves(gw0, podB, 64) + commitService(2, 0, "10.244.1.3:8080") + "pod-b"},
		{name: "load balancer from a client that it does not serve", packet: to(80, fromGateway("192.0.2.9", "203.0.113.7")),
			refuse: refusal{TableServiceLB, FeatureServiceSource}},
		{name: "load balancer from a Pod: all endpoints", packet: to(80, fromPod("10.244.1.2", "203.0.113.7")), want: lookup + "hash(l4(0)),recirc"},
		{name: "load balancer, Local, without endpoint here", packet: to(80, fromGateway("198.51.100.9", "203.0.113.8")),
			refuse: refusal{TableServiceLB, FeatureNoEndpoint}},
		{name: "load balancer without endpoint here from a Pod", packet: to(80, fromPod("10.244.1.2", "203.0.113.8")),
			want: lookup + leaves(gw0, macNode, 63) + commitService(3, 0, "10.244.2.2:8080") + "tun0 to 192.168.150.103"},
		{name: "another Node's packet to a Service is not balanced again", packet: to(80, fromTunnel("192.168.150.103", macNode, "10.244.2.2", "10.96.0.11", 63)),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
		{name: "Pod to Pod", packet: to(8080, fromPod("10.244.1.3", "10.244.1.2")), want: lookup + leaves(gw0, podA, 64) + commit(3) + "pod-a"},
	}},
	{"both families", servingBoth(), []walk{
		{name: "Pod to itself", packet: "in_port=10,tcp6,dl_src=02:aa:0a:f4:01:02,dl_dst=aa:bb:cc:dd:ee:ff,ipv6_src=fd00:a:0:1::2,ipv6_dst=fd00:96::11,nw_ttl=64,tp_dst=80",
			want: lookup + leaves(gw0, podA, 64) + commitService(3, natHairpin, "[fd00:a:0:1::2]:8080") + snat("fc01::aabb:ccdd:eeff") + "pod-a"},
		{name: "Pod to no endpoint", packet: "in_port=10,udp6,dl_src=02:aa:0a:f4:01:02,dl_dst=aa:bb:cc:dd:ee:ff,ipv6_src=fd00:a:0:1::2,ipv6_dst=fd00:96::12,nw_ttl=64,udp_dst=53",
			want: lookup + "set(eth(src=aa:bb:cc:dd:ee:ff,dst=02:bb:00:00:00:01)),gw0"},
		{name: "the host refuses UDP", packet: "in_port=2,icmp6,dl_src=02:bb:00:00:00:01,dl_dst=aa:bb:cc:dd:ee:ff,ipv6_src=fd00:a:0:1::1,ipv6_dst=fd00:a:0:1::2,nw_ttl=64,icmpv6_type=1,icmpv6_code=4",
			want: "set(eth(dst=02:aa:0a:f4:01:02)),pod-a"},
		{name: "host to a Pod", packet: "in_port=2,tcp6,dl_src=02:bb:00:00:00:01,dl_dst=aa:bb:cc:dd:ee:ff,ipv6_src=fd00:a:0:1::1,ipv6_dst=fd00:96::11,nw_ttl=64,tp_dst=80",
			want: lookup + leaves(gw0, podA, 64) + commitService(2, 0, "[fd00:a:0:1::2]:8080") + "pod-a"},
	}},
}

func TestRealServiceWalks(t *testing.T) { runWalks(t, serviceSuites) }
