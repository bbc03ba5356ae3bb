package host

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/knftables"

	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// servicesTable is the agent's own table for Services.
const servicesTable = "antrea-mc-services"

// services is what the host does for Services: it sends their addresses and NodePorts to the switch, and refuses connections to
// those without endpoints, which a switch cannot.
type services struct {
	ranges    []netip.Prefix // of cluster IPs
	external  []netip.Prefix // other addresses
	nodePorts []string       // protocol . port, of both families
	refused   map[bool][]string
	addresses []netip.Prefix // of the Node, that have NodePorts; all if none
	gateways  []netip.Addr   // of antrea-gw0
}

// computeServices is pure. Only with ProxyAll there is anything to do.
func computeServices(s pipeline.State, nodePortAddresses []netip.Prefix) *services {
	if s.Node.Proxy != pipeline.ProxyAll {
		return nil
	}
	v := &services{ranges: s.Node.ServiceCIDRs, addresses: nodePortAddresses, gateways: s.Node.GatewayIPs, refused: make(map[bool][]string)}
	external, nodePorts, refused := make(map[netip.Prefix]bool), make(map[string]bool), make(map[string]bool)
	for _, service := range s.Services {
		protocol := protocolNames[service.Protocol]
		for _, f := range service.Frontends {
			address, v4 := f.Address.Addr(), f.Address.Addr().Is4()
			if address == pipeline.NodePortAddress(v4) {
				if hasFamily(prefixesOf(service.Cluster), netip.PrefixFrom(address, address.BitLen())) {
					nodePorts[protocol+" . "+strconv.Itoa(int(f.Address.Port()))] = true
				}
				continue
			}
			one := netip.PrefixFrom(address, address.BitLen())
			if !slices.ContainsFunc(v.ranges, one.Overlaps) {
				external[one] = true
			}
			if f.Clients != pipeline.OutsideOnly && !hasFamily(prefixesOf(service.Cluster), one) {
				refused[fmt.Sprintf("%s . %s . %d", address, protocol, f.Address.Port())] = true
			}
		}
	}
	v.external = slices.SortedFunc(maps.Keys(external), netip.Prefix.Compare)
	v.nodePorts = slices.Sorted(maps.Keys(nodePorts))
	for _, element := range slices.Sorted(maps.Keys(refused)) {
		v4 := !strings.Contains(element, ":")
		v.refused[v4] = append(v.refused[v4], element)
	}
	return v
}

var protocolNames = map[uint8]string{openflow.ProtoTCP: "tcp", openflow.ProtoUDP: "udp", openflow.ProtoSCTP: "sctp"}

func prefixesOf(endpoints []netip.AddrPort) []netip.Prefix {
	list := make([]netip.Prefix, len(endpoints))
	for i, e := range endpoints {
		list[i] = netip.PrefixFrom(e.Addr(), e.Addr().BitLen())
	}
	return list
}

// routes lead to antrea-gw0. The addresses that the switch uses itself are there too: what it sends to the host with them comes
// back.
func (v *services) routes(gateways []netip.Prefix) []route {
	var routes []route
	for _, g := range gateways {
		v4 := g.Addr().Is4()
		for _, a := range []netip.Addr{pipeline.VirtualAddress(v4), pipeline.NodePortAddress(v4)} {
			routes = append(routes, route{dst: netip.PrefixFrom(a, a.BitLen()), via: virtual(a), src: g.Addr()})
		}
		for _, dst := range slices.Concat(v.ranges, v.external) {
			if dst.Addr().Is4() == v4 {
				routes = append(routes, route{dst: dst, via: virtual(dst.Addr()), src: g.Addr()})
			}
		}
	}
	return routes
}

// nft is the table. NodePorts keep their number and change their address. What the switch sends back to the host to be
// forwarded has an address that nobody has as its source.
func (v *services) nft(gateway string) nftable.Table {
	t := nftable.Table{
		Family: knftables.InetFamily, Name: servicesTable,
		Sets: []nftable.Set{
			{Name: "nodeports", Type: "inet_proto . inet_service", Elements: v.nodePorts},
			{Name: "refused-ipv4", Type: "ipv4_addr . inet_proto . inet_service", Elements: v.refused[true]},
			{Name: "refused-ipv6", Type: "ipv6_addr . inet_proto . inet_service", Elements: v.refused[false]},
		},
	}
	var nodePorts, output, returned, masquerade []string
	for _, a := range v.gateways {
		v4, family, loopback := a.Is4(), "ip", "127.0.0.0/8"
		if !v4 {
			family, loopback = "ip6", "::1"
		}
		addresses := []string{fmt.Sprintf("fib daddr type local %s daddr != %s", family, loopback)}
		if len(v.addresses) > 0 {
			addresses = nil
			for _, p := range v.addresses {
				if p.Addr().Is4() == v4 {
					addresses = append(addresses, fmt.Sprintf("fib daddr type local %s daddr %s", family, p))
				}
			}
		}
		for _, local := range addresses {
			nodePorts = append(nodePorts, fmt.Sprintf("%s meta l4proto . th dport @nodeports dnat %s to %s", local, family, pipeline.NodePortAddress(v4)))
		}
		masquerade = append(masquerade, fmt.Sprintf("%s saddr %s oifname != %q masquerade", family, pipeline.VirtualAddress(v4), gateway))
		set := "refused-ipv4"
		if !v4 {
			set = "refused-ipv6"
		}
		none := fmt.Sprintf("%s daddr . meta l4proto . th dport @%s", family, set)
		output = append(output, none+" meta l4proto tcp reject with tcp reset", none+" reject")
		for _, cidr := range v.ranges { // that the switch had no use for, and nobody has translated
			if cidr.Addr().Is4() == v4 {
				unknown := fmt.Sprintf("iifname %q %s daddr %s", gateway, family, cidr)
				returned = append(returned, unknown+" meta l4proto tcp reject with tcp reset", unknown+" reject")
			}
		}
	}
	chain := func(name string, kind knftables.BaseChainType, hook knftables.BaseChainHook, priority knftables.BaseChainPriority, rules []string) {
		t.Chains = append(t.Chains, nftable.Chain{Name: name, Type: kind, Hook: hook, Priority: priority, Rules: rules})
	}
	chain("prerouting", knftables.NATType, knftables.PreroutingHook, knftables.DNATPriority, nodePorts)
	chain("output-nat", knftables.NATType, knftables.OutputHook, "-100", nodePorts)
	chain("postrouting", knftables.NATType, knftables.PostroutingHook, knftables.SNATPriority, masquerade)
	chain("output", knftables.FilterType, knftables.OutputHook, knftables.FilterPriority, output)
	// Before routing: the kernel tells the sender of a packet that is to go back where it came from of a better way, and that
	// counts as the one message a second that the sender may get.
	chain("refuse", knftables.FilterType, knftables.PreroutingHook, knftables.FilterPriority, append(slices.Clone(output), returned...))
	return t
}
