package host

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Next hops on antrea-gw0 that nobody has. The switch takes every packet, so any MAC would do that is not antrea-gw0's own.
var (
	virtualIPv6 = pipeline.VirtualAddress(false)
	virtualMAC  = openflow.MustParseMAC("aa:bb:cc:dd:ee:ff")
)

// desired is what the host should have.
type desired struct {
	addresses []netip.Prefix // of antrea-gw0
	routes    []route
	neighbors []netip.Addr // permanent, with virtualMAC
	nat       nat
	services  *services // nil if the host does nothing for Services
	clamps    []clamp
}

// route goes through antrea-gw0, or through the transport interface.
type route struct {
	dst       netip.Prefix
	via       netip.Addr
	src       netip.Addr // preferred source; invalid is the kernel's choice
	transport bool
	mtu       int // of packets that take it; 0 is the device's
}

// nat is the masquerading of Pods.
type nat struct {
	sources []netip.Prefix // of local Pods; none if there is no masquerading
	known   []netip.Prefix // destinations that see the Pods' own addresses
}

// compute is pure: the same state gives the same host.
func compute(s pipeline.State, noSNAT bool, nodePortAddresses []netip.Prefix) desired {
	var d desired
	for i, cidr := range s.Node.PodCIDRs {
		d.addresses = append(d.addresses, netip.PrefixFrom(s.Node.GatewayIPs[i], cidr.Bits()))
		d.neighbors = append(d.neighbors, virtual(cidr.Addr()))
	}
	left := strays(s)
	taken := make(map[netip.Prefix]bool)
	add := func(r route) {
		if !taken[r.dst] && hasFamily(d.addresses, r.dst) {
			taken[r.dst] = true
			d.routes = append(d.routes, r)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Peers)) {
		for _, cidr := range s.Peers[name].PodCIDRs {
			if neighbor, direct := s.Node.Direct(s.Peers[name], cidr); direct {
				if neighbor.IsValid() { // or else it is for the Node's own routes
					add(route{dst: cidr, via: neighbor, transport: true})
				}
				continue
			}
			via := cidr.Addr().Next() // as operators expect to see it; the switch answers for it
			if cidr.Addr().Is6() {
				via = virtualIPv6
			}
			add(route{dst: cidr, via: via})
		}
	}
	for _, p := range left {
		add(route{dst: p, via: virtual(p.Addr()), src: source(d.addresses, p)})
	}
	if d.services = computeServices(s, nodePortAddresses); d.services != nil {
		for _, r := range d.services.routes(d.addresses) {
			add(r)
		}
	}
	d.nat.known = slices.Clone(s.Node.ClusterPodCIDRs)
	for _, id := range slices.Sorted(maps.Keys(s.Clusters)) {
		ranges, mtu := s.Reachable(id), s.PathMTU(id)
		for _, dst := range ranges {
			add(route{dst: dst, via: virtual(dst.Addr()), src: source(d.addresses, dst), mtu: mtu})
			if mtu != 0 {
				d.clamps = append(d.clamps, clamp{dst, mtu})
			}
		}
		d.nat.known = append(d.nat.known, ranges...)
	}
	slices.SortFunc(d.nat.known, netip.Prefix.Compare)
	d.nat.known = slices.Compact(d.nat.known)
	if !noSNAT {
		d.nat.sources = slices.Concat(s.Node.PodCIDRs, left)
	}
	return d
}

// strays are the addresses of Pods that are of no range of the Node any more. Their Node, at least, goes on with them.
func strays(s pipeline.State) []netip.Prefix {
	var list []netip.Prefix
	for _, pod := range s.Pods {
		for _, ip := range pod.IPs {
			if pod.Segment == 0 && len(s.Node.PodCIDRs) > 0 && !slices.ContainsFunc(s.Node.PodCIDRs, func(p netip.Prefix) bool { return p.Contains(ip) }) {
				list = append(list, netip.PrefixFrom(ip, ip.BitLen()))
			}
		}
	}
	slices.SortFunc(list, netip.Prefix.Compare)
	return list
}

func virtual(family netip.Addr) netip.Addr { return pipeline.VirtualAddress(family.Is4()) }

// source is antrea-gw0's address of the family of dst.
func source(addresses []netip.Prefix, dst netip.Prefix) netip.Addr {
	for _, a := range addresses {
		if a.Addr().Is4() == dst.Addr().Is4() {
			return a.Addr()
		}
	}
	return netip.Addr{}
}

func hasFamily(addresses []netip.Prefix, dst netip.Prefix) bool {
	return source(addresses, dst).IsValid()
}
