package pipeline

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// A walk is a packet and what becomes of it, by ofproto/trace on a real ovs-vswitchd.
type walk struct {
	name   string
	packet string
	ct     string  // the state that the lookups find; trk,new if empty
	want   string  // what the datapath does in each pass, and where the tunnel goes
	refuse refusal // or where and why the packet is dropped
}

type refusal struct {
	table   openflow.TableID
	feature Feature
}

// traceSwitch is a bridge with the ports of a Node and without any network.
type traceSwitch struct {
	*ovstest.Switch
	ports map[string]string // datapath port number to name
}

var datapathPort = regexp.MustCompile(`(?m)^\s+(\S+) \d+/(\d+): `)

func startTraceSwitch(t *testing.T) traceSwitch {
	sw := traceSwitch{ovstest.Start(t, ovstest.Config{}), map[string]string{}}
	sw.AddBridge("br-int")
	var args []string
	for name, port := range map[string]openflow.Port{"tun0": tunnelPort, "gw0": gatewayPort, "pod-a": podAPort, "pod-b": podBPort} {
		args = append(args, "--", "add-port", "br-int", name,
			"--", "set", "Interface", name, "type=dummy", fmt.Sprintf("ofport_request=%d", port))
	}
	sw.Vsctl(args...)
	for _, m := range datapathPort.FindAllStringSubmatch(sw.Appctl("dpif/show"), -1) {
		sw.ports[m[2]] = m[1]
	}
	return sw
}

var (
	datapathActions = regexp.MustCompile(`(?m)^Datapath actions: (.*)$`)
	recirculation   = regexp.MustCompile(`recirc\(0x[0-9a-f]+\)`)
	outputs         = regexp.MustCompile(`(?:^|,)(\d+)$`)
	branchOutputs   = regexp.MustCompile(`,\d+\)`) // of check_pkt_len
	finalFlow       = regexp.MustCompile(`(?m)^Final flow: .*$`)
	headerChanges   = regexp.MustCompile(`set\((?:eth|ipv4|ipv6)\([^)]*\)\),`)
	hit             = regexp.MustCompile(`(?m)^ ?(\d+)\. .*priority \d+(?:, cookie (0x[0-9a-f]+))?$`)
)

// trace returns what the datapath does in each pass, the last flow that was hit, and the whole text.
func (sw traceSwitch) trace(packet, ct string) (done string, last refusal, text string) {
	args := []string{"ofproto/trace", "br-int", packet}
	if ct != "" {
		args = append(args, "--ct-next", ct, "--ct-next", ct)
	}
	text = sw.Appctl(args...)
	var passes []string
	for _, m := range datapathActions.FindAllStringSubmatch(text, -1) {
		pass := recirculation.ReplaceAllString(m[1], "recirc")
		passes = append(passes, branchOutputs.ReplaceAllStringFunc(pass, func(s string) string { return "," + sw.ports[strings.Trim(s, ",)")] + ")" }))
	}
	if n := len(passes); n > 0 {
		passes[n-1] = sw.outcome(packet, passes[n-1], text)
	}
	if hits := hit.FindAllStringSubmatch(text, -1); len(hits) > 0 {
		m := hits[len(hits)-1]
		table, _ := strconv.Atoi(m[1])
		cookie, _ := strconv.ParseUint(m[2], 0, 64)
		feature, _ := CookieFeature(cookie)
		last = refusal{openflow.TableID(table), feature}
	}
	return strings.Join(passes, " | "), last, text
}

// outcome tells ports by name, where the tunnel goes, and which MACs and TTL an IP packet leaves with; the datapath's
// actions only say what changes.
func (sw traceSwitch) outcome(packet, pass, text string) string {
	m := outputs.FindStringSubmatch(pass)
	if m == nil {
		return pass
	}
	finals := finalFlow.FindAllString(text, -1)
	final := func(field string) string {
		_, value, _ := strings.Cut(finals[len(finals)-1], ","+field+"=")
		value, _, _ = strings.Cut(value, ",")
		return value
	}
	port := sw.ports[m[1]]
	pass = strings.TrimSuffix(pass, m[1]) + port
	if port == "tun0" {
		pass += " to " + final("tun_dst")
	}
	if ttl := final("nw_ttl"); strings.Contains(packet, ",tcp") {
		pass = fmt.Sprintf("%s>%s ttl=%s,", final("dl_src"), final("dl_dst"), ttl) + headerChanges.ReplaceAllString(pass, "")
	}
	return pass
}

func (w walk) check(t *testing.T, sw traceSwitch) {
	done, last, text := sw.trace(w.packet, w.ct)
	if w.want == "" {
		if done != "drop" && !strings.HasSuffix(done, " | drop") || last != w.refuse {
			t.Errorf("%q, last in table %s as %s; want a drop in table %s as %s\n%s",
				done, TableName(last.table), last.feature, TableName(w.refuse.table), w.refuse.feature, text)
		}
		return
	}
	if done != w.want {
		t.Errorf("(-want +got)\n-%s\n+%s\n%s", w.want, done, text)
	}
}

