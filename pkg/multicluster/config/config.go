// Package config reads the configuration of the multi-cluster controllers: ConfigMap antrea-mc-controller-config, key
// controller_manager_config.yaml, kind MultiClusterConfig ([Parse]). Keys of Antrea are accepted; those that mean nothing
// here are accepted at Antrea's default and refused, by name, at any other value.
package config

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster/cidr"
)

const (
	// ConfigMap is the name of the ConfigMap.
	ConfigMap = "antrea-mc-controller-config"
	// Key is the key in it.
	Key = "controller_manager_config.yaml"
)

// Config is what the controllers use of a MultiClusterConfig. The zero value is not sound: use Default or Parse.
type Config struct {
	// HealthAddress serves /healthz and /readyz.
	HealthAddress string
	// MetricsAddress serves /metrics; "0" serves none.
	MetricsAddress string
	// PodCIDRs, if any, are used instead of what is discovered.
	PodCIDRs []netip.Prefix
	// ServiceCIDRs, if any, are used instead of what is discovered.
	ServiceCIDRs []netip.Prefix
	// PublicGatewayIP prefers ExternalIP to InternalIP as the address of a gateway.
	PublicGatewayIP bool
}

// Default is what an empty file means.
func Default() Config { return Config{HealthAddress: ":8080", MetricsAddress: "0"} }

// file is the document as Antrea's users write it.
type file struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Health     struct {
		HealthProbeBindAddress string `json:"healthProbeBindAddress"`
	} `json:"health"`
	Metrics struct {
		BindAddress string `json:"bindAddress"`
	} `json:"metrics"`
	Webhook struct {
		Port int `json:"port"`
	} `json:"webhook"`
	LeaderElection struct {
		LeaderElect *bool `json:"leaderElect"`
	} `json:"leaderElection"`
	PodCIDRs                     []string `json:"podCIDRs"`
	ServiceCIDR                  string   `json:"serviceCIDR"`
	ServiceCIDRs                 []string `json:"serviceCIDRs"`
	GatewayIPPrecedence          string   `json:"gatewayIPPrecedence"`
	EndpointIPType               string   `json:"endpointIPType"`
	EnableStretchedNetworkPolicy bool     `json:"enableStretchedNetworkPolicy"`
}

// Parse reads a MultiClusterConfig. Everything that is wrong is reported at once.
func Parse(text []byte) (Config, error) {
	var f file
	if err := yaml.UnmarshalStrict(text, &f); err != nil {
		return Config{}, fmt.Errorf("read %s: %w", Key, err)
	}
	c := Default()
	var errs []error
	if f.Kind != "" && f.Kind != "MultiClusterConfig" {
		errs = append(errs, fmt.Errorf("kind %q is not MultiClusterConfig", f.Kind))
	}
	if a := f.Health.HealthProbeBindAddress; a != "" {
		c.HealthAddress = a
	}
	if a := f.Metrics.BindAddress; a != "" {
		c.MetricsAddress = a
	}
	var err error
	if c.PodCIDRs, err = ranges(f.PodCIDRs); err != nil {
		errs = append(errs, fmt.Errorf("podCIDRs: %w", err))
	}
	if c.ServiceCIDRs, err = ranges(append([]string{f.ServiceCIDR}, f.ServiceCIDRs...)); err != nil {
		errs = append(errs, fmt.Errorf("serviceCIDR: %w", err))
	}
	switch f.GatewayIPPrecedence {
	case "", "private", "internal":
	case "public", "external":
		c.PublicGatewayIP = true
	default:
		errs = append(errs, fmt.Errorf("gatewayIPPrecedence %q: use private, internal, public or external", f.GatewayIPPrecedence))
	}
	if f.EndpointIPType != "" && f.EndpointIPType != "ClusterIP" {
		errs = append(errs, fmt.Errorf("endpointIPType %q is not supported: remove it", f.EndpointIPType))
	}
	if f.EnableStretchedNetworkPolicy {
		errs = append(errs, errors.New("enableStretchedNetworkPolicy true is not supported: remove it"))
	}
	return c, errors.Join(errs...)
}

// ranges reads CIDRs; [""], Antrea's default, is none.
func ranges(texts []string) ([]netip.Prefix, error) {
	return cidr.Parse(slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return t == "" }))
}
