// Command antrea-agent connects the Pods of a Node. It runs on every Node, beside Open vSwitch.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent"
	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

// options is the command line.
type options struct {
	configFile string
	kubeconfig string
	cleanup    bool
	agent      agent.Config
}

func main() {
	var o options
	pflag.StringVar(&o.configFile, "config", "/etc/antrea/antrea-agent.conf", "file with the configuration")
	pflag.StringVar(&o.kubeconfig, "kubeconfig", "", "how to reach the API server; the Pod's own account if empty")
	pflag.BoolVar(&o.cleanup, "cleanup", false, "undo what the agent has done to this Node, and exit")
	pflag.StringVar(&o.agent.NodeName, "node-name", os.Getenv("NODE_NAME"), "name of this Node ($NODE_NAME)")
	pflag.StringVar(&o.agent.Namespace, "namespace", envOr("POD_NAMESPACE", "kube-system"), "namespace of the agent ($POD_NAMESPACE)")
	pflag.StringVar(&o.agent.OVSRunDir, "ovs-run-dir", "/var/run/openvswitch", "directory with the sockets of Open vSwitch")
	pflag.StringVar(&o.agent.CNISocket, "cni-socket", cni.DefaultSocket, "socket for the CNI plugin")
	pflag.StringVar(&o.agent.StateDir, "state-dir", "/var/lib/antrea", "directory for what a start after a reboot is faster with")
	pflag.StringVar(&o.agent.ConflistDir, "conflist-dir", "/etc/cni/net.d", "where the container runtime looks for network configurations")
	pflag.StringVar(&o.agent.ConflistFile, "conflist", "/etc/antrea/antrea-cni.conflist", "network configuration to install; a default one if there is no such file")
	pflag.StringVar((*string)(&o.agent.ProcSys), "proc-sys", writableProcSys(), "a /proc/sys that can be written")
	klogFlags := flag.NewFlagSet("klog", flag.ExitOnError)
	klog.InitFlags(klogFlags)
	pflag.CommandLine.AddGoFlag(klogFlags.Lookup("v"))
	pflag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "antrea-agent:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	file, err := os.ReadFile(o.configFile)
	if o.cleanup && errors.Is(err, os.ErrNotExist) {
		file, err = nil, nil // the ConfigMap may have been deleted before
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if o.agent.Config, err = config.Parse(file); err != nil {
		return fmt.Errorf("configuration %s:\n%w", o.configFile, err)
	}
	if o.cleanup {
		return agent.Cleanup(ctx, o.agent)
	}
	logger := klog.FromContext(ctx)
	logger.Info("Starting antrea-agent", "version", version.String(), "node", o.agent.NodeName)
	for _, setting := range o.agent.Effective() {
		logger.Info("Effective configuration", "key", setting.Key, "value", setting.Value)
	}
	if o.agent.NodeName == "" {
		return fmt.Errorf("no name of this Node: set --node-name or $NODE_NAME")
	}
	api, err := apiServer(o.kubeconfig, o.agent.KubeAPIServerOverride)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	if o.agent.Client, err = kubernetes.NewForConfig(api); err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	if o.agent.Dynamic, err = dynamic.NewForConfig(api); err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	return agent.Run(ctx, o.agent)
}

// apiServer says how to reach the API server: by a kubeconfig, or with the Pod's own account, at another address if one is given.
func apiServer(kubeconfig, address string) (c *rest.Config, err error) {
	if kubeconfig != "" {
		c, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
	} else {
		c, err = rest.InClusterConfig()
	}
	if err == nil && address != "" {
		c.Host = address
	}
	return c, err
}

// writableProcSys is where the install manifest mounts the Node's sysctls, or else the usual place.
func writableProcSys() string {
	const mounted = "/host/proc/sys"
	if _, err := os.Stat(mounted + "/net"); err == nil {
		return mounted
	}
	return "/proc/sys"
}

func envOr(name, value string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return value
}
