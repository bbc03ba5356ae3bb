package lab

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const small = `
underlays: [{cidr: 192.168.1.0/24}]
clusters:
- name: a
  podCIDR: 10.1.0.0/16
  serviceCIDR: 10.2.0.0/16
  nodes: [{name: a-1, address: 192.168.1.2}, {name: a-2, address: 192.168.1.3}]
`

var comparePrefixes = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, netip.AddrPort{})

func prefixes(text string) (ps Prefixes) {
	if err := ps.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return ps
}

func addrs(text string) (as Addrs) {
	if err := as.UnmarshalText([]byte(text)); err != nil {
		panic(err)
	}
	return as
}

func TestParseDescriptionFillsIn(t *testing.T) {
	d, err := ParseDescription([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	on := true
	want := Description{
		Nodes: Real, KubeProxy: &on,
		Underlays: []Underlay{{CIDR: prefixes("192.168.1.0/24"), Gateway: addrs("192.168.1.1"), MTU: 1500}},
		Clusters: []Cluster{{
			Name: "a", PodCIDR: prefixes("10.1.0.0/16"), ServiceCIDR: prefixes("10.2.0.0/16"), NodeMaskSize: 24,
			Nodes: []Node{{Name: "a-1", Address: addrs("192.168.1.2"), ControlPlane: true}, {Name: "a-2", Address: addrs("192.168.1.3")}},
		}},
	}
	if diff := cmp.Diff(want, d, comparePrefixes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestParseDescriptionRefuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // an edit of the small description
		want     []string
	}{
		{"nothing", small, "", []string{"description is empty"}},
		{"unknown key", "clusters:", "cluster:", []string{`unknown field "cluster"`}},
		{"unknown lane", "underlays", "nodes: slow\nunderlays", []string{`nodes: "slow" is neither real nor fast`}},
		{"no address", ", address: 192.168.1.3", "", []string{`node a-2: address "" is on no underlay`}},
		{"address elsewhere", "192.168.1.3", "192.168.2.3", []string{`node a-2: address "192.168.2.3" is on no underlay`}},
		{"address twice", "192.168.1.3", "192.168.1.2", []string{"node a-2: address 192.168.1.2 is that of a-1"}},
		{"router's address", "192.168.1.3", "192.168.1.1", []string{"address 192.168.1.1 is that of the router"}},
		{"name twice", "a-2", "a-1", []string{`name "a-1" is used twice`}},
		{"long name", "a-2", "a-very-long-name", []string{`name "a-very-long-name": want 1 to 15`}},
		{"overlapping ranges", "10.2.0.0/16", "10.1.128.0/17", []string{"podCIDR 10.1.0.0/16 overlaps serviceCIDR 10.1.128.0/17"}},
		{"range on the underlay", "10.2.0.0/16", "192.168.0.0/16", []string{"serviceCIDR 192.168.0.0/16 overlaps underlay 192.168.1.0/24"}},
		{"small Pod CIDR", "10.1.0.0/16", "10.1.0.0/24", []string{"has room for 1 nodes of /24, not for 2"}},
		{"two control planes", "address: 192.168.1.3", "address: 192.168.1.3, controlPlane: true}, {name: a-3, address: 192.168.1.4, controlPlane: true", []string{"2 nodes are controlPlane"}},
		{"two ranges of a family", "192.168.1.0/24", `"192.168.1.0/24,192.168.2.0/24"`, []string{"cidr must be a range, or one of each family"}},
		{"gateway of one family", "cidr: 192.168.1.0/24", `cidr: "192.168.1.0/24,fd00:1::/64", gateway: 192.168.1.1`, []string{"gateway 192.168.1.1 is outside, or not one a range"}},
		{"other family than the Services", "10.2.0.0/16", "fd00:2::/112", []string{"node a-1: address 192.168.1.2 is not of the family of serviceCIDR fd00:2::/112"}},
		{"small IPv6 Pod CIDR", "10.1.0.0/16", "10.1.0.0/16,fd00:1::/64", []string{"podCIDR fd00:1::/64 has room for 1 nodes of /64, not for 2"}},
		{"several at once", "10.1.0.0/16\n  serviceCIDR: 10.2.0.0/16", "10.1.0.0/31\n  serviceCIDR: fd00::/108,fd01::/108", []string{"nodeMaskSize 24", "serviceCIDR must be a range"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(small, c.old) {
				t.Fatalf("nothing to edit: %q", c.old)
			}
			_, err := ParseDescription([]byte(strings.Replace(small, c.old, c.new, 1)))
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v\nwant: %s", err, want)
				}
			}
		})
	}
}

func TestDescriptionsOfTheRepository(t *testing.T) {
	files, err := filepath.Glob("../../test/lab/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no descriptions: %v", err)
	}
	for _, f := range files {
		d, err := ReadDescription(f)
		if err != nil {
			t.Errorf("%v", err)
		}
		for _, i := range d.Images {
			if !filepath.IsAbs(i) {
				t.Errorf("%s: image %s is relative", f, i)
			}
		}
	}
}

// Scenario S1 prescribes these addresses.
func TestPlanOfS1(t *testing.T) {
	d, err := ReadDescription("../../test/lab/three-clusters.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := NewPlan(d)
	cl3, node2, err := p.Node("cl3-node2")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, got, want string }{
		{"API server", cl3.API.String(), "192.168.210.101:6443"},
		{"kube-dns", cl3.DNS.String(), "10.96.32.10"},
		{"Service kubernetes", cl3.First.String(), "10.96.32.1"},
		{"Pod CIDR of the third node", node2.PodCIDRs.String(), "10.244.34.0/24"},
		{"MAC", node2.MAC.String(), "02:00:c0:a8:d2:67"},
		{"control plane", cl3.ControlPlane().Name, "cl3-master"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	if len(p.All()) != 9 {
		t.Errorf("%d nodes", len(p.All()))
	}
	if _, _, err := p.Node("cl4-node1"); err == nil || !strings.Contains(err.Error(), "cl1-master") {
		t.Errorf("unknown node: %v", err)
	}
}

func TestPlanOfBothFamilies(t *testing.T) {
	d, err := ReadDescription("../../test/lab/dual-stack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var again Description
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, again, comparePrefixes); diff != "" {
		t.Errorf("as the lab remembers it (-want +got)\n%s", diff)
	}
	_, n, err := NewPlan(d).Node("cl2-node1")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := n.PodCIDRs.String(), "10.244.17.0/24,fd00:10:244:101::/64"; got != want {
		t.Errorf("Pod CIDRs of the second node: %s, want %s", got, want)
	}
	if got, want := NewPlan(d).Underlays[1].Gateway.String(), "192.168.200.1,fd00:192:168:200::1"; got != want {
		t.Errorf("gateways: %s, want %s", got, want)
	}
}

func TestNewDirs(t *testing.T) {
	for name, want := range map[string]string{"demo": "", "Demo": "lower-case", "../x": "lower-case", "": "lower-case"} {
		_, err := newDirs(Cache{"/cache"}, name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := newDirs(Cache{"/" + strings.Repeat("x", 80)}, "demo"); err == nil {
		t.Error("accepted a path that is too long for a socket")
	}
}

func TestComponentErrorShowsTheEndOfTheLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(file, []byte(strings.Repeat("early\n", 1000)+"the reason\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := (&ComponentError{Component: "kubelet of n1", What: "ended with status 1", Log: file}).Error()
	if !strings.HasPrefix(text, "kubelet of n1: ended with status 1\nend of "+file) || !strings.HasSuffix(text, "\n    the reason") || len(text) > 2*tailBytes {
		t.Errorf("%s", text)
	}
}