// lookup is what the datapath does first for every packet but transit.
const lookup = "ct(zone=65520,nat),recirc | "

// What a gateway that translates does to transit: first, and on the way out.
const (
	lookupTransit = "ct(zone=65522,nat),recirc | "
	translated    = "ct(commit,zone=65522,nat(src=192.168.150.102)),"
)

func commit(class int) string { return fmt.Sprintf("ct(commit,zone=65520,mark=%#x/0xf),", class) }

// checked is what becomes of a packet that is too long for a way of 1300 bytes, and of one that is not.
func checked(longer, other string) string {
	return fmt.Sprintf("check_pkt_len(size=1314,gt(%s),le(%s))", longer, other)
}

// toHost is a packet on its way to the host, which is to say that it is too long.
func toHost(ttl int) string {
	return fmt.Sprintf("set(eth(src=%s,dst=02:bb:00:00:00:01)),set(ipv4(ttl=%d)),gw0", macNode, ttl)
}

// leaves is how a packet leaves.
func leaves(src, dst string, ttl int) string { return fmt.Sprintf("%s>%s ttl=%d,", src, dst, ttl) }

const (
	macNode    = "aa:bb:cc:dd:ee:ff"
	macCluster = "aa:bb:cc:dd:ee:f0"
	macClamp   = "aa:bb:cc:dd:ee:f1"
)

// fromPod is a packet of a local Pod to an address, as Pods send it; Pod a is at port 10, Pod b at 11.
func fromPod(source, destination string) string {
	ip := addr(source)
	port := podAPort + openflow.Port(ip.As4()[3]) - 2
	return fmt.Sprintf("in_port=%d,tcp,dl_src=%s,dl_dst=%s,nw_src=%s,nw_dst=%s,nw_ttl=64", port, podMAC(ip), macNode, source, destination)
}

func fromGateway(source, destination string) string {
	return fmt.Sprintf("in_port=%d,tcp,dl_src=02:bb:00:00:00:01,dl_dst=%s,nw_src=%s,nw_dst=%s,nw_ttl=64", gatewayPort, macNode, source, destination)
}

func fromTunnel(sender, mac, source, destination string, ttl int) string {
	return fmt.Sprintf("in_port=%d,tun_src=%s,tcp,dl_src=02:bb:00:00:00:99,dl_dst=%s,nw_src=%s,nw_dst=%s,nw_ttl=%d",
		tunnelPort, sender, mac, source, destination, ttl)
}

func arpRequest(port openflow.Port, mac, spa, tpa string) string {
	return fmt.Sprintf("in_port=%d,arp,dl_src=%s,dl_dst=ff:ff:ff:ff:ff:ff,arp_op=1,arp_sha=%s,arp_spa=%s,arp_tpa=%s", port, mac, mac, spa, tpa)
}

// walkSuite is the walks that are seen on one Node.
type walkSuite struct {
	name  string
	state State
	walks []walk
}

