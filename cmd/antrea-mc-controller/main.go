// Command antrea-mc-controller is the multi-cluster controller in the role of leader or member.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/config"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/leader"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

func main() {
	if err := run(); err != nil {
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(klog.Background())
	root := &cobra.Command{
		Use:          "antrea-mc-controller",
		Short:        "exchange gateways and address ranges between the clusters of a ClusterSet",
		Version:      version.String(),
		SilenceUsage: true,
	}
	root.AddCommand(
		role("leader", "admit members and publish their records", leader.Cache, leader.Setup),
		role("member", "join a ClusterSet, publish this cluster and import the others", member.Cache, member.Setup),
	)
	return root.ExecuteContext(ctx)
}

func role(name, short string, cacheFor func(string) cache.Options, setup func(ctrl.Manager, string) error) *cobra.Command {
	var file, namespace string
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			conf := load(file)
			if namespace == "" {
				return errors.New("which namespace? set --namespace or the environment variable POD_NAMESPACE")
			}
			rest, err := ctrl.GetConfig()
			if err != nil {
				return err
			}
			mgr, err := ctrl.NewManager(rest, ctrl.Options{
				Scheme:                        multicluster.NewScheme(),
				Cache:                         cacheFor(namespace),
				HealthProbeBindAddress:        conf.HealthAddress,
				Metrics:                       metricsserver.Options{BindAddress: conf.MetricsAddress},
				LeaderElection:                true,
				LeaderElectionID:              "antrea-mc-controller-" + name,
				LeaderElectionNamespace:       namespace,
				LeaderElectionReleaseOnCancel: true,
			})
			if err != nil {
				return err
			}
			if err := errors.Join(mgr.AddHealthzCheck("ping", healthz.Ping), mgr.AddReadyzCheck("ping", healthz.Ping)); err != nil {
				return err
			}
			if err := setup(mgr, namespace); err != nil {
				return err
			}
			klog.InfoS("Starting antrea-mc-controller", "role", name, "namespace", namespace, "version", version.String())
			return mgr.Start(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "file of kind MultiClusterConfig; without it, the defaults")
	cmd.Flags().StringVar(&namespace, "namespace", os.Getenv("POD_NAMESPACE"), "namespace of the ClusterSet")
	return cmd
}

// load reads the addresses to serve; the member reads the rest from the ConfigMap itself, to see it change. A file that cannot
// be used is no reason not to start: the ClusterSet's conditions say what is wrong with it.
func load(file string) config.Config {
	if file == "" {
		return config.Default()
	}
	text, err := os.ReadFile(file)
	if err == nil {
		var conf config.Config
		if conf, err = config.Parse(text); err == nil {
			return conf
		}
	}
	klog.ErrorS(err, "Serving health and metrics at the default addresses", "file", file)
	return config.Default()
}
