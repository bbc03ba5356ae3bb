package antctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/system"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

func newGetPolicy(target *cluster.Flags) *cobra.Command {
	var nodes []string
	var out output.Format
	cmd := &cobra.Command{
		Use:     "networkpolicy",
		Aliases: []string{"netpol"},
		Short:   "Print the rules of policies that Nodes have for their Pods, and what each has counted",
		Long: `A rule is counted where it applies: an ingress rule on the Node of the receiving Pod, an egress rule on that of the sending
one. CONNECTIONS are first packets, PACKETS and BYTES what went in their direction; replies are not counted.`,
		Example: `  antctl get networkpolicy --node node1`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := target.RESTConfig()
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			return getPolicy(cmd.Context(), client, nodes, out, cmd.OutOrStdout())
		},
	}
	out.AddTo(cmd)
	cmd.Flags().StringSliceVar(&nodes, "node", nil, "the Nodes; all if none is given")
	return cmd
}

// rulesOfNodes is what -o json and -o yaml print.
type rulesOfNodes struct {
	metav1.TypeMeta `json:",inline"`
	Items           []systemv1alpha1.NetworkPolicyRuleList `json:"items"`
}

func getPolicy(ctx context.Context, client kubernetes.Interface, nodes []string, out output.Format, w io.Writer) error {
	if len(nodes) == 0 {
		var err error
		if nodes, err = allNodes(ctx, client); err != nil {
			return err
		}
	}
	lists := make([]systemv1alpha1.NetworkPolicyRuleList, len(nodes))
	failed := askNodes(nodes, func(i int) error {
		return system.Get(ctx, client, &lists[i], nil, "nodes", nodes[i], "networkpolicyrules")
	})
	result := rulesOfNodes{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []systemv1alpha1.NetworkPolicyRuleList{}}
	for i, list := range lists {
		if failed[i] == nil {
			result.Items = append(result.Items, list)
		}
	}
	return errors.Join(sameOnce("rules", nodes, failed), out.Print(w, result, result.writeText))
}

func (l rulesOfNodes) writeText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NODE\tPOLICY\tDIRECTION\tRULE\tACTION\tPORTS\tCONNECTIONS\tPACKETS\tBYTES")
	for _, list := range l.Items {
		for _, r := range list.Items {
			rule := fmt.Sprint(r.Index)
			if r.Name != "" {
				rule += " (" + r.Name + ")"
			}
			ports := strings.Join(r.Ports, ", ")
			if ports == "" {
				ports = "any"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\n", list.Node, r.Policy, r.Direction, rule, r.Action, ports, r.Connections, r.Packets, r.Bytes)
		}
	}
	return table.Flush()
}
