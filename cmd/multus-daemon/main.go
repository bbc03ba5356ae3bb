// Command multus-daemon attaches the Pods of a Node to several networks, for the CNI plugin multus. It runs on every Node, beside
// any network. "multus-daemon --install-plugin DIR --install-conf DIR" also puts the plugin and its configuration there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/version"
	"github.com/antrea-mc/antrea-mc/plugins/metrics"
	"github.com/antrea-mc/antrea-mc/plugins/multus/daemon"
)

func main() {
	var config daemon.Config
	kubeconfig := pflag.String("kubeconfig", "", "how to reach the API server; the Pod's own account if empty")
	pflag.StringVar(&config.NodeName, "node-name", os.Getenv("NODE_NAME"), "name of this Node ($NODE_NAME)")
	pflag.StringVar(&config.Socket, "socket", "/var/run/multus/multus.sock", "socket for the CNI plugin")
	pflag.StringVar(&config.JournalDir, "journal", "/var/lib/multus", "directory with a record of each sandbox")
	pflag.StringVar(&config.HostRoot, "host-root", "/", "where the root directory of the Node is; plugins are executed there")
	pflag.StringVar(&config.PodResources, "pod-resources", "/var/lib/kubelet/pod-resources/kubelet.sock", "socket on the Node where kubelet tells which Pod has which devices")
	pflag.BoolVar(&config.HotPlug, "hot-plug", true, "whether a Pod that runs gets the networks of its changed annotation")
	metricsAddress := pflag.String("metrics-address", "", "where /metrics is served, as in 127.0.0.1:10355; nowhere if empty")
	pflag.StringVar(&config.Install.BinDir, "install-plugin", "", "directory of the Node's CNI plugins, to put multus there")
	pflag.StringVar(&config.Install.ConfDir, "install-conf", "", "directory of the runtime's network configurations as the Node has it, to put multus before the first one there")
	pflag.StringVar(&config.Install.Plugin, "plugin", "/opt/cni/bin/multus", "the plugin to install")
	klogFlags := flag.NewFlagSet("klog", flag.ExitOnError)
	klog.InitFlags(klogFlags)
	pflag.CommandLine.AddGoFlag(klogFlags.Lookup("v"))
	pflag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	config.Registry = metrics.NewRegistry()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return metrics.Serve(ctx, *metricsAddress, config.Registry) })
	group.Go(func() error { return run(ctx, config, *kubeconfig) })
	err := group.Wait()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "multus-daemon:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, config daemon.Config, kubeconfig string) error {
	klog.FromContext(ctx).Info("Starting multus-daemon", "version", version.String(), "node", config.NodeName)
	if config.NodeName == "" {
		return fmt.Errorf("no name of this Node: set --node-name or $NODE_NAME")
	}
	api, err := apiServer(kubeconfig)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	api.QPS, api.Burst = 50, 100 // what the watches do not have yet is asked for
	if config.Client, err = kubernetes.NewForConfig(api); err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	if config.Objects, err = dynamic.NewForConfig(api); err != nil {
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
