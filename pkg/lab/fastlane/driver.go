// Package fastlane is a node without kubelet and containerd: a driver that registers the Node, runs the Pods bound to it
// and calls the CNI plugins itself. It is for tests that need hundreds of Pods or tens of nodes.
//
// Start at [Driver.Run]. node.go reports the Node; pod.go is the life of one Pod, sandbox.go its namespaces and network,
// container.go what a container sees and volumes.go its files; server.go answers kubectl exec and logs; images.go says
// where the root file systems of images are.
//
// What a kubelet does and this does not: probes (a Pod is ready when it runs), limits, security contexts beyond the user
// and a read-only root, attach and port-forward, sidecars, Secrets as files that follow their object. What must hold for
// these is tested in the real lane.
package fastlane

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// Config is what a driver needs to know. Everything is seen from inside the node.
type Config struct {
	Node       string
	Address    netip.Addr
	Kubeconfig string // of the node's own identity
	DNS        netip.Addr
	Index      string // file of the image index
	Dir        string // where Pods are kept
	CertFile   string // of the server for kubectl exec and logs
	KeyFile    string
	CAFile     string // signs the API server's client certificate
}

// Driver runs the Pods of one node.
type Driver struct {
	Config
	client kubernetes.Interface
	cni    network

	mu   sync.Mutex
	pods map[types.UID]*pod
}

// New returns a driver.
func New(c Config) (*Driver, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.Burst = 200, 400
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return nil, err
	}
	return &Driver{Config: c, client: client, cni: newNetwork(), pods: map[types.UID]*pod{}}, nil
}

// Run runs the node until ctx ends. It goes on with Pods that a former driver left running and starts those anew that a
// restart of the node ended.
func (d *Driver) Run(ctx context.Context) error {
	old, err := d.old(ctx)
	if err != nil {
		return fmt.Errorf("find what was left of removed Pods: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { d.clear(ctx, old); return nil })
	g.Go(func() error { return d.reportNode(ctx) })
	g.Go(func() error { return d.serve(ctx) })
	var workers sync.WaitGroup
	lw := cache.NewListWatchFromClient(d.client.CoreV1().RESTClient(), "pods", "", fields.OneTermEqualSelector("spec.nodeName", d.Node))
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: lw, ObjectType: &corev1.Pod{}, Handler: cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { d.seen(ctx, &workers, o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { d.seen(ctx, &workers, o.(*corev1.Pod)) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if p, ok := o.(*corev1.Pod); ok {
				d.gone(p.UID)
			}
		},
	}})
	informer.RunWithContext(ctx)
	workers.Wait()
	return g.Wait()
}

// seen starts a worker for a new Pod and tells it when the Pod is to end.
func (d *Driver) seen(ctx context.Context, workers *sync.WaitGroup, p *corev1.Pod) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.pods[p.UID]
	if known == nil {
		if finished(p) && p.DeletionTimestamp == nil {
			return
		}
		known = newPod(d, p)
		d.pods[p.UID] = known
		workers.Go(func() {
			known.run(klog.NewContext(ctx, klog.FromContext(ctx).WithValues("pod", klog.KObj(p))))
			d.mu.Lock()
			defer d.mu.Unlock()
			delete(d.pods, p.UID)
		})
	}
	if p.DeletionTimestamp != nil {
		grace := int64(0)
		if p.DeletionGracePeriodSeconds != nil {
			grace = *p.DeletionGracePeriodSeconds
		}
		known.end(grace)
	}
}

// gone ends a Pod that was removed from the API without notice.
func (d *Driver) gone(uid types.UID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.pods[uid]; p != nil {
		p.end(0)
	}
}

// find finds a running Pod by name.
func (d *Driver) find(namespace, name string) (*pod, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.pods {
		if p.spec.Namespace == namespace && p.spec.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no Pod %s/%s on node %s", namespace, name, d.Node)
}

func finished(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}
