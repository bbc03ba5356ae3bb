package policy

import (
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Namespace is what rules depend on of a Namespace.
type Namespace struct {
	Name   string
	Labels map[string]string `json:",omitempty"`
	Log    bool              `json:",omitempty"` // it has LogAnnotation
}

// LogAnnotation is that of a Namespace for whose Pods refused connections are logged, if it is "true".
const LogAnnotation = "networkpolicy.antrea.io/enable-logging"

// AuditAnnotation is that of a policy which is in audit mode, if it is "true": what it would refuse is counted and not refused.
const AuditAnnotation = "networkpolicy.antrea.io/audit-mode"

// NamespaceOf reads a Namespace.
func NamespaceOf(o *corev1.Namespace) Namespace {
	return Namespace{Name: o.Name, Labels: o.Labels, Log: o.Annotations[LogAnnotation] == "true"}
}

// Pod is what rules depend on of a Pod.
type Pod struct {
	types.NamespacedName
	UIDs        []string          `json:",omitempty"` // by which the kubelet knows it: its own, or that of the file it comes from
	Node        string            `json:",omitempty"`
	Labels      map[string]string `json:",omitempty"`
	IPs         []netip.Addr      `json:",omitempty"`
	Ports       []NamedPort       `json:",omitempty"`
	HostNetwork bool              `json:",omitempty"` // it is the Node to policies: they neither select it nor apply to it
}

func (p Pod) equal(q Pod) bool {
	return p.NamespacedName == q.NamespacedName && p.Node == q.Node && p.HostNetwork == q.HostNetwork && slices.Equal(p.UIDs, q.UIDs) &&
		maps.Equal(p.Labels, q.Labels) && slices.Equal(p.IPs, q.IPs) && slices.Equal(p.Ports, q.Ports)
}

// Is tells whether this is the Pod that a kubelet knows by uid, and not another one of that name.
func (p Pod) Is(uid string) bool { return uid == "" || slices.Contains(p.UIDs, uid) }

// NamedPort is a port of a container that has a name.
type NamedPort struct {
	Name     string
	Protocol Protocol
	Number   uint16
}

// PodOf reads a Pod. One that has ended, whose addresses others may have by now, is none.
func PodOf(o *corev1.Pod) (p Pod, ok bool) {
	if o.Status.Phase == corev1.PodSucceeded || o.Status.Phase == corev1.PodFailed {
		return Pod{}, false
	}
	p = Pod{
		NamespacedName: types.NamespacedName{Namespace: o.Namespace, Name: o.Name},
		UIDs:           []string{string(o.UID)},
		Node:           o.Spec.NodeName, Labels: o.Labels, HostNetwork: o.Spec.HostNetwork,
	}
	if mirror := o.Annotations[corev1.MirrorPodAnnotationKey]; mirror != "" {
		p.UIDs = append(p.UIDs, mirror)
	}
	for _, ip := range o.Status.PodIPs {
		if a, err := netip.ParseAddr(ip.IP); err == nil {
			p.IPs = append(p.IPs, a.Unmap())
		}
	}
	if a, err := netip.ParseAddr(o.Status.PodIP); err == nil && len(p.IPs) == 0 {
		p.IPs = append(p.IPs, a.Unmap())
	}
	for _, c := range o.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways { // runs beside the others
			p.Ports = append(p.Ports, namedPorts(c)...)
		}
	}
	for _, c := range o.Spec.Containers {
		p.Ports = append(p.Ports, namedPorts(c)...)
	}
	return p, true
}

func namedPorts(c corev1.Container) []NamedPort {
	var ports []NamedPort
	for _, port := range c.Ports {
		protocol, err := protocolOf(&port.Protocol)
		if port.Name != "" && err == nil {
			ports = append(ports, NamedPort{port.Name, protocol, uint16(port.ContainerPort)})
		}
	}
	return ports
}

// Node is what rules depend on of a Node.
type Node struct {
	Name      string
	Labels    map[string]string `json:",omitempty"`
	Addresses []netip.Addr      `json:",omitempty"` // in its status
	Gateways  []netip.Addr      `json:",omitempty"` // of antrea-gw0, from which the Node talks to its Pods
}

// NodeOf reads a Node.
func NodeOf(o *corev1.Node) Node {
	n := Node{Name: o.Name, Labels: o.Labels}
	for _, address := range o.Status.Addresses {
		if a, err := netip.ParseAddr(address.Address); err == nil {
			n.Addresses = append(n.Addresses, a.Unmap())
		}
	}
	cidrs := o.Spec.PodCIDRs
	if len(cidrs) == 0 {
		cidrs = []string{o.Spec.PodCIDR}
	}
	for _, text := range cidrs {
		if p, err := netip.ParsePrefix(text); err == nil {
			n.Gateways = append(n.Gateways, p.Masked().Addr().Next())
		}
	}
	return n
}

func (n Node) equal(m Node) bool {
	return n.Name == m.Name && maps.Equal(n.Labels, m.Labels) && slices.Equal(n.Addresses, m.Addresses) && slices.Equal(n.Gateways, m.Gateways)
}

// is reports whether an address is one of the Node's own.
func (n Node) is(a netip.Addr) bool {
	return slices.Contains(n.Addresses, a) || slices.Contains(n.Gateways, a)
}

// resolve is the ports that a name stands for in the Pod.
func (p Pod) resolve(n namedPort) []Ports {
	var ports []Ports
	for _, own := range p.Ports {
		if own.Name == n.name && (n.protocol == 0 || own.Protocol == n.protocol) {
			if found := (Ports{own.Protocol, own.Number, own.Number}); !slices.Contains(ports, found) {
				ports = append(ports, found)
			}
		}
	}
	return ports
}
