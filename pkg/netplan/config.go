package netplan

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Config is the configuration of multus, as the runtime has it in its directory.
type Config struct {
	CNIVersion         string                     `json:"cniVersion"`
	Name               string                     `json:"name"`
	Delegates          []json.RawMessage          `json:"delegates"`
	ClusterNetwork     string                     `json:"clusterNetwork"`
	DefaultNetworks    []string                   `json:"defaultNetworks"`
	SystemNamespaces   []string                   `json:"systemNamespaces"`
	MultusNamespace    string                     `json:"multusNamespace"`
	NamespaceIsolation bool                       `json:"namespaceIsolation"`
	GlobalNamespaces   string                     `json:"globalNamespaces"`
	ReadinessFile      string                     `json:"readinessindicatorfile"`
	ConfDir            string                     `json:"confDir"`
	CNIDir             string                     `json:"cniDir"` // where Multus kept what it had attached
	BinDir             string                     `json:"binDir"`
	AuxiliaryChain     string                     `json:"auxiliaryCNIChainName"`
	StrictCapabilities bool                       `json:"strictCapabilities"`
	RuntimeConfig      map[string]json.RawMessage `json:"runtimeConfig"`
}

// Defaults is what a configuration leaves out.
func Defaults() Config {
	return Config{
		SystemNamespaces: []string{"kube-system"}, MultusNamespace: "kube-system", GlobalNamespaces: "default",
		ConfDir: "/etc/cni/multus/net.d", CNIDir: "/var/lib/cni/multus", BinDir: "/opt/cni/bin",
	}
}

// ParseConfig reads and checks a configuration, and fills in what it leaves out.
func ParseConfig(text []byte) (Config, error) {
	c := Defaults()
	if err := json.Unmarshal(text, &c); err != nil {
		return Config{}, fmt.Errorf("configuration of multus: %w", err)
	}
	var errs []error
	switch {
	case c.ClusterNetwork == "" && len(c.Delegates) == 0:
		errs = append(errs, errors.New("keys clusterNetwork and delegates of the configuration of multus are missing: one has to name the default network"))
	case c.ClusterNetwork != "" && len(c.Delegates) > 0:
		errs = append(errs, errors.New("the configuration of multus has clusterNetwork and delegates: only one can name the default network"))
	}
	if c.AuxiliaryChain != "" {
		if !filepath.IsAbs(c.ClusterNetwork) {
			errs = append(errs, fmt.Errorf("key auxiliaryCNIChainName: clusterNetwork is %q, not the path of a file beside which the chain is", c.ClusterNetwork))
		}
		if strings.ContainsRune(c.AuxiliaryChain, '/') || strings.HasPrefix(c.AuxiliaryChain, ".") {
			errs = append(errs, fmt.Errorf("key auxiliaryCNIChainName: %q is not the name of a directory", c.AuxiliaryChain))
		}
	}
	return c, errors.Join(errs...)
}

// allows reports whether a Pod may use a network of another namespace.
func (c Config) allows(pod, network string) error {
	if !c.NamespaceIsolation || pod == network {
		return nil
	}
	global := strings.FieldsFunc(c.GlobalNamespaces, func(r rune) bool { return r == ',' || r == ' ' })
	if slices.Contains(global, network) {
		return nil
	}
	return fmt.Errorf("namespace isolation enabled, annotation violates permission, pod is in namespace %s but refers to target namespace %s", pod, network)
}