// walkSuites are the walks of scenario S1 and what must not get through.
var walkSuites = []walkSuite{
	{"cl1-node1", s1(0, 1), []walk{
		{name: "Pod to Pod of the same Node", packet: fromPod("10.244.1.2", "10.244.1.3"),
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:03", 64) + commit(3) + "pod-b"},
		{name: "Pod to another Node", packet: fromPod("10.244.1.2", "10.244.2.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macNode, 63) + commit(3) + "tun0 to 192.168.150.103"},
		{name: "Pod to cluster 2", packet: fromPod("10.244.1.2", "10.244.18.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + commit(3) + "tun0 to 192.168.200.102"},
		{name: "Pod to a Service of cluster 3", packet: fromPod("10.244.1.2", "10.96.32.10"),
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + commit(3) + "tun0 to 192.168.210.102"},
		{name: "established connection commits nothing", packet: fromPod("10.244.1.2", "10.244.18.2"), ct: "trk,est",
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + "tun0 to 192.168.200.102"},
		{name: "reply from cluster 2", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.244.1.2", 62), ct: "trk,est,rpl",
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:02", 61) + "pod-a"},
		{name: "ICMP error from cluster 2", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.244.1.2", 62), ct: "trk,rel",
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:02", 61) + "pod-a"},
		{name: "own Node's Pod in transit to cluster 2", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63),
			want: leaves("02:bb:00:00:00:01", macCluster, 62) + "tun0 to 192.168.200.102"},
		{name: "cluster 2 in transit to own Node", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.244.2.2", 63),
			want: leaves("02:bb:00:00:00:01", macNode, 62) + "tun0 to 192.168.150.103"},
		{name: "translated request of cluster 2 in transit", packet: fromTunnel("192.168.200.102", macCluster, "192.168.200.102", "10.244.2.2", 63),
			want: leaves("02:bb:00:00:00:01", macNode, 62) + "tun0 to 192.168.150.103"},
		{name: "reply in transit to the gateway that translated", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "192.168.200.102", 63),
			want: leaves("02:bb:00:00:00:01", macCluster, 62) + "tun0 to 192.168.200.102"},
		{name: "other Node to local Pod", packet: fromTunnel("192.168.150.103", macNode, "10.244.2.2", "10.244.1.2", 63),
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:02", 62) + commit(1) + "pod-a"},
		{name: "host to local Pod", packet: fromGateway("10.244.1.1", "10.244.1.2"),
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:02", 64) + commit(2) + "pod-a"},
		{name: "host to another Node's Pod", packet: fromGateway("10.244.1.1", "10.244.2.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macNode, 64) + commit(2) + "tun0 to 192.168.150.103"},
		{name: "host to a Pod of cluster 2", packet: fromGateway("10.244.1.1", "10.244.18.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 64) + commit(2) + "tun0 to 192.168.200.102"},
		{name: "Pod to a Service, by the host", packet: fromPod("10.244.1.2", "10.96.0.10"),
			want: lookup + leaves(macNode, "02:bb:00:00:00:01", 64) + commit(3) + "gw0"},
		{name: "Pod's packet to a Service comes back from the host", packet: fromGateway("10.244.1.2", "10.244.2.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macNode, 64) + commit(2) + "tun0 to 192.168.150.103"},
		{name: "reply of a Service from the host", packet: fromGateway("10.96.0.10", "10.244.1.2"), ct: "trk,est,rpl",
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:02", 64) + "pod-a"},
		{name: "Pod to its Node", packet: fromPod("10.244.1.2", "10.244.1.1"),
			want: lookup + leaves(macNode, "02:bb:00:00:00:01", 64) + commit(3) + "gw0"},
		{name: "Pod to the world", packet: fromPod("10.244.1.2", "203.0.113.9"),
			want: lookup + leaves(macNode, "02:bb:00:00:00:01", 64) + commit(3) + "gw0"},
		{name: "another Node's host to ours", packet: fromTunnel("192.168.150.103", macNode, "10.244.2.1", "10.244.1.1", 64),
			want: lookup + leaves(macNode, "02:bb:00:00:00:01", 64) + commit(1) + "gw0"},

		{name: "sender nobody knows", packet: fromTunnel("203.0.113.66", macCluster, "10.244.18.2", "10.244.2.2", 63),
			refuse: refusal{TableClassifier, FeatureTunnelSender}},
		{name: "Node of cluster 2 that is no gateway", packet: fromTunnel("192.168.200.103", macCluster, "10.244.18.2", "10.244.1.2", 63),
			refuse: refusal{TableClassifier, FeatureTunnelSender}},
		{name: "cluster 2 speaks for our Pod", packet: fromTunnel("192.168.200.102", macCluster, "10.244.2.2", "10.244.1.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "cluster 2 speaks for cluster 3", packet: fromTunnel("192.168.200.102", macCluster, "10.244.33.2", "10.244.1.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "cluster 2 speaks for cluster 3's gateway", packet: fromTunnel("192.168.200.102", macCluster, "192.168.210.102", "10.244.1.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "cluster 2 pretends to be one of our Nodes", packet: fromTunnel("192.168.200.102", macNode, "10.244.18.2", "10.244.1.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "our Node speaks for cluster 2", packet: fromTunnel("192.168.150.103", macNode, "10.244.18.2", "10.244.1.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "cluster 2 to cluster 3", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.244.33.2", 63),
			refuse: refusal{TableL3Forwarding, FeatureForeignTransit}},
		{name: "cluster 2 to cluster 3's gateway", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "192.168.210.102", 63),
			refuse: refusal{TableL3Forwarding, FeatureForeignTransit}},
		{name: "cluster 2 to the world", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "203.0.113.9", 63),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
		{name: "cluster 2 to our Services", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.96.0.10", 63),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
		{name: "cluster 2 to the Node itself", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "192.168.150.102", 63),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
		{name: "other Node through us to a third", packet: fromTunnel("192.168.150.103", macNode, "10.244.2.2", "10.244.0.2", 63),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
		{name: "host to what it would get back", packet: fromGateway("10.244.1.1", "203.0.113.9"),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
		{name: "Pod that does not exist, on this Node", packet: fromPod("10.244.1.2", "10.244.1.99"),
			refuse: refusal{TableL3Forwarding, FeatureNoDestination}},
		{name: "Pod that does not exist, on no Node", packet: fromPod("10.244.1.2", "10.244.9.2"),
			refuse: refusal{TableL3Forwarding, FeatureNoDestination}},
		{name: "invalid", packet: fromPod("10.244.1.2", "10.244.1.3"), ct: "trk,inv",
			refuse: refusal{TableConntrackState, FeatureInvalid}},
		{name: "Pod with another's address", packet: strings.Replace(fromPod("10.244.1.2", "10.244.1.3"), "nw_src=10.244.1.2", "nw_src=10.244.1.3", 1),
			refuse: refusal{TableSpoofGuard, FeaturePodIPv4}},
		{name: "Pod with another's MAC", packet: strings.Replace(fromPod("10.244.1.2", "10.244.1.3"), "dl_src=02:aa:0a:f4:01:02", "dl_src=02:aa:0a:f4:01:03", 1),
			refuse: refusal{TableSpoofGuard, FeaturePodMAC}},
		{name: "Pod with another's MAC and address", packet: strings.Replace(fromPod("10.244.1.2", "10.244.1.1"), "in_port=10", "in_port=11", 1),
			refuse: refusal{TableSpoofGuard, FeaturePodMAC}},
		{name: "Pod as a DHCP server", packet: "in_port=10,udp,dl_src=02:aa:0a:f4:01:02,dl_dst=ff:ff:ff:ff:ff:ff,nw_src=10.244.1.2,nw_dst=255.255.255.255,udp_src=67,udp_dst=68",
			refuse: refusal{TableSpoofGuard, FeatureDHCPServer}},
		{name: "Pod as a DHCP server with another's address", packet: "in_port=10,udp,dl_src=02:aa:0a:f4:01:02,dl_dst=02:bb:00:00:00:01,nw_src=10.244.1.1,nw_dst=10.244.1.3,udp_src=67,udp_dst=68",
			refuse: refusal{TableSpoofGuard, FeatureDHCPServer}},
		{name: "frame to a MAC that nobody has goes where its address is", packet: strings.Replace(fromPod("10.244.1.2", "10.244.1.3"), macNode, "02:99:99:99:99:99", 1),
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:03", 64) + commit(3) + "pod-b"},
		{name: "frame to a MAC and an address that nobody has", packet: strings.Replace(fromPod("10.244.1.2", "10.244.1.99"), macNode, "02:99:99:99:99:99", 1),
			refuse: refusal{TableL3Forwarding, FeatureNoDestination}},
		{name: "neither IP nor ARP", packet: "in_port=10,dl_type=0x88cc,dl_src=02:aa:0a:f4:01:02,dl_dst=01:80:c2:00:00:0e",
			refuse: refusal{TableClassifier, FeatureUnclassified}},
		{name: "Node of ours to a MAC that nobody has", packet: fromTunnel("192.168.150.103", "02:aa:0a:f4:01:02", "10.244.2.2", "10.244.1.2", 64),
			refuse: refusal{TableSpoofGuard, FeatureTunnelMAC}},
		{name: "cluster 2 to the MAC of a Pod", packet: fromTunnel("192.168.200.102", "02:aa:0a:f4:01:02", "10.244.18.2", "10.244.1.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelMAC}},
		{name: "later fragment", packet: fromPod("10.244.1.2", "10.244.1.3") + ",nw_frag=later",
			want: lookup + leaves("02:bb:00:00:00:01", "02:aa:0a:f4:01:03", 64) + commit(3) + "pod-b"},
		{name: "later fragment that belongs to nothing", packet: fromPod("10.244.1.2", "10.244.1.3") + ",nw_frag=later", ct: "trk,inv",
			refuse: refusal{TableConntrackState, FeatureInvalid}},
		{name: "IPv6 without IPv6", packet: "in_port=10,tcp6,dl_src=02:aa:0a:f4:01:02,ipv6_src=fd00::1,ipv6_dst=fd00::2",
			refuse: refusal{TableClassifier, FeatureUnclassified}},

		{name: "Pod asks for its gateway", packet: arpRequest(podAPort, "02:aa:0a:f4:01:02", "10.244.1.2", "10.244.1.1"),
			want: "set(eth(src=02:bb:00:00:00:01,dst=02:aa:0a:f4:01:02)),set(arp(sip=10.244.1.1,tip=10.244.1.2,op=2,sha=02:bb:00:00:00:01,tha=02:aa:0a:f4:01:02)),pod-a"},
		{name: "Pod asks for another Pod", packet: arpRequest(podAPort, "02:aa:0a:f4:01:02", "10.244.1.2", "10.244.1.3"),
			want: "set(eth(src=aa:bb:cc:dd:ee:ff,dst=02:aa:0a:f4:01:02)),set(arp(sip=10.244.1.3,tip=10.244.1.2,op=2,sha=aa:bb:cc:dd:ee:ff,tha=02:aa:0a:f4:01:02)),pod-a"},
		{name: "host asks for a Pod", packet: arpRequest(gatewayPort, "02:bb:00:00:00:01", "10.244.1.1", "10.244.1.3"),
			want: "set(eth(src=aa:bb:cc:dd:ee:ff,dst=02:bb:00:00:00:01)),set(arp(sip=10.244.1.3,tip=10.244.1.1,op=2,sha=aa:bb:cc:dd:ee:ff,tha=02:bb:00:00:00:01)),gw0"},
		{name: "gratuitous ARP", packet: arpRequest(podAPort, "02:aa:0a:f4:01:02", "10.244.1.2", "10.244.1.2"),
			refuse: refusal{TableNeighborGuard, FeatureARP}},
		{name: "duplicate address detection", packet: arpRequest(podAPort, "02:aa:0a:f4:01:02", "0.0.0.0", "10.244.1.2"),
			refuse: refusal{TableNeighborGuard, FeatureARP}},
		{name: "gratuitous ARP of the host", packet: arpRequest(gatewayPort, "02:bb:00:00:00:01", "10.244.1.1", "10.244.1.1"),
			refuse: refusal{TableNeighborGuard, FeatureARP}},
		{name: "forged ARP", packet: arpRequest(podAPort, "02:aa:0a:f4:01:02", "10.244.1.1", "10.244.1.3"),
			refuse: refusal{TableNeighborGuard, FeatureARP}},
		{name: "ARP reply nobody asked for", packet: strings.Replace(arpRequest(podAPort, "02:aa:0a:f4:01:02", "10.244.1.2", "10.244.1.3"), "arp_op=1", "arp_op=2", 1),
			refuse: refusal{TableNeighborGuard, FeatureARP}},
		{name: "ARP from the tunnel", packet: "tun_src=192.168.150.103," + arpRequest(tunnelPort, "02:aa:0a:f4:02:02", "10.244.2.2", "10.244.1.2"),
			refuse: refusal{TableNeighborGuard, FeatureTunnelNeighbor}},
	}},
	{"cl1-node2", s1(0, 2), []walk{
		{name: "Pod to cluster 2", packet: fromPod("10.244.2.2", "10.244.18.2"),
			want: lookup + leaves("02:bb:00:00:00:02", macCluster, 63) + commit(3) + "tun0 to 192.168.150.102"},
		{name: "cluster 2 to Pod, by our gateway", packet: fromTunnel("192.168.150.102", macNode, "10.244.18.2", "10.244.2.2", 62),
			want: lookup + leaves("02:bb:00:00:00:02", "02:aa:0a:f4:02:02", 61) + commit(1) + "pod-a"},
		{name: "gateway as an ordinary Node", packet: fromTunnel("192.168.150.102", macNode, "10.244.1.2", "10.244.2.2", 63),
			want: lookup + leaves("02:bb:00:00:00:02", "02:aa:0a:f4:02:02", 62) + commit(1) + "pod-a"},
		{name: "translated request of cluster 2", packet: fromTunnel("192.168.150.102", macNode, "192.168.200.102", "10.244.2.2", 62),
			want: lookup + leaves("02:bb:00:00:00:02", "02:aa:0a:f4:02:02", 61) + commit(1) + "pod-a"},
		{name: "reply to it goes to our gateway", packet: fromPod("10.244.2.2", "192.168.200.102"), ct: "trk,est,rpl",
			want: lookup + leaves("02:bb:00:00:00:02", macCluster, 63) + "tun0 to 192.168.150.102"},
		{name: "a request to that address is the host's", packet: fromPod("10.244.2.2", "192.168.200.102"),
			want: lookup + leaves(macNode, "02:bb:00:00:00:02", 64) + commit(3) + "gw0"},
		{name: "gateway of cluster 2 itself", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.244.2.2", 63),
			refuse: refusal{TableClassifier, FeatureTunnelSender}},
		{name: "on the way to another cluster, by Node", packet: fromTunnel("192.168.150.101", macCluster, "10.244.0.2", "10.244.18.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "from another cluster, by gateway", packet: fromTunnel("192.168.150.102", macCluster, "10.244.18.2", "10.244.2.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "from another cluster, by Node", packet: fromTunnel("192.168.150.101", macNode, "10.244.18.2", "10.244.2.2", 63),
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "cluster 2 through us to cluster 3", packet: fromTunnel("192.168.150.102", macNode, "10.244.18.2", "10.244.33.2", 63),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
	}},
	{"source-nat-always", translating(), []walk{
		{name: "Pod to cluster 2", packet: fromPod("10.244.1.2", "10.244.18.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + commit(3) + "ct(commit,zone=65522,nat(src=192.168.150.102)),tun0 to 192.168.200.102"},
		{name: "Pod's established connection is translated too", packet: fromPod("10.244.1.2", "10.244.18.2"), ct: "trk,est",
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + "ct(commit,zone=65522,nat(src=192.168.150.102)),tun0 to 192.168.200.102"},
		{name: "Pod's reply is not", packet: fromPod("10.244.1.2", "10.244.18.2"), ct: "trk,est,rpl",
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + "tun0 to 192.168.200.102"},
		{name: "host to cluster 2", packet: fromGateway("10.244.1.1", "10.244.18.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 64) + commit(2) + "ct(commit,zone=65522,nat(src=192.168.150.102)),tun0 to 192.168.200.102"},
		{name: "own Node in transit to cluster 2", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63),
			want: "ct(zone=65522,nat),recirc | " + leaves("02:bb:00:00:00:01", macCluster, 62) + "ct(commit,zone=65522,nat(src=192.168.150.102)),tun0 to 192.168.200.102"},
		{name: "own Node's reply in transit", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63), ct: "trk,est,rpl",
			want: "ct(zone=65522,nat),recirc | " + leaves("02:bb:00:00:00:01", macCluster, 62) + "tun0 to 192.168.200.102"},
		{name: "cluster 2 in transit to own Node", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.244.2.2", 63),
			want: "ct(zone=65522,nat),recirc | " + leaves("02:bb:00:00:00:01", macNode, 62) + "ct(commit,zone=65522),tun0 to 192.168.150.103"},
		{name: "reply to a peer that translates as well", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "192.168.200.102", 63), ct: "trk,est,rpl",
			want: "ct(zone=65522,nat),recirc | " + leaves("02:bb:00:00:00:01", macCluster, 62) + "tun0 to 192.168.200.102"},
		{name: "Pod to its own cluster", packet: fromPod("10.244.1.2", "10.244.2.2"),
			want: lookup + leaves("02:bb:00:00:00:01", macNode, 63) + commit(3) + "tun0 to 192.168.150.103"},
		{name: "untrackable transit", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63), ct: "trk,inv",
			refuse: refusal{TableSNAT, FeatureInvalid}},
		{name: "reply to no connection of ours", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "192.168.150.102", 63),
			refuse: refusal{TableL3Forwarding, FeatureNotRouted}},
	}},
	{"narrow-gateway", narrowed(), []walk{
		{name: "Pod asks for a connection", packet: fromPod("10.244.1.2", "10.244.18.2") + ",tcp_flags=syn",
			want: lookup + checked("set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f0)),set(ipv4(ttl=63)),"+commit(3)+"set(eth(src=aa:bb:cc:dd:ee:ff,dst=02:bb:00:00:00:01)),gw0",
				"set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f0)),set(ipv4(ttl=63)),"+commit(3)+"set(eth(dst=aa:bb:cc:dd:ee:f1)),gw0")},
		{name: "Pod answers", packet: fromPod("10.244.1.2", "10.244.18.2") + ",tcp_flags=syn|ack", ct: "trk,est,rpl",
			want: lookup + checked(toHost(63), "set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f1)),set(ipv4(ttl=63)),gw0")},
		{name: "own Node asks, in transit", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63) + ",tcp_flags=syn",
			want: checked(toHost(62), "set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f1)),set(ipv4(ttl=62)),gw0")},
		{name: "it comes back", packet: strings.Replace(fromGateway("10.244.2.2", "10.244.18.2"), macNode, macClamp, 1) + ",tcp_flags=syn",
			want: checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0")},
		{name: "what it says afterwards", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63) + ",tcp_flags=ack",
			want: checked(toHost(62), "set(eth(src=02:bb:00:00:00:01)),set(ipv4(ttl=62)),tun0")},
		{name: "the host asks", packet: fromGateway("10.244.1.1", "10.244.18.2") + ",tcp_flags=syn",
			want: lookup + checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),"+commit(2)+"tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),"+commit(2)+"tun0")},
		{name: "cluster 2 in transit to own Node", packet: fromTunnel("192.168.200.102", macCluster, "10.244.18.2", "10.244.2.2", 63) + ",tcp_flags=syn",
			want: leaves("02:bb:00:00:00:01", macNode, 62) + "tun0 to 192.168.150.103"},
		{name: "the host has cut up what is in transit", packet: fromGateway("10.244.2.2", "10.244.18.2") + ",tcp_flags=ack",
			want: checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0")},
		{name: "the host says that it is too long", packet: strings.Replace(fromGateway("10.244.1.1", "10.244.2.2"), "tcp", "icmp,icmp_type=3,icmp_code=4", 1),
			want: "tun0 to 192.168.150.103"},
		{name: "the host says so to a Pod", packet: strings.Replace(fromGateway("10.244.1.1", "10.244.1.2"), "tcp", "icmp,icmp_type=3,icmp_code=4", 1), ct: "trk,rel",
			want: lookup + "set(eth(dst=02:aa:0a:f4:01:02)),pod-a"},
		{name: "a cluster that takes everything", packet: fromPod("10.244.1.2", "10.244.34.2") + ",tcp_flags=syn",
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + commit(3) + "tun0 to 192.168.210.102"},
	}},
	{"narrow-translator", narrowTranslating(), []walk{
		{name: "Pod asks for a connection", packet: fromPod("10.244.1.2", "10.244.18.2") + ",tcp_flags=syn",
			want: lookup + checked("set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f0)),set(ipv4(ttl=63)),"+commit(3)+"set(eth(src=aa:bb:cc:dd:ee:ff,dst=02:bb:00:00:00:01)),gw0",
				"set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f0)),set(ipv4(ttl=63)),"+commit(3)+"set(eth(dst=aa:bb:cc:dd:ee:f1)),gw0")},
		{name: "Pod answers", packet: fromPod("10.244.1.2", "10.244.18.2") + ",tcp_flags=syn|ack", ct: "trk,est,rpl",
			want: lookup + checked(toHost(63), "set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f1)),set(ipv4(ttl=63)),gw0")},
		{name: "Pod goes on", packet: fromPod("10.244.1.2", "10.244.18.2") + ",tcp_flags=ack", ct: "trk,est",
			want: lookup + checked(toHost(63), "set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f0)),set(ipv4(ttl=63)),"+translated+"tun0")},
		{name: "own Node asks, in transit", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63) + ",tcp_flags=syn",
			want: checked(toHost(62), "set(eth(src=02:bb:00:00:00:01,dst=aa:bb:cc:dd:ee:f1)),set(ipv4(ttl=62)),gw0")},
		{name: "what it asked comes back", packet: strings.Replace(fromGateway("10.244.2.2", "10.244.18.2"), macNode, macClamp, 1) + ",tcp_flags=syn",
			want: lookupTransit + checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),"+translated+"tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),"+translated+"tun0")},
		{name: "what it answered comes back", packet: strings.Replace(fromGateway("10.244.2.2", "10.244.18.2"), macNode, macClamp, 1) + ",tcp_flags=syn|ack", ct: "trk,est,rpl",
			want: lookupTransit + checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0")},
		{name: "what a Pod answered comes back", packet: strings.Replace(fromGateway("10.244.1.2", "10.244.18.2"), macNode, macClamp, 1) + ",tcp_flags=syn|ack", ct: "trk,inv",
			want: lookupTransit + checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),tun0")},
		{name: "own Node goes on, in transit", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63) + ",tcp_flags=ack", ct: "trk,est",
			want: checked(toHost(62), "ct(zone=65522,nat),recirc") + " | " + leaves("02:bb:00:00:00:01", macCluster, 62) + translated + "tun0 to 192.168.200.102"},
		{name: "own Node replies, in transit", packet: fromTunnel("192.168.150.103", macCluster, "10.244.2.2", "10.244.18.2", 63) + ",tcp_flags=ack", ct: "trk,est,rpl",
			want: checked(toHost(62), "ct(zone=65522,nat),recirc") + " | " + leaves("02:bb:00:00:00:01", macCluster, 62) + "tun0 to 192.168.200.102"},
		{name: "the host has cut up what is in transit", packet: strings.Replace(fromGateway("10.244.2.2", "10.244.18.2"), "tcp", "udp", 1), ct: "trk,est",
			want: lookupTransit + checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),"+translated+"tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),"+translated+"tun0")},
		{name: "the host has cut up what a Pod sent", packet: strings.Replace(fromGateway("10.244.1.2", "10.244.18.2"), "tcp", "udp", 1), ct: "trk,est",
			want: lookup + checked("set(eth(dst=aa:bb:cc:dd:ee:f0)),"+translated+"tun0", "set(eth(dst=aa:bb:cc:dd:ee:f0)),"+translated+"tun0")},
		{name: "the host says that it is too long", packet: strings.Replace(fromGateway("10.244.1.1", "10.244.2.2"), "tcp", "icmp,icmp_type=3,icmp_code=4", 1),
			want: "tun0 to 192.168.150.103"},
	}},
	{"dual-stack", dualStack(), []walk{
		{name: "Pod to cluster 2", packet: "in_port=10,tcp6,dl_src=02:aa:0a:f4:01:02,dl_dst=aa:bb:cc:dd:ee:ff,ipv6_src=fd00:a:0:1::2,ipv6_dst=fd00:b:0:12::2,nw_ttl=64",
			want: lookup + leaves("02:bb:00:00:00:01", macCluster, 63) + commit(3) + "tun0 to 192.168.200.102"},
		{name: "cluster 2 in transit", packet: "in_port=1,tun_src=192.168.200.102,tcp6,dl_dst=aa:bb:cc:dd:ee:f0,ipv6_src=fd00:b:0:12::2,ipv6_dst=fd00:a:0:2::2,nw_ttl=63",
			want: leaves("02:bb:00:00:00:01", macNode, 62) + "tun0 to 192.168.150.103"},
		{name: "cluster 2 speaks for us", packet: "in_port=1,tun_src=192.168.200.102,tcp6,dl_dst=aa:bb:cc:dd:ee:f0,ipv6_src=fd00:a:0:2::2,ipv6_dst=fd00:a:0:1::2,nw_ttl=63",
			refuse: refusal{TableSpoofGuard, FeatureTunnelSource}},
		{name: "Pod asks for its gateway", packet: "in_port=10,icmp6,dl_src=02:aa:0a:f4:01:02,icmpv6_type=135,icmpv6_code=0,ipv6_src=fd00:a:0:1::2,nd_target=fd00:a:0:1::1,nd_sll=02:aa:0a:f4:01:02",
			want: "gw0"},
		{name: "Pod asks from its link-local address", packet: "in_port=10,icmp6,dl_src=02:aa:0a:f4:01:02,icmpv6_type=135,icmpv6_code=0,ipv6_src=fe80::aa:aff:fef4:102,nd_target=fd00:a:0:1::3,nd_sll=02:aa:0a:f4:01:02",
			want: "pod-b"},
		{name: "Pod answers", packet: "in_port=11,icmp6,dl_src=02:aa:0a:f4:01:03,dl_dst=02:aa:0a:f4:01:02,icmpv6_type=136,icmpv6_code=0,ipv6_src=fd00:a:0:1::3,nd_target=fd00:a:0:1::3,nd_tll=02:aa:0a:f4:01:03",
			want: "pod-a"},
		{name: "Pod answers for another", packet: "in_port=11,icmp6,dl_src=02:aa:0a:f4:01:03,dl_dst=02:aa:0a:f4:01:02,icmpv6_type=136,icmpv6_code=0,ipv6_src=fd00:a:0:1::1,nd_target=fd00:a:0:1::1,nd_tll=02:aa:0a:f4:01:03",
			refuse: refusal{TableNeighborGuard, FeatureNeighbor}},
		{name: "Pod asks for nobody", packet: "in_port=10,icmp6,dl_src=02:aa:0a:f4:01:02,icmpv6_type=135,icmpv6_code=0,ipv6_src=fd00:a:0:1::2,nd_target=fd00:a:0:1::99,nd_sll=02:aa:0a:f4:01:02",
			refuse: refusal{TableNeighborReply, FeatureUnknownNeighbor}},
		{name: "duplicate address detection", packet: "in_port=10,icmp6,dl_src=02:aa:0a:f4:01:02,icmpv6_type=135,icmpv6_code=0,ipv6_src=::,nd_target=fd00:a:0:1::2",
			refuse: refusal{TableNeighborGuard, FeatureNeighbor}},
		{name: "router advertisement", packet: "in_port=10,icmp6,dl_src=02:aa:0a:f4:01:02,icmpv6_type=134,icmpv6_code=0,ipv6_src=fe80::aa:aff:fef4:102,ipv6_dst=ff02::1",
			refuse: refusal{TableNeighborGuard, FeatureRouter}},
		{name: "redirect", packet: "in_port=10,icmp6,dl_src=02:aa:0a:f4:01:02,icmpv6_type=137,icmpv6_code=0,ipv6_src=fe80::aa:aff:fef4:102,ipv6_dst=fd00:a:0:1::3",
			refuse: refusal{TableNeighborGuard, FeatureRouter}},
		{name: "router solicitation", packet: "in_port=10,icmp6,dl_src=02:aa:0a:f4:01:02,icmpv6_type=133,icmpv6_code=0,ipv6_src=fe80::aa:aff:fef4:102,ipv6_dst=ff02::2",
			refuse: refusal{TableNeighborGuard, FeatureRouterSolicitation}},
		{name: "Pod with another's IPv6 address", packet: "in_port=10,tcp6,dl_src=02:aa:0a:f4:01:02,dl_dst=aa:bb:cc:dd:ee:ff,ipv6_src=fd00:a:0:1::3,ipv6_dst=fd00:b:0:12::2",
			refuse: refusal{TableSpoofGuard, FeaturePodIPv6}},
		{name: "Pod with another's MAC", packet: "in_port=10,tcp6,dl_src=02:aa:0a:f4:01:03,dl_dst=aa:bb:cc:dd:ee:ff,ipv6_src=fd00:a:0:1::2,ipv6_dst=fd00:b:0:12::2",
			refuse: refusal{TableSpoofGuard, FeaturePodMAC}},
		{name: "Pod as a DHCP server", packet: "in_port=10,udp6,dl_src=02:aa:0a:f4:01:02,ipv6_src=fd00:a:0:1::2,ipv6_dst=fd00:a:0:1::3,udp_src=547,udp_dst=546",
			refuse: refusal{TableSpoofGuard, FeatureDHCPServer}},
		{name: "neighbor solicitation from the tunnel", packet: "in_port=1,tun_src=192.168.200.102,icmp6,icmpv6_type=135,icmpv6_code=0,ipv6_src=fd00:b:0:12::2,nd_target=fd00:a:0:1::2",
			refuse: refusal{TableNeighborGuard, FeatureTunnelNeighbor}},
	}},
	{"empty", State{}, []walk{
		{name: "anything", packet: "in_port=10,tcp", refuse: refusal{TableClassifier, FeatureUnclassified}},
	}},
}

func TestRealWalks(t *testing.T) { runWalks(t, walkSuites) }

func runWalks(t *testing.T, suites []walkSuite) {
	t.Helper()
	sw := startTraceSwitch(t)
	for _, suite := range suites {
		t.Run(suite.name, func(t *testing.T) {
			load(t, sw.Switch, compile(t, suite.state))
			for _, w := range suite.walks {
				t.Run(w.name, func(t *testing.T) { w.check(t, sw) })
			}
		})
	}
}
