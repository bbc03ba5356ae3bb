// Command antrea-controller tells agents what policies for their Pods depend on, and is the way from antctl to the agents: both as a
// part of the Kubernetes API. It says in the status of ClusterNetworkPolicies whether they are understood.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"

	"github.com/antrea-mc/antrea-mc/pkg/controller"
	"github.com/antrea-mc/antrea-mc/pkg/controller/apiserver"
	"github.com/antrea-mc/antrea-mc/pkg/controller/policies"
	"github.com/antrea-mc/antrea-mc/pkg/controller/policystatus"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

func main() {
	configFile := pflag.String("config", "/etc/antrea/antrea-controller.conf", "file with the configuration")
	kubeconfig := pflag.String("kubeconfig", "", "how to reach the API server; the Pod's own account if empty")
	tokenFile := pflag.String("agent-token-file", "/var/run/secrets/antrea-agent/token", "file with the token that agents are shown")
	serviceHost := pflag.String("service-host", "antrea.kube-system.svc", "DNS name of the Service in front of this Pod")
	pflag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *configFile, *kubeconfig, *tokenFile, *serviceHost)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "antrea-controller:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, configFile, kubeconfig, tokenFile, serviceHost string) error {
	config, err := controller.ReadConfig(configFile)
	if err != nil {
		return err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	rest.QPS, rest.Burst = 200, 400 // each agent that asks is reviewed, and after a restart all of them ask
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	services, err := apiregistration.NewForConfig(rest)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	objects, err := dynamic.NewForConfig(rest)
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	klog.FromContext(ctx).Info("Starting antrea-controller", "version", version.String(), "config", config)
	told := policies.New(client, objects)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return told.Run(ctx) })
	if config.AdminNetworkPolicy {
		group.Go(func() error { return policystatus.Run(ctx, objects) })
	}
	group.Go(func() error {
		return apiserver.Run(ctx, apiserver.Config{
			Port:        config.APIPort,
			ServiceHost: serviceHost,
			Client:      client,
			APIServices: services.APIServices(),
			TokenFile:   tokenFile,
			Policies:    told,
		})
	})
	return group.Wait()
}
