package nodes

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/informer"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// SourceName is the source in the store.
const SourceName = "nodes"

const retryInterval = 2 * time.Second

// Source keeps a store up to date with the Nodes of the cluster.
type Source struct {
	Client   kubernetes.Interface
	NodeName string
	Store    *state.Store
	// ServiceCIDRs, if any, are taken instead of those of the API.
	ServiceCIDRs []netip.Prefix
	// TransportIP, if valid, is announced to the other Nodes as this Node's address for tunnels.
	TransportIP netip.Addr
	// Subnets, if set, tells the addresses of the interface that has an address, with the lengths of their subnets. It is asked
	// again until it knows.
	Subnets func(netip.Addr) []netip.Prefix
}

// Run watches until ctx is done.
func (s *Source) Run(ctx context.Context) error {
	services, err := s.hasServiceCIDRs(ctx)
	if err != nil {
		return nil // ctx is done
	}
	changed := make(chan struct{}, 1)
	factory := informers.NewSharedInformerFactoryWithOptions(s.Client, 0, informers.WithTransform(trim))
	nodeInformer := factory.Core().V1().Nodes()
	synced := []cache.InformerSynced{nodeInformer.Informer().HasSynced}
	if err := informer.Notify(nodeInformer.Informer(), changed); err != nil {
		return err
	}
	serviceLister := factory.Networking().V1().ServiceCIDRs()
	if services {
		if err := informer.Notify(serviceLister.Informer(), changed); err != nil {
			return err
		}
		synced = append(synced, serviceLister.Informer().HasSynced)
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return nil
	}
	for {
		nodes, err := nodeInformer.Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		var ranges []*networkingv1.ServiceCIDR
		if services {
			if ranges, err = serviceLister.Lister().List(labels.Everything()); err != nil {
				return err
			}
		}
		var again <-chan time.Time
		if !s.update(ctx, nodes, ranges) {
			again = time.After(retryInterval)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-again:
		}
	}
}

// update puts the objects into the store. It reports whether the host has told what it was asked for.
func (s *Source) update(ctx context.Context, nodes []*corev1.Node, services []*networkingv1.ServiceCIDR) (complete bool) {
	logger := klog.FromContext(ctx)
	s.announce(ctx, nodes)
	var problems []error
	var err error
	complete = true
	s.Store.Update(func(st *pipeline.State) {
		problems, err = compute(st, s.NodeName, nodes, services, s.ServiceCIDRs)
		if err == nil && s.Subnets != nil {
			st.Node.Subnets = s.Subnets(st.Node.TransportIP)
			complete = len(st.Node.Subnets) > 0
		}
	})
	for _, problem := range problems {
		logger.Error(problem, "Skipped an object of the API")
	}
	if err != nil {
		logger.Info("Waiting for this Node", "reason", err.Error())
		return true
	}
	if complete {
		s.Store.SourceSynced(SourceName)
	}
	return complete
}

// announce writes the transport address into this Node's annotation, if it is not the InternalIP.
func (s *Source) announce(ctx context.Context, nodes []*corev1.Node) {
	if !s.TransportIP.IsValid() {
		return
	}
	for _, n := range nodes {
		if n.Name != s.NodeName {
			continue
		}
		if ip, err := TransportIP(n); err == nil && ip == s.TransportIP {
			return
		}
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"annotations": map[string]string{systemv1alpha1.AnnotationTransport: s.TransportIP.String()},
		}})
		if err == nil {
			_, err = s.Client.CoreV1().Nodes().Patch(ctx, n.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		}
		if err != nil {
			klog.FromContext(ctx).Error(err, "Could not announce the transport address; peers use the InternalIP", "address", s.TransportIP)
		}
	}
}

// hasServiceCIDRs asks whether the API serves ServiceCIDRs to this agent; older ones do not. The error is that of ctx.
func (s *Source) hasServiceCIDRs(ctx context.Context) (bool, error) {
	if len(s.ServiceCIDRs) > 0 {
		return false, nil
	}
	for {
		_, err := s.Client.NetworkingV1().ServiceCIDRs().List(ctx, metav1.ListOptions{Limit: 1})
		switch {
		case err == nil:
			return true, nil
		case apierrors.IsNotFound(err) || apierrors.IsForbidden(err):
			klog.FromContext(ctx).Info("No ServiceCIDRs from the API; set serviceCIDR if Services need it", "err", err.Error())
			return false, nil
		}
		klog.FromContext(ctx).V(2).Info("The API does not answer yet", "err", err.Error())
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(retryInterval):
		}
	}
}

// trim drops what the agent does not read, most of a Node: conditions and images change often and are large.
func trim(object any) (any, error) {
	switch o := object.(type) {
	case *corev1.Node:
		o.ManagedFields, o.Labels = nil, nil
		o.Status = corev1.NodeStatus{Addresses: o.Status.Addresses}
	case *networkingv1.ServiceCIDR:
		o.ManagedFields = nil
	}
	return object, nil
}
