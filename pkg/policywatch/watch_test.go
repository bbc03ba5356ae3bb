package policywatch

import (
	"errors"
	"reflect"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// told is what was put.
type told struct {
	mu      sync.Mutex
	batches []policy.Batch
}

func (p *told) put(b policy.Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.batches = append(p.batches, b)
}

// take returns what was put since the last call.
func (p *told) take() []policy.Batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := p.batches
	p.batches = nil
	return taken
}

func pod(name string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Status: corev1.PodStatus{Phase: phase}}
}

func key(kind policy.Kind, name string) policy.Key {
	return policy.Key{Kind: kind, NamespacedName: types.NamespacedName{Namespace: "default", Name: name}}
}

// What was gone before all kinds had been listed is not told as there.
func TestFirstIsWhole(t *testing.T) {
	var got told
	w := &watcher{put: got.put, pending: 2, first: make(map[policy.Key]policy.Object)}
	pods, policies := newStore(t.Context(), w), newStore(t.Context(), w)
	fine(t, errors.Join(pods.Replace([]any{pod("a", ""), pod("b", ""), pod("ended", corev1.PodSucceeded)}, ""), pods.Delete(pod("a", "")), pods.Add(pod("c", ""))))
	if early := got.take(); len(early) > 0 {
		t.Fatalf("told before all was known: %+v", early)
	}
	np := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "np"}}
	fine(t, policies.Replace([]any{np}, ""))
	first := got.take()
	if len(first) != 1 || !first[0].Whole || len(first[0].Objects) != 3 || first[0].Objects[2].NetworkPolicy == nil {
		t.Fatalf("at first: %+v, want Pods b and c, then the policy", first)
	}
	fine(t, errors.Join(pods.Update(pod("b", corev1.PodFailed)), pods.Delete(pod("c", ""))))
	for i, b := range got.take() {
		if b.Whole || len(b.Gone) != 1 || b.Gone[0] != key(policy.KindPod, []string{"b", "c"}[i]) {
			t.Errorf("then: %+v", b)
		}
	}
}

// After a watch that was lost a list says what there is; what has gone meanwhile is told too.
func TestListAgain(t *testing.T) {
	var got told
	w := &watcher{put: got.put, pending: 1, first: make(map[policy.Key]policy.Object)}
	pods := newStore(t.Context(), w)
	fine(t, errors.Join(pods.Replace([]any{pod("a", ""), pod("b", "")}, ""), pods.Replace([]any{pod("b", ""), pod("c", "")}, "")))
	batches := got.take()
	if len(batches) != 2 || batches[1].Whole || len(batches[1].Objects) != 2 || len(batches[1].Gone) != 1 || batches[1].Gone[0] != key(policy.KindPod, "a") {
		t.Errorf("told %+v", batches)
	}
}

// A kind that the API does not have is not waited for, and told of when it comes.
func TestMissingKind(t *testing.T) {
	var got told
	w := &watcher{put: got.put, pending: 1, first: make(map[policy.Key]policy.Object)}
	policies := newStore(t.Context(), w)
	policies.missing()
	policies.missing()
	if first := got.take(); len(first) != 1 || !first[0].Whole || len(first[0].Objects) != 0 {
		t.Fatalf("without the kind: %+v", first)
	}
	o := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "admins"}, "spec": map[string]any{"tier": "Admin", "priority": int64(1)}}}
	notOne := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "broken"}, "spec": "none"}}
	fine(t, policies.Replace([]any{o, notOne}, ""))
	if then := got.take(); len(then) != 1 || then[0].Whole || len(then[0].Objects) != 1 || then[0].Objects[0].ClusterNetworkPolicy.Spec.Tier != "Admin" {
		t.Fatalf("when the kind has come: %+v", then)
	}
	fine(t, policies.Delete(o))
	if then := got.take(); len(then) != 1 || len(then[0].Gone) != 1 || then[0].Gone[0].Kind != policy.KindClusterNetworkPolicy {
		t.Errorf("when it is gone: %+v", then)
	}
}

// What is left of a Pod is what policies depend on: read, both are the same.
func TestSlim(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	ports := []corev1.ContainerPort{{Name: "web", ContainerPort: 80, Protocol: corev1.ProtocolTCP}}
	p := pod("a", corev1.PodRunning)
	p.UID, p.Labels, p.Annotations = "1", map[string]string{"app": "a"}, map[string]string{corev1.MirrorPodAnnotationKey: "file", "other": "x"}
	p.Spec = corev1.PodSpec{NodeName: "node1", HostNetwork: true, Containers: []corev1.Container{{Image: "x", Ports: ports}},
		InitContainers: []corev1.Container{{Ports: ports, RestartPolicy: &always}, {Ports: ports}}}
	p.Status.PodIP, p.Status.PodIPs = "10.0.0.1", []corev1.PodIP{{IP: "10.0.0.1"}, {IP: "fd00::1"}}
	want, _ := policy.PodOf(p)
	o, err := slim(p)
	fine(t, err)
	slimmed := o.(*corev1.Pod)
	if got, _ := policy.PodOf(slimmed); len(got.Ports) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("left: %+v, want %+v", got, want)
	}
	if slimmed.Spec.Containers[0].Image != "" || len(slimmed.Annotations) != 1 {
		t.Errorf("not slim: %+v", slimmed)
	}
}

func fine(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
