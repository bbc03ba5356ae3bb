package policies

import (
	"flag"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policy/policytest"
)

var worlds = flag.Int("worlds", 120, "how many random clusters TestRealTrace traces packets in")

const (
	tunnelPort  = openflow.Port(1)
	gatewayPort = openflow.Port(2)
	firstPort   = openflow.Port(10)
)

var gatewayMAC = openflow.MustParseMAC("02:bb:00:00:00:01")

// node0 is the Node of that name in a random cluster, with its Pods in the order of their names.
func node0(w *policytest.World) pipeline.State {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	s := pipeline.State{
		Node: pipeline.Node{
			Name: "node0", TunnelPort: tunnelPort, GatewayPort: gatewayPort, GatewayMAC: gatewayMAC, TransportIP: addr("192.168.0.1"),
			GatewayIPs: []netip.Addr{addr("10.1.0.1"), addr("fd00::1")}, PodCIDRs: []netip.Prefix{prefix("10.1.0.0/24"), prefix("fd00::/112")},
			ClusterPodCIDRs: []netip.Prefix{prefix("10.1.0.0/16"), prefix("fd00::/64")}, NetworkPolicy: true,
		},
		Pods: make(map[string]pipeline.Pod),
		Peers: map[string]pipeline.Peer{"node1": {
			TransportIP: addr("192.168.0.2"), PodCIDRs: []netip.Prefix{prefix("10.1.1.0/24"), prefix("fd00::1:0/112")},
		}},
	}
	var names []string
	for name, p := range w.Pods {
		if p.Spec.NodeName == "node0" && !p.Spec.HostNetwork {
			names = append(names, name.String())
		}
	}
	slices.Sort(names)
	for i, text := range names {
		namespace, name, _ := strings.Cut(text, "/")
		pod := pipeline.Pod{
			Name: pipeline.PodName{Namespace: namespace, Name: name}, Port: firstPort + openflow.Port(i), MAC: openflow.MAC{2, 0, 0, 0, 0, byte(i)},
		}
		for key, o := range w.Pods {
			if key.String() == text {
				for _, ip := range o.Status.PodIPs {
					pod.IPs = append(pod.IPs, addr(ip.IP))
				}
			}
		}
		s.Pods[text] = pod
	}
	return s
}

// packet is the first packet of a connection as it comes to node0, in the words of ofproto/trace. It is "" if it does not.
func packet(s pipeline.State, c policytest.Connection) (text string, from, to *pipeline.Pod) {
	for _, p := range s.Pods {
		if slices.Contains(p.IPs, c.From) {
			from = &p
		}
		if slices.Contains(p.IPs, c.To) {
			to = &p
		}
	}
	elsewhere := s.Peers["node1"].PodCIDRs
	isElsewhere := func(p netip.Prefix) bool { return p.Contains(c.From) }
	switch {
	case from != nil && from != to:
		text = fmt.Sprintf("in_port=%d,dl_src=%s,dl_dst=%s", from.Port, from.MAC, pipeline.MACNode)
	case to == nil || from != nil:
		return "", nil, nil
	case slices.ContainsFunc(elsewhere, isElsewhere):
		text = fmt.Sprintf("in_port=%d,tun_src=192.168.0.2,dl_src=02:bb:00:00:00:02,dl_dst=%s", tunnelPort, pipeline.MACNode)
	case c.From.Is4() && (c.From == s.Node.GatewayIPs[0] || c.From == s.Node.TransportIP || !netip.MustParsePrefix("10.1.0.0/16").Contains(c.From)):
		text = fmt.Sprintf("in_port=%d,dl_src=%s,dl_dst=%s", gatewayPort, gatewayMAC, pipeline.MACNode)
	default:
		return "", nil, nil // nobody sends from there
	}
	protocol := strings.ToLower(string(c.Protocol))
	if c.From.Is4() {
		return fmt.Sprintf("%s,%s,nw_src=%s,nw_dst=%s,nw_ttl=64,%s_src=40000,%s_dst=%d", text, protocol, c.From, c.To, protocol, protocol, c.Port), from, to
	}
	return fmt.Sprintf("%s,%s6,ipv6_src=%s,ipv6_dst=%s,nw_ttl=64,%s_src=40000,%s_dst=%d", text, protocol, c.From, c.To, protocol, protocol, c.Port), from, to
}

// tracer is a bridge with ports for the Pods of a Node, and without a network.
type tracer struct {
	t      *testing.T
	conn   *ofconn.Conn
	socket string
}

