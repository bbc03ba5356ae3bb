// Package antctl is the command line antctl.
//
// Start at [NewCommand], which puts the commands together; each file is named after its command. cluster/ chooses the cluster,
// output/ prints, system/ asks agents, errors.go has the exit codes. Multi-cluster commands are in mc/. What antctl knows of
// agents it is told by the API server, which has it from antrea-controller: it executes nothing in Pods.
package antctl

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/mc"
)

// NewCommand is antctl.
func NewCommand() *cobra.Command {
	var target cluster.Flags
	root := &cobra.Command{
		Use:   "antctl",
		Short: "Installs, joins, shows and explains antrea-mc",
		Long: `antctl works on the cluster that kubectl works on, from anywhere that reaches its API server.

Commands that look into agents need ClusterRole antctl or cluster-admin.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	target.AddTo(root.PersistentFlags())
	get := &cobra.Command{Use: "get", Short: "Show what agents and controllers have"}
	get.AddCommand(newGetFlows(&target), newGetPodInterfaces(&target), newGetAgentInfo(&target), newGetDrops(&target), newGetPolicy(&target), newGetFQDNCache(&target))
	query := &cobra.Command{Use: "query", Short: "Say what would become of traffic"}
	query.AddCommand(newQueryPolicy(&target))
	verify := &cobra.Command{Use: "verify", Short: "Compare what is with what should be"}
	verify.AddCommand(newVerifyFlows(&target))
	check := &cobra.Command{Use: "check", Short: "Find what is wrong with what was written"}
	check.AddCommand(newCheckNAD(&target))
	root.AddCommand(get, query, verify, check, mc.NewCommand(&target), newVersion(&target), newUninstall(&target))

	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{cmd, err} })
	refuseUnknown(root)
	return root
}

// refuseUnknown makes every command that only has subcommands refuse words that are none of them, and every other one tell
// how it is used.
func refuseUnknown(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		refuseUnknown(sub)
	}
	if cmd.Runnable() {
		if check := cmd.Args; check != nil {
			cmd.Args = func(cmd *cobra.Command, args []string) error {
				if err := check(cmd, args); err != nil {
					return usageError{cmd, err}
				}
				return nil
			}
		}
		return
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		err := fmt.Errorf("unknown command %q", args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(near, " or "))
		}
		return usageError{cmd, err}
	}
}
