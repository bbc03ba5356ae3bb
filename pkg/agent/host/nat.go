package host

import (
	"fmt"
	"net/netip"
	"slices"

	"sigs.k8s.io/knftables"

	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
)

// natTable is the agent's own table. Other tables of the Node may still drop what Pods send: nft lets no table overrule
// another one's drop.
const natTable = "antrea-mc"

const (
	setIPv4 = "known-ipv4"
	setIPv6 = "known-ipv6"
)

// table masquerades what local Pods send to the outside.
func (n nat) table(gateway string) nftable.Table {
	return nftable.Table{
		Family: knftables.InetFamily, Name: natTable,
		Sets: []nftable.Set{
			{Name: setIPv4, Type: "ipv4_addr", Elements: n.elements(netip.Addr.Is4)},
			{Name: setIPv6, Type: "ipv6_addr", Elements: n.elements(netip.Addr.Is6)},
		},
		Chains: []nftable.Chain{{
			Name: "postrouting", Type: knftables.NATType, Hook: knftables.PostroutingHook, Priority: knftables.SNATPriority,
			Rules: n.rules(gateway),
		}},
	}
}

func (n nat) rules(gateway string) []string {
	var rules []string
	for _, source := range n.sources {
		family, set := "ip", setIPv4
		if source.Addr().Is6() {
			family, set = "ip6", setIPv6
		}
		rules = append(rules, fmt.Sprintf("%s saddr %s oifname != %q %s daddr != @%s masquerade", family, source, gateway, family, set))
	}
	return rules
}

func (n nat) elements(family func(netip.Addr) bool) []string {
	var elements []string
	for _, p := range n.known {
		if family(p.Addr()) && !n.covered(p) {
			elements = append(elements, p.String())
		}
	}
	return elements
}

// covered reports whether a wider range is known too: intervals of a set must not overlap.
func (n nat) covered(p netip.Prefix) bool {
	return slices.ContainsFunc(n.known, func(q netip.Prefix) bool { return q.Bits() < p.Bits() && q.Overlaps(p) })
}
