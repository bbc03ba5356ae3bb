// Command whereabouts-daemon gives addresses to the containers of a Node, for the CNI plugin whereabouts. It runs on every Node,
// beside any network. "whereabouts-daemon --install-plugin DIR" also puts the plugin there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/version"
	"github.com/antrea-mc/antrea-mc/plugins/metrics"
	"github.com/antrea-mc/antrea-mc/plugins/whereabouts/daemon"
)

func main() {
	var config daemon.Config
	kubeconfig := pflag.String("kubeconfig", "", "how to reach the API server; the Pod's own account if empty")
	namespace := pflag.String("namespace", envOr("WHEREABOUTS_NAMESPACE", "kube-system"), "namespace of the IPPools ($WHEREABOUTS_NAMESPACE)")
	pflag.StringVar(&config.NodeName, "node-name", os.Getenv("NODE_NAME"), "name of this Node ($NODE_NAME)")
	pflag.StringVar(&config.Socket, "socket", "/var/run/whereabouts/whereabouts.sock", "socket for the CNI plugin")
	pflag.StringVar(&config.JournalDir, "journal", "/var/lib/whereabouts", "directory with a record of each attachment")
	pflag.DurationVar(&config.AuditInterval, "audit-interval", 5*time.Minute, "how often all addresses are looked at")
	metricsAddress := pflag.String("metrics-address", "", "where /metrics is served, as in 127.0.0.1:10354; nowhere if empty")
	install := pflag.String("install-plugin", "", "directory of the Node's CNI plugins, to put whereabouts there")
	join := pflag.Bool("join-pools", false, "put pools that have parts together, as Whereabouts reads them, and end; no daemon may run on any Node")
	plugin := pflag.String("plugin", "/opt/cni/bin/whereabouts", "the plugin to install")
	klogFlags := flag.NewFlagSet("klog", flag.ExitOnError)
	klog.InitFlags(klogFlags)
	pflag.CommandLine.AddGoFlag(klogFlags.Lookup("v"))
	pflag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	config.Registry = metrics.NewRegistry()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return metrics.Serve(ctx, *metricsAddress, config.Registry) })
	group.Go(func() error {
		defer stop() // --join-pools has an end, metrics have none
		return run(ctx, config, *kubeconfig, *namespace, *install, *plugin, *join)
	})
	err := group.Wait()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "whereabouts-daemon:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config daemon.Config, kubeconfig, namespace, install, plugin string, join bool) error {
	klog.FromContext(ctx).Info("Starting whereabouts-daemon", "version", version.String(), "node", config.NodeName, "namespace", namespace)
	if config.NodeName == "" && !join {
		return fmt.Errorf("no name of this Node: set --node-name or $NODE_NAME")
	}
	if install != "" {
		if err := daemon.InstallPlugin(plugin, install); err != nil {
			return fmt.Errorf("install the plugin: %w", err)
		}
	}
	api, err := apiServer(kubeconfig)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	objects, err := store.NewClient(api)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	config.Store = store.New(objects, namespace)
	if join {
		return config.Store.Join(ctx)
	}
	if config.Client, err = kubernetes.NewForConfig(api); err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	return daemon.Run(ctx, config)
}

func apiServer(kubeconfig string) (*rest.Config, error) {
	if kubeconfig != "" {
		return clientcmd.BuildConfigFromFlags("", kubeconfig)
	}
	return rest.InClusterConfig()
}

func envOr(name, value string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return value
}
