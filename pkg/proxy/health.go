package proxy

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// Health is what a Node answers about one Service.
type Health struct {
	Namespace, Name string
	Port            int // where it is asked
	Local           int // endpoints on the Node that are ready
}

// Health tells where a load balancer asks the Node whether it has endpoints of a Service; false if none asks.
func (n Node) Health(service *corev1.Service, endpointSlices []*discoveryv1.EndpointSlice) (Health, bool) {
	if !n.All || !n.balances(service) || service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.HealthCheckNodePort == 0 ||
		service.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
		return Health{}, false
	}
	ready := make(map[string]bool)
	for _, slice := range endpointSlices {
		for _, e := range slice.Endpoints {
			here := e.NodeName != nil && *e.NodeName == n.Name
			if here && len(e.Addresses) > 0 && (e.Conditions.Ready == nil || *e.Conditions.Ready) {
				ready[e.Addresses[0]] = true
			}
		}
	}
	return Health{service.Namespace, service.Name, int(service.Spec.HealthCheckNodePort), len(ready)}, true
}
