package netplan

import (
	"fmt"
	"strings"
	"testing"
)

// have makes the attachments of a Pod that was started with these networks.
func have(t *testing.T, c Config, networks string) []Attachment {
	t.Helper()
	wants, err := c.Wants(Pod{Namespace: "demo", Annotations: map[string]string{NetworksAnnotation: networks}})
	if err != nil {
		t.Fatal(err)
	}
	found := make([]Network, len(wants))
	for i, w := range wants {
		found[i] = Network{Ref: w.Ref(), List: List{Name: w.Name, CNIVersion: "1.0.0"}}
	}
	all, _, err := Plan(c, wants, found, "eth0")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestChange(t *testing.T) {
	c := mustConfig(t, `{"clusterNetwork":"/etc/cni/net.d/10-a.conflist","defaultNetworks":["every"],"auxiliaryCNIChainName":"x"}`)
	for _, tt := range []struct{ name, from, to, want string }{
		{"nothing", "a, b", "a,b", ""},
		{"one more", "a", "a,b", "+net3 demo/b"},
		{"one less", "a,b", "a", "-net3"},
		{"the first goes, the second keeps its interface", "a,b", "b", "-net2"},
		{"a new one before: the old one keeps its interface", "b", "a,b", "+net3 demo/a"},
		{"other order", "a,b", "b,a", ""},
		{"a second time", "a", "a,a", "+net3 demo/a"},
		{"one of the two goes", "a,a", "a", "-net3"},
		{"named", "a", "a@x", "-net2 +x demo/a"},
		{"the name that it has", "a", "a@net2", ""},
		{"asked otherwise", "a", `[{"name":"a","ips":["10.0.0.9"]}]`, "-net2 +net2 demo/a"},
		{"all go", "a,b", "", "-net2 -net3"},
		{"in the way of another", "a", "a@eth0", "network demo/a: interface eth0 can only be one of them"},
		{"twice the name", "a", "a@x,b@x", "network demo/b: interface x can only be one of them"},
		{"a default route", "a", `[{"name":"a"},{"name":"b","default-route":["10.0.0.1"]}]`, "network demo/b: key default-route of a network that is attached to a running Pod"},
		{"beside one with the default route", `[{"name":"a","default-route":["10.0.0.1"]}]`, `[{"name":"a","default-route":["10.0.0.1"]},{"name":"b"}]`, "+net3 demo/b without its default route"},
		{"not readable", "a", "[", "annotation k8s.v1.cni.cncf.io/networks: not a JSON list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change, err := c.Change(Pod{Namespace: "demo", Annotations: map[string]string{NetworksAnnotation: tt.to}}, have(t, c, tt.from))
			var parts []string
			for _, name := range change.Detach {
				parts = append(parts, "-"+name)
			}
			for i, w := range change.Attach {
				text := fmt.Sprintf("+%s %s", w.Interface, w.Ref())
				if change.routes[i].V4.Remove {
					text += " without its default route"
				}
				parts = append(parts, text)
			}
			got := strings.Join(parts, " ")
			if err != nil {
				got = err.Error()
			}
			if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
