package antctl

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/system"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

type versions struct {
	Antctl     string `json:"antctlVersion"`
	Controller string `json:"controllerVersion,omitempty"`
}

func newVersion(target *cluster.Flags) *cobra.Command {
	var out output.Format
	var clientOnly bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of antctl and antrea-controller",
		Example: `  antctl version
  antctl version --client -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := versions{Antctl: version.String()}
			var failed error
			if !clientOnly {
				v.Controller, failed = controllerVersion(cmd.Context(), target)
			}
			err := out.Print(cmd.OutOrStdout(), v, func(w io.Writer) error {
				fmt.Fprintf(w, "antctlVersion: %s\n", v.Antctl)
				if v.Controller != "" {
					fmt.Fprintf(w, "controllerVersion: %s\n", v.Controller)
				}
				return nil
			})
			if failed != nil {
				return failed
			}
			return err
		},
	}
	out.AddTo(cmd)
	cmd.Flags().BoolVar(&clientOnly, "client", false, "only the version of antctl, without a cluster")
	return cmd
}

func controllerVersion(ctx context.Context, target *cluster.Flags) (string, error) {
	client, err := target.Client()
	if err != nil {
		return "", err
	}
	var info systemv1alpha1.ControllerInfo
	if err := system.Get(ctx, client, &info, nil, "controllerinfos", "antrea-controller"); err != nil {
		return "", fmt.Errorf("version of antrea-controller: %w", err)
	}
	return info.Version, nil
}
