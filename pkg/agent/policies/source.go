package policies

import (
	"context"
	"reflect"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// SourceName is the source in the store.
const SourceName = "policies"

// retryInterval is how often the API is asked whether it has ClusterNetworkPolicies by now.
const retryInterval = 5 * time.Second

var clusterNetworkPolicies = schema.GroupVersionResource{Group: "policy.networking.k8s.io", Version: "v1alpha2", Resource: "clusternetworkpolicies"}

// Source keeps a store up to date with the policies for the Pods of a Node.
type Source struct {
	client   kubernetes.Interface
	dynamic  dynamic.Interface // nil: no ClusterNetworkPolicies
	node     string
	store    *state.Store
	events   *events
	problems map[types.NamespacedName]string // of policies, as they were complained about

	mu     sync.Mutex // guards engine
	engine *policy.Engine
}

// New is a source for one Node. Without a dynamic client there are no ClusterNetworkPolicies.
func New(client kubernetes.Interface, dynamic dynamic.Interface, node string, store *state.Store) *Source {
	return &Source{
		client: client, dynamic: dynamic, node: node, store: store, events: newEvents(), engine: policy.New(node),
		problems: make(map[types.NamespacedName]string),
	}
}

// Run watches until ctx is done.
func (s *Source) Run(ctx context.Context) error {
	changes, stop := s.store.Watch()
	defer stop()
	factory := informers.NewSharedInformerFactoryWithOptions(s.client, 0, informers.WithTransform(slim))
	var told []cache.InformerSynced
	for _, i := range []cache.SharedIndexInformer{
		factory.Core().V1().Namespaces().Informer(), factory.Core().V1().Nodes().Informer(), factory.Core().V1().Pods().Informer(),
		factory.Networking().V1().NetworkPolicies().Informer(),
	} {
		synced, err := s.events.follow(i)
		if err != nil {
			return err
		}
		told = append(told, synced)
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	if s.dynamic != nil {
		inform := dynamicinformer.NewDynamicSharedInformerFactory(s.dynamic, 0)
		synced, err := s.events.follow(inform.ForResource(clusterNetworkPolicies).Informer())
		if err != nil {
			return err
		}
		started := make(chan struct{})
		var wait sync.WaitGroup
		defer wait.Wait()
		wait.Go(func() {
			if s.waitForKind(ctx, started) {
				inform.Start(ctx.Done())
				cache.WaitForCacheSync(ctx.Done(), synced)
			}
			closeOnce(started)
			<-ctx.Done()
			inform.Shutdown()
		})
		told = append(told, func() bool { return isClosed(started) })
	}
	if !cache.WaitForCacheSync(ctx.Done(), told...) {
		return nil
	}
	for {
		s.update(ctx)
		s.store.SourceSynced(SourceName)
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-s.events.more:
		}
	}
}

// waitForKind returns true once the API has ClusterNetworkPolicies, and false if ctx is done before. If the API says that it has
// not, there is nothing to wait for before the first sync of the flows: then it closes missing.
func (s *Source) waitForKind(ctx context.Context, missing chan struct{}) bool {
	for {
		_, err := s.dynamic.Resource(clusterNetworkPolicies).List(ctx, metav1.ListOptions{Limit: 1})
		switch {
		case err == nil:
			return true
		case apierrors.IsNotFound(err):
			closeOnce(missing)
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

// closeOnce is for a channel that one goroutine closes.
func closeOnce(c chan struct{}) {
	if !isClosed(c) {
		close(c)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// update puts what was told into the store.
func (s *Source) update(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events.take() {
		s.tell(ctx, e)
	}
	now, _ := s.store.Snapshot()
	s.addressOwnPods(now.Pods)
	changes := s.engine.Changes()
	pods := ofPods(s.engine, now.Pods)
	if now.Policies != nil && changes.Len() == 0 && reflect.DeepEqual(now.Policies.Pods, pods) {
		return
	}
	s.store.Update(func(st *pipeline.State) {
		st.Policies = updated(st.Policies, changes)
		st.Policies.Pods = ofPods(s.engine, st.Pods)
	})
}

// addressOwnPods tells the engine the addresses of Pods of this Node before Kubernetes has them.
func (s *Source) addressOwnPods(pods map[string]pipeline.Pod) {
	for _, p := range pods {
		if p.Segment != 0 {
			continue
		}
		if told, ok := s.engine.Pod(nameOf(p)); ok && told.Is(p.Name.UID) && len(told.IPs) == 0 && !told.HostNetwork {
			told.IPs = p.IPs
			s.engine.SetPod(told)
		}
	}
}

// tell tells the engine of one event, and complains about what is not understood of a policy, once.
func (s *Source) tell(ctx context.Context, e event) {
	object, err := typed(e.object)
	if err == nil && e.deleted {
		s.engine.Delete(object)
		return
	}
	if err == nil {
		err = s.engine.Set(object)
	}
	meta, _ := e.object.(metav1.Object)
	if meta == nil {
		return
	}
	name := types.NamespacedName{Namespace: meta.GetNamespace(), Name: meta.GetName()}
	switch {
	case err == nil:
		delete(s.problems, name)
	case s.problems[name] != err.Error():
		s.problems[name] = err.Error()
		klog.FromContext(ctx).Error(err, "Not all of a policy is in force: what is not understood is closed")
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
		return nil, err
	}
	return &p, nil
}

func nameOf(p pipeline.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Name.Namespace, Name: p.Name.Name}
}

// slim leaves of an object what policies depend on, so that a cluster of many Pods fits into the memory of every agent.
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
		p.Spec.InitContainers = append(p.Spec.InitContainers, corev1.Container{RestartPolicy: c.RestartPolicy, Ports: c.Ports})
	}
	for _, c := range o.Spec.Containers {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Ports: c.Ports})
	}
	return p, nil
}
