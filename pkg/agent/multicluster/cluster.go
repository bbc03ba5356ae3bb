// Package multicluster is the source of gateways and other clusters: Gateway and ClusterInfoImport objects, which the member
// controller writes into one Namespace.
//
// Start at [Source]. source.go watches, cluster.go turns objects into state without asking anyone. As long as the kinds are
// not installed there are none of them, which is a state like any other.
package multicluster

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// compute puts what the objects say into a state. An object, or a part of it, that cannot be used is skipped and told.
func compute(s *pipeline.State, gateways []v1alpha1.Gateway, imports []v1alpha1.ClusterInfoImport) (problems []error) {
	s.Gateways = nil
	for _, g := range gateways {
		gateway, err := gatewayOf(g)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		s.Gateways = append(s.Gateways, gateway)
	}
	slices.SortFunc(s.Gateways, func(a, b pipeline.Gateway) int { return cmp.Compare(a.Name, b.Name) })

	s.Clusters = make(map[string]pipeline.Cluster)
	for _, i := range imports {
		if i.Spec.ClusterID == "" {
			problems = append(problems, fmt.Errorf("ClusterInfoImport %s: it has no clusterID", i.Name))
			continue
		}
		cluster, errs := clusterOf(i)
		problems = append(problems, errs...)
		s.Clusters[i.Spec.ClusterID] = cluster
	}
	return problems
}

func gatewayOf(g v1alpha1.Gateway) (pipeline.Gateway, error) {
	internal, err1 := netip.ParseAddr(g.InternalIP)
	external, err2 := netip.ParseAddr(g.GatewayIP)
	if err := errors.Join(err1, err2); err != nil {
		return pipeline.Gateway{}, fmt.Errorf("gateway %s: %w", g.Name, err)
	}
	return pipeline.Gateway{Name: g.Name, InternalIP: internal, GatewayIP: external, Weight: int(g.Weight), Draining: g.DrainingSince != nil}, nil
}

func clusterOf(i v1alpha1.ClusterInfoImport) (c pipeline.Cluster, problems []error) {
	ranges := func(texts ...string) (ps []netip.Prefix) {
		for _, text := range texts {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				problems = append(problems, fmt.Errorf("ClusterInfoImport %s: %w", i.Name, err))
				continue
			}
			ps = append(ps, p.Masked())
		}
		return ps
	}
	c.PodCIDRs = ranges(i.Spec.PodCIDRs...)
	c.ServiceCIDRs = ranges(i.Spec.ServiceCIDRs...)
	if len(c.ServiceCIDRs) == 0 && i.Spec.ServiceCIDR != "" {
		c.ServiceCIDRs = ranges(i.Spec.ServiceCIDR)
	}
	for _, g := range i.Spec.GatewayInfos {
		ip, err := netip.ParseAddr(g.GatewayIP)
		if err != nil {
			problems = append(problems, fmt.Errorf("ClusterInfoImport %s: gateway %s: %w", i.Name, g.Name, err))
			continue
		}
		c.Gateways = append(c.Gateways, pipeline.RemoteGateway{Name: g.Name, IP: ip, Weight: int(g.Weight)})
	}
	return c, problems
}
