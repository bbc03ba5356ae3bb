package antctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/system"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

func newGetFlows(target *cluster.Flags) *cobra.Command {
	var q flowsQuery
	var out output.Format
	cmd := &cobra.Command{
		Use:     "ovsflows",
		Aliases: []string{"of"},
		Short:   "Print the flows of the Nodes' bridges as ovs-ofctl dump-flows does",
		Example: `  # What node1 does with packets to cluster west
  antctl get ovsflows --node node1 --cluster west

  # Forwarding on all Nodes
  antctl get ovsflows --table L3Forwarding`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := target.Client()
			if err != nil {
				return err
			}
			return q.run(cmd.Context(), client, out, cmd.OutOrStdout())
		},
	}
	out.AddTo(cmd)
	cmd.Flags().StringSliceVar(&q.nodes, "node", nil, "the Nodes; all if none is given, or the Pod's with --pod")
	cmd.Flags().StringVar(&q.table, "table", "", "only this table, by number or name")
	cmd.Flags().StringVar(&q.pod, "pod", "", "only flows of this Pod: NAMESPACE/NAME")
	cmd.Flags().StringVar(&q.cluster, "cluster", "", "only flows of this other cluster of the ClusterSet, by its ID")
	return cmd
}

type flowsQuery struct {
	nodes               []string
	table, pod, cluster string
}

func (q flowsQuery) run(ctx context.Context, client kubernetes.Interface, out output.Format, w io.Writer) error {
	nodes, err := q.nodesToAsk(ctx, client)
	if err != nil {
		return err
	}
	lists := make([]systemv1alpha1.OVSFlowList, len(nodes))
	failed := askNodes(nodes, func(i int) error {
		return system.Get(ctx, client, &lists[i], q.params(), "nodes", nodes[i], "ovsflows")
	})
	result := listOf[systemv1alpha1.OVSFlowList]{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []systemv1alpha1.OVSFlowList{}}
	for i, list := range lists {
		if failed[i] == nil {
			result.Items = append(result.Items, list)
		}
	}
	err = out.Print(w, result, func(w io.Writer) error { return writeFlows(w, result.Items, len(nodes) > 1) })
	return errors.Join(sameOnce("flows", nodes, failed), err)
}

// nodesToAsk are the Nodes that were named, that of the Pod, or all.
func (q flowsQuery) nodesToAsk(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	if len(q.nodes) > 0 {
		return q.nodes, nil
	}
	if q.pod != "" {
		namespace, name, ok := strings.Cut(q.pod, "/")
		if !ok {
			return nil, fmt.Errorf("--pod %s: write NAMESPACE/NAME", q.pod)
		}
		pod, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("find the Node of the Pod, or give --node: %w", err)
		}
		if pod.Spec.NodeName == "" {
			return nil, fmt.Errorf("pod %s is not on a Node yet", q.pod)
		}
		return []string{pod.Spec.NodeName}, nil
	}
	return allNodes(ctx, client)
}

func (q flowsQuery) params() map[string]string {
	params := map[string]string{}
	for name, value := range map[string]string{
		systemv1alpha1.ParamTable: q.table, systemv1alpha1.ParamPod: q.pod, systemv1alpha1.ParamCluster: q.cluster,
	} {
		if value != "" {
			params[name] = value
		}
	}
	return params
}

// writeFlows writes one flow a line, under a line for each Node if there are several.
func writeFlows(w io.Writer, lists []systemv1alpha1.OVSFlowList, headers bool) error {
	for _, list := range lists {
		if headers {
			fmt.Fprintf(w, "# %s: %d flows\n", list.Node, len(list.Items))
		}
		for _, f := range list.Items {
			if _, err := fmt.Fprintf(w, " %s\n", f.Text); err != nil {
				return err
			}
		}
	}
	return nil
}
