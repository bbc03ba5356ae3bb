package config

import (
	"flag"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func TestDefault(t *testing.T) {
	want := Config{
		OVSBridge: "br-int", HostGateway: "antrea-gw0", Encap: pipeline.Encap, Tunnel: Tunnel{Type: "geneve", Csum: true}, APIPort: 10350, PrometheusMetrics: true, AuditInterval: time.Minute,
		Multicluster: Multicluster{SourceNAT: pipeline.SourceNATAuto}, Proxy: Proxy{Enable: true, LoadBalancerIPs: true}, PolicySource: FromAgent,
	}
	if got := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		file string
		want func(*Config)
		errs []string // all of them
	}{
		{name: "empty", file: "", want: func(*Config) {}},
		{name: "scenario S1", file: "featureGates: {Multicluster: true}\nmulticluster: {enable: true, namespace: \"\"}",
			want: func(c *Config) { c.Multicluster.Enable = true }},
		{name: "later name of the key", file: "featureGates: {Multicluster: true}\nmulticluster: {enableGateway: true, enablePodToPodConnectivity: true}",
			want: func(c *Config) { c.Multicluster.Enable = true }},
		{name: "Antrea's defaults", file: "trafficEncapMode: encap\ntunnelPort: 0\nantreaProxy: {enable: true, skipServices: []}\nfeatureGates: {AntreaProxy: true, Egress: true}", want: func(*Config) {}},
		{name: "without kube-proxy", file: "antreaProxy: {proxyAll: true, skipServices: [kube-system/dns, 10.96.0.10], nodePortAddresses: [192.168.0.0/16], serviceProxyName: mine}",
			want: func(c *Config) {
				c.Proxy = Proxy{Enable: true, All: true, LoadBalancerIPs: true, ServiceProxyName: "mine", Skip: []string{"kube-system/dns", "10.96.0.10"},
					NodePortAddresses: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}}
			}},
		{name: "traffic modes", file: "trafficEncapMode: hybrid\ntunnelType: vxlan\ntunnelPort: 8472\ntunnelCsum: false",
			want: func(c *Config) { c.Encap, c.Tunnel = pipeline.Hybrid, Tunnel{Type: "vxlan", Port: 8472} }},
		{name: "no such mode", file: "trafficEncapMode: networkPolicyOnly\ntunnelType: gre",
			errs: []string{`trafficEncapMode: "networkPolicyOnly" is none of ["encap" "noEncap" "hybrid"]`, `tunnelType: "gre" is none of ["geneve" "vxlan"]`}},
		{name: "mode and proxyAll", file: "trafficEncapMode: noEncap\nantreaProxy: {proxyAll: true}",
			errs: []string{"trafficEncapMode is noEncap, which does not go with antreaProxy.proxyAll"}},
		{name: "Services left to others", file: "antreaProxy: {enable: false}", want: func(c *Config) { c.Proxy.Enable = false }},
		{name: "Services left to others, by the gate", file: "featureGates: {AntreaProxy: false}", want: func(c *Config) { c.Proxy.Enable = false }},
		{name: "policies of administrators", file: "featureGates: {AdminNetworkPolicy: true}",
			want: func(c *Config) { c.AdminNetworkPolicy = true }},
		{name: "policies from the controller", file: "policySource: controller", want: func(c *Config) { c.PolicySource = FromController }},
		{name: "policies from elsewhere", file: "policySource: server", errs: []string{`policySource: "server" is none of ["controller" "agent"]`}},
		{name: "policies without endpoints", file: "featureGates: {AntreaProxy: false, AdminNetworkPolicy: true}",
			errs: []string{"featureGates.AdminNetworkPolicy is true, which needs featureGates.AntreaProxy and antreaProxy.enable to be true"}},
		{name: "Services by half", file: "antreaProxy: {enable: false, proxyAll: true}",
			errs: []string{"antreaProxy.proxyAll is true, which needs featureGates.AntreaProxy and antreaProxy.enable to be true"}},
		{name: "no name of a Service", file: "antreaProxy: {skipServices: [dns]}",
			errs: []string{`antreaProxy.skipServices: "dns" is neither namespace/name nor an address`}},
		{name: "values", file: "ovsDatapathType: netdev\ndefaultMTU: 1400\nserviceCIDR: 10.96.0.0/12\nmulticluster: {sourceNAT: Always}\nauditInterval: 0s\nremoveForeignFlows: true",
			want: func(c *Config) {
				c.OVSDatapathType, c.DefaultMTU = "netdev", 1400
				c.AuditInterval, c.RemoveForeignFlows = 0, true
				c.ServiceCIDRs = []netip.Prefix{netip.MustParsePrefix("10.96.0.0/12")}
				c.Multicluster.SourceNAT = pipeline.SourceNATAlways
			}},
		{name: "keys without values", file: "ovsBridge:\nfeatureGates:\n", want: func(*Config) {}},
		{name: "all problems at once",
			file: "ovsBrige: br0\nfeatureGates: {Multiclster: true, BGPPolicy: true, Egress: 7}\nmulticluster: {enable: true, sourceNAT: always}\n" +
				"trafficEncryptionMode: wireGuard\ndefaultMTU: 1.5\nserviceCIDR: fd00::/112\nnoSNAT: maybe\nauditInterval: 1s\nwhatever: 1",
			errs: []string{
				"featureGates.BGPPolicy: true is not implemented, only Antrea's default false: remove the gate",
				"featureGates.Egress: 7 is neither true nor false",
				"featureGates: Multiclster: unknown feature gate; did you mean Multicluster?",
				`auditInterval: "1s" is not 0s and not a time of 10s or more, such as 1m30s`,
				"defaultMTU: 1.5 is not a whole number from 0 to 65000",
				`multicluster.sourceNAT: "always" is none of ["Auto" "Always" "Never"]`,
				`noSNAT: "maybe" is neither true nor false`,
				"ovsBrige: unknown key; did you mean ovsBridge?",
				`serviceCIDR: "fd00::/112" is not a range of that family such as 10.96.0.0/12 or fd00:96::/112`,
				`trafficEncryptionMode: "wireGuard" is not implemented, only Antrea's default "none": remove the key`,
				"whatever: unknown key",
				"multicluster.enable is true, which needs featureGates.Multicluster to be true",
			}},
		{name: "a key twice", file: "noSNAT: true\nnoSNAT: false", errs: []string{"not YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 2: key \"noSNAT\" already set in map"}},
		{name: "not YAML", file: "a: [", errs: []string{"not YAML: error converting YAML to JSON: yaml: line 1: did not find expected node content"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.file))
			if test.errs != nil {
				if err == nil || err.Error() != strings.Join(test.errs, "\n") {
					t.Errorf("got:\n%v\nwant:\n%s", err, strings.Join(test.errs, "\n"))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := Default()
			test.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// Every key is documented or fixed, named once, and takes its own default.
func TestKeys(t *testing.T) {
	seen := make(map[string]bool)
	for _, k := range Keys() {
		if seen[k.Name] {
			t.Errorf("%s: twice in the table", k.Name)
		}
		seen[k.Name] = true
		if k.Implemented() != (k.Doc != "") {
			t.Errorf("%s: implemented %t, documented %t", k.Name, k.Implemented(), k.Doc != "")
		}
		d := draft{Config: Default()}
		if err := d.put(k.Name, k.Default); err != nil || !reflect.DeepEqual(d.Config, Default()) {
			t.Errorf("%s: its default changes something: %v", k.Name, err)
		}
		if !strings.Contains(Reference(), "`"+k.Name+"`") {
			t.Errorf("%s: not in the reference", k.Name)
		}
	}
}

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

func TestReferenceIsCurrent(t *testing.T) {
	const page = "../../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(page, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != Reference() {
		t.Error("docs/configuration.md is not current: run go test ./pkg/agent/config -update")
	}
}

func TestEffective(t *testing.T) {
	c, err := Parse([]byte("serviceCIDR: 10.96.0.0/12\novsDatapathType: netdev"))
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]any)
	for _, s := range c.Effective() {
		got[s.Key] = s.Value
	}
	if got["serviceCIDR"] != "10.96.0.0/12" || got["ovsDatapathType"] != "netdev" || got["apiPort"] != 10350 {
		t.Errorf("got %v", got)
	}
}
