package member

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/cidr"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/config"
)

// found is what a cluster's API says about the cluster.
type found struct {
	nodes    []netip.Prefix // Pod CIDRs of the Nodes
	pods     []netip.Prefix // podSubnet, if the cluster was made by kubeadm
	services []netip.Prefix
	gateways []v1alpha1.Gateway
}

// clusterInfo is what this cluster tells the others. What the operator wrote wins over what was found.
func clusterInfo(clusterID string, f found, conf config.Config) *v1alpha1.ClusterInfo {
	pods := conf.PodCIDRs
	if len(pods) == 0 {
		// A Node outside of podSubnet has got its range from somewhere else; its Pods are to be reached, too.
		pods = append(slices.Clone(f.pods), f.nodes...)
	}
	services := conf.ServiceCIDRs
	if len(services) == 0 {
		services = f.services
	}
	info := &v1alpha1.ClusterInfo{
		ClusterID:    clusterID,
		PodCIDRs:     cidr.Strings(cidr.Aggregate(pods)),
		ServiceCIDRs: cidr.Strings(cidr.Aggregate(services)),
	}
	if len(info.ServiceCIDRs) > 0 {
		info.ServiceCIDR = info.ServiceCIDRs[0]
	}
	for _, g := range f.gateways {
		info.GatewayInfos = append(info.GatewayInfos, v1alpha1.GatewayInfo{Name: g.Name, GatewayIP: g.GatewayIP, Weight: g.Weight, PublicKey: g.PublicKey, Draining: g.DrainingSince != nil})
	}
	slices.SortFunc(info.GatewayInfos, func(a, b v1alpha1.GatewayInfo) int { return cmp.Compare(a.Name, b.Name) })
	return info
}

// discovery reads what the cluster's API says. Nodes, Gateways and ServiceCIDRs come from the cache.
type discovery struct {
	cached       client.Reader
	live         client.Reader
	namespace    string
	serviceCIDRs bool // the API server serves networking.k8s.io/v1 ServiceCIDR
}

func (d *discovery) find(ctx context.Context) (found, error) {
	var f found
	var nodes corev1.NodeList
	if err := d.cached.List(ctx, &nodes); err != nil {
		return f, fmt.Errorf("list Nodes: %w", err)
	}
	for _, n := range nodes.Items {
		cidrs := n.Spec.PodCIDRs
		if len(cidrs) == 0 && n.Spec.PodCIDR != "" {
			cidrs = []string{n.Spec.PodCIDR}
		}
		prefixes, err := cidr.Parse(cidrs)
		if err != nil {
			return f, fmt.Errorf("podCIDRs of Node %s: %w", n.Name, err)
		}
		f.nodes = append(f.nodes, prefixes...)
	}
	var gateways v1alpha1.GatewayList
	if err := d.cached.List(ctx, &gateways, client.InNamespace(d.namespace)); err != nil {
		return f, fmt.Errorf("list Gateways: %w", err)
	}
	f.gateways = slices.DeleteFunc(gateways.Items, func(g v1alpha1.Gateway) bool { return !g.DeletionTimestamp.IsZero() })

	pods, services, err := d.kubeadm(ctx)
	if err != nil {
		return f, err
	}
	f.pods = pods
	f.services, err = d.services(ctx)
	if len(f.services) == 0 {
		f.services = services
	}
	return f, err
}

// services are the ranges of the ServiceCIDRs in use.
func (d *discovery) services(ctx context.Context) ([]netip.Prefix, error) {
	if !d.serviceCIDRs {
		return nil, nil
	}
	var list networkingv1.ServiceCIDRList
	if err := d.cached.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list ServiceCIDRs: %w", err)
	}
	var all []netip.Prefix
	for _, s := range list.Items {
		if !s.DeletionTimestamp.IsZero() || meta.IsStatusConditionFalse(s.Status.Conditions, networkingv1.ServiceCIDRConditionReady) {
			continue
		}
		prefixes, err := cidr.Parse(s.Spec.CIDRs)
		if err != nil {
			return nil, fmt.Errorf("ServiceCIDR %s: %w", s.Name, err)
		}
		all = append(all, prefixes...)
	}
	return all, nil
}

// kubeadm reads podSubnet and serviceSubnet as kubeadm left them in its ConfigMap. Nodes have only pieces of podSubnet, and
// a Node that joins later should not change what other clusters route.
func (d *discovery) kubeadm(ctx context.Context) (pods, services []netip.Prefix, err error) {
	var cm corev1.ConfigMap
	err = d.live.Get(ctx, client.ObjectKey{Namespace: "kube-system", Name: "kubeadm-config"}, &cm)
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read ConfigMap kube-system/kubeadm-config: %w", err)
	}
	return parseKubeadm(cm.Data["ClusterConfiguration"])
}

func parseKubeadm(text string) (pods, services []netip.Prefix, err error) {
	var doc struct {
		Networking struct {
			PodSubnet     string `json:"podSubnet"`
			ServiceSubnet string `json:"serviceSubnet"`
		} `json:"networking"`
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, nil, fmt.Errorf("read ClusterConfiguration in ConfigMap kube-system/kubeadm-config: %w", err)
	}
	if pods, err = subnets(doc.Networking.PodSubnet); err == nil {
		services, err = subnets(doc.Networking.ServiceSubnet)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("networking in ConfigMap kube-system/kubeadm-config: %w", err)
	}
	return pods, services, nil
}

// subnets reads a list as kubeadm takes it: with commas, and with bits set after the prefix length.
func subnets(text string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Masked())
	}
	return all, nil
}
