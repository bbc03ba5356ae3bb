package host

import (
	"fmt"
	"net/netip"

	"sigs.k8s.io/knftables"

	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// clampTable is the agent's own table in family netdev.
const clampTable = "antrea-clamp"

// clamp is a way to another cluster that takes no longer packets than mtu, in bytes.
type clamp struct {
	dst netip.Prefix
	mtu int
}

// tcpHeaders are the headers of a TCP packet without options, in bytes.
func (c clamp) tcpHeaders() int {
	if c.dst.Addr().Is6() {
		return 40 + 20
	}
	return 20 + 20
}

// clampNFT sends what has [pipeline.MACClamp] straight back to the switch, with an MSS that fits: nft makes it smaller only. The
// packets meet no route, no firewall and no connection tracking of the Node.
func clampNFT(clamps []clamp, gateway string, index int) nftable.Table {
	var rules []string
	for _, c := range clamps {
		family := "ip"
		if c.dst.Addr().Is6() {
			family = "ip6"
		}
		rules = append(rules, fmt.Sprintf("ether daddr %s %s daddr %s tcp flags syn tcp option maxseg size set %d", pipeline.MACClamp, family, c.dst, c.mtu-c.tcpHeaders()))
	}
	rules = append(rules, fmt.Sprintf("ether daddr %s fwd to %q", pipeline.MACClamp, gateway))
	return nftable.Table{
		Family: knftables.NetDevFamily, Name: clampTable,
		Chains: []nftable.Chain{{
			Name: "from-switch", Type: knftables.FilterType, Hook: knftables.IngressHook, Priority: knftables.FilterPriority,
			Device: gateway, Index: index, Rules: rules,
		}},
	}
}
