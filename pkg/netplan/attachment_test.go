package netplan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustConfig(t *testing.T, text string) Config {
	t.Helper()
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseConfigErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{`, "configuration of multus"},
		{`{}`, "keys clusterNetwork and delegates of the configuration of multus are missing"},
		{`{"clusterNetwork":"a","delegates":[{}]}`, "only one can name the default network"},
		{`{"clusterNetwork":"a","auxiliaryCNIChainName":"x"}`, `clusterNetwork is "a", not the path`},
		{`{"clusterNetwork":"/a/b","auxiliaryCNIChainName":"../x"}`, `"../x" is not the name of a directory`},
	} {
		if _, err := ParseConfig([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.text, err, tt.want)
		}
	}
}

// line says where a want is to be found.
func line(w Want) string {
	text := w.Reference
	switch {
	case w.Inline != nil:
		text = "inline " + string(w.Inline)
	case w.Auxiliary:
		text = "auxiliary"
	case w.Name != "":
		text = w.Ref()
		if w.Interface != "" {
			text += "@" + w.Interface
		}
	}
	if w.Default {
		text = "default " + text
	}
	return text
}

func TestWants(t *testing.T) {
	const cluster = `"clusterNetwork":"/etc/cni/net.d/10-a.conflist"`
	const isolated = `"namespaceIsolation":true`
	for _, tt := range []struct {
		name, config, namespace, networks, first string
		want                                     []string
	}{
		{"no annotation", cluster, "demo", "", "", []string{"default /etc/cni/net.d/10-a.conflist"}},
		{"delegates", `"delegates":[{"type":"a"},{"type":"b"}]`, "demo", "c", "", []string{`default inline {"type":"a"}`, `inline {"type":"b"}`, "demo/c"}},
		{"networks of every Pod", cluster + `,"defaultNetworks":["x","y"]`, "demo", "c", "", []string{"default /etc/cni/net.d/10-a.conflist", "x", "y", "demo/c"}},
		{"not of system Pods", cluster + `,"defaultNetworks":["x"]`, "kube-system", "c", "", []string{"default /etc/cni/net.d/10-a.conflist", "kube-system/c"}},
		{"other system Pods", cluster + `,"defaultNetworks":["x"],"systemNamespaces":["sys"]`, "kube-system", "", "", []string{"default /etc/cni/net.d/10-a.conflist", "x"}},
		{"twice the same", cluster, "demo", "c,c@e5", "", []string{"default /etc/cni/net.d/10-a.conflist", "demo/c", "demo/c@e5"}},
		{"another default network", cluster, "demo", "c", "d", []string{"default kube-system/d", "demo/c"}},
		{"in another namespace", cluster + `,"multusNamespace":"m"`, "demo", "", `[{"name":"d"}]`, []string{"default m/d"}},
		{"chain of every Pod", cluster + `,"auxiliaryCNIChainName":"x"`, "demo", "c", "", []string{"default /etc/cni/net.d/10-a.conflist", "demo/c", "auxiliary"}},
		{"isolated, own", cluster + "," + isolated, "demo", "c", "", []string{"default /etc/cni/net.d/10-a.conflist", "demo/c"}},
		{"isolated, another", cluster + "," + isolated, "demo", "e/c", "", []string{"namespace isolation enabled, annotation violates permission, pod is in namespace demo but refers to target namespace e"}},
		{"isolated, default", cluster + "," + isolated, "demo", "default/c", "", []string{"default /etc/cni/net.d/10-a.conflist", "default/c"}},
		{"isolated, global", cluster + "," + isolated + `,"globalNamespaces":"x,e"`, "demo", "e/c", "", []string{"default /etc/cni/net.d/10-a.conflist", "e/c"}},
		{"isolated, default is not listed", cluster + "," + isolated + `,"globalNamespaces":"x,e"`, "demo", "default/c", "", []string{"namespace isolation enabled"}},
		{"isolated, default network", cluster + "," + isolated, "demo", "", "e/c", []string{"namespace isolation enabled"}},
		{"two default networks", cluster, "demo", "", "a,b", []string{"names 2 networks, not one"}},
		{"default network with interface", cluster, "demo", "", "a@e", []string{"the runtime names the interface"}},
		{"bad annotation", cluster, "demo", "[", "", []string{"annotation k8s.v1.cni.cncf.io/networks: not a JSON list"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustConfig(t, "{"+tt.config+"}")
			wants, err := c.Wants(Pod{Namespace: tt.namespace, Annotations: map[string]string{NetworksAnnotation: tt.networks, DefaultNetworkAnnotation: tt.first}})
			if err != nil {
				if !strings.Contains(err.Error(), tt.want[0]) {
					t.Errorf("error %v, want %q", err, tt.want[0])
				}
				return
			}
			var got []string
			for _, w := range wants {
				got = append(got, line(w))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// network is a list with one plugin that declares all capabilities that are named.
func network(t *testing.T, ref, name string, capabilities ...string) Network {
	t.Helper()
	declared := map[string]bool{}
	for _, c := range capabilities {
		declared[c] = true
	}
	l, err := ParseList(encode(map[string]any{"cniVersion": "1.0.0", "type": "p", "capabilities": declared}), name)
	if err != nil {
		t.Fatal(err)
	}
	return Network{Ref: ref, List: l}
}

func TestPlan(t *testing.T) {
	for _, tt := range []struct {
		name, config, networks string
		capabilities           []string
		want                   string
	}{
		{"names of interfaces", ``, `a,b@e5,a`, nil, "d eth0; demo/a net1; demo/b e5; demo/a net3"},
		{"name that is taken", ``, `a@net2,b`, nil, `networks demo/a and demo/b: interface net2 can only be one of them`},
		{"name of the default network", ``, `a@eth0`, nil, `networks d and demo/a: interface eth0 can only be one of them`},
		{"addresses", ``, `[{"name":"a","ips":["10.0.0.1/24","fd00::1"],"mac":"02:00:00:00:00:01"}]`, []string{"ips", "mac"},
			`d eth0; demo/a net1 ips=["10.0.0.1/24","fd00::1"] mac="02:00:00:00:00:01" [[IP 10.0.0.1/24,fd00::1] [MAC 02:00:00:00:00:01]]`},
		{"without capability", ``, `[{"name":"a","ips":["10.0.0.1/24"],"bandwidth":{"ingressRate":1}}]`, nil,
			`d eth0; demo/a net1 bandwidth={"ingressRate":1} ips=["10.0.0.1/24"] [[IP 10.0.0.1/24]]; ! network demo/a: no plugin has the capability for ips, bandwidth`},
		{"strict", `,"strictCapabilities":true`, `[{"name":"a","portMappings":[{"hostPort":80}]}]`, nil,
			`network demo/a: no plugin has the capability for portMappings: add it to key capabilities of the network's configuration`},
		{"strict, declared", `,"strictCapabilities":true`, `[{"name":"a","portMappings":[{"hostPort":80}]}]`, []string{"portMappings"},
			`d eth0; demo/a net1 portMappings=[{"hostPort":80}]`},
		{"the runtime's are the default network's", `,"runtimeConfig":{"portMappings":[{"hostPort":80}]}`, `a`, []string{"portMappings"},
			`d eth0 portMappings=[{"hostPort":80}]; demo/a net1`},
		{"GUID", ``, `[{"name":"a","infiniband-guid":"00:11:22:33:44:55:66:77"}]`, []string{"infinibandGUID"}, `d eth0; demo/a net1 infinibandGUID="00:11:22:33:44:55:66:77"`},
		{"device", ``, `[{"name":"a","deviceID":"0000:00:01.0"}]`, nil, `d eth0; demo/a net1 deviceID="0000:00:01.0"`},
		{"default route", ``, `[{"name":"a","default-route":["10.0.0.1"]}]`, nil, `d eth0 v4- v6-; demo/a net1 v4=10.0.0.1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := mustConfig(t, `{"clusterNetwork":"d"`+tt.config+`}`)
			wants, err := c.Wants(Pod{Namespace: "demo", Annotations: map[string]string{NetworksAnnotation: tt.networks}})
			if err != nil {
				t.Fatal(err)
			}
			networks := []Network{network(t, "", "d")}
			for _, w := range wants[1:] {
				networks = append(networks, network(t, w.Ref(), w.Name, tt.capabilities...))
			}
			all, warnings, err := Plan(c, wants, networks, "eth0")
			got := fmt.Sprint(err)
			if err == nil {
				got = describe(all, warnings)
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func describe(all []Attachment, warnings []string) string {
	var parts []string
	for _, a := range all {
		text := a.Network + " " + a.IfName
		for _, key := range []string{"bandwidth", "deviceID", "infinibandGUID", "ips", "mac", "portMappings"} {
			if value, ok := a.Capabilities[key]; ok {
				text += fmt.Sprintf(" %s=%s", key, value)
			}
		}
		if len(a.Args) > 0 {
			text += fmt.Sprint(" ", a.Args)
		}
		parts = append(parts, text+describeRoutes(a.Routes))
	}
	for _, w := range warnings {
		parts = append(parts, "! "+w)
	}
	return strings.Join(parts, "; ")
}

func TestListWith(t *testing.T) {
	l, err := ParseList([]byte(`{"cniVersion":"0.3.1","plugins":[{"type":"a","args":{"x":1,"cni":{"b":1,"c":2}}},{"type":"b"}]}`), "n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.with(map[string]json.RawMessage{"deviceID": quote("d")}, map[string]json.RawMessage{"b": quote("pod")})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`{"args":{"cni":{"b":"pod","c":2},"x":1},"deviceID":"d","type":"a"}`, `{"args":{"cni":{"b":"pod"}},"deviceID":"d","type":"b"}`}
	for i := range want {
		if string(got.Plugins[i]) != want[i] {
			t.Errorf("plugin %d: got %s, want %s", i, got.Plugins[i], want[i])
		}
	}
	if strings.Contains(string(l.Plugins[0]), "pod") {
		t.Error("the list itself was changed")
	}
	if _, err := (List{Plugins: []json.RawMessage{json.RawMessage(`{"args":"x"}`)}}).with(nil, map[string]json.RawMessage{"b": nil}); err == nil {
		t.Error("args that are no object were taken")
	}
}

func TestParseList(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`{"cniVersion":"0.3.1","type":"a"}`, `{"name":"n","cniVersion":"0.3.1","plugins":[{"cniVersion":"0.3.1","name":"n","type":"a"}]}`},
		{`{"type":"a","name":"own"}`, `{"name":"own","cniVersion":"0.1.0","plugins":[{"name":"own","type":"a"}]}`},
		{`{"cniVersion":"1.0.0","cniVersions":["1.1.0","9.0.0"],"disableCheck":true,"disableGC":true,"plugins":[{"type":"a"}]}`,
			`{"name":"n","cniVersion":"1.1.0","disableCheck":true,"disableGC":true,"plugins":[{"type":"a"}]}`},
		{``, "network configuration"}, {`null`, "not an object"}, {`{}`, "neither key plugins nor key type"}, {`{"plugins":[]}`, "no plugins"},
		{`{"plugins":[{}]}`, "missing 'type'"},
	} {
		l, err := ParseList([]byte(tt.text), "n")
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: error %v, want %q", tt.text, err, tt.want)
			}
			continue
		}
		if got := string(encode(l)); got != tt.want {
			t.Errorf("%s\ngot  %s\nwant %s", tt.text, got, tt.want)
		}
	}
}
