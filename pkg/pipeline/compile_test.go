package pipeline

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

var update = flag.Bool("update", false, "rewrite testdata/*.flows")

var goldenStates = map[string]func() State{
	"empty":             func() State { return State{} },
	"one-cluster":       alone,
	"s1-cl1-node1":      func() State { return s1(0, 1) },
	"s1-cl1-node2":      func() State { return s1(0, 2) },
	"policies":          guarded,
	"source-nat-always": translating,
	"hybrid-node":       func() State { return withoutTunnels(s1(0, 2), Hybrid) },
	"no-encap-gateway":  func() State { return withoutTunnels(s1(0, 1), NoEncap) },
	"dual-stack":        dualStack,
	"several-ordinary":  func() State { return several(0, 0) },
	"several-gateway":   func() State { return several(0, 1) },
	"several-alone":     func() State { return several(2, 1) },
	"several-nat-node":  severalTranslating,
	"several-nat-gw":    severalTranslators,
	"services":          serving,
	"services-both":     servingBoth,
	"narrow-gateway":    narrowed,
	"narrow-translator": narrowTranslating,
	"segment":           segmented,
	"two-segments":      twoSegments,
}

// compile fails the test where Compile reports a problem.
func compile(t testing.TB, s State) []Owned {
	t.Helper()
	all, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGolden(t *testing.T) {
	for name, state := range goldenStates {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for _, owned := range compile(t, state()) {
				if len(owned.Flows) > 0 {
					fmt.Fprintf(&b, "# %s\n%s", owned.Owner, openflow.FormatFlows(owned.Flows))
				}
				for _, g := range owned.Groups {
					fmt.Fprintf(&b, "%s\n", g)
				}
			}
			file := filepath.Join("testdata", name+".flows")
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := lineDiff(string(want), b.String()); diff != "" {
				t.Errorf("%s (-want +got), -update accepts:\n%s", file, diff)
			}
		})
	}
}

// lineDiff lists the lines that only one of the texts has.
func lineDiff(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for _, line := range w {
		if !slices.Contains(g, line) {
			b.WriteString("-" + line + "\n")
		}
	}
	for _, line := range g {
		if !slices.Contains(w, line) {
			b.WriteString("+" + line + "\n")
		}
	}
	if b.Len() == 0 && want != got {
		return "same lines in another order\n"
	}
	return b.String()
}

func TestCentralFlow(t *testing.T) {
	dump := openflow.FormatFlows(Flows(compile(t, s1(0, 1))))
	for _, want := range []string{
		"priority=200,ip,nw_dst=10.244.16.0/20 actions=mod_dl_src:02:bb:00:00:00:01,mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0xc0a8c866->NXM_NX_TUN_IPV4_DST[],load:0x1->NXM_NX_REG0[4..7],resubmit(,18)",
		"priority=200,ip,nw_dst=10.244.32.0/20 actions=mod_dl_src:02:bb:00:00:00:01,mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0xc0a8d266->NXM_NX_TUN_IPV4_DST[],load:0x1->NXM_NX_REG0[4..7],resubmit(,18)",
	} {
		if !strings.Contains(dump, want) {
			t.Errorf("no flow %q in\n%s", want, dump)
		}
	}
	ordinary := openflow.FormatFlows(Flows(compile(t, s1(0, 2))))
	want := "priority=200,ip,nw_dst=10.244.16.0/20 actions=mod_dl_src:02:bb:00:00:00:02,mod_dl_dst:aa:bb:cc:dd:ee:f0,load:0xc0a89666->NXM_NX_TUN_IPV4_DST[],load:0x1->NXM_NX_REG0[4..7],resubmit(,18)"
	if !strings.Contains(ordinary, want) {
		t.Errorf("no flow %q in\n%s", want, ordinary)
	}
}

func TestEmptyStateForwardsNothing(t *testing.T) {
	for _, f := range Flows(compile(t, State{})) {
		if f.Table == TableClassifier && !f.Actions.IsDrop() {
			t.Errorf("flow forwards: %s", f)
		}
	}
}

