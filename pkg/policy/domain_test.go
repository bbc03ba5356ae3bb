package policy

import (
	"net/netip"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"
)

// What the documentation of the API says about names, and what resolvers make of them.
func TestDomainMatches(t *testing.T) {
	for _, c := range []struct{ domain, matches, not string }{
		{"kubernetes.io", "kubernetes.io", "www.kubernetes.io blog.kubernetes.io my-kubernetes.io wikipedia.org io"},
		{"blog.kubernetes.io", "blog.kubernetes.io", "www.kubernetes.io kubernetes.io"},
		{"*.kubernetes.io", "www.kubernetes.io blog.kubernetes.io latest.blog.kubernetes.io", "kubernetes.io .kubernetes.io mykubernetes.io wikipedia.org"},
		{"KuberNetes.IO.", "kubernetes.io", "www.kubernetes.io"},
		{"*.A_b.c-d.", "x.a_b.c-d", "a_b.c-d"},
	} {
		d, err := ParseDomain(c.domain)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, name := range strings.Fields(c.matches) {
			if !d.Matches(name) {
				t.Errorf("%s does not match %s", d, name)
			}
		}
		for _, name := range strings.Fields(c.not) {
			if d.Matches(name) {
				t.Errorf("%s matches %s", d, name)
			}
		}
	}
	if got := CanonicalName("WwW.Example.COM."); got != "www.example.com" {
		t.Error(got)
	}
}

func TestParseDomainRefuses(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, text := range []string{
		"", ".", "io", "*", "*.", "*.io", "a..b", ".a.b", "a.*.b", "*a.b.c", "*.*.a.b", "-a.b", "a-.b", "a.b:80", "a b.c", "é.fr", long + ".io",
		strings.Repeat("abcdefg.", 32) + "io",
	} {
		if d, err := ParseDomain(text); err == nil {
			t.Errorf("%q is taken for %s", text, d)
		}
	}
}

func FuzzParseDomain(f *testing.F) {
	for _, text := range []string{"kubernetes.io", "*.Kubernetes.io.", "a.*.b", "-a.b", "\xff.io"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDomain(text)
		if err != nil {
			return
		}
		if again, err := ParseDomain(d.String()); err != nil || again != d {
			t.Errorf("%q became %s, which became %s: %v", text, d, again, err)
		}
		if d.Matches(d.Name) == d.Below || !(Domain{d.Name, true}).Matches("x."+d.Name) {
			t.Errorf("%s matches %s: %t", d, d.Name, d.Matches(d.Name))
		}
	})
}

func clusterPolicy(t *testing.T, egress string) *policyv1alpha2.ClusterNetworkPolicy {
	t.Helper()
	var p policyv1alpha2.ClusterNetworkPolicy
	if err := yaml.UnmarshalStrict([]byte(`{metadata: {name: p}, spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [`+egress+`]}}`), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func TestDomainProblems(t *testing.T) {
	for _, c := range []struct{ rule, want string }{
		{`{action: Accept, to: [{domainNames: ["*.example.com"]}]}`, ""},
		{
			`{action: Deny, to: [{domainNames: ["*.example.com"]}]}`,
			"spec.egress[0].to[0]: domainNames are for rules with action Accept: the rule denies everything",
		},
		{
			`{action: Pass, to: [{networks: ["::/0"]}, {domainNames: ["*.example.com"]}]}`,
			"spec.egress[0].to[1]: domainNames are for rules with action Accept: the rule denies everything",
		},
		{
			`{action: Accept, to: [{domainNames: ["example.com"]}], protocols: [{destinationNamedPort: web}]}`,
			"spec.egress[0].to[0]: domainNames cannot be used with a destinationNamedPort: the rule accepts nothing by them",
		},
		{
			`{action: Accept, to: [{domainNames: ["example.com", "a.*.b"]}]}`,
			`spec.egress[0].to[0]: domainNames[1]: "a.*.b" is no domain name, with or without "*." before it: label "*": the rule accepts nothing by it`,
		},
	} {
		err := Understand(clusterPolicy(t, c.rule))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.rule, err)
		case c.want != "" && (err == nil || err.Error() != "ClusterNetworkPolicy p: "+c.want):
			t.Errorf("%s:\n got %v\nwant %s", c.rule, err, c.want)
		}
	}
}

// A rule is about what its own Pods were told, whenever they were.
func TestResolutions(t *testing.T) {
	e := New("node0")
	a, b := types.NamespacedName{Namespace: "default", Name: "a"}, types.NamespacedName{Namespace: "default", Name: "b"}
	address := netip.MustParseAddr("192.0.2.7")
	allowed := func() bool {
		t.Helper()
		v, err := e.Query(Peer{Pod: a}, Peer{IP: address}, TCP, 443)
		fine(t, err)
		return v.Egress.Allowed
	}
	e.SetResolutions(a, []Resolution{{Name: "www.example.com", Address: address}})
	e.SetPod(Pod{NamespacedName: a, Node: "node0", Labels: map[string]string{"app": "a"}, IPs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}})
	e.SetPod(Pod{NamespacedName: b, Node: "node0", Labels: map[string]string{"app": "b"}, IPs: []netip.Addr{netip.MustParseAddr("10.0.0.2")}})
	e.SetNamespace(Namespace{Name: "default"})
	p := clusterPolicy(t, `{action: Accept, to: [{domainNames: ["*.example.com"]}], protocols: [{tcp: {destinationPort: {number: 443}}}]},
		{action: Deny, to: [{networks: ["0.0.0.0/0"]}]}`)
	p.Spec.Subject = policyv1alpha2.ClusterNetworkPolicySubject{Pods: &policyv1alpha2.NamespacedPod{}}
	p.Spec.Subject.Pods.PodSelector.MatchLabels = map[string]string{"app": "a"}
	fine(t, e.SetClusterNetworkPolicy(p))
	if !allowed() {
		t.Error("what a Pod was told before it and its policy were known does not count")
	}
	if !e.Asks(a) || e.Asks(b) || !e.Wants(a, "x.example.com") || e.Wants(a, "example.com") || e.Wants(b, "x.example.com") {
		t.Error("whose names matter is another Pod's, or another name")
	}
	e.Changes()
	e.SetResolutions(a, []Resolution{{Name: "www.example.com", Address: address, Lapsed: true}})
	if c := e.Changes(); c.Len() != 1 || len(c.Addresses[netip.PrefixFrom(address, 32)]) != 1 || !c.Addresses[netip.PrefixFrom(address, 32)][0].Established {
		t.Errorf("an address that lapses changes %+v", c)
	}
	if allowed() {
		t.Error("a new connection to an address that has lapsed")
	}
	e.SetResolutions(a, nil)
	e.SetResolutions(b, []Resolution{{Name: "www.example.com", Address: address}})
	if allowed() {
		t.Error("what another Pod was told counts, which the policy does not apply to")
	}
	if c := e.Changes(); len(c.Addresses) != 1 || c.Addresses[netip.PrefixFrom(address, 32)] != nil {
		t.Errorf("an address that nobody knows any more: %+v", c)
	}
}
