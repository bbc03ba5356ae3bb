package proxy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// slowEndpoints says of one address after the other whether a Node uses it, by asking all slices again each time, as the
// documentation of Services reads.
func slowEndpoints(n Node, port corev1.ServicePort, noHints bool, endpointSlices []*discoveryv1.EndpointSlice) (cluster, local []netip.AddrPort) {
	each := func(do func(a netip.AddrPort, e discoveryv1.Endpoint)) {
		for _, slice := range endpointSlices {
			for _, p := range slice.Ports {
				for _, e := range slice.Endpoints {
					if *p.Name == port.Name && *p.Protocol == port.Protocol {
						do(netip.AddrPortFrom(netip.MustParseAddr(e.Addresses[0]), uint16(*p.Port)), e)
					}
				}
			}
		}
	}
	yes := func(b *bool, unsaid bool) bool {
		if b == nil {
			return unsaid
		}
		return *b
	}
	ready := func(e discoveryv1.Endpoint) bool { return yes(e.Conditions.Ready, true) }
	ending := func(e discoveryv1.Endpoint) bool {
		return !ready(e) && yes(e.Conditions.Serving, false) && yes(e.Conditions.Terminating, false)
	}
	here := func(e discoveryv1.Endpoint) bool { return e.NodeName != nil && *e.NodeName == n.Name }
	any := func(v4 bool, is func(discoveryv1.Endpoint) bool) (found bool) {
		each(func(a netip.AddrPort, e discoveryv1.Endpoint) { found = found || a.Addr().Is4() == v4 && is(e) })
		return found
	}
	forNode := func(e discoveryv1.Endpoint) bool {
		return e.Hints != nil && slices.ContainsFunc(e.Hints.ForNodes, func(h discoveryv1.ForNode) bool { return h.Name == n.Name })
	}
	forZone := func(e discoveryv1.Endpoint) bool {
		return e.Hints != nil && slices.ContainsFunc(e.Hints.ForZones, func(h discoveryv1.ForZone) bool { return h.Name == n.Zone })
	}
	for _, v4 := range []bool{true, false} {
		near := func(discoveryv1.Endpoint) bool { return true }
		unhinted := func(hints func(*discoveryv1.EndpointHints) int) bool {
			return any(v4, func(e discoveryv1.Endpoint) bool { return ready(e) && (e.Hints == nil || hints(e.Hints) == 0) })
		}
		switch {
		case noHints:
		case !unhinted(func(h *discoveryv1.EndpointHints) int { return len(h.ForNodes) }) && any(v4, func(e discoveryv1.Endpoint) bool { return ready(e) && forNode(e) }):
			near = forNode
		case !unhinted(func(h *discoveryv1.EndpointHints) int { return len(h.ForZones) }) && any(v4, func(e discoveryv1.Endpoint) bool { return ready(e) && forZone(e) }):
			near = forZone
		}
		each(func(a netip.AddrPort, e discoveryv1.Endpoint) {
			if a.Addr().Is4() != v4 {
				return
			}
			if ready(e) && near(e) || ending(e) && !any(v4, ready) {
				cluster = append(cluster, a)
			}
			if here(e) && (ready(e) || ending(e) && !any(v4, func(e discoveryv1.Endpoint) bool { return ready(e) && here(e) })) {
				local = append(local, a)
			}
		})
	}
	return cluster, local
}

func TestEndpointsAgainstSlowTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	maybe := func() *bool {
		if b := r.IntN(2) == 0; r.IntN(3) > 0 {
			return &b
		}
		return nil
	}
	pick := func(names ...string) string { return names[r.IntN(len(names))] }
	counts := map[string]int{}
	for range 20000 {
		port := corev1.ServicePort{Name: pick("http", "dns"), Protocol: corev1.Protocol(pick("TCP", "UDP"))}
		var list []*discoveryv1.EndpointSlice
		hints := r.IntN(4)
		for i := range r.IntN(4) {
			slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
			format := "10.244.%d.%d"
			if r.IntN(3) == 0 {
				slice.AddressType, format = discoveryv1.AddressTypeIPv6, "fd00::%d:%d"
			}
			for j := range r.IntN(3) {
				name, kind, number := []string{"http", "dns"}[j%2], corev1.Protocol(pick("TCP", "UDP")), int32(80+j)
				slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: &name, Protocol: &kind, Port: &number})
			}
			for j := range r.IntN(5) {
				node := pick("node1", "node2")
				e := discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf(format, i+1, j+1)}, NodeName: &node,
					Conditions: discoveryv1.EndpointConditions{Ready: maybe(), Serving: maybe(), Terminating: maybe()}}
				if hints > 0 && r.IntN(8) > 0 {
					e.Hints = &discoveryv1.EndpointHints{}
					if hints&1 != 0 {
						e.Hints.ForZones = []discoveryv1.ForZone{{Name: pick("east", "west")}}
					}
					if hints&2 != 0 {
						e.Hints.ForNodes = []discoveryv1.ForNode{{Name: pick("node1", "node2")}}
					}
				}
				slice.Endpoints = append(slice.Endpoints, e)
			}
			list = append(list, slice)
		}
		node, noHints := Node{Name: "node1", Zone: pick("", "east")}, r.IntN(4) == 0
		cluster, local := node.endpoints(port, noHints, list)
		slowCluster, slowLocal := slowEndpoints(node, port, noHints, list)
		for name, pair := range map[string][2][]netip.AddrPort{"cluster": {slowCluster, cluster}, "local": {slowLocal, local}} {
			slices.SortFunc(pair[0], netip.AddrPort.Compare)
			slices.SortFunc(pair[1], netip.AddrPort.Compare)
			if diff := cmp.Diff(fmt.Sprint(pair[0]), fmt.Sprint(pair[1])); diff != "" {
				t.Fatalf("%s of %+v (-slow +fast)\n%s\n%+v", name, port, diff, list)
			}
			if len(pair[0]) > 0 {
				counts[name]++
			}
		}
	}
	if counts["cluster"] < 1000 || counts["local"] < 1000 {
		t.Errorf("too few cases with endpoints: %v", counts)
	}
}