func TestCompileIsPure(t *testing.T) {
	for name, state := range goldenStates {
		t.Run(name, func(t *testing.T) {
			want := Flows(compile(t, state()))
			for range 20 {
				s := state()
				s.Pods, s.Peers, s.Clusters = shuffled(s.Pods), shuffled(s.Peers), shuffled(s.Clusters)
				if got := Flows(compile(t, s)); !slices.Equal(got, want) {
					t.Fatalf("same state, other flows:\n%s", lineDiff(openflow.FormatFlows(want), openflow.FormatFlows(got)))
				}
			}
		})
	}
}

// shuffled is a copy of m filled in random order.
func shuffled[V any](m map[string]V) map[string]V {
	keys := slices.Sorted(maps.Keys(m))
	rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	c := make(map[string]V)
	for _, k := range keys {
		c[k] = m[k]
	}
	return c
}

func TestThirdClusterLeaves(t *testing.T) {
	for name, state := range goldenStates {
		t.Run(name, func(t *testing.T) {
			s := state()
			before := compile(t, s)
			delete(s.Clusters, "demo-cluster-member3")
			after := compile(t, s)
			stays := Flows(after)
			for _, owned := range before {
				if owned.Owner == (Owner{KindCluster, "demo-cluster-member3"}) {
					continue
				}
				for _, f := range owned.Flows {
					if !slices.Contains(stays, f) {
						t.Errorf("%s lost %s", owned.Owner, f)
					}
				}
			}
		})
	}
}

var resubmits = regexp.MustCompile(`resubmit\(,(\d+)\)|table=(\d+)`)

// learned is a flow made for later packets: this one does not go there.
var learned = regexp.MustCompile(`learn\([^)]*\)`)

func TestPacketsOnlyGoForward(t *testing.T) {
	for name, state := range goldenStates {
		t.Run(name, func(t *testing.T) {
			for _, f := range Flows(compile(t, state())) {
				_, actions, ok := strings.Cut(f.String(), "actions=")
				if !ok {
					t.Fatalf("no actions in %q", f)
				}
				actions = learned.ReplaceAllString(actions, "")
				for _, m := range resubmits.FindAllStringSubmatch(actions, -1) {
					to, _ := strconv.Atoi(m[1] + m[2])
					again := f.Table == TableConntrackZone && openflow.TableID(to) == TableConntrackZone &&
						strings.Contains(f.String(), "ct_state=-trk") ||
						f.Table == TableOutput && openflow.TableID(to) == TableOutput &&
							strings.Contains(f.String(), "/0x1800 ") && strings.Contains(actions, "load:0->NXM_NX_REG0[11..12]") ||
						f.Table == openflow.TableID(to) && strings.Contains(actions, "load:0x1->NXM_NX_REG0[22]") ||
						f.Table == openflow.TableID(to) && strings.Contains(actions, "load:0x1->NXM_NX_REG0[23]") ||
						f.Table == openflow.TableID(to) && strings.Contains(f.String(), "/0x40000") && strings.Contains(actions, "load:0x1->NXM_NX_REG0[26]")
					if openflow.TableID(to) <= f.Table && !again {
						t.Errorf("goes back to table %d: %s", to, f)
					}
					if _, ok := tableNames[openflow.TableID(to)]; !ok {
						t.Errorf("goes to table %d, which does not exist: %s", to, f)
					}
				}
			}
		})
	}
}

func TestEveryTableHasAMiss(t *testing.T) {
	for name, state := range goldenStates {
		t.Run(name, func(t *testing.T) {
			misses := map[openflow.TableID]bool{}
			for _, f := range Flows(compile(t, state())) {
				if f.Priority == 0 && f.Match.IsZero() {
					misses[f.Table] = true
				}
				if _, ok := tableNames[f.Table]; !ok {
					t.Errorf("in a table without name: %s", f)
				}
			}
			for _, id := range Tables() {
				if !misses[id] {
					t.Errorf("table %s has no miss flow", TableName(id))
				}
			}
		})
	}
}

