package netplan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSelections(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"nothing", ``, `null`},
		{"a name", `net-a`, `[{"namespace":"demo","name":"net-a"}]`},
		{"names", `net-a, other/net-b@eth5 ,net-a`, `[{"namespace":"demo","name":"net-a"},{"namespace":"other","name":"net-b","interface":"eth5"},{"namespace":"demo","name":"net-a"}]`},
		{"JSON", `[{"name":"net-a"},{"name":"net.b","namespace":"other","interface":"eth5"}]`,
			`[{"namespace":"demo","name":"net-a"},{"namespace":"other","name":"net.b","interface":"eth5"}]`},
		{"older key", `[{"name":"net-a","interfaceRequest":"eth5"}]`, `[{"namespace":"demo","name":"net-a","interface":"eth5"}]`},
		{"requests", `[{"name":"n","ips":["10.1.1.11/24","fd00::5"],"mac":"c2:b0:57:49:47:f1","portMappings":[{"hostPort":1}],"bandwidth":{"ingressRate":1}}]`,
			`[{"namespace":"demo","name":"n","ips":["10.1.1.11/24","fd00::5"],"mac":"c2:b0:57:49:47:f1","portMappings":[{"hostPort":1}],"bandwidth":{"ingressRate":1}}]`},
		{"default routes", `[{"name":"n","default-route":["10.0.0.1","fd00::1"]},{"name":"m","default-route":[]}]`,
			`[{"namespace":"demo","name":"n","default-route":["10.0.0.1","fd00::1"]},{"namespace":"demo","name":"m","default-route":[]}]`},
		{"cni-args", `[{"name":"n","cni-args":{"a":{"b":1}}}]`, `[{"namespace":"demo","name":"n","cni-args":{"a":{"b":1}}}]`},
		{"upper case", `Net-A`, `"Net-A" is not [NAMESPACE/]NAME[@INTERFACE]`},
		{"dot without JSON", `net.a`, `other names have to be written as JSON`},
		{"empty name", `a,,b`, `"" is not`},
		{"empty interface", `a@`, `"a@" is not`},
		{"two slashes", `a/b/c`, `"a/b/c" is not`},
		{"broken JSON", `[{"name":`, `not a JSON list of networks`},
		{"one object", `{"name":"a"}`, `not a JSON list of networks`},
		{"no name", `[{"namespace":"a"}]`, `element 0 has no key name`},
		{"long interface", `[{"name":"a","interface":"sixteen-letters-"}]`, `network demo/a: key interface: "sixteen-letters-"`},
		{"bad address", `[{"name":"a","ips":["10.0.0"]}]`, `key ips: "10.0.0"`},
		{"bad MAC", `[{"name":"a","mac":"02:"}]`, `key mac`},
		{"bad GUID", `[{"name":"a","infiniband-guid":"c2:b0:57:49:47:f1"}]`, `key infiniband-guid`},
		{"bad gateway", `[{"name":"a","default-route":["10.0.0"]}]`, `not a JSON list of networks`},
		{"two gateways", `[{"name":"a","default-route":["10.0.0.1","10.0.0.2"]}]`, `multus does not support ECMP for default-route`},
		{"claim and addresses", `[{"name":"a","ips":["10.0.0.1"],"ipam-claim-reference":"c"}]`, `TooManyIPSources`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := ParseSelections(tt.value, "demo")
			if err != nil {
				if !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v, want %q", err, tt.want)
				}
				return
			}
			var want []Selection
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatalf("no error, want %q", tt.want)
			}
			if diff := cmp.Diff(string(encode(want)), string(encode(all))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
