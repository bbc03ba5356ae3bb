// Package controller is antrea-controller: what policies depend on, told to the agent of each Node as far as it needs it, and the
// authenticated way from antctl to the agents.
//
// config.go reads antrea-controller.conf; apiserver/ is what it serves, policies/ what agents ask, policystatus/ what
// ClusterNetworkPolicies are told.
package controller

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/antreaconf"
)

// Config is antrea-controller.conf.
type Config struct {
	APIPort            int  // of the controller's API
	AdminNetworkPolicy bool // say in the status of ClusterNetworkPolicies whether they are understood
}

// DefaultConfig is what holds for keys that are not given.
func DefaultConfig() Config { return Config{APIPort: 10349} }

const (
	keyAPIPort      = "apiPort"
	gateAdminPolicy = "AdminNetworkPolicy"
)

// fixed are the keys of Antrea that only have their default here.
var fixed = map[string]any{
	"clientConnection.kubeconfig":               "",
	"enablePrometheusMetrics":                   true,
	"selfSignedCert":                            true,
	"tlsCipherSuites":                           "",
	"tlsMinVersion":                             "",
	"legacyCRDMirroring":                        true,
	"nodeIPAM.enableNodeIPAM":                   false,
	"nodeIPAM.clusterCIDRs":                     []string{},
	"nodeIPAM.serviceCIDR":                      "",
	"nodeIPAM.serviceCIDRv6":                    "",
	"nodeIPAM.nodeCIDRMaskSizeIPv4":             24,
	"nodeIPAM.nodeCIDRMaskSizeIPv6":             64,
	"ipsecCSRSigner.selfSignedCA":               true,
	"ipsecCSRSigner.autoApprove":                true,
	"multicluster.enableStretchedNetworkPolicy": false,
	"multicluster.namespace":                    "",
}

// gates are Antrea's feature gates that concern its controller. Multicluster is the agents' and may be either.
var gates = []antreaconf.Gate{
	{Name: "Multicluster", Implemented: true},
	{Name: gateAdminPolicy, Implemented: true}, {Name: "AllAlpha"}, {Name: "AllBeta"}, {Name: "AntreaIPAM"}, {Name: "AntreaPolicy", Default: true},
	{Name: "ClusterNetworkPolicy"}, {Name: "Egress", Default: true}, {Name: "IPsecCertAuth"}, {Name: "L7NetworkPolicy"},
	{Name: "NetworkPolicyStats", Default: true}, {Name: "NodeIPAM", Default: true},
	{Name: "ServiceExternalIP", Default: true}, {Name: "SupportBundleCollection"}, {Name: "Traceflow", Default: true},
}

// ReadConfig reads a file. The error joins everything that is wrong with it.
func ReadConfig(file string) (Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c, err := parse(text)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", file, err)
	}
	return c, nil
}

func parse(text []byte) (Config, error) {
	var document map[string]any
	if err := yaml.UnmarshalStrict(text, &document); err != nil {
		return Config{}, fmt.Errorf("not YAML: %w", err)
	}
	on, errs := antreaconf.ParseGates(gates, document["featureGates"])
	delete(document, "featureGates")
	c := DefaultConfig()
	c.AdminNetworkPolicy = on[gateAdminPolicy]
	known := append(slices.Sorted(maps.Keys(fixed)), keyAPIPort)
	values := antreaconf.Flatten(document)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		def, isFixed := fixed[name]
		switch {
		case isFixed:
			errs = append(errs, antreaconf.CheckFixed(name, value, def))
		case name != keyAPIPort:
			errs = append(errs, antreaconf.Unknown("key", name, known))
		case value != nil:
			port, ok := value.(float64)
			c.APIPort = int(port)
			if !ok || float64(c.APIPort) != port || c.APIPort < 1 || c.APIPort > 65535 {
				errs = append(errs, fmt.Errorf("%s: %v is not a port from 1 to 65535", name, antreaconf.Show(value)))
			}
		}
	}
	return c, errors.Join(errs...)
}