// Two flows of one table and priority that may match the same packet leave it to the switch which one does. Parts of conjunctions are
// made to be matched together.
func TestNoAmbiguousFlows(t *testing.T) {
	for name, state := range goldenStates {
		t.Run(name, func(t *testing.T) {
			flows := Flows(compile(t, state()))
			for i, f := range flows {
				for _, g := range flows[i+1:] {
					if f.Table != g.Table || f.Priority != g.Priority {
						break
					}
					if f.Actions != g.Actions && !isPart(f) && !isPart(g) && mayBothMatch(f.Match, g.Match) {
						t.Errorf("may both match:\n%s\n%s", f, g)
					}
				}
			}
		})
	}
}

func isPart(f openflow.Flow) bool { return strings.Contains(f.String(), "actions=conjunction(") }

// mayBothMatch reports whether no field keeps m and n apart.
func mayBothMatch(m, n openflow.Match) bool {
	others := map[openflow.FieldID]openflow.Field{}
	for f := range n.Fields() {
		others[f.ID] = f
	}
	for f := range m.Fields() {
		g, ok := others[f.ID]
		if !ok {
			continue
		}
		for i := range f.Value {
			if (f.Value[i]^g.Value[i])&maskByte(f, i)&maskByte(g, i) != 0 {
				return false
			}
		}
	}
	return true
}

func maskByte(f openflow.Field, i int) byte {
	if f.Mask == nil {
		return 0xff
	}
	return f.Mask[i]
}

func TestCookies(t *testing.T) {
	for _, owned := range compile(t, s1(0, 1)) {
		for _, f := range owned.Flows {
			feature, ok := CookieFeature(f.Cookie)
			if !ok || featureNames[feature] == "" {
				t.Errorf("%s: cookie %#x has no feature of ours", f, f.Cookie)
			}
			if feature.Refuses() != f.Actions.IsDrop() && f.Table != TableSessionAffinity {
				t.Errorf("%s: counted as %s", f, feature)
			}
			if got := f.Cookie & cookieOwnerMask; got != owned.Owner.hash() {
				t.Errorf("%s: cookie names owner %#x, not %s", f, got, owned.Owner)
			}
		}
	}
}

func TestCompileOwnerOfNobody(t *testing.T) {
	for _, o := range []Owner{{}, {KindPod, "gone"}, {KindPeer, "gone"}, {KindCluster, "gone"}} {
		if owned := CompileOwner(s1(0, 1), o); len(owned.Flows)+len(owned.Groups) > 0 {
			t.Errorf("%q has flows: %v", o, owned)
		}
	}
}

func TestSharedFlow(t *testing.T) {
	s := s1(0, 2) // on an ordinary Node both clusters are behind the same gateway
	twin := s.Clusters["demo-cluster-member2"]
	s.Clusters["twin"] = twin
	all := compile(t, s)
	var member2, other []openflow.Flow
	for _, owned := range all {
		switch owned.Owner.Name {
		case "demo-cluster-member2":
			member2 = owned.Flows
		case "twin":
			other = owned.Flows
		}
	}
	if len(member2) == 0 || !slices.Equal(member2, other) {
		t.Fatalf("flows of the twins differ:\n%s", lineDiff(openflow.FormatFlows(member2), openflow.FormatFlows(other)))
	}
	for _, f := range member2 {
		if f.Cookie&cookieOwnerMask != 0 {
			t.Errorf("%s: the cookie of a shared flow names an owner", f)
		}
	}
}

func TestConflict(t *testing.T) {
	s := s1(0, 2)
	p := s.Pods["pod-b"]
	p.IPs = s.Pods["pod-a"].IPs
	s.Pods["pod-b"] = p
	all, err := Compile(s)
	var conflict *Conflict
	if !errors.As(err, &conflict) {
		t.Fatalf("two Pods with one address: error %v", err)
	}
	if conflict.Winner != (Owner{KindPod, "pod-a"}) || conflict.Loser != (Owner{KindPod, "pod-b"}) {
		t.Errorf("%s won against %s", conflict.Winner, conflict.Loser)
	}
	count := 0
	for _, owned := range all {
		for _, f := range owned.Flows {
			if f.Key() == conflict.Kept.Key() {
				count++
			}
		}
	}
	if count != 1 {
		t.Errorf("the contested flow is there %d times", count)
	}
}

