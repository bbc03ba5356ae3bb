// Package config reads antrea-agent.conf, the agent's part of ConfigMap antrea-config.
//
// Start at [Parse]. Every key is a row of the table in keys.go, every feature gate one of gates.go; defaults, checks, the
// effective configuration and the reference page all read these tables. Keys and gates of Antrea that do nothing here are
// accepted at Antrea's default, so that a file made for Antrea can be used, and refused at any other value, so that nobody
// believes to have what he has not. Nothing is read from Kubernetes here.
package config

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/antreaconf"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Config is the effective configuration of the agent.
type Config struct {
	OVSBridge                string
	OVSDatapathType          string // "system", "netdev", or "" for what the kernel offers
	HostGateway              string
	Encap                    pipeline.EncapMode
	Tunnel                   Tunnel
	DefaultMTU               int // of Pods; 0 is the transport interface's less what the tunnel adds
	TransportInterface       string
	NoSNAT                   bool
	DisableTXChecksumOffload bool
	ServiceCIDRs             []netip.Prefix // empty: found in the API
	AuditInterval            time.Duration  // 0 is never
	RemoveForeignFlows       bool
	APIPort                  int
	PrometheusMetrics        bool
	KubeAPIServerOverride    string
	Multicluster             Multicluster
	Proxy                    Proxy // enabled, it brings NetworkPolicies with it
	AdminNetworkPolicy       bool  // ClusterNetworkPolicies too
	FQDNCacheMinTTL          int   // seconds
	PolicySource             PolicySource
	SecondaryNetwork         bool // Pods may have further interfaces, in segments
}

// Multicluster is the part for traffic to other clusters.
type Multicluster struct {
	Enable    bool
	Namespace string // of Gateways and ClusterInfoImports; empty is the agent's own
	SourceNAT pipeline.SourceNAT
}

// PolicySource is who finds out what policies for the Pods of the Node depend on.
type PolicySource string

// The sources.
const (
	FromController PolicySource = "controller" // antrea-controller, which watches the cluster once for all Nodes
	FromAgent      PolicySource = "agent"      // each agent, by watches of the whole cluster
)

// Proxy is the part for Services.
type Proxy struct {
	Enable            bool // Services are balanced in the switch, for Pods at least
	All               bool // for what comes from the host too, so that kube-proxy is not needed
	NodePortAddresses []netip.Prefix
	Skip              []string // namespace/name or cluster IP
	LoadBalancerIPs   bool
	ServiceProxyName  string
}

// Default is the configuration of an empty file.
func Default() Config {
	var d draft
	for _, k := range keys {
		if k.set != nil && k.Default != nil {
			if err := k.set(&d, antreaconf.Normal(k.Default)); err != nil {
				panic(fmt.Sprintf("default of %s: %v", k.Name, err))
			}
		}
	}
	on, _ := antreaconf.ParseGates(gates, nil)
	c, err := d.finish(on)
	if err != nil {
		panic(err)
	}
	return c
}

// draft is a configuration while the keys of a file are put in.
type draft struct {
	Config
	serviceCIDR, serviceCIDRv6 netip.Prefix
	noProxy                    bool // antreaProxy.enable is false
}

func (d *draft) finish(gates map[string]bool) (Config, error) {
	for _, p := range []netip.Prefix{d.serviceCIDR, d.serviceCIDRv6} {
		if p.IsValid() {
			d.ServiceCIDRs = append(d.ServiceCIDRs, p)
		}
	}
	if d.Multicluster.Enable && !gates[gateMulticluster] {
		return Config{}, fmt.Errorf("multicluster.enable is true, which needs featureGates.%s to be true", gateMulticluster)
	}
	d.Proxy.Enable = gates[gateProxy] && !d.noProxy
	d.AdminNetworkPolicy = gates[gateAdminPolicy]
	d.SecondaryNetwork = gates[gateSecondary]
	if d.AdminNetworkPolicy && !d.Proxy.Enable {
		return Config{}, fmt.Errorf("featureGates.%s is true, which needs featureGates.%s and antreaProxy.enable to be true", gateAdminPolicy, gateProxy)
	}
	if d.Proxy.All && d.Encap != pipeline.Encap {
		return Config{}, fmt.Errorf("trafficEncapMode is %s, which does not go with antreaProxy.proxyAll", d.Encap)
	}
	if d.Proxy.All && !d.Proxy.Enable {
		return Config{}, fmt.Errorf("antreaProxy.proxyAll is true, which needs featureGates.%s and antreaProxy.enable to be true", gateProxy)
	}
	return d.Config, nil
}

// Parse reads a file. The error joins everything that is wrong with it.
func Parse(file []byte) (Config, error) {
	var document map[string]any
	if err := yaml.UnmarshalStrict(file, &document); err != nil {
		return Config{}, fmt.Errorf("not YAML: %w", err)
	}
	d := draft{Config: Default()}
	gates, errs := antreaconf.ParseGates(gates, document["featureGates"])
	delete(document, "featureGates")

	values := antreaconf.Flatten(document)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		errs = append(errs, d.put(name, values[name]))
	}
	c, err := d.finish(gates)
	if err := errors.Join(append(errs, err)...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// put sets one key of a file.
func (d *draft) put(name string, value any) error {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return antreaconf.Unknown("key", name, keyNames())
	}
	k := keys[i]
	if k.set == nil {
		return antreaconf.CheckFixed(name, value, k.Default)
	}
	if value = antreaconf.Normal(value); value == nil { // a key without value is an unset key
		return nil
	}
	if err := k.set(d, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
