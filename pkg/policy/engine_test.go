package policy

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/policy/policytest"
)

// The engine decides as the slow twin does, whatever happens in whichever order, and what it has in the end does not
// depend on what was before.
func TestAgainstSlowTwin(t *testing.T) {
	asked, denied, accepted, audited, named := 0, 0, 0, 0, 0
	for seed := range uint64(40) {
		w := policytest.New(seed, true)
		e := New("")
		w.Tell(e)
		tellNames(w, e)
		for step := range 6 {
			for _, c := range w.Connections() {
				v, err := e.Query(Peer{IP: c.From}, Peer{IP: c.To}, protocols[c.Protocol], uint16(c.Port))
				if err != nil {
					t.Fatal(err)
				}
				egress, ingress := slow{world: w}.answers(c)
				if answerOf(v.Egress) != egress || answerOf(v.Ingress) != ingress {
					t.Fatalf("world %d step %d: %v: engine: egress %s, ingress %s; slow twin: egress %+v, ingress %+v", seed, step, c,
						v.Egress, v.Ingress, egress, ingress)
				}
				asked++
				if v.Egress.Reason == ByRule && len(v.Egress.Rules[0].Domains) > 0 {
					named++
				}
				if egress.audited || ingress.audited {
					audited++
				}
				if !v.Allowed() {
					denied++
				} else if v.Egress.Reason == ByRule || v.Ingress.Reason == ByRule {
					accepted++
				}
			}
			w.Change(e)
			tellNames(w, e)
		}
		sameAsFresh(t, w, e, "")
	}
	t.Logf("%d connections: %d denied, %d accepted by a rule, %d of a domain name, %d that policies in audit mode would deny; 0 disagreements",
		asked, denied, accepted, named, audited)
	if asked < 10000 || denied < asked/10 || accepted < asked/20 || audited < asked/40 || named < asked/500 {
		t.Error("the worlds are too dull")
	}
}

// tellNames tells an engine what Pods know of domain names now.
func tellNames(w *policytest.World, e *Engine) {
	pods := maps.Clone(e.resolutions)
	for pod := range w.Told {
		pods[pod] = nil
	}
	for pod := range pods {
		var all []Resolution
		for _, t := range w.Told[pod] {
			all = append(all, Resolution{t.Name, t.Address, t.Lapsed})
		}
		e.SetResolutions(pod, all)
	}
}

func answerOf(d Decision) answer { return answer{d.Allowed, len(d.Audited) > 0} }

