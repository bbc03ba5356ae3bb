package proxy

import (
	"cmp"
	"hash/fnv"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// maxEndpoints is how many endpoints of a port a Node uses: more do not fit into one message to the switch. Of more, every Node
// uses others.
const maxEndpoints = 400

// endpoint is one that is ready, or at least serves until it has ended.
type endpoint struct {
	address      netip.AddrPort
	ready, local bool
	zones, nodes []string // that should use it
}

// endpoints are those of one port that the Node uses, and those on the Node, of both families. Where none is ready, those do that
// serve although they are about to end. With hints that name this Node or its zone, others are left out; not for Services that
// stay on the Node anyway.
func (n Node) endpoints(port corev1.ServicePort, noHints bool, endpointSlices []*discoveryv1.EndpointSlice) (cluster, local []netip.AddrPort) {
	for _, v4 := range []bool{true, false} {
		all := n.family(v4, port, endpointSlices)
		ready := filter(all, func(e endpoint) bool { return e.ready })
		if !noHints {
			ready = n.near(ready)
		}
		if len(ready) == 0 {
			ready = all
		}
		here := filter(all, func(e endpoint) bool { return e.local })
		if hereReady := filter(here, func(e endpoint) bool { return e.ready }); len(hereReady) > 0 {
			here = hereReady
		}
		cluster, local = append(cluster, n.few(ready)...), append(local, n.few(here)...)
	}
	return cluster, local
}

// family are the endpoints of one family, each once.
func (n Node) family(v4 bool, port corev1.ServicePort, endpointSlices []*discoveryv1.EndpointSlice) []endpoint {
	var all []endpoint
	for _, slice := range endpointSlices {
		number, ok := portOf(slice, port)
		if !ok || slice.AddressType != discoveryv1.AddressTypeIPv4 && slice.AddressType != discoveryv1.AddressTypeIPv6 {
			continue
		}
		for _, e := range slice.Endpoints {
			ready := e.Conditions.Ready == nil || *e.Conditions.Ready
			serving := ready
			if e.Conditions.Serving != nil {
				serving = *e.Conditions.Serving
			}
			ending := e.Conditions.Terminating != nil && *e.Conditions.Terminating
			if len(e.Addresses) == 0 || !ready && (!serving || !ending) {
				continue
			}
			a, err := netip.ParseAddr(e.Addresses[0]) // all are the same endpoint
			if err != nil || a.Unmap().Is4() != v4 {
				continue
			}
			one := endpoint{address: netip.AddrPortFrom(a.Unmap(), number), ready: ready, local: e.NodeName != nil && *e.NodeName == n.Name}
			if e.Hints != nil {
				for _, z := range e.Hints.ForZones {
					one.zones = append(one.zones, z.Name)
				}
				for _, z := range e.Hints.ForNodes {
					one.nodes = append(one.nodes, z.Name)
				}
			}
			all = append(all, one)
		}
	}
	// While a Pod moves from one slice to another it may be in both, and not ready in one.
	slices.SortStableFunc(all, func(a, b endpoint) int {
		return cmp.Or(a.address.Compare(b.address), boolean(b.ready)-boolean(a.ready))
	})
	return slices.CompactFunc(all, func(a, b endpoint) bool { return a.address == b.address })
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// portOf is the number that endpoints of a slice have for a port, by its name. Where it is not said, it is any.
func portOf(slice *discoveryv1.EndpointSlice, port corev1.ServicePort) (uint16, bool) {
	for _, p := range slice.Ports {
		name, kind := "", corev1.ProtocolTCP
		if p.Name != nil {
			name = *p.Name
		}
		if p.Protocol != nil {
			kind = *p.Protocol
		}
		if name == port.Name && p.Port != nil && *p.Port > 0 && protocol(kind) == protocol(port.Protocol) {
			return uint16(*p.Port), true
		}
	}
	return 0, false
}

// near are the endpoints that hints leave to this Node: those for the Node itself, or else those for its zone. Unless all
// endpoints have hints, and one is for this Node, none is heeded.
func (n Node) near(all []endpoint) []endpoint {
	for _, hint := range []struct {
		value string
		of    func(endpoint) []string
	}{
		{n.Name, func(e endpoint) []string { return e.nodes }},
		{n.Zone, func(e endpoint) []string { return e.zones }},
	} {
		if hint.value == "" || slices.ContainsFunc(all, func(e endpoint) bool { return len(hint.of(e)) == 0 }) {
			continue
		}
		if near := filter(all, func(e endpoint) bool { return slices.Contains(hint.of(e), hint.value) }); len(near) > 0 {
			return near
		}
	}
	return all
}

// few are at most maxEndpoints of the endpoints, sorted: those that a hash of Node and endpoint favors.
func (n Node) few(all []endpoint) []netip.AddrPort {
	list := make([]netip.AddrPort, len(all))
	for i, e := range all {
		list[i] = e.address
	}
	if len(list) > maxEndpoints {
		score := make(map[netip.AddrPort]uint64, len(list))
		for _, a := range list {
			h := fnv.New64a()
			h.Write([]byte(n.Name + " " + a.String()))
			score[a] = h.Sum64() * 0x9e3779b97f4a7c15 // the low bits of texts that are alike are alike
		}
		slices.SortFunc(list, func(a, b netip.AddrPort) int { return cmp.Or(cmp.Compare(score[a], score[b]), a.Compare(b)) })
		list = list[:maxEndpoints]
	}
	slices.SortFunc(list, netip.AddrPort.Compare)
	return list
}

func filter(all []endpoint, keep func(endpoint) bool) []endpoint {
	var list []endpoint
	for _, e := range all {
		if keep(e) {
			list = append(list, e)
		}
	}
	return list
}
