package mc

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
)

func newDestroy(target *cluster.Flags) *cobra.Command {
	var namespace, clusterSet string
	var force bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "End the ClusterSet that this cluster leads",
		Long: `End the ClusterSet that this cluster leads, with its join tokens. The controller stays; undo its installation with
  antctl mc deploy leadercluster --dry-run | kubectl delete -f -`,
		Example: `  antctl mc destroy -n antrea-multicluster --clusterset demo
  antctl mc destroy -n antrea-multicluster --clusterset demo --force`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			return a.destroy(cmd.Context(), namespace, clusterSet, force, timeout)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "antrea-multicluster", "namespace of the leader")
	cmd.Flags().StringVar(&clusterSet, "clusterset", "", "ID of the ClusterSet (default: the one that there is)")
	cmd.Flags().BoolVar(&force, "force", false, "although there are members; they are removed")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait until it is gone")
	return cmd
}

func (a *api) destroy(ctx context.Context, namespace, name string, force bool, timeout time.Duration) error {
	set, err := a.oneClusterSet(ctx, Leader, namespace, name)
	if err != nil {
		return err
	}
	if len(set.Spec.Members) > 0 && !force {
		var members []string
		for _, m := range set.Spec.Members {
			members = append(members, string(m.ClusterID))
		}
		return fmt.Errorf("ClusterSet %s has members %q: run `antctl mc leave` in each first, or give --force", set.Name, members)
	}
	// Tokens go first: nobody shall join while the ClusterSet ends.
	tokens, err := a.tokens(ctx, namespace)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if err := a.deleteToken(ctx, namespace, t.Name); err != nil {
			return err
		}
	}
	if err := a.remove(ctx, Leader, set, timeout); err != nil {
		return err
	}
	a.say("ClusterSet %s has ended", set.Name)
	return nil
}
