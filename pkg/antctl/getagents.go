package antctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/system"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// agentsTable is a command that prints what the agents of Nodes answer at a path, as rows of one table.
type agentsTable[T any] struct {
	name, alias, short, long string
	subresource              string
	columns                  []string
	rows                     func(T) [][]string
	params                   func(*pflag.FlagSet) func() map[string]string // of the request, by flags of the command
}

func newGetPodInterfaces(target *cluster.Flags) *cobra.Command {
	return agentsTable[systemv1alpha1.PodInterfaceList]{
		name: "podinterfaces", alias: "podinterface", short: "Show the Pods' interfaces as the switch has them",
		subresource: "podinterfaces",
		columns:     []string{"NAMESPACE", "NAME", "NODE", "INTERFACE", "PORT", "OFPORT", "MAC", "IP", "CONTAINER ID"},
		rows: func(l systemv1alpha1.PodInterfaceList) (rows [][]string) {
			for _, p := range l.Items {
				port := fmt.Sprint(p.OFPort)
				if p.OFPort == 0 {
					port = "none" // the interface is gone
				}
				rows = append(rows, []string{p.PodNamespace, p.PodName, l.Node, p.Interface, p.PortName, port, p.MAC,
					strings.Join(p.IPs, ","), p.ContainerID[:min(len(p.ContainerID), 12)]})
			}
			return rows
		},
	}.command(target)
}

func newGetDrops(target *cluster.Flags) *cobra.Command {
	return agentsTable[systemv1alpha1.DropList]{
		name: "drops", alias: "drop", short: "Show how many packets the switches have dropped because nobody may send them, by reason",
		subresource: "drops",
		columns:     []string{"NODE", "REASON", "PACKETS"},
		rows: func(l systemv1alpha1.DropList) (rows [][]string) {
			for _, d := range l.Items {
				rows = append(rows, []string{l.Node, d.Reason, fmt.Sprint(d.Packets)})
			}
			return rows
		},
	}.command(target)
}

func newGetAgentInfo(target *cluster.Flags) *cobra.Command {
	return agentsTable[systemv1alpha1.AgentInfo]{
		name: "agentinfos", alias: "agentinfo", short: "Show the state of the agents",
		subresource: "agentinfo",
		columns:     []string{"NODE", "VERSION", "OVS", "DATAPATH", "POD CIDR", "PODS", "FLOWS", "STATE"},
		rows: func(i systemv1alpha1.AgentInfo) [][]string {
			state := "OK"
			for _, c := range i.Conditions {
				if c.Status != metav1.ConditionTrue {
					state = c.Type + ": " + c.Message
					break
				}
			}
			return [][]string{{i.Node, i.Version, i.OVSVersion, i.DatapathType, strings.Join(i.PodCIDRs, ","), fmt.Sprint(i.LocalPods), fmt.Sprint(i.Flows), state}}
		},
	}.command(target)
}

func (t agentsTable[T]) command(target *cluster.Flags) *cobra.Command {
	var nodes []string
	var out output.Format
	params := func() map[string]string { return nil }
	cmd := &cobra.Command{
		Use: t.name, Aliases: []string{t.alias}, Short: t.short, Long: t.long, Args: cobra.NoArgs,
		Example: fmt.Sprintf("  antctl get %s\n  antctl get %[1]s --node node1 -o json", t.name),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := target.Client()
			if err != nil {
				return err
			}
			return t.run(cmd.Context(), client, nodes, params(), out, cmd.OutOrStdout())
		},
	}
	out.AddTo(cmd)
	cmd.Flags().StringSliceVar(&nodes, "node", nil, "the Nodes; all if none is given")
	if t.params != nil {
		params = t.params(cmd.Flags())
	}
	return cmd
}

func (t agentsTable[T]) run(ctx context.Context, client kubernetes.Interface, nodes []string, params map[string]string, out output.Format, w io.Writer) (err error) {
	if len(nodes) == 0 {
		if nodes, err = allNodes(ctx, client); err != nil {
			return err
		}
	}
	answers := make([]T, len(nodes))
	failed := askNodes(nodes, func(i int) error {
		return system.Get(ctx, client, &answers[i], params, "nodes", nodes[i], t.subresource)
	})
	result := listOf[T]{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []T{}}
	for i, answer := range answers {
		if failed[i] == nil {
			result.Items = append(result.Items, answer)
		}
	}
	err = out.Print(w, result, func(w io.Writer) error {
		table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintln(table, strings.Join(t.columns, "\t"))
		for _, answer := range result.Items {
			for _, row := range t.rows(answer) {
				fmt.Fprintln(table, strings.Join(row, "\t"))
			}
		}
		return table.Flush()
	})
	return errors.Join(sameOnce(t.subresource, nodes, failed), err)
}

// listOf is what -o json and -o yaml print.
type listOf[T any] struct {
	metav1.TypeMeta `json:",inline"`
	Items           []T `json:"items"`
}
