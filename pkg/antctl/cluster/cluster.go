// Package cluster is how antctl's commands reach the cluster that they are about: by the flags --kubeconfig and --context,
// which all commands have.
package cluster

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Flags say which cluster. The zero value is the one that kubectl would take.
type Flags struct {
	Kubeconfig string
	Context    string
}

// AddTo adds the flags to a command's.
func (f *Flags) AddTo(flags *pflag.FlagSet) {
	flags.StringVar(&f.Kubeconfig, "kubeconfig", "", "file that says how to reach the cluster (default $KUBECONFIG or ~/.kube/config)")
	flags.StringVar(&f.Context, "context", "", "context of the kubeconfig (default its current one)")
}

// ClientConfig is the kubeconfig that the flags choose.
func (f *Flags) ClientConfig() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.Kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: f.Context})
}

// RESTConfig is how to reach the cluster's API server.
func (f *Flags) RESTConfig() (*rest.Config, error) {
	loader := f.ClientConfig()
	if raw, err := loader.RawConfig(); err == nil && f.Context != "" && raw.Contexts[f.Context] == nil {
		return nil, fmt.Errorf("--context %s: the kubeconfig has %q", f.Context, slices.Sorted(maps.Keys(raw.Contexts)))
	}
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		if file := os.Getenv(clientcmd.RecommendedConfigPathEnvVar); file != "" && f.Kubeconfig == "" {
			return nil, fmt.Errorf("no cluster: KUBECONFIG is %s, which is not there or empty", file)
		}
		return nil, errors.New("no cluster: give --kubeconfig, set KUBECONFIG, or run where kubectl works")
	}
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	config.QPS, config.Burst = 50, 100 // one person's commands, not a controller
	return config, nil
}

// Client is a client of the cluster's API server.
func (f *Flags) Client() (kubernetes.Interface, error) {
	config, err := f.RESTConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}
