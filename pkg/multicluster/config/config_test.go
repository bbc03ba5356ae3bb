package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		change     func(*Config)
	}{
		{"nothing", "", func(*Config) {}},
		{"Antrea's own file", `
apiVersion: multicluster.crd.antrea.io/v1alpha1
kind: MultiClusterConfig
health: {healthProbeBindAddress: ":8080"}
metrics: {bindAddress: "0"}
webhook: {port: 9443}
leaderElection: {leaderElect: false}
serviceCIDR: ""
podCIDRs: [""]
gatewayIPPrecedence: private
endpointIPType: ClusterIP
enableStretchedNetworkPolicy: false
`, func(*Config) {}},
		{"everything else", `
health: {healthProbeBindAddress: ":1"}
metrics: {bindAddress: ":2"}
serviceCIDR: 10.96.0.0/20
podCIDRs: [10.244.0.0/20, "fd00::/56"]
gatewayIPPrecedence: public
`, func(c *Config) {
			c.HealthAddress, c.MetricsAddress, c.PublicGatewayIP = ":1", ":2", true
			c.ServiceCIDRs = []netip.Prefix{netip.MustParsePrefix("10.96.0.0/20")}
			c.PodCIDRs = []netip.Prefix{netip.MustParsePrefix("10.244.0.0/20"), netip.MustParsePrefix("fd00::/56")}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := Default()
			tc.change(&want)
			got, err := Parse([]byte(tc.text))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	_, err := Parse([]byte(`
kind: Other
podCIDRs: [10.244.0.1/20]
serviceCIDR: many
gatewayIPPrecedence: both
endpointIPType: PodIP
enableStretchedNetworkPolicy: true
`))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`kind "Other"`, "podCIDRs:", "did you mean 10.244.0.0/20", "serviceCIDR:", "gatewayIPPrecedence", "endpointIPType", "enableStretchedNetworkPolicy"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %s", err, want)
		}
	}
	if _, err := Parse([]byte("podCIDR: []")); err == nil || !strings.Contains(err.Error(), "podCIDR") {
		t.Errorf("unknown key: %v", err)
	}
}
