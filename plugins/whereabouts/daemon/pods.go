package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// nodePods is the Pods of this Node.
type nodePods struct {
	client   kubernetes.Interface
	factory  informers.SharedInformerFactory
	informer cache.SharedIndexInformer
}

// watchPods prepares the watch; gone is woken when a Pod goes.
func watchPods(client kubernetes.Interface, node string, gone chan struct{}) (*nodePods, error) {
	p := &nodePods{client: client}
	p.factory = informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", node).String()
	}), informers.WithTransform(func(o any) (any, error) {
		if pod, ok := o.(*corev1.Pod); ok {
			pod.ManagedFields, pod.Spec = nil, corev1.PodSpec{}
		}
		return o, nil
	}))
	p.informer = p.factory.Core().V1().Pods().Informer()
	_, err := p.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(any) { wake(gone) }})
	if err != nil {
		return nil, fmt.Errorf("watch Pods: %w", err)
	}
	return p, nil
}

func (p *nodePods) run(ctx context.Context) error {
	p.factory.Start(ctx.Done())
	<-ctx.Done()
	p.factory.Shutdown()
	return nil
}

func (p *nodePods) synced() bool { return p.informer.HasSynced() }

// get is the Pod of that name on this Node, nil if there is none.
func (p *nodePods) get(ref string) *corev1.Pod {
	o, ok, err := p.informer.GetStore().GetByKey(ref)
	if err != nil || !ok {
		return nil
	}
	return o.(*corev1.Pod)
}

// find is the Pod that the runtime attaches, nil if there is none. The API server is asked for one that the watch has not told yet.
func (p *nodePods) find(ctx context.Context, pod whereabouts.Pod) (*corev1.Pod, error) {
	is := func(found *corev1.Pod) bool { return pod.UID == "" || slices.Contains(uids(found), pod.UID) }
	if found := p.get(pod.Ref()); found != nil && is(found) {
		return found, nil
	}
	found, err := p.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err) || err == nil && !is(found):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return found, nil
}

// uids are the UIDs of a Pod, the runtime's first: that of a static Pod is not that of its mirror in the API.
func uids(pod *corev1.Pod) []string {
	all := []string{string(pod.UID)}
	if static := pod.Annotations["kubernetes.io/config.hash"]; static != "" {
		all = append([]string{static}, all...)
	}
	return all
}

// gone asks the API server whether the Pod of that name and UID is no more. Without a UID, any Pod of the name will do. What is
// not certain is an error.
func (p *nodePods) gone(ctx context.Context, ref, uid string) (bool, error) {
	namespace, name, ok := strings.Cut(ref, "/")
	if !ok || name == "" {
		return false, fmt.Errorf("%q is not the name of a Pod", ref)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	pod, err := p.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return true, nil
	case err != nil:
		return false, err
	}
	return uid != "" && !slices.Contains(uids(pod), uid), nil
}

// statusAnnotation lists the interfaces of a Pod.
const statusAnnotation = "k8s.v1.cni.cncf.io/network-status"

// reports reports whether the Pod says that it has the address.
func reports(pod *corev1.Pod, a netip.Addr) bool {
	texts := []string{}
	for _, ip := range pod.Status.PodIPs {
		texts = append(texts, ip.IP)
	}
	var networks []struct {
		IPs []string `json:"ips"`
	}
	if json.Unmarshal([]byte(pod.Annotations[statusAnnotation]), &networks) == nil {
		for _, n := range networks {
			texts = append(texts, n.IPs...)
		}
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		ip, err := netip.ParseAddr(text)
		return err == nil && ip.Unmap() == a
	})
}
