package underlay

import (
	"fmt"

	"sigs.k8s.io/knftables"

	"github.com/antrea-mc/antrea-mc/pkg/agent/nftable"
)

// steeringTable is the agent's own table in family netdev.
const steeringTable = "antrea-phy"

// steering sends tunnel packets from the transport interface into br-phy and everything from br-phy out of it. What neighbors
// answer goes to both, because the switch resolves next hops itself; questions only reach the kernel, which answers for the
// address.
func steering(t Transport, pair veth, port int) nftable.Table {
	ingress := func(name, device string, index int, rules ...string) nftable.Chain {
		return nftable.Chain{
			Name: name, Type: knftables.FilterType, Hook: knftables.IngressHook, Priority: knftables.FilterPriority,
			Device: device, Index: index, Rules: rules,
		}
	}
	answers := "arp operation reply"
	if t.Address.Addr().Is6() {
		answers = "icmpv6 type nd-neighbor-advert"
	}
	return nftable.Table{
		Family: knftables.NetDevFamily, Name: steeringTable,
		Chains: []nftable.Chain{
			ingress("from-underlay", t.Name, t.Index, fmt.Sprintf("udp dport %d fwd to %q", port, kernelEnd), answers+` dup to "`+kernelEnd+`"`),
			ingress("from-switch", kernelEnd, pair.kernel, `fwd to "`+t.Name+`"`),
		},
	}
}
