package segments

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/apis/crd/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

var (
	compareNetIP = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})
	first        = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
)

func addrs(texts ...string) (all []netip.Addr) {
	for _, t := range texts {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

func record(pod, mac string, vni uint32, ips ...string) podport.Record {
	r := podport.Record{PodNamespace: "demo", PodName: pod, IfName: "net1", MAC: openflow.MustParseMAC(mac), VNI: vni}
	for _, ip := range ips {
		r.IPs = append(r.IPs, netip.MustParsePrefix(ip))
	}
	return r
}

func told(pod, mac string, vni int32, since time.Time, ips ...string) v1alpha1.SegmentInterface {
	return v1alpha1.SegmentInterface{VNI: vni, Pod: "demo/" + pod, Interface: "net1", MAC: mac, IPs: ips, Since: metav1.NewMicroTime(since)}
}

func TestOwn(t *testing.T) {
	later := first.Add(time.Hour)
	got := own([]podport.Record{
		record("b", "02:00:00:00:00:02", 7, "10.0.0.2/24", "fd00::2/64"), record("first", "02:00:00:00:00:09", 0, "10.244.1.2/24"), record("a", "02:00:00:00:00:01", 7, "10.0.0.1/24"),
	}, []v1alpha1.SegmentInterface{told("a", "02:00:00:00:00:01", 7, first, "10.0.0.1"), told("b", "02:00:00:00:00:02", 7, first, "10.0.0.77")}, later)
	want := []v1alpha1.SegmentInterface{told("a", "02:00:00:00:00:01", 7, first, "10.0.0.1"), told("b", "02:00:00:00:00:02", 7, later, "10.0.0.2", "fd00::2")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCompute(t *testing.T) {
	pods := map[string]pipeline.Pod{"eth": {}, "red": {Segment: 100}, "blue": {Segment: 200}}
	peers := map[string]pipeline.Peer{"n2": {TransportIP: addrs("192.168.0.2")[0]}, "n3": {TransportIP: addrs("192.168.0.3")[0]}, "new": {}}
	node := func(name string, all ...v1alpha1.SegmentInterface) v1alpha1.NodeSegments {
		return v1alpha1.NodeSegments{ObjectMeta: metav1.ObjectMeta{Name: name}, Interfaces: all}
	}
	pod := func(node, mac string, ips ...string) pipeline.SegmentPod {
		return pipeline.SegmentPod{Node: addrs(node)[0], MAC: openflow.MustParseMAC(mac), IPs: addrs(ips...)}
	}
	got, err := compute(pods, peers, []v1alpha1.NodeSegments{
		node("n3", told("c", "02:00:00:00:00:03", 100, first, "10.0.0.3"),
			told("moved", "02:00:00:00:00:05", 100, first, "10.0.0.5"),
			told("elsewhere", "02:00:00:00:00:06", 300, first, "10.0.0.6"),
			told("same", "02:00:00:00:00:03", 200, first, "10.0.0.3")),
		node("n2", told("moved", "02:00:00:00:00:15", 100, first.Add(time.Second), "10.0.0.5"),
			told("dual", "02:00:00:00:00:02", 100, first, "10.0.0.2", "fd00::2"),
			told("bad", "02:00:00:00:00", 100, first, "10.0.0.8"), told("worse", "02:00:00:00:00:08", 100, first, "10.0.0.8/24")),
		node("gone", told("x", "02:00:00:00:00:07", 100, first, "10.0.0.7")), node("new", told("y", "02:00:00:00:00:07", 100, first, "10.0.0.7")),
	})
	want := map[string]pipeline.Segment{
		"100": {VNI: 100, Remote: []pipeline.SegmentPod{
			pod("192.168.0.2", "02:00:00:00:00:02", "10.0.0.2", "fd00::2"), pod("192.168.0.2", "02:00:00:00:00:15", "10.0.0.5"),
			pod("192.168.0.3", "02:00:00:00:00:03", "10.0.0.3")}},
		"200": {VNI: 200, Remote: []pipeline.SegmentPod{pod("192.168.0.3", "02:00:00:00:00:03", "10.0.0.3")}},
	}
	if diff := cmp.Diff(want, got, compareNetIP); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, problem := range []string{"NodeSegments n2: net1 of Pod demo/bad", "NodeSegments n2: net1 of Pod demo/worse"} {
		if err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("error %v lacks %q", err, problem)
		}
	}
}

// The Node's object follows its records, keeps when it told of each, is the Node's, and goes with the last one; what others tell
// reaches the store.
func TestSource(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	objects := dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{Resource: "NodeSegmentsList"})
	store := state.New(pipeline.State{
		Pods: map[string]pipeline.Pod{"p": {Segment: 100}}, Peers: map[string]pipeline.Peer{"n2": {TransportIP: addrs("192.168.0.2")[0]}},
	}, SourceName)
	var mu sync.Mutex
	var records []podport.Record
	changes := make(chan struct{}, 1)
	set := func(r ...podport.Record) {
		mu.Lock()
		records = r
		mu.Unlock()
		changes <- struct{}{}
	}
	set(record("a", "02:00:00:00:00:01", 100, "10.0.0.1/24"))
	source := Source{
		Client:  fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", UID: "uid-of-n1"}}),
		Objects: objects, NodeName: "n1", Store: store,
		Records: func(context.Context) ([]podport.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			return records, nil
		},
		Watch: func() (<-chan struct{}, func()) { return changes, func() {} },
	}
	done := make(chan error, 1)
	go func() { done <- source.Run(ctx) }()
	wait := func(what string, ok func() bool) {
		t.Helper()
		for !ok() {
			select {
			case <-ctx.Done():
				t.Fatalf("never: %s", what)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	read := func() (v1alpha1.NodeSegments, bool) {
		u, err := objects.Resource(Resource).Get(ctx, "n1", metav1.GetOptions{})
		if err != nil {
			return v1alpha1.NodeSegments{}, false
		}
		all, err := typed([]any{u})
		if err != nil {
			t.Fatal(err)
		}
		return all[0], true
	}
	wait("the object", func() bool { _, ok := read(); return ok })
	made, _ := read()
	if len(made.OwnerReferences) != 1 || made.OwnerReferences[0].UID != "uid-of-n1" {
		t.Errorf("owners %v", made.OwnerReferences)
	}
	set(record("a", "02:00:00:00:00:01", 100, "10.0.0.1/24"), record("b", "02:00:00:00:00:02", 100, "10.0.0.2/24"))
	wait("both", func() bool { now, _ := read(); return len(now.Interfaces) == 2 })
	if now, _ := read(); !now.Interfaces[0].Since.Equal(&made.Interfaces[0].Since) || now.Interfaces[1].Since.Equal(&made.Interfaces[0].Since) {
		t.Errorf("since when: %v, first %v", now.Interfaces, made.Interfaces)
	}

	other, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&v1alpha1.NodeSegments{
		TypeMeta:   metav1.TypeMeta{APIVersion: "crd.antrea.io/v1alpha1", Kind: "NodeSegments"},
		ObjectMeta: metav1.ObjectMeta{Name: "n2"}, Interfaces: []v1alpha1.SegmentInterface{told("c", "02:00:00:00:00:03", 100, first, "10.0.0.3")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := objects.Resource(Resource).Create(ctx, &unstructured.Unstructured{Object: other}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	wait("what the other Node has", func() bool {
		s, _ := store.Snapshot()
		return len(s.Segments["100"].Remote) == 1
	})
	set()
	wait("no object", func() bool { _, ok := read(); return !ok })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
