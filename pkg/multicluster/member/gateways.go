package member

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
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

// gateway is the Gateway of an annotated Node, or an error if it cannot be one.
func gateway(n *corev1.Node, namespace string, public bool) (*v1alpha1.Gateway, error) {
	internal, external := address(n, corev1.NodeInternalIP), address(n, corev1.NodeExternalIP)
	if !internal.IsValid() {
		return nil, fmt.Errorf("no InternalIP on Node %s, so it cannot be a gateway", n.Name)
	}
	ip := internal
	if public && external.IsValid() {
		ip = external
	}
	if text, ok := n.Annotations[AnnotationGatewayIP]; ok {
		var err error
		if ip, err = netip.ParseAddr(text); err != nil || !ip.IsGlobalUnicast() || ip.Zone() != "" {
			return nil, fmt.Errorf("annotation %s=%q of Node %s: use a unicast IP address", AnnotationGatewayIP, text, n.Name)
		}
		ip = ip.Unmap()
	}
	weight := defaultWeight
	if text, ok := n.Annotations[AnnotationGatewayWeight]; ok {
		var err error
		if weight, err = strconv.Atoi(strings.TrimSpace(text)); err != nil || weight < 1 || weight > 65535 {
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

// gatewayReconciler carries out the plan of drain.go.
type gatewayReconciler struct {
	client    client.Client
	events    events.EventRecorder
	config    *configSource
	clock     clock.PassiveClock
	namespace string
	metrics   *metrics
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
		a.Spec.Unschedulable != b.Spec.Unschedulable ||
		!a.DeletionTimestamp.Equal(b.DeletionTimestamp)
}}

// Reconcile brings all Gateways in line: new ones first, so that there is never none in between.
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
	p := planGateways(nodes.Items, have.Items, r.namespace, conf.PublicGatewayIP, r.clock.Now())
	had := map[string]*v1alpha1.Gateway{}
	for i := range have.Items {
		had[have.Items[i].Name] = &have.Items[i]
	}
	for i := range nodes.Items {
		if problem := p.problems[nodes.Items[i].Name]; problem != nil {
			r.events.Eventf(&nodes.Items[i], nil, corev1.EventTypeWarning, "InvalidGateway", "Gateway", "%s", problem)
			ctrl.LoggerFrom(ctx).Info("A Node cannot be a gateway", "node", nodes.Items[i].Name, "reason", problem.Error())
		}
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(p.want)) {
		errs = append(errs, r.apply(ctx, p.want[name], had[name]))
	}
	for _, name := range p.gone {
		if err := r.client.Delete(ctx, had[name]); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("delete Gateway %s: %w", name, err))
			continue
		}
		r.tell(ctx, had[name], "GatewayDrained", "Node %s is no longer a gateway: it has drained for %s", name, DrainPeriod)
	}
	r.metrics.setGateways(p.want)
	return reconcile.Result{RequeueAfter: p.again}, errors.Join(errs...)
}

func (r *gatewayReconciler) apply(ctx context.Context, want, have *v1alpha1.Gateway) error {
	if have == nil {
		if err := r.client.Create(ctx, want); err != nil {
			return fmt.Errorf("create Gateway %s: %w", want.Name, err)
		}
		r.tell(ctx, want, "GatewayAdded", "Node %s is a gateway at %s, weight %d", want.Name, want.GatewayIP, want.Weight)
		return nil
	}
	updated := have.DeepCopy()
	updated.GatewayIP, updated.InternalIP, updated.Weight = want.GatewayIP, want.InternalIP, want.Weight
	updated.DrainingSince, updated.DrainReason = want.DrainingSince, want.DrainReason
	if equality.Semantic.DeepEqual(have, updated) {
		return nil
	}
	if err := r.client.Update(ctx, updated); err != nil {
		return fmt.Errorf("update Gateway %s: %w", want.Name, err)
	}
	switch {
	case have.DrainingSince == nil && want.DrainingSince != nil:
		r.tell(ctx, want, "GatewayDraining", "Node %s sends its traffic to the other gateways (%s), and is none any more in %s", want.Name, want.DrainReason, DrainPeriod)
	case have.DrainingSince != nil && want.DrainingSince == nil:
		r.tell(ctx, want, "GatewayAdded", "Node %s drains no longer", want.Name)
	}
	return nil
}

// tell counts what became of a gateway, logs it and makes an Event of it.
func (r *gatewayReconciler) tell(ctx context.Context, g *v1alpha1.Gateway, reason, format string, args ...any) {
	ctrl.LoggerFrom(ctx).Info("Gateways changed", "node", g.Name, "change", reason, "because", g.DrainReason)
	r.events.Eventf(g, nil, corev1.EventTypeNormal, reason, "Gateway", format, args...)
	r.metrics.gatewayChanges.WithLabelValues(reason).Inc()
}
