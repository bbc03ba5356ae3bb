package antctl

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

func newGetPolicy(target *cluster.Flags) *cobra.Command {
	return agentsTable[systemv1alpha1.NetworkPolicyRuleList]{
		name: "networkpolicy", alias: "netpol", short: "Print the rules of policies that Nodes have for their Pods, and what each has counted",
		long: `A rule is counted where it applies: an ingress rule on the Node of the receiving Pod, an egress rule on that of the sending
one. CONNECTIONS are first packets, PACKETS and BYTES what went in their direction; replies are not counted. Of a policy that isolates Pods,
RULE none is what no rule accepts. ACTION Audit is what a policy in audit mode would deny.`,
		subresource: "networkpolicyrules",
		columns:     []string{"NODE", "POLICY", "DIRECTION", "RULE", "ACTION", "PORTS", "CONNECTIONS", "PACKETS", "BYTES"},
		rows: func(l systemv1alpha1.NetworkPolicyRuleList) (rows [][]string) {
			for _, r := range l.Items {
				rule := r.Place()
				if r.Name != "" {
					rule += " (" + r.Name + ")"
				}
				ports := strings.Join(r.Ports, ", ")
				if ports == "" {
					ports = "any"
				}
				rows = append(rows, []string{l.Node, fmt.Sprint(r.Policy), fmt.Sprint(r.Direction), rule, fmt.Sprint(r.Action), ports,
					fmt.Sprint(r.Connections), fmt.Sprint(r.Packets), fmt.Sprint(r.Bytes)})
			}
			return rows
		},
	}.command(target)
}
