package policywatch

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// Resource is ClusterNetworkPolicies in the API.
func Resource() schema.GroupVersionResource { return clusterNetworkPolicies }

// retryInterval is how often the API is asked whether it has ClusterNetworkPolicies by now.
const retryInterval = 5 * time.Second

var clusterNetworkPolicies = schema.GroupVersionResource{Group: "policy.networking.k8s.io", Version: "v1alpha2", Resource: "clusternetworkpolicies"}

// ClusterNetworkPolicies calls each with every ClusterNetworkPolicy, also when it changes, until ctx is done. Each is asked again a
// while after it has returned an error. There is one call at a time.
func ClusterNetworkPolicies(ctx context.Context, client dynamic.Interface, each func(context.Context, *policyv1alpha2.ClusterNetworkPolicy) error) {
	if !waitForKind(ctx, client, func() {}) {
		return
	}
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	informer := cache.NewSharedIndexInformer(lister(client, client.Resource(clusterNetworkPolicies)), &unstructured.Unstructured{}, 0, nil)
	put := func(object any) { queue.Add(object.(*unstructured.Unstructured).GetName()) }
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: put, UpdateFunc: func(_, now any) { put(now) }}) // fails only once stopped
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() { informer.RunWithContext(ctx) })
	wait.Go(func() { <-ctx.Done(); queue.ShutDown() })
	for {
		name, done := queue.Get()
		if done {
			return
		}
		if err := one(ctx, informer.GetStore(), name, each); err != nil {
			klog.FromContext(ctx).Info("Trying again", "clusterNetworkPolicy", name, "err", err.Error())
			queue.AddRateLimited(name)
		} else {
			queue.Forget(name)
		}
		queue.Done(name)
	}
}

func one(ctx context.Context, from cache.Store, name string, each func(context.Context, *policyv1alpha2.ClusterNetworkPolicy) error) error {
	object, exists, err := from.GetByKey(name)
	if err != nil || !exists {
		return err
	}
	now, err := typed(object)
	if err != nil {
		return err
	}
	return each(ctx, now.(*policyv1alpha2.ClusterNetworkPolicy))
}

// waitForKind returns true once the API has ClusterNetworkPolicies, and false if ctx is done before. If the API says that it has
// not, it calls missing: nobody has to wait for them.
func waitForKind(ctx context.Context, client dynamic.Interface, missing func()) bool {
	for {
		_, err := client.Resource(clusterNetworkPolicies).List(ctx, metav1.ListOptions{Limit: 1})
		switch {
		case err == nil:
			return true
		case apierrors.IsNotFound(err):
			missing()
		default:
			klog.FromContext(ctx).Info("Waiting for ClusterNetworkPolicies", "err", err.Error())
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retryInterval):
		}
	}
}
