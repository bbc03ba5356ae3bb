package proxy

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// labelProxyName names another proxy that is to take care of a Service.
const labelProxyName = "service.kubernetes.io/service-proxy-name"

// maxAffinity is the longest time, in seconds, that the switch remembers a client.
const maxAffinity = 1<<16 - 1

// Node is what the answer depends on beside the objects.
type Node struct {
	Name, Zone string
	// All takes care of what comes from the host too: NodePorts, and other addresses than those of the cluster.
	All bool
	// SkipLoadBalancers leaves the addresses of load balancers to somebody else.
	SkipLoadBalancers bool
	// ProxyName is the label of the Services that are this proxy's; empty for those without.
	ProxyName string
	// Skip are Services that are somebody else's, by namespace/name or by cluster IP.
	Skip []string
}

// Port is one port of a Service.
type Port struct {
	Name string // namespace/name:port
	pipeline.Service
}

// Ports are the ports of a Service that the Node balances, without numbers. A Service without an address of its own, and one
// that is somebody else's, has none.
func (n Node) Ports(service *corev1.Service, endpointSlices []*discoveryv1.EndpointSlice) []Port {
	if !n.balances(service) {
		return nil
	}
	var ports []Port
	for _, p := range service.Spec.Ports {
		cluster, local := n.endpoints(p, internalLocal(service), endpointSlices)
		ports = append(ports, Port{
			Name: service.Namespace + "/" + service.Name + ":" + p.Name,
			Service: pipeline.Service{
				Protocol: protocol(p.Protocol), Frontends: n.frontends(service, p), Cluster: cluster, Local: local, Affinity: affinity(service),
			},
		})
	}
	return ports
}

func (n Node) balances(service *corev1.Service) bool {
	spec := service.Spec
	if spec.Type == corev1.ServiceTypeExternalName || spec.ClusterIP == "" || spec.ClusterIP == corev1.ClusterIPNone {
		return false
	}
	_, headless := service.Labels[corev1.IsHeadlessService]
	if headless || service.Labels[labelProxyName] != n.ProxyName {
		return false
	}
	skipped := func(name string) bool { return slices.Contains(n.Skip, name) }
	return !skipped(service.Namespace+"/"+service.Name) && !slices.ContainsFunc(spec.ClusterIPs, skipped) && !skipped(spec.ClusterIP)
}

// frontends are the addresses of one port, each once.
func (n Node) frontends(service *corev1.Service, port corev1.ServicePort) []pipeline.Frontend {
	local := service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
	f := frontends{port: uint16(port.Port)}
	clusterIPs := addresses(append(slices.Clone(service.Spec.ClusterIPs), service.Spec.ClusterIP))
	for _, a := range clusterIPs {
		f.add(a, pipeline.Everybody, internalLocal(service), nil)
	}
	for _, a := range addresses(service.Spec.ExternalIPs) {
		f.external(a, n.All, local, nil)
	}
	if service.Spec.Type == corev1.ServiceTypeLoadBalancer && !n.SkipLoadBalancers {
		for _, a := range addresses(ingressIPs(service)) {
			f.external(a, n.All, local, prefixes(service.Spec.LoadBalancerSourceRanges))
		}
	}
	if n.All && port.NodePort != 0 {
		f.port = uint16(port.NodePort)
		for _, v4 := range []bool{true, false} {
			if !slices.ContainsFunc(clusterIPs, func(a netip.Addr) bool { return a.Is4() == v4 }) {
				continue
			}
			if local {
				f.add(pipeline.NodePortAddress(v4), pipeline.InsideOnly, false, nil)
			}
			f.add(pipeline.NodePortAddress(v4), pipeline.OutsideOnly, local, nil)
		}
	}
	return f.list
}

type frontends struct {
	port uint16
	list []pipeline.Frontend
}

func (f *frontends) add(a netip.Addr, clients pipeline.Clients, local bool, sources []netip.Prefix) {
	address := netip.AddrPortFrom(a, f.port)
	for _, have := range f.list {
		if have.Address == address && have.Clients == clients {
			return
		}
	}
	f.list = append(f.list, pipeline.Frontend{Address: address, Clients: clients, Local: local, Sources: sources})
}

// external adds an address outside the cluster. Who is inside always has all endpoints to choose from.
func (f *frontends) external(a netip.Addr, all, local bool, sources []netip.Prefix) {
	if slices.ContainsFunc(f.list, func(have pipeline.Frontend) bool { return have.Address == netip.AddrPortFrom(a, f.port) }) {
		return
	}
	switch {
	case !all:
		f.add(a, pipeline.InsideOnly, false, nil)
	case local:
		f.add(a, pipeline.InsideOnly, false, nil)
		f.add(a, pipeline.OutsideOnly, true, sources)
	default:
		f.add(a, pipeline.Everybody, false, sources)
	}
}

// ingressIPs are the addresses of a load balancer that delivers packets with the address that clients used.
func ingressIPs(service *corev1.Service) []string {
	var ips []string
	for _, i := range service.Status.LoadBalancer.Ingress {
		if i.IP != "" && (i.IPMode == nil || *i.IPMode == corev1.LoadBalancerIPModeVIP) {
			ips = append(ips, i.IP)
		}
	}
	return ips
}

func internalLocal(service *corev1.Service) bool {
	policy := service.Spec.InternalTrafficPolicy
	return policy != nil && *policy == corev1.ServiceInternalTrafficPolicyLocal
}

func affinity(service *corev1.Service) uint16 {
	if service.Spec.SessionAffinity != corev1.ServiceAffinityClientIP {
		return 0
	}
	seconds := corev1.DefaultClientIPServiceAffinitySeconds
	if c := service.Spec.SessionAffinityConfig; c != nil && c.ClientIP != nil && c.ClientIP.TimeoutSeconds != nil {
		seconds = *c.ClientIP.TimeoutSeconds
	}
	return uint16(min(max(seconds, 1), maxAffinity))
}

func protocol(p corev1.Protocol) uint8 {
	switch p {
	case corev1.ProtocolUDP:
		return openflow.ProtoUDP
	case corev1.ProtocolSCTP:
		return openflow.ProtoSCTP
	}
	return openflow.ProtoTCP
}

// addresses are those among the texts that are addresses, each once; the API has checked them.
func addresses(texts []string) []netip.Addr {
	var list []netip.Addr
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil && !slices.Contains(list, a.Unmap()) {
			list = append(list, a.Unmap())
		}
	}
	return list
}

func prefixes(texts []string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil && !slices.Contains(list, p.Masked()) {
			list = append(list, p.Masked())
		}
	}
	return list
}
