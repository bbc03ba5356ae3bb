package antctl

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/uninstall"
)

func newUninstall(target *cluster.Flags) *cobra.Command {
	var yes, dryRun bool
	timeout := 5 * time.Minute
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take antrea-mc out of the cluster and leave its Nodes as they were",
		Example: `  antctl uninstall --dry-run
  antctl uninstall --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := target.RESTConfig()
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			objects, err := dynamic.NewForConfig(config)
			if err != nil {
				return err
			}
			c := uninstall.Config{Client: client, Dynamic: objects, Timeout: timeout, Out: cmd.OutOrStdout()}
			plan, err := uninstall.Plan(cmd.Context(), c)
			if err != nil {
				return err
			}
			if !yes {
				fmt.Fprintf(c.Out, "%sCluster: %s\n", plan, config.Host)
			}
			if dryRun {
				return nil
			}
			if !yes && !confirmed(cmd) {
				return errors.New("nothing was done: answer yes, or give --yes")
			}
			return uninstall.Run(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be done")
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long to wait for each step")
	return cmd
}

func confirmed(cmd *cobra.Command) bool {
	fmt.Fprint(cmd.OutOrStdout(), "Type yes to go on: ")
	line := bufio.NewScanner(cmd.InOrStdin())
	return line.Scan() && line.Text() == "yes"
}
