// Package policywatch tells of everything in a cluster that policies depend on, in the form of package policy.
//
// Start at [Run]. It keeps the names of what it has told of and nothing else: who is told has the objects. store.go is what the
// reflectors of client-go fill in place of a cache; kind.go waits for a kind that the API may not have, and goes over its objects for who writes their status.
package policywatch

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// Run watches until ctx is done. What it puts first is whole: it has all objects, and comes when all kinds have been listed. Then
// comes what changes. There is one call of put at a time, and it should not take long.
func Run(ctx context.Context, client kubernetes.Interface, dynamic dynamic.Interface, put func(policy.Batch)) {
	w := &watcher{put: put, first: make(map[policy.Key]policy.Object)}
	kinds := []struct {
		object runtime.Object
		lister cache.ListerWatcher
	}{
		{&corev1.Namespace{}, lister(client, client.CoreV1().Namespaces())},
		{&corev1.Node{}, lister(client, client.CoreV1().Nodes())},
		{&corev1.Pod{}, lister(client, client.CoreV1().Pods(metav1.NamespaceAll))},
		{&networkingv1.NetworkPolicy{}, lister(client, client.NetworkingV1().NetworkPolicies(metav1.NamespaceAll))},
	}
	w.pending = len(kinds)
	var wait sync.WaitGroup
	defer wait.Wait()
	if dynamic != nil { // nil: ClusterNetworkPolicies are not wanted
		w.pending++
		of := newStore(ctx, w)
		wait.Go(func() {
			if waitForKind(ctx, dynamic, of.missing) {
				follow(ctx, &unstructured.Unstructured{}, lister(dynamic, dynamic.Resource(clusterNetworkPolicies)), of)
			}
		})
	}
	for _, k := range kinds {
		of := newStore(ctx, w)
		wait.Go(func() { follow(ctx, k.object, k.lister, of) })
	}
}

func follow(ctx context.Context, object runtime.Object, from cache.ListerWatcher, into *store) {
	cache.NewReflectorWithOptions(from, object, into, cache.ReflectorOptions{}).RunWithContext(ctx)
}

// lister lists and watches by a client for one kind.
func lister[L runtime.Object](client any, kind interface {
	List(ctx context.Context, o metav1.ListOptions) (L, error)
	Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error)
}) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc:  func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return kind.List(ctx, o) },
		WatchFuncWithContext: kind.Watch,
	}, client)
}

// watcher puts what the stores of all kinds tell.
type watcher struct {
	mu      sync.Mutex
	put     func(policy.Batch)
	pending int                          // kinds that have not been listed
	first   map[policy.Key]policy.Object // what there is until all have
}

// tell tells of a change; listed says that it was the first list of its kind.
func (w *watcher) tell(b policy.Batch, listed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pending == 0 {
		w.put(b)
		return
	}
	for _, o := range b.Objects {
		w.first[o.Key()] = o
	}
	for _, k := range b.Gone {
		delete(w.first, k)
	}
	if listed {
		w.pending--
	}
	if w.pending == 0 {
		w.put(policy.Batch{Whole: true, Objects: inOrder(w.first)})
		w.first = nil
	}
}

// inOrder has policies last: who is told of one when its Pods are known does not go over it again for each of them.
func inOrder(all map[policy.Key]policy.Object) []policy.Object {
	objects := make([]policy.Object, 0, len(all))
	for _, kind := range []policy.Kind{
		policy.KindNamespace, policy.KindNode, policy.KindPod, policy.KindNetworkPolicy, policy.KindClusterNetworkPolicy,
	} {
		for k, o := range all {
			if k.Kind == kind {
				objects = append(objects, o)
			}
		}
	}
	return objects
}
