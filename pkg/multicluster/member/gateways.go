package member

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

const (
	// AnnotationGateway on a Node makes it a gateway if its value is true.
	AnnotationGateway = "multicluster.antrea.io/gateway"
	// AnnotationGatewayIP overrides the address that other clusters send to.
	AnnotationGatewayIP = "multicluster.antrea.io/gateway-ip"
	// AnnotationGatewayWeight is the Node's share of the traffic, 1 to 65535; the default is 100.
	AnnotationGatewayWeight = "multicluster.antrea.io/gateway-weight"
	defaultWeight           = 100
)

// gateway is the Gateway of a Node: nil if the Node is none now, an error if it was meant to be one and cannot.
func gateway(n *corev1.Node, namespace string, public bool) (*v1alpha1.Gateway, error) {
	wanted, err := isWanted(n)
	if !wanted || !isReady(n) {
		return nil, err
	}
	internal, external := address(n, corev1.NodeInternalIP), address(n, corev1.NodeExternalIP)
	if !internal.IsValid() {
		return nil, fmt.Errorf("no InternalIP on Node %s, so it cannot be a gateway", n.Name)
	}
	ip := internal
	if public && external.IsValid() {
		ip = external
	}
	if text, ok := n.Annotations[AnnotationGatewayIP]; ok {
		if ip, err = netip.ParseAddr(text); err != nil || !ip.IsGlobalUnicast() || ip.Zone() != "" {
			return nil, fmt.Errorf("annotation %s=%q of Node %s: use a unicast IP address", AnnotationGatewayIP, text, n.Name)
		}
		ip = ip.Unmap()
	}
	weight := defaultWeight
	if text, ok := n.Annotations[AnnotationGatewayWeight]; ok {
		if weight, err = strconv.Atoi(text); err != nil || weight < 1 || weight > 65535 {
			return nil, fmt.Errorf("annotation %s=%q of Node %s: use a number from 1 to 65535", AnnotationGatewayWeight, text, n.Name)
		}
	}
	return &v1alpha1.Gateway{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: n.Name},
		GatewayIP:  ip.String(),
		InternalIP: internal.String(),
		Weight:     int32(weight),
	}, nil
}

// isWanted says whether the Node is meant to be a gateway.
func isWanted(n *corev1.Node) (bool, error) {
	value, annotated := n.Annotations[AnnotationGateway]
	if !annotated || !n.DeletionTimestamp.IsZero() {
		return false, nil
	}
	wanted, err := strconv.ParseBool(value)
	if err != nil {
		return false, fmt.Errorf("annotation %s=%q of Node %s: use true or false", AnnotationGateway, value, n.Name)
	}
	return wanted, nil
}

func isReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// address is the first address of a kind.
func address(n *corev1.Node, kind corev1.NodeAddressType) netip.Addr {
	for _, a := range n.Status.Addresses {
		if ip, err := netip.ParseAddr(a.Address); err == nil && a.Type == kind {
			return ip.Unmap()
		}
	}
	return netip.Addr{}
}

// gatewayReconciler makes a Gateway for every healthy annotated Node, and takes it back when the Node is no longer one.
type gatewayReconciler struct {
	client    client.Client
	events    events.EventRecorder
	config    *configSource
	namespace string
}

func (r *gatewayReconciler) setup(mgr ctrl.Manager) error {
	all := handler.EnqueueRequestsFromMapFunc(func(context.Context, client.Object) []reconcile.Request {
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: r.namespace}}}
	})
	return ctrl.NewControllerManagedBy(mgr).Named("gateway").
		Watches(&corev1.Node{}, all, builder.WithPredicates(nodeChanged)).
		Watches(&v1alpha1.Gateway{}, all).
		Watches(&corev1.ConfigMap{}, all).
		Complete(r)
}

// nodeChanged passes over the heartbeats of kubelets.
var nodeChanged = predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
	a, b := e.ObjectOld.(*corev1.Node), e.ObjectNew.(*corev1.Node)
	return isReady(a) != isReady(b) ||
		!equality.Semantic.DeepEqual(a.Annotations, b.Annotations) ||
		!equality.Semantic.DeepEqual(a.Status.Addresses, b.Status.Addresses) ||
		!equality.Semantic.DeepEqual(a.Spec.PodCIDRs, b.Spec.PodCIDRs) ||
		!a.DeletionTimestamp.Equal(b.DeletionTimestamp)
}}

// Reconcile brings all Gateways in line: new ones first, so that there is never none in between. As long as no Node that is
// ready can take over, those that are not stay: a Node whose kubelet is silent may forward as before, and without any gateway
// the cluster is cut off for certain.
func (r *gatewayReconciler) Reconcile(ctx context.Context, _ ctrl.Request) (reconcile.Result, error) {
	conf, err := r.config.get(ctx)
	if err != nil {
		return reconcile.Result{}, err
	}
	var nodes corev1.NodeList
	if err := r.client.List(ctx, &nodes); err != nil {
		return reconcile.Result{}, fmt.Errorf("list Nodes: %w", err)
	}
	var have v1alpha1.GatewayList
	if err := r.client.List(ctx, &have, client.InNamespace(r.namespace)); err != nil {
		return reconcile.Result{}, fmt.Errorf("list Gateways: %w", err)
	}
	stale := map[string]*v1alpha1.Gateway{}
	for i := range have.Items {
		stale[have.Items[i].Name] = &have.Items[i]
	}
	var errs []error
	ready, silent := false, []string{}
	for i := range nodes.Items {
		want, err := gateway(&nodes.Items[i], r.namespace, conf.PublicGatewayIP)
		if err != nil {
			// Only the operator can help; what the Node was before the mistake it stays.
			r.events.Eventf(&nodes.Items[i], nil, corev1.EventTypeWarning, "InvalidGateway", "Gateway", "%s", err)
			ctrl.LoggerFrom(ctx).Info("A Node cannot be a gateway", "node", nodes.Items[i].Name, "reason", err.Error())
			delete(stale, nodes.Items[i].Name)
			continue
		}
		if want != nil {
			ready = true
			errs = append(errs, r.apply(ctx, want, stale[want.Name]))
			delete(stale, want.Name)
		} else if wanted, _ := isWanted(&nodes.Items[i]); wanted {
			silent = append(silent, nodes.Items[i].Name)
		}
	}
	if !ready {
		for _, name := range silent {
			delete(stale, name)
		}
	}
	for _, g := range stale {
		ctrl.LoggerFrom(ctx).Info("A Node is no longer a gateway", "node", g.Name)
		if err := r.client.Delete(ctx, g); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("delete Gateway %s: %w", g.Name, err))
		}
	}
	return reconcile.Result{}, errors.Join(errs...)
}

func (r *gatewayReconciler) apply(ctx context.Context, want, have *v1alpha1.Gateway) error {
	if have == nil {
		ctrl.LoggerFrom(ctx).Info("A Node is a gateway", "node", want.Name, "address", want.GatewayIP)
		if err := r.client.Create(ctx, want); err != nil {
			return fmt.Errorf("create Gateway %s: %w", want.Name, err)
		}
		return nil
	}
	if have.GatewayIP == want.GatewayIP && have.InternalIP == want.InternalIP && have.Weight == want.Weight {
		return nil
	}
	have.GatewayIP, have.InternalIP, have.Weight = want.GatewayIP, want.InternalIP, want.Weight
	if err := r.client.Update(ctx, have); err != nil {
		return fmt.Errorf("update Gateway %s: %w", want.Name, err)
	}
	return nil
}