func startTracer(t *testing.T) tracer {
	sw := ovstest.Start(t, ovstest.Config{})
	sw.AddBridge("br-int")
	ports := []openflow.Port{tunnelPort, gatewayPort}
	for i := range 10 {
		ports = append(ports, firstPort+openflow.Port(i))
	}
	var args []string
	for _, p := range ports {
		name := fmt.Sprint("port", p)
		args = append(args, "--", "add-port", "br-int", name, "--", "set", "Interface", name, "type=dummy", fmt.Sprintf("ofport_request=%d", p))
	}
	sw.Vsctl(args...)
	conn, err := ofconn.Dial(t.Context(), sw.OpenFlow("br-int"), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return tracer{t, conn, sw.Ctl}
}

func (tr tracer) load(s pipeline.State) {
	tr.t.Helper()
	all, err := pipeline.Compile(s)
	if err != nil {
		tr.t.Fatal(err)
	}
	mods := []openflow.Mod{openflow.FlowMod{Command: openflow.Delete, Flow: openflow.Flow{Table: openflow.TableAll}}}
	for _, f := range pipeline.Flows(all) {
		mods = append(mods, openflow.FlowMod{Flow: f})
	}
	if err := tr.conn.Bundle(tr.t.Context(), slices.Values(mods)); err != nil {
		tr.t.Fatal(err)
	}
}

var lastHit = regexp.MustCompile(`(?m)^ ?(\d+)\. .*priority \d+(?:, cookie (0x[0-9a-f]+))?$`)

// refused is the feature of the last flow that a packet meets, if it is one that refuses; audited tells which tables have counted it
// for policies in audit mode.
func (tr tracer) refused(packet, ct string) (f pipeline.Feature, refused bool, audited map[openflow.TableID]int, text string) {
	tr.t.Helper()
	text, err := unixctl.Call(tr.t.Context(), tr.socket, "ofproto/trace", "br-int", packet, "--ct-next", ct)
	if err != nil {
		tr.t.Fatalf("%s: %v", packet, err)
	}
	hits := lastHit.FindAllStringSubmatch(text, -1)
	if len(hits) == 0 {
		tr.t.Fatalf("no flow was hit:\n%s", text)
	}
	audited = make(map[openflow.TableID]int)
	for _, hit := range hits {
		cookie, _ := strconv.ParseUint(hit[2], 0, 64)
		if f, _ = pipeline.CookieFeature(cookie); f == pipeline.FeaturePolicyAudit {
			table, _ := strconv.Atoi(hit[1])
			audited[openflow.TableID(table)]++
		}
	}
	return f, f.Refuses(), audited, text
}

// What ovs-vswitchd does with packets in random clusters is what the engine says of them, be they first packets of connections
// or later ones, and so is what it counts for policies in audit mode.
func TestRealTrace(t *testing.T) {
	ovstest.Require(t)
	tr := startTracer(t)
	traced, refusals, audits, names := 0, 0, 0, make(map[string]int)
	for seed := range *worlds {
		w := policytest.New(uint64(seed)+1000, true)
		e := policy.New("node0")
		w.Tell(e)
		told(w, e, false)
		// A connection that there is already goes on while its address counts for that: as if the address still counted for all.
		later := policy.New("node0")
		w.Tell(later)
		told(w, later, true)
		s := node0(w)
		s.Policies = updated(nil, e.Changes())
		s.Policies.Pods = ofPods(e, s.Pods)
		tr.load(s)
		for _, c := range w.Connections() {
			p, from, to := packet(s, c)
			if p == "" {
				continue
			}
			for ct, e := range map[string]*policy.Engine{"trk,new": e, "trk,est": later} {
				v, err := e.Query(policy.Peer{IP: c.From}, policy.Peer{IP: c.To}, protocol(c.Protocol), uint16(c.Port))
				if err != nil {
					t.Fatal(err)
				}
				if v.Egress.Reason == policy.ByRule && from != nil && len(v.Egress.Rules[0].Domains) > 0 {
					names[ct]++
				}
				var want pipeline.Feature
				switch {
				case from != nil && !v.Egress.Allowed:
					want = pipeline.FeatureEgressPolicy
				case to != nil && !v.Ingress.Allowed:
					want = pipeline.FeatureIngressPolicy
				}
				got, refused, audited, text := tr.refused(p, ct)
				traced++
				if refused {
					refusals++
				}
				if refused != (want != 0) && got != pipeline.FeatureNoDestination || want != 0 && got != want {
					t.Fatalf("world %d, %s, %s: the switch has %s, the engine says egress %s, ingress %s\n%s", seed, p, ct, got, v.Egress, v.Ingress, text)
				}
				egress, ingress := audited[pipeline.TableEgressAdmin]+audited[pipeline.TableEgressRule], audited[pipeline.TableIngressAdmin]+audited[pipeline.TableIngressRule]
				audits += egress + ingress
				wantEgress, wantIngress := from != nil && len(v.Egress.Audited) > 0, to != nil && len(v.Ingress.Audited) > 0 && (from == nil || v.Egress.Allowed)
				if got != pipeline.FeatureNoDestination && (egress != count01(wantEgress) || ingress != count01(wantIngress)) {
					t.Fatalf("world %d, %s, %s: audit mode counts %d and %d, the engine says egress %s, ingress %s\n%s", seed, p, ct, egress, ingress, v.Egress, v.Ingress, text)
				}
			}
		}
	}
	t.Logf("%d packets traced, %d of them refused, %d counted for policies in audit mode, %d and %d first and later ones accepted by a domain name, 0 disagreements",
		traced, refusals, audits, names["trk,new"], names["trk,est"])
	if traced < 100 || refusals < traced/20 || audits < traced/50 || names["trk,new"] == 0 || names["trk,est"] <= names["trk,new"] {
		t.Error("the worlds are too dull")
	}
}

// told tells an engine what the Pods of a random cluster know of domain names; what has lapsed may count as if it had not.
func told(w *policytest.World, e *policy.Engine, lapsedToo bool) {
	for pod, all := range w.Told {
		var resolutions []policy.Resolution
		for _, r := range all {
			resolutions = append(resolutions, policy.Resolution{Name: r.Name, Address: r.Address, Lapsed: r.Lapsed && !lapsedToo})
		}
		e.SetResolutions(pod, resolutions)
	}
}

func count01(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func protocol(p corev1.Protocol) policy.Protocol {
	return map[corev1.Protocol]policy.Protocol{corev1.ProtocolTCP: policy.TCP, corev1.ProtocolUDP: policy.UDP, corev1.ProtocolSCTP: policy.SCTP}[p]
}
