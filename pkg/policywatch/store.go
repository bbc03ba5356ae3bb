package policywatch

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// store is what the reflector of one kind fills: it passes everything on, and knows the names of what there is, to tell after a
// new list what has gone meanwhile. Only its reflector calls its methods.
type store struct {
	ctx     context.Context //nolint:containedctx // for logs; the reflector's own is not handed on
	watcher *watcher
	known   map[policy.Key]struct{}
	listed  bool
}

var _ cache.TransformingStore = &store{}

func newStore(ctx context.Context, w *watcher) *store {
	return &store{ctx: ctx, watcher: w, known: make(map[policy.Key]struct{})}
}

// Add implements [cache.ReflectorStore].
func (s *store) Add(object any) error {
	var b policy.Batch
	s.read(object, &b)
	s.watcher.tell(b, false)
	return nil
}

// Update implements [cache.ReflectorStore].
func (s *store) Update(object any) error { return s.Add(object) }

// Delete implements [cache.ReflectorStore].
func (s *store) Delete(object any) error {
	object, err := typed(object)
	if err != nil {
		return nil //nolint:nilerr // what was not understood was not told of
	}
	if k, _, err := policy.Read(object); err == nil {
		delete(s.known, k)
		s.watcher.tell(policy.Batch{Gone: []policy.Key{k}}, false)
	}
	return nil
}

// Replace implements [cache.ReflectorStore].
func (s *store) Replace(list []any, _ string) error {
	var b policy.Batch
	before := s.known
	s.known = make(map[policy.Key]struct{}, len(list))
	for _, object := range list {
		s.read(object, &b)
	}
	for k := range before {
		if _, ok := s.known[k]; !ok {
			b.Gone = append(b.Gone, k)
		}
	}
	s.tellList(b)
	return nil
}

// Resync implements [cache.ReflectorStore].
func (s *store) Resync() error { return nil }

// Transformer implements [cache.TransformingStore].
func (s *store) Transformer() cache.TransformFunc { return slim }

// missing says that there is no such kind.
func (s *store) missing() {
	if !s.listed {
		s.tellList(policy.Batch{})
	}
}

func (s *store) tellList(b policy.Batch) {
	first := !s.listed
	s.listed = true
	s.watcher.tell(b, first)
}

// read adds what the API has to a batch.
func (s *store) read(object any, b *policy.Batch) {
	now, err := typed(object)
	var k policy.Key
	var o policy.Object
	if err == nil {
		k, o, err = policy.Read(now)
	}
	switch {
	case err != nil:
		klog.FromContext(s.ctx).Error(err, "An object is left out, because it is not understood")
	case o == policy.Object{}:
		delete(s.known, k)
		b.Gone = append(b.Gone, k)
	default:
		s.known[k] = struct{}{}
		b.Objects = append(b.Objects, o)
	}
}

// typed turns objects of the dynamic client into ClusterNetworkPolicies.
func typed(object any) (any, error) {
	u, ok := object.(*unstructured.Unstructured)
	if !ok {
		return object, nil
	}
	var p policyv1alpha2.ClusterNetworkPolicy
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &p); err != nil {
		return nil, fmt.Errorf("%s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return &p, nil
}

// slim leaves of an object what policies depend on, so that a list of many takes little memory until it has been told.
func slim(object any) (any, error) {
	if meta, ok := object.(metav1.Object); ok {
		meta.SetManagedFields(nil)
	}
	o, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion, Labels: o.Labels,
	}}
	if mirror, ok := o.Annotations[corev1.MirrorPodAnnotationKey]; ok {
		p.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: mirror}
	}
	p.Spec.NodeName, p.Spec.HostNetwork = o.Spec.NodeName, o.Spec.HostNetwork
	p.Status.Phase, p.Status.PodIP, p.Status.PodIPs = o.Status.Phase, o.Status.PodIP, o.Status.PodIPs
	for _, c := range o.Spec.InitContainers {
		p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{Name: c.Name, RestartPolicy: c.RestartPolicy, Ports: c.Ports})
	}
	for _, c := range o.Spec.Containers {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: c.Name, Ports: c.Ports})
	}
	return p, nil
}