// An engine for one Node has in its index what a fresh one would have, and tells every change.
func TestIncremental(t *testing.T) {
	for seed := range uint64(40) {
		w := policytest.New(seed, true)
		e, seen := New("node0"), newSeen()
		w.Tell(e)
		for range 20 {
			w.Change(e)
			tellNames(w, e)
			seen.apply(e.Changes())
		}
		sameAsFresh(t, w, e, "node0")
		want := newSeen()
		fresh := New("node0")
		tellNames(w, fresh)
		w.Tell(fresh)
		want.apply(fresh.Changes())
		if diff := cmp.Diff(want, seen, cmp.AllowUnexported(seenIndex{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Fatalf("world %d: what the changes add up to (-fresh +seen):\n%s", seed, diff)
		}
	}
}

// seenIndex is what somebody has who only hears of changes.
type seenIndex struct {
	refs  map[string][]Ref
	rules map[uint32]Rule
}

func newSeen() seenIndex { return seenIndex{make(map[string][]Ref), make(map[uint32]Rule)} }

func (s seenIndex) apply(c Changes) {
	put := func(name any, refs []Ref) {
		if refs == nil {
			delete(s.refs, fmt.Sprint(name))
			return
		}
		s.refs[fmt.Sprint(name)] = refs
	}
	for k, refs := range c.Pods {
		put(k, refs)
	}
	for k, refs := range c.Addresses {
		put(k, refs)
	}
	for k, refs := range c.Ports {
		put(k, refs)
	}
	for id, r := range c.Rules {
		delete(s.rules, id)
		if r != nil {
			s.rules[id] = *r
		}
	}
}

func sameAsFresh(t *testing.T, w *policytest.World, e *Engine, node string) {
	t.Helper()
	fresh := New(node)
	tellNames(w, fresh)
	w.Tell(fresh)
	keys := func(e *Engine) map[key]map[Ref]int { return e.index.entries }
	if diff := cmp.Diff(keys(fresh), keys(e), cmp.AllowUnexported(key{}), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Fatalf("the index depends on the past (-fresh +incremental):\n%s", diff)
	}
	if !maps.Equal(fresh.ids, e.ids) || len(fresh.groups) != len(e.groups) || len(fresh.index.rules) != len(e.index.rules) {
		t.Fatalf("left over: %d ids of %d, %d groups of %d, %d rules of %d", len(e.ids), len(fresh.ids), len(e.groups), len(fresh.groups),
			len(e.index.rules), len(fresh.index.rules))
	}
}

// A change of a Pod's labels touches what it is part of and nothing else.
func TestChangesAreSmall(t *testing.T) {
	e := New("node0")
	e.SetNamespace(Namespace{Name: "default"})
	for i := range 50 {
		e.SetPod(Pod{
			NamespacedName: types.NamespacedName{Namespace: "default", Name: fmt.Sprint("pod", i)}, Node: fmt.Sprint("node", i%2),
			Labels: map[string]string{"app": fmt.Sprint(i % 5)}, IPs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})},
		})
	}
	for i := range 5 {
		fine(t, e.SetNetworkPolicy(parse(t, fmt.Sprintf(`{metadata: {namespace: default, name: p%d}, spec: {podSelector: {}, policyTypes: [Ingress],
			ingress: [{from: [{podSelector: {matchLabels: {app: "%d"}}}], ports: [{port: 80}]}]}}`, i, i))))
	}
	if n := e.Changes().Len(); n != 25+50+1+5 {
		t.Errorf("at first %d changes, want 25 local Pods, 50 addresses, one port and 5 rules", n)
	}
	p, _ := e.Pod(types.NamespacedName{Namespace: "default", Name: "pod7"})
	p.Labels = map[string]string{"app": "1"}
	e.SetPod(p)
	c := e.Changes()
	if len(c.Addresses) != 1 || c.Len() != 1 {
		t.Errorf("new labels of a Pod elsewhere: %+v, want one address", c)
	}
	if len(e.groups) != 6 {
		t.Errorf("%d groups, want one for all Pods and one for each app", len(e.groups))
	}
}

func parse(t *testing.T, text string) *networkingv1.NetworkPolicy {
	t.Helper()
	var np networkingv1.NetworkPolicy
	if err := yaml.UnmarshalStrict([]byte(text), &np); err != nil {
		t.Fatal(err)
	}
	return &np
}

func TestProblems(t *testing.T) {
	e := New("")
	err := e.SetNetworkPolicy(parse(t, `{metadata: {namespace: default, name: bad}, spec: {podSelector: {}, policyTypes: [Ingress], ingress: [
		{from: [{ipBlock: {cidr: 10.0.0.0}}, {}]}, {ports: [{port: 80, endPort: 70}, {port: 80, protocol: ICMP}]}]}}`))
	want := `NetworkPolicy default/bad: spec.ingress[0] peer 0: ipBlock.cidr: netip.ParsePrefix("10.0.0.0"): no '/'
NetworkPolicy default/bad: spec.ingress[0] peer 1: it has neither ipBlock nor a selector: it is taken for nobody
NetworkPolicy default/bad: spec.ingress[1].ports[0]: ports 80 to 70 are no range between 1 and 65535
NetworkPolicy default/bad: spec.ingress[1].ports[1]: protocol "ICMP" is none of TCP, UDP and SCTP`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	e.SetNamespace(Namespace{Name: "default"})
	pod, _ := PodOf(&corev1.Pod{})
	pod.NamespacedName, pod.IPs = types.NamespacedName{Namespace: "default", Name: "web"}, []netip.Addr{netip.MustParseAddr("10.0.0.1")}
	e.SetPod(pod)
	v, err := e.Query(Peer{IP: netip.MustParseAddr("10.0.0.2")}, Peer{Pod: pod.NamespacedName}, TCP, 80)
	if err != nil || v.Allowed() || v.Ingress.Reason != Isolated {
		t.Errorf("what is not understood must allow nothing: %+v, %v", v, err)
	}
}

func fine(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
