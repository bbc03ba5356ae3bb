package member

import (
	"net/netip"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/cidr"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/config"
)

func TestClusterInfo(t *testing.T) {
	parse := func(text string) []netip.Prefix {
		prefixes, err := cidr.Parse(strings.Fields(text))
		if err != nil {
			t.Fatal(err)
		}
		return prefixes
	}
	for _, tc := range []struct {
		name                                       string
		nodes, podSubnet, services, podCIDRs, svcs string
		wantPods, wantServices                     string
	}{
		{"Nodes only", "10.244.0.0/24 10.244.1.0/24 10.244.2.0/24", "", "10.96.0.0/20", "", "", "10.244.0.0/23 10.244.2.0/24", "10.96.0.0/20"},
		{"kubeadm", "10.244.0.0/24 10.244.1.0/24", "10.244.0.0/20", "10.96.0.0/20", "", "", "10.244.0.0/20", "10.96.0.0/20"},
		{"a Node outside of podSubnet", "10.244.0.0/24 10.9.1.0/24", "10.244.0.0/20", "10.96.0.0/20", "", "", "10.9.1.0/24 10.244.0.0/20", "10.96.0.0/20"},
		{"override", "10.244.0.0/24", "10.244.0.0/20", "10.96.0.0/20", "10.0.0.0/16", "10.1.0.0/16", "10.0.0.0/16", "10.1.0.0/16"},
		{"both families", "10.244.0.0/24 fd00::/64", "", "10.96.0.0/20 fd01::/112", "", "", "10.244.0.0/24 fd00::/64", "10.96.0.0/20 fd01::/112"},
		{"nothing", "", "", "", "", "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			info := clusterInfo("east",
				found{nodes: parse(tc.nodes), pods: parse(tc.podSubnet), services: parse(tc.services)},
				config.Config{PodCIDRs: parse(tc.podCIDRs), ServiceCIDRs: parse(tc.svcs)})
			if got := strings.Join(info.PodCIDRs, " "); got != tc.wantPods {
				t.Errorf("Pod CIDRs %q, want %q", got, tc.wantPods)
			}
			if got := strings.Join(info.ServiceCIDRs, " "); got != tc.wantServices {
				t.Errorf("Service CIDRs %q, want %q", got, tc.wantServices)
			}
			if first, _, _ := strings.Cut(tc.wantServices, " "); info.ServiceCIDR != first {
				t.Errorf("first Service CIDR %q, want %q", info.ServiceCIDR, first)
			}
		})
	}
}

func TestClusterInfoGateways(t *testing.T) {
	named := func(name, ip string) v1alpha1.Gateway {
		return v1alpha1.Gateway{ObjectMeta: metav1.ObjectMeta{Name: name}, GatewayIP: ip, Weight: 100, PublicKey: "key of " + name}
	}
	info := clusterInfo("east", found{gateways: []v1alpha1.Gateway{named("b", "192.0.2.2"), named("a", "192.0.2.1")}}, config.Default())
	want := []v1alpha1.GatewayInfo{
		{Name: "a", GatewayIP: "192.0.2.1", Weight: 100, PublicKey: "key of a"},
		{Name: "b", GatewayIP: "192.0.2.2", Weight: 100, PublicKey: "key of b"},
	}
	if len(info.GatewayInfos) != 2 || info.GatewayInfos[0] != want[0] || info.GatewayInfos[1] != want[1] {
		t.Errorf("got %+v, want %+v", info.GatewayInfos, want)
	}
}

func TestParseKubeadm(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"as kubeadm writes it", "kind: ClusterConfiguration\nnetworking:\n  dnsDomain: cluster.local\n  podSubnet: 10.244.0.0/20\n  serviceSubnet: 10.96.0.0/20\n", "10.244.0.0/20 | 10.96.0.0/20"},
		{"dual stack", "networking: {podSubnet: '10.244.0.0/16,fd00::/56', serviceSubnet: '10.96.0.0/12, fd01::/112'}", "10.244.0.0/16 fd00::/56 | 10.96.0.0/12 fd01::/112"},
		{"bits after the prefix length", "networking: {podSubnet: 10.244.1.0/16}", "10.244.0.0/16 | "},
		{"without subnets", "networking: {}", " | "},
		{"nothing", "", " | "},
		{"no range", "networking: {podSubnet: many}", "error"},
		{"no YAML", "\t:", "error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pods, services, err := parseKubeadm(tc.text)
			got := strings.Join(cidr.Strings(pods), " ") + " | " + strings.Join(cidr.Strings(services), " ")
			if err != nil {
				got = "error"
			}
			if got != tc.want {
				t.Errorf("got %q (%v), want %q", got, err, tc.want)
			}
		})
	}
}

func TestWantedImports(t *testing.T) {
	record := func(id, kind string) v1alpha1.ResourceImport {
		return v1alpha1.ResourceImport{Spec: v1alpha1.Resource{ClusterID: id, Kind: kind, ClusterInfo: &v1alpha1.ClusterInfo{ClusterID: id}}}
	}
	got := wantedImports("east", "kube-system", []v1alpha1.ResourceImport{record("east", "ClusterInfo"), record("west", "ClusterInfo"), record("north", "Other")})
	if len(got) != 1 || got["west-clusterinfo"] == nil || got["west-clusterinfo"].Namespace != "kube-system" {
		t.Errorf("got %v, want only west-clusterinfo", got)
	}
}
