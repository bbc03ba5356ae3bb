package antctl

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/system"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

func newVerifyFlows(target *cluster.Flags) *cobra.Command {
	var v verifyFlows
	var out output.Format
	cmd := &cobra.Command{
		Use:   "flows",
		Short: "Compare the flows of the Nodes' bridges, and what else agents keep in order, with what they want",
		Long: `Each agent compares all flows, groups and meters of its bridge with those that it has computed, and also what else it
keeps in order: ports, addresses, routes, neighbors, nft tables, sysctls. It tells what is missing (-), changed (- wanted,
+ found), unwanted (+), or foreign (?), which is of somebody else and stays. It repairs nothing unless told so; by itself it
does so when it notices, or every auditInterval. Fails if anything but foreign flows differs.`,
		Example: `  antctl verify flows
  antctl verify flows --node node1 --repair`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := target.Client()
			if err != nil {
				return err
			}
			return v.run(cmd.Context(), client, out, cmd.OutOrStdout())
		},
	}
	out.AddTo(cmd)
	cmd.Flags().StringSliceVar(&v.nodes, "node", nil, "the Nodes; all if none is given")
	cmd.Flags().BoolVar(&v.repair, "repair", false, "put right what differs; needs the right to create nodes/drift of system.antrea.io")
	return cmd
}

type verifyFlows struct {
	nodes  []string
	repair bool
}

func (v verifyFlows) run(ctx context.Context, client kubernetes.Interface, out output.Format, w io.Writer) error {
	nodes := v.nodes
	if len(nodes) == 0 {
		var err error
		if nodes, err = allNodes(ctx, client); err != nil {
			return err
		}
	}
	request := system.Get
	if v.repair {
		request = system.Create
	}
	lists := make([]systemv1alpha1.DriftList, len(nodes))
	failed := askNodes(nodes, func(i int) error { return request(ctx, client, &lists[i], nil, "nodes", nodes[i], "drift") })
	result := listOf[systemv1alpha1.DriftList]{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []systemv1alpha1.DriftList{}}
	differ := 0
	for i, list := range lists {
		if failed[i] != nil {
			continue
		}
		result.Items = append(result.Items, list)
		if n, _ := differences(list); n > 0 && !list.Repaired {
			differ++
		}
	}
	err := errors.Join(sameOnce("flows", nodes, failed), out.Print(w, result, func(w io.Writer) error { return writeDrift(w, result.Items) }))
	if differ > 0 {
		err = errors.Join(err, fmt.Errorf("flows of %d of %d Nodes are not as they should be: agents repair that every auditInterval, antctl verify flows --repair at once", differ, len(nodes)))
	}
	return err
}

// differences are the numbers of what differs and of what is foreign.
func differences(list systemv1alpha1.DriftList) (differ, foreign int) {
	for _, d := range list.Items {
		if d.Kind == systemv1alpha1.DriftForeign {
			foreign++
		} else {
			differ++
		}
	}
	return differ, foreign
}

// writeDrift writes a line for each Node, and one for each flow that differs.
func writeDrift(w io.Writer, lists []systemv1alpha1.DriftList) error {
	for _, list := range lists {
		differ, foreign := differences(list)
		verdict := "all as they should be"
		if differ > 0 {
			verdict = fmt.Sprintf("%d differ", differ)
			if list.Repaired {
				verdict += ", repaired"
			}
		}
		if foreign > 0 {
			verdict += fmt.Sprintf(", %d foreign", foreign)
		}
		if _, err := fmt.Fprintf(w, "%s: %d flows compared, %s\n", list.Node, list.Compared, verdict); err != nil {
			return err
		}
		for _, d := range list.Items {
			have := "+"
			if d.Kind == systemv1alpha1.DriftForeign {
				have = "?"
			}
			for _, line := range []struct{ mark, text string }{{"-", d.Want}, {have, d.Have}} {
				if line.text == "" {
					continue
				}
				if _, err := fmt.Fprintf(w, "%s %s %s: %s\n", line.mark, d.Kind, d.Object, line.text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
