package policy

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// BenchmarkBigCluster prints what it takes to tell an engine of 25 000 Namespaces with four Pods and three policies each, until it
// has the rules: for one Node with a hundred of the Pods, as an agent does, and for all Nodes; and then of one more Pod.
func BenchmarkBigCluster(b *testing.B) {
	const namespaces, pods = 25_000, 4
	for _, of := range []struct{ name, node string }{{"one Node", "node0"}, {"all Nodes", ""}} {
		b.Run(of.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				before := heapAlloc()
				b.StartTimer()
				e := New(of.node)
				for i := range namespaces {
					tellNamespace(b, e, i, pods)
				}
				rules := len(e.Changes().Rules)
				b.StopTimer()
				b.ReportMetric(float64(heapAlloc()-before)/1e6, "MB")
				b.ReportMetric(float64(rules), "rules")
				if rules == 0 {
					b.Fatal("no rules")
				}
				b.StartTimer()
				runtime.KeepAlive(e)
			}
		})
	}
	b.Run("one more Pod", func(b *testing.B) {
		e := New("node0")
		for i := range namespaces {
			tellNamespace(b, e, i, pods)
		}
		e.Changes()
		for i := 0; b.Loop(); i++ {
			e.SetPod(bigPod(7, pods+i%2, "node0"))
			if e.Changes().Len() == 0 {
				b.Fatal("nothing changed")
			}
			e.DeletePod(types.NamespacedName{Namespace: "ns7", Name: fmt.Sprint("pod", pods+i%2)})
			e.Changes()
		}
	})
}

// BenchmarkController prints what it takes antrea-controller to know such a cluster while it serves all of its 1 000 Nodes, to send
// one of them all that it needs, and to tell of one more Pod.
func BenchmarkController(b *testing.B) {
	const namespaces, pods = 25_000, 4
	know := func(b *testing.B) *Distributor {
		d := NewDistributor()
		for node := range namespaces / 25 {
			d.Serve(fmt.Sprint("node", node))
		}
		for i := range namespaces {
			tellNamespace(b, d, i, pods)
		}
		return d
	}
	b.Run("cluster", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			before := heapAlloc()
			b.StartTimer()
			d := know(b)
			b.StopTimer()
			b.ReportMetric(float64(heapAlloc()-before)/1e6, "MB")
			if got := d.String(); got != "25000 Namespaces, 100000 Pods, 75000 policies, 75000 groups, 1000 Nodes served" {
				b.Fatal(got)
			}
			b.StartTimer()
		}
	})
	d := know(b)
	b.Run("one Node", func(b *testing.B) {
		objects := 0
		for b.Loop() {
			objects = len(d.Since("node0", 0).Objects)
		}
		b.ReportMetric(float64(objects), "objects")
	})
	b.Run("one more Pod", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			version := d.version
			p := bigPod(7, pods+i%2, "node0")
			fine(b, d.Tell(Object{Pod: &p}))
			if len(d.Since("node0", version).Objects) == 0 {
				b.Fatal("nothing changed")
			}
			d.Forget(p.key())
		}
	})
}

func (p Pod) key() Key { return Key{KindPod, p.NamespacedName} }

func heapAlloc() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func bigPod(namespace, i int, node string) Pod {
	p, _ := PodOf(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprint("ns", namespace), Name: fmt.Sprint("pod", i), UID: types.UID(fmt.Sprint(namespace, i)),
			Labels: map[string]string{"app": fmt.Sprint("app", i%2), "env": "prod"},
		},
		Spec:   corev1.PodSpec{NodeName: node},
		Status: corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: netip.AddrFrom4([4]byte{10, byte(namespace >> 12), byte(namespace >> 4), byte(namespace<<4 | i)}).String()}}},
	})
	return p
}

// tellNamespace tells of a Namespace, whose Pods are all on one Node.
func tellNamespace(b *testing.B, f follower, n, pods int) {
	b.Helper()
	name := fmt.Sprint("ns", n)
	fine(b, f.Tell(Object{Namespace: &Namespace{Name: name, Labels: map[string]string{"team": fmt.Sprint("team", n%100), corev1.LabelMetadataName: name}}}))
	for i := range pods {
		p := bigPod(n, i, fmt.Sprint("node", n/25))
		fine(b, f.Tell(Object{Pod: &p}))
	}
	app := func(i int) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": fmt.Sprint("app", i)}}
	}
	for i, from := range []networkingv1.NetworkPolicyPeer{
		{PodSelector: app(0)}, {NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: name}}, PodSelector: app(1)},
		{IPBlock: &networkingv1.IPBlock{CIDR: "192.168.0.0/16", Except: []string{"192.168.7.0/24"}}},
	} {
		fine(b, f.Tell(Object{NetworkPolicy: &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: fmt.Sprint("policy", i)},
			Spec: networkingv1.NetworkPolicySpec{
				PodSelector: *app(i % 2), Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{from}}},
			},
		}}))
	}
}
