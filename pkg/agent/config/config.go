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
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Config is the effective configuration of the agent.
type Config struct {
	OVSBridge                string
	OVSDatapathType          string // "system", "netdev", or "" for what the kernel offers
	HostGateway              string
	TunnelCsum               bool
	DefaultMTU               int // of Pods; 0 is the transport interface's less what the tunnel adds
	TransportInterface       string
	NoSNAT                   bool
	DisableTXChecksumOffload bool
	ServiceCIDRs             []netip.Prefix // empty: found in the API
	APIPort                  int
	PrometheusMetrics        bool
	KubeAPIServerOverride    string
	Multicluster             Multicluster
}

// Multicluster is the part for traffic to other clusters.
type Multicluster struct {
	Enable    bool
	Namespace string // of Gateways and ClusterInfoImports; empty is the agent's own
	SourceNAT pipeline.SourceNAT
}

// Default is the configuration of an empty file.
func Default() Config {
	var d draft
	for _, k := range keys {
		if k.set != nil && k.Default != nil {
			if err := k.set(&d, normal(k.Default)); err != nil {
				panic(fmt.Sprintf("default of %s: %v", k.Name, err))
			}
		}
	}
	c, err := d.finish(map[string]bool{})
	if err != nil {
		panic(err)
	}
	return c
}

// draft is a configuration while the keys of a file are put in.
type draft struct {
	Config
	serviceCIDR, serviceCIDRv6 netip.Prefix
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
	return d.Config, nil
}

// Parse reads a file. The error joins everything that is wrong with it.
func Parse(file []byte) (Config, error) {
	var document map[string]any
	if err := yaml.UnmarshalStrict(file, &document); err != nil {
		return Config{}, fmt.Errorf("not YAML: %w", err)
	}
	d := draft{Config: Default()}
	gates, errs := parseGates(document["featureGates"])
	delete(document, "featureGates")

	values := make(map[string]any)
	flatten(values, "", document)
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
		return unknown("key", name, keyNames())
	}
	k := keys[i]
	value = normal(value)
	switch {
	case value == nil: // a key without value is an unset key
		return nil
	case k.set == nil && reflect.DeepEqual(value, normal(k.Default)):
		return nil
	case k.set == nil:
		return fmt.Errorf("%s: %v is not implemented, only Antrea's default %v: remove the key", name, show(value), show(k.Default))
	}
	if err := k.set(d, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// flatten names every value of a document by its path, as in "multicluster.enable".
func flatten(into map[string]any, prefix string, m map[string]any) {
	for name, value := range m {
		if inner, ok := value.(map[string]any); ok {
			flatten(into, prefix+name+".", inner)
			continue
		}
		into[prefix+name] = value
	}
}

// normal makes values comparable: YAML gives numbers as float64 and empty lists for what others leave out.
func normal(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case []string:
		list := []any{}
		for _, s := range v {
			list = append(list, s)
		}
		return list
	}
	return v
}

func show(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

func unknown(what, name string, known []string) error {
	if n, ok := nearest(name, known); ok {
		return fmt.Errorf("%s: unknown %s; did you mean %s?", name, what, n)
	}
	return fmt.Errorf("%s: unknown %s", name, what)
}

// nearest is the known name that differs from name the least, if it is near enough for a slip.
func nearest(name string, known []string) (string, bool) {
	best, at := "", len(name)/2+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best, best != ""
}

// distance is the number of insertions, deletions and replacements between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
