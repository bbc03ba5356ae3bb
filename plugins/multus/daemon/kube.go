package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	events "k8s.io/client-go/tools/record"
)

// definitions is the kind NetworkAttachmentDefinition.
var definitions = schema.GroupVersionResource{Group: "k8s.cni.cncf.io", Version: "v1", Resource: "network-attachment-definitions"}

// definition is what is read of a NetworkAttachmentDefinition.
type definition struct {
	Config      string
	Annotations map[string]string
}

// api is the Pods of this Node and all NetworkAttachmentDefinitions: watched, and asked for where the watch has nothing.
type api struct {
	client  kubernetes.Interface
	objects dynamic.Interface

	podFactory informers.SharedInformerFactory
	pods       cache.SharedIndexInformer
	nadFactory dynamicinformer.DynamicSharedInformerFactory
	nads       cache.SharedIndexInformer

	broadcaster events.EventBroadcaster
	events      events.EventRecorder
}

// watch prepares the watches; gone is woken when a Pod goes, changed is called when one comes or changes.
func watch(client kubernetes.Interface, objects dynamic.Interface, node string, gone chan struct{}, changed func(*corev1.Pod)) (*api, error) {
	a := &api{client: client, objects: objects}
	a.podFactory = informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", node).String()
	}), informers.WithTransform(func(o any) (any, error) {
		if pod, ok := o.(*corev1.Pod); ok {
			pod.ManagedFields = nil
			pod.Spec = corev1.PodSpec{ResourceClaims: pod.Spec.ResourceClaims}
			pod.Status = corev1.PodStatus{ResourceClaimStatuses: pod.Status.ResourceClaimStatuses, ExtendedResourceClaimStatus: pod.Status.ExtendedResourceClaimStatus}
		}
		return o, nil
	}))
	a.pods = a.podFactory.Core().V1().Pods().Informer()
	if _, err := a.pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { changed(o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { changed(o.(*corev1.Pod)) },
		DeleteFunc: func(any) { wake(gone) },
	}); err != nil {
		return nil, fmt.Errorf("watch Pods: %w", err)
	}
	a.nadFactory = dynamicinformer.NewDynamicSharedInformerFactory(objects, 0)
	a.nads = a.nadFactory.ForResource(definitions).Informer()
	a.broadcaster = events.NewBroadcaster()
	a.events = a.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "multus", Host: node})
	return a, nil
}

func (a *api) run(ctx context.Context) error {
	a.broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: a.client.CoreV1().Events("")})
	defer a.broadcaster.Shutdown()
	a.podFactory.Start(ctx.Done())
	a.nadFactory.Start(ctx.Done())
	<-ctx.Done()
	a.podFactory.Shutdown()
	a.nadFactory.Shutdown()
	return nil
}

// errNoPod says that the API has no such Pod, or another one of that name.
var errNoPod = errors.New("no such Pod")

// pod is the Pod as the API has it. Without a UID, any Pod of the name will do.
func (a *api) pod(ctx context.Context, id podID) (*corev1.Pod, error) {
	is := func(pod *corev1.Pod) bool { return id.UID == "" || slices.Contains(uids(pod), id.UID) }
	if o, ok, err := a.pods.GetStore().GetByKey(id.String()); err == nil && ok && is(o.(*corev1.Pod)) {
		return o.(*corev1.Pod), nil
	}
	return a.podNow(ctx, id)
}

// seems asks about the Pod as it is known from the watch. A Pod that is not known yet will be told of.
func (a *api) seems(what func(*corev1.Pod) bool, id podID) bool {
	o, ok, err := a.pods.GetStore().GetByKey(id.String())
	return err == nil && ok && what(o.(*corev1.Pod))
}

// podNow asks the API server.
func (a *api) podNow(ctx context.Context, id podID) (*corev1.Pod, error) {
	is := func(pod *corev1.Pod) bool { return id.UID == "" || slices.Contains(uids(pod), id.UID) }
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	pod, err := a.client.CoreV1().Pods(id.Namespace).Get(ctx, id.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%w: %s", errNoPod, id)
	case err != nil:
		return nil, fmt.Errorf("read Pod %s: %w", id, err)
	case !is(pod):
		return nil, fmt.Errorf("%w: %s has UID %s, the sandbox is of %s", errNoPod, id, pod.UID, id.UID)
	}
	return pod, nil
}

// uids are the UIDs of a Pod, the runtime's first: that of a static Pod is not that of its mirror in the API.
func uids(pod *corev1.Pod) []string {
	all := []string{string(pod.UID)}
	if static := pod.Annotations["kubernetes.io/config.hash"]; static != "" {
		all = append([]string{static}, all...)
	}
	return all
}

// definition is the NetworkAttachmentDefinition of that name.
func (a *api) definition(ctx context.Context, namespace, name string) (definition, error) {
	o, ok, err := a.nads.GetStore().GetByKey(namespace + "/" + name)
	if err == nil && ok {
		return readDefinition(o.(*unstructured.Unstructured))
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	nad, err := a.objects.Resource(definitions).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return definition{}, fmt.Errorf("read NetworkAttachmentDefinition %s/%s: %w", namespace, name, err)
	}
	return readDefinition(nad)
}

func readDefinition(nad *unstructured.Unstructured) (definition, error) {
	config, _, err := unstructured.NestedString(nad.Object, "spec", "config")
	if err != nil {
		return definition{}, fmt.Errorf("NetworkAttachmentDefinition %s/%s: key spec.config: %w", nad.GetNamespace(), nad.GetName(), err)
	}
	return definition{Config: config, Annotations: nad.GetAnnotations()}, nil
}

// annotate sets an annotation of exactly this Pod, with one request: it fails if a Pod of another UID has its name.
func (a *api) annotate(ctx context.Context, pod *corev1.Pod, key, value string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID, "annotations": map[string]string{key: value}}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for {
		_, err := a.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		var told apierrors.APIStatus
		switch {
		case err == nil:
			return nil
		case errors.As(err, &told) && told.Status().Code < 500, ctx.Err() != nil:
			return fmt.Errorf("set annotation %s of Pod %s/%s: %w", key, pod.Namespace, pod.Name, err)
		}
		select { // the API server may be back soon, which spares the Pod another start
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