func TestOverlap(t *testing.T) {
	tests := map[string]netip.Prefix{
		"our Pods":     prefix("10.244.1.0/24"),
		"our Services": prefix("10.96.0.0/16"),
		"our Node":     netip.PrefixFrom(s1(0, 1).Node.TransportIP, 32),
		"our gateway":  netip.PrefixFrom(s1(0, 1).Gateways[0].InternalIP, 25).Masked(),
		"everything":   prefix("0.0.0.0/0"),
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			s := s1(0, 1)
			want := Flows(compile(t, s))
			c := s.Clusters["demo-cluster-member2"]
			c.PodCIDRs = append(c.PodCIDRs, p)
			s.Clusters["demo-cluster-member2"] = c
			all, err := Compile(s)
			var overlap *Overlap
			if !errors.As(err, &overlap) || overlap.Range != p || overlap.Cluster != "demo-cluster-member2" {
				t.Errorf("error %v", err)
			}
			if got := Flows(all); !slices.Equal(got, want) {
				t.Errorf("the range is forwarded:\n%s", lineDiff(openflow.FormatFlows(want), openflow.FormatFlows(got)))
			}
		})
	}
}

func TestWithoutGatewayNothingLeaves(t *testing.T) {
	tests := map[string]func(*State){
		"none here":                func(s *State) { s.Gateways = nil },
		"none there":               func(s *State) { s.Node.Name = s.Gateways[0].Name; s.Clusters = withoutGateways(s.Clusters) },
		"only of the other family": func(s *State) { s.Gateways[0].InternalIP = addr("fd00::1") },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			s := s1(0, 2)
			change(&s)
			for _, f := range Flows(compile(t, s)) {
				if f.Table == TableL3Forwarding && f.Match == (openflow.Match{}).IPDst(prefix("10.244.16.0/20")) && !f.Actions.IsDrop() {
					t.Errorf("forwards: %s", f)
				}
			}
		})
	}
}

func withoutGateways(clusters map[string]Cluster) map[string]Cluster {
	for id, c := range clusters {
		c.Gateways = nil
		clusters[id] = c
	}
	return clusters
}

func BenchmarkCompile(b *testing.B) {
	s := large(1000, 100, 10)
	b.Run("pods=1000/peers=100/clusters=10", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n = len(Flows(compile(b, s)))
		}
		b.ReportMetric(float64(n), "flows")
	})
	b.Run("owner=pod", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			CompileOwner(s, Owner{KindPod, "pod-500"})
		}
	})
}

// large is a gateway with many neighbors.
func large(pods, peers, clusters int) State {
	s := s1(0, 1)
	s.Pods, s.Peers, s.Clusters = map[string]Pod{}, map[string]Peer{}, map[string]Cluster{}
	s.Node.PodCIDRs = []netip.Prefix{prefix("10.0.0.0/16")}
	s.Node.ClusterPodCIDRs = []netip.Prefix{prefix("10.0.0.0/9")}
	for i := range pods {
		ip := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		s.Pods[fmt.Sprintf("pod-%d", i)] = Pod{Port: openflow.Port(10 + i), MAC: podMAC(ip), IPs: []netip.Addr{ip}}
	}
	for i := range peers {
		s.Peers[fmt.Sprintf("node-%d", i)] = Peer{
			TransportIP: netip.AddrFrom4([4]byte{192, 168, 0, byte(i + 1)}),
			PodCIDRs:    []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i), 0}), 24)},
		}
	}
	for i := range clusters {
		s.Clusters[fmt.Sprintf("cluster-%d", i)] = Cluster{
			PodCIDRs:     []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{11, byte(i), 0, 0}), 16)},
			ServiceCIDRs: []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{12, byte(i), 0, 0}), 16)},
			Gateways: []RemoteGateway{
				{IP: netip.AddrFrom4([4]byte{172, 16, 0, byte(i + 1)})}, {IP: netip.AddrFrom4([4]byte{172, 16, 1, byte(i + 1)})},
			},
		}
	}
	return s
}
