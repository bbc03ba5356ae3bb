package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/policy/policytest"
)

// client is a Node that keeps the objects that a Distributor sends it, and an engine that knows no others.
type client struct {
	engine  *Engine
	have    map[Key]Object
	version uint64
}

func newClient(node string) *client { return &client{engine: New(node), have: make(map[Key]Object)} }

// apply takes a batch as it comes over a wire.
func (c *client) apply(t *testing.T, sent Batch) {
	t.Helper()
	text, err := json.Marshal(sent)
	fine(t, err)
	var b Batch
	fine(t, json.Unmarshal(text, &b))
	gone := b.Gone
	if b.Whole {
		gone = b.Missing(maps.Keys(c.have))
	}
	for _, o := range b.Objects {
		c.have[o.Key()] = o
		_ = c.engine.Tell(o) // what is not understood is not understood of whole clusters either
	}
	for _, k := range gone {
		delete(c.have, k)
		c.engine.Forget(k)
	}
	c.version = b.Version
}

// both are told of the same.
type both []policytest.Follower

func (all both) Set(object any) (err error) {
	for _, f := range all {
		err = f.Set(object)
	}
	return err
}

func (all both) Delete(object any) {
	for _, f := range all {
		f.Delete(object)
	}
}

// Engines of Nodes that only hear what a Distributor sends them have the rules of engines that know the whole cluster, however
// often they were away; and they do not hear of everything.
func TestDistributor(t *testing.T) {
	all, sent, wholes, resumed := 0, 0, 0, 0
	for seed := range uint64(50) {
		w := policytest.New(seed+5000, true)
		r := rand.New(rand.NewPCG(seed, 3))
		d := NewDistributor()
		w.Tell(d)
		nodes := map[string]*client{"node0": newClient("node0"), "node1": newClient("node1")}
		know := map[string]*Engine{"node0": New("node0"), "node1": New("node1")}
		followers := both{d}
		for node, e := range know {
			w.Tell(e)
			followers = append(followers, e)
			d.Serve(node)
			nodes[node].apply(t, d.Since(node, 0))
		}
		for range 25 {
			w.Change(followers)
			for node, c := range nodes {
				switch r.IntN(8) {
				case 0: // it is away, and comes back
					continue
				case 1: // it is away for so long that nobody keeps account of it
					d.Leave(node)
					d.Serve(node)
				}
				b := d.Since(node, c.version)
				c.apply(t, b)
				tellNames(w, know[node]) // which nobody sends: each Node knows its own
				tellNames(w, c.engine)
				if b.Whole {
					wholes++
				} else {
					resumed++
				}
				if diff := cmp.Diff(know[node].index.entries, c.engine.index.entries, cmp.AllowUnexported(key{}),
					cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
					t.Fatalf("world %d, %s (-knows all +knows what it was sent):\n%s", seed, node, diff)
				}
				if len(know[node].index.rules) != len(c.engine.index.rules) || len(know[node].logged()) != len(c.engine.logged()) {
					t.Fatalf("world %d, %s: %d rules, not %d; Pods in %v, not %v", seed, node, len(c.engine.index.rules), len(know[node].index.rules),
						c.engine.logged(), know[node].logged())
				}
				all += len(w.Namespaces) + len(w.Pods) + len(w.Nodes) + len(w.Policies) + len(w.ClusterPolicies)
				sent += len(c.have)
			}
		}
		for node := range nodes {
			d.Leave(node)
		}
		for _, g := range d.groups {
			if len(g.needed) > 0 {
				t.Fatalf("world %d: a Node that has left needs %v", seed, g.key)
			}
		}
	}
	t.Logf("%d objects in clusters, %d of them on Nodes; %d times resumed, %d times all", all, sent, resumed, wholes)
	if sent > all*9/10 || resumed < 500 || wholes < 50 {
		t.Error("the worlds are too dull")
	}
}

// logged are the Namespaces of the Pods of the engine's Node.
func (e *Engine) logged() map[string]bool {
	all := make(map[string]bool)
	for _, p := range e.pods {
		if e.local(p) && e.namespaces[p.Namespace].known {
			all[p.Namespace] = true
		}
	}
	return all
}

// What a Node hears of a change does not depend on how large the cluster is, and who is not concerned hears nothing.
func TestDistributorSendsLittle(t *testing.T) {
	d := NewDistributor()
	for n := range 200 {
		namespace := fmt.Sprint("ns", n)
		fine(t, d.Tell(Object{Namespace: &Namespace{Name: namespace}}))
		for i := range 5 {
			p := bigPod(n, i, fmt.Sprint("node", n%20))
			fine(t, d.Tell(Object{Pod: &p}))
		}
		np := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "own"}}
		np.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}}}
		fine(t, d.Tell(Object{NetworkPolicy: np}))
	}
	concerned, other := d.Serve("node7"), d.Serve("node8")
	first := d.Since("node7", 0)
	if want := 10 * (1 + 5 + 1); !first.Whole || len(first.Objects) != want {
		t.Fatalf("at first %d objects, whole is %t, want the %d of ten Namespaces", len(first.Objects), first.Whole, want)
	}
	p := bigPod(7, 9, "node0") // a peer elsewhere
	fine(t, d.Tell(Object{Pod: &p}))
	if b := d.Since("node7", first.Version); b.Whole || len(b.Objects) != 2 || len(b.Gone) != 0 {
		t.Errorf("of a new peer: %+v, want it and its Namespace", b)
	}
	if len(concerned) != 1 || len(other) != 0 {
		t.Errorf("%d are told of Nodes that are concerned, %d of others", len(concerned), len(other))
	}
	d.Forget(Key{KindPod, p.NamespacedName})
	if b := d.Since("node7", first.Version); len(b.Gone) != 1 || b.Gone[0].NamespacedName != (types.NamespacedName{Namespace: "ns7", Name: "pod9"}) {
		t.Errorf("of a peer that is gone: %+v", b)
	}
	for range 3 * logged {
		p.Labels = map[string]string{"round": fmt.Sprint(d.version)}
		fine(t, d.Tell(Object{Pod: &p}))
	}
	if n := len(d.needs["node7"].log); n > 2*logged+2 {
		t.Errorf("%d changes are kept", n)
	}
	if b := d.Since("node7", first.Version); !b.Whole {
		t.Errorf("after more changes than are kept: %d objects, want all", len(b.Objects))
	}
	if b := d.Since("node7", d.version-1); b.Whole || len(b.Objects) == 0 {
		t.Errorf("after a change that is kept: %+v", b)
	}
}
