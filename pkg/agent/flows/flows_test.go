package flows

import (
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

var (
	nodeMAC = openflow.MustParseMAC("02:00:00:00:00:01")
	podMAC  = openflow.MustParseMAC("02:00:00:00:00:02")
)

// node1 is an ordinary Node with one Pod, two peers and two other clusters.
func node1() pipeline.State {
	return pipeline.State{
		Node: pipeline.Node{
			Name: "node1", TunnelPort: 1, GatewayPort: 2, GatewayMAC: nodeMAC, TransportIP: netip.MustParseAddr("192.168.150.102"),
			GatewayIPs: []netip.Addr{netip.MustParseAddr("10.244.1.1")}, PodCIDRs: prefixes("10.244.1.0/24"),
			ClusterPodCIDRs: prefixes("10.244.0.0/20"), SourceNAT: pipeline.SourceNATAuto,
		},
		Pods:  map[string]pipeline.Pod{"web-000001": {Port: 3, MAC: podMAC, IPs: []netip.Addr{netip.MustParseAddr("10.244.1.2")}}},
		Peers: map[string]pipeline.Peer{"master": peer("192.168.150.101", "10.244.0.0/24"), "node2": peer("192.168.150.103", "10.244.2.0/24")},
		Gateways: []pipeline.Gateway{{
			Name: "node2", InternalIP: netip.MustParseAddr("192.168.150.103"), GatewayIP: netip.MustParseAddr("192.168.150.103"),
		}},
		Clusters: map[string]pipeline.Cluster{"west": cluster("10.244.16.0/20", "192.168.200.102"), "east": cluster("10.244.32.0/20", "192.168.210.102")},
		Services: map[string]*pipeline.Service{},
	}
}

func prefixes(ss ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, s := range ss {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

func peer(ip, cidr string) pipeline.Peer {
	return pipeline.Peer{TransportIP: netip.MustParseAddr(ip), PodCIDRs: prefixes(cidr)}
}

func cluster(cidr, gateway string) pipeline.Cluster {
	return pipeline.Cluster{PodCIDRs: prefixes(cidr), Gateways: []pipeline.RemoteGateway{{IP: netip.MustParseAddr(gateway)}}}
}

// service is a Service with a number, and its frontend by that number.
func service(id uint32, endpoints ...string) *pipeline.Service {
	v := &pipeline.Service{ID: id, Protocol: openflow.ProtoTCP, Frontends: []pipeline.Frontend{{
		Address: netip.AddrPortFrom(netip.MustParseAddr("10.96.0.10").Next(), uint16(id)),
	}}}
	for _, e := range endpoints {
		v.Cluster = append(v.Cluster, netip.MustParseAddrPort(e))
	}
	return v
}

// changed is a state after a change, which must not touch the maps of the first.
func changed(s pipeline.State, f func(*pipeline.State)) pipeline.State {
	s.Pods, s.Peers, s.Clusters = maps.Clone(s.Pods), maps.Clone(s.Peers), maps.Clone(s.Clusters)
	s.Services = maps.Clone(s.Services)
	f(&s)
	return s
}

func TestTouched(t *testing.T) {
	tests := []struct {
		name   string
		change func(*pipeline.State)
		want   []string
	}{
		{"nothing", func(*pipeline.State) {}, nil},
		{"new Pod", func(s *pipeline.State) { s.Pods["db-000002"] = pipeline.Pod{Port: 4} }, []string{"pod/db-000002"}},
		{"Pod gone", func(s *pipeline.State) { delete(s.Pods, "web-000001") }, []string{"pod/web-000001"}},
		{"peer moved", func(s *pipeline.State) { s.Peers["node2"] = peer("192.168.150.109", "10.244.2.0/24") }, []string{"peer/node2"}},
		{"new Service", func(s *pipeline.State) { s.Services["default/web"] = service(1, "10.244.1.2:80") }, []string{"service/default/web"}},
		{"cluster gone", func(s *pipeline.State) { delete(s.Clusters, "east") }, []string{"cluster/east"}},
		{"a probe", func(s *pipeline.State) { s.Probes = map[netip.Addr]openflow.Port{s.Gateways[0].InternalIP: 5} },
			[]string{"gateways", "cluster/east", "cluster/west"}},
		{"no gateway", func(s *pipeline.State) { s.Gateways = nil }, []string{"gateways", "cluster/east", "cluster/west"}},
		{"policies of a Pod", func(s *pipeline.State) {
			s.Policies = &pipeline.Policies{Pods: map[string]pipeline.PodPolicy{"web-000001": {}}, Rules: map[string]pipeline.PolicyRule{"1": {ID: 1}}}
		}, []string{"pod-policy/web-000001", "policy-rule/1"}},
		{"the Node itself", func(s *pipeline.State) {
			s.Node.TransportIP = netip.MustParseAddr("192.168.150.110")
			delete(s.Clusters, "east")
		},
			[]string{"node", "gateways", "peer/master", "peer/node2", "pod/web-000001", "cluster/west", "cluster/east"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, o := range touched(node1(), changed(node1(), test.change)) {
				got = append(got, o.String())
			}
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// After any sequence of changes the incremental flows are those that the last state compiles to.
func TestIncrementalEqualsCompile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	changes := []func(*pipeline.State){
		func(s *pipeline.State) {
			s.Pods["db-000002"] = pipeline.Pod{Port: 4, MAC: podMAC, IPs: s.Pods["web-000001"].IPs}
		},
		func(s *pipeline.State) { delete(s.Pods, "web-000001") },
		func(s *pipeline.State) { s.Pods["web-000001"] = node1().Pods["web-000001"] },
		func(s *pipeline.State) { delete(s.Pods, "db-000002") },
		func(s *pipeline.State) { s.Peers["node2"] = peer("192.168.150.101", "10.244.0.0/24") }, // same as master
		func(s *pipeline.State) { s.Peers["node2"] = node1().Peers["node2"] },
		func(s *pipeline.State) { delete(s.Peers, "master") },
		func(s *pipeline.State) { s.Gateways = nil },
		func(s *pipeline.State) {
			s.Gateways = append(slices.Clone(s.Gateways), pipeline.Gateway{Name: "master", InternalIP: netip.MustParseAddr("192.168.150.101")})
		},
		func(s *pipeline.State) {
			s.Probes = map[netip.Addr]openflow.Port{netip.MustParseAddr("192.168.150.101"): openflow.Port(10 + random.IntN(3))}
		},
		func(s *pipeline.State) {
			s.Gateways = []pipeline.Gateway{{Name: "node1", InternalIP: s.Node.TransportIP, GatewayIP: s.Node.TransportIP}}
		},
		func(s *pipeline.State) { s.Clusters["north"] = cluster("10.244.16.0/20", "192.168.200.102") }, // same as west
		func(s *pipeline.State) { delete(s.Clusters, "west") },
		func(s *pipeline.State) { s.Node.SourceNAT = pipeline.SourceNATAlways },
		func(s *pipeline.State) { s.Node.Proxy = pipeline.ProxyAll },
		func(s *pipeline.State) { s.Services["default/web"] = service(1, "10.244.1.2:80", "10.244.2.2:80") },
		func(s *pipeline.State) { s.Services["default/api"] = service(2, "10.244.1.2:80", "10.244.2.2:80") }, // same endpoints
		func(s *pipeline.State) { s.Services["default/web"] = service(1, "10.244.1.2:80", "10.244.2.3:80") },
		func(s *pipeline.State) { delete(s.Services, "default/web") },
		func(s *pipeline.State) { delete(s.Services, "default/api") },
		func(s *pipeline.State) { s.Policies = policiesOf(random.IntN(4)) },
		func(s *pipeline.State) { s.Node.NetworkPolicy = !s.Node.NetworkPolicy },
		func(s *pipeline.State) { *s = node1() },
	}
	w, have, seen := newWanted(), make(map[openflow.FlowKey]openflow.Flow), pipeline.State{}
	haveGroups := make(map[uint32]openflow.Group)
	now := node1()
	for step := range 300 {
		concerned := nothingConcerned()
		for _, owner := range touched(seen, now) {
			w.set(pipeline.CompileOwner(now, owner), concerned)
		}
		for id := range concerned.groups {
			if g, ok := w.groups[id]; ok {
				haveGroups[id] = g.group
			} else {
				delete(haveGroups, id)
			}
		}
		for key := range concerned.flows {
			if f, ok, _ := w.flow(key); ok {
				have[key] = f
			} else {
				delete(have, key)
			}
		}
		all, _ := pipeline.Compile(now)
		if diff := cmp.Diff(openflow.FormatFlows(pipeline.Flows(all)), openflow.FormatFlows(slices.Collect(maps.Values(have)))); diff != "" {
			t.Fatalf("step %d (-compiled +incremental)\n%s", step, diff)
		}
		if diff := cmp.Diff(groupsByID(pipeline.Groups(all)...), haveGroups, cmp.Comparer(openflow.Group.Equal)); diff != "" {
			t.Fatalf("step %d (-compiled +incremental)\n%s", step, diff)
		}
		want, _ := w.all()
		if d := difference(want, contents{have, haveGroups}); d.Len() != 0 {
			t.Fatalf("step %d: %s", step, d)
		}
		seen, now = now, changed(now, changes[random.IntN(len(changes))])
	}
}

// policiesOf are policies with so many addresses.
func policiesOf(n int) *pipeline.Policies {
	place := pipeline.RulePlace{Tier: pipeline.TierNamespaced}
	p := &pipeline.Policies{
		Pods: map[string]pipeline.PodPolicy{
			"web-000001": {Ingress: n > 1, Parts: []pipeline.RulePart{{RulePlace: place, Rule: 7, Clause: 1, Clauses: 3}}}, "db-000002": {Egress: n > 2},
		},
		Addresses: map[string]pipeline.PolicyAddress{},
		Ports: map[string]pipeline.PolicyPorts{"6/80-80": {
			Protocol: 6, First: 80, Last: 80, Parts: []pipeline.RulePart{{RulePlace: place, Rule: 7, Clause: 3, Clauses: 3}},
		}},
		Rules: map[string]pipeline.PolicyRule{"7": {RulePlace: place, ID: 7, Verdict: pipeline.VerdictAccept}},
	}
	for i := range n {
		cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 244, 3, byte(i)}), 32)
		p.Addresses[cidr.String()] = pipeline.PolicyAddress{Prefix: cidr, Parts: []pipeline.RulePart{{RulePlace: place, Rule: 7, Clause: 2, Clauses: 3}}}
	}
	return p
}

func TestDifference(t *testing.T) {
	flow := func(text string) openflow.Flow {
		f, err := openflow.ParseFlow(text)
		if err != nil {
			t.Fatal(err)
		}
		f.Cookie |= pipeline.CookieMagic
		return f
	}
	foreign := flow("table=0, priority=7,ip actions=drop")
	foreign.Cookie = 0
	inTheWay := flow("table=1, priority=1,ip actions=drop")
	inTheWay.Cookie = 0
	want := byKey(flow("table=0, priority=1,ip actions=resubmit(,4)"), flow("table=1, priority=1,ip actions=resubmit(,4)"), flow("table=2, priority=1,arp actions=drop"))
	have := byKey(flow("table=2, priority=1,arp actions=drop"), inTheWay, flow("table=4, priority=1,ip actions=drop"), foreign)

	group := func(number uint32, buckets ...openflow.Bucket) openflow.Group {
		return openflow.Group{ID: number, Type: openflow.GroupSelect, Buckets: buckets}
	}
	ours := pipeline.GroupMagic
	d := difference(
		contents{want, groupsByID(group(ours+1), group(ours+2), group(ours+3, openflow.Bucket{ID: 1}))},
		contents{have, groupsByID(group(7), group(ours+2), group(ours+3), group(ours+4), group(ours+5))})
	if got := d.String(); got != "1 added, 1 modified, 1 deleted, groups: 2 set, 2 deleted" {
		t.Errorf("got %s", got)
	}
	var steps []string
	for _, c := range d.changes() {
		steps = append(steps, c.mod().String())
	}
	wantSteps := []string{
		"group add_or_mod group_id=1627389955,type=select,bucket=bucket_id:1,weight:0,actions=drop",
		"group add_or_mod group_id=1627389953,type=select",
		"add cookie=0x616d000000000000, table=0, priority=1,ip actions=resubmit(,4)",
		"add cookie=0x616d000000000000, table=1, priority=1,ip actions=resubmit(,4)",
		"delete_strict cookie=0x616d000000000000, table=4, priority=1,ip actions=drop",
		"group delete group_id=1627389956",
		"group delete group_id=1627389957",
	}
	if diff := cmp.Diff(wantSteps, steps); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func byKey(flows ...openflow.Flow) map[openflow.FlowKey]openflow.Flow {
	m := make(map[openflow.FlowKey]openflow.Flow)
	for _, f := range flows {
		m[f.Key()] = f
	}
	return m
}

func groupsByID(groups ...openflow.Group) map[uint32]openflow.Group {
	m := make(map[uint32]openflow.Group)
	for _, g := range groups {
		m[g.ID] = g
	}
	return m
}
