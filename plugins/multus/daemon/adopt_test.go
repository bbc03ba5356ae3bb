package daemon

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kept is a file of libcni.
func kept(t *testing.T, container, network, ifName, result string, args ...[2]string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"kind": "cniCacheV1", "containerId": container, "config": fmt.Appendf(nil, `{"cniVersion":"0.4.0","name":%q,"type":"p"}`, network),
		"ifName": ifName, "networkName": network, "cniArgs": append([][2]string{{"IgnoreUnknown", "true"}, {"K8S_POD_NAMESPACE", "demo"}, {"K8S_POD_NAME", "web"}}, args...),
		"capabilityArgs": map[string]any{"mac": "m"}, "result": json.RawMessage(result),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFromMultus has what differs from a sandbox that was attached without trouble, which TestRealPlugin has.
func TestFromMultus(t *testing.T) {
	list := func(delegates ...string) string {
		var all []string
		for _, d := range delegates {
			name, keys, _ := strings.Cut(d, " ")
			conf := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"cniVersion":"0.4.0","name":%q,"type":"p"}`, name))
			all = append(all, fmt.Sprintf(`{"Conf":{"name":%q},"Name":"demo/%s","IsFilterV4Gateway":false,"Bytes":%q%s}`, name, name, conf, keys))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	const sandboxed = `{"cniVersion":"0.4.0","interfaces":[{"name":"h"},{"name":"eth0","sandbox":"/run/netns/x"}],"dns":{}}`
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  []string
		pod   string
		netns string
	}{
		{"killed before the first plugin ended", map[string]string{"multus/c": list("a", "b", `d ,"ifnameRequest":"x"`)}, []string{"demo/a eth0 default", "demo/b net1", "demo/d x"}, "/", ""},
		{"the namespace is known from a result", map[string]string{"multus/c": list("a", "b"), "multus/results/a-c-eth0": kept(t, "c", "a", "eth0", sandboxed, [2]string{"K8S_POD_UID", "u"})},
			[]string{"demo/a eth0 default result", "demo/b net1"}, "demo/web", "/run/netns/x"},
		{"two of one network, and another sandbox's", map[string]string{"multus/c": list("a", "b", "b"), "multus/results/b-c-net2": kept(t, "c", "b", "net2", `{"cniVersion":"0.4.0","dns":{}}`, [2]string{"IP", "i"}),
			"multus/results/b-c-c-net1": kept(t, "c-c", "b", "net1", `{}`)}, []string{"demo/a eth0 default", "demo/b net1", "demo/b net2 result IP=i"}, "demo/web", ""},
		{"half a list", map[string]string{"multus/c": "[{", "multus/results/b-c-net1": kept(t, "c", "b", "net1", sandboxed), "multus/results/a-c-eth0": kept(t, "c", "a", "eth0", sandboxed)},
			[]string{"a eth0 default result", "b net1 result"}, "demo/web", "/run/netns/x"},
		{"attached later", map[string]string{"multus/c": list("a"), "multus/results/a-c-eth0": kept(t, "c", "a", "eth0", sandboxed), "multus/results/b-c-hot": kept(t, "c", "b", "hot", sandboxed)},
			[]string{"demo/a eth0 default result", "b hot result"}, "demo/web", "/run/netns/x"},
		{"beside the runtime's, as before version 3.8", map[string]string{"multus/c": list("a"), "results/a-c-eth0": kept(t, "c", "a", "eth0", sandboxed),
			"results/multus-cni-network-c-eth0": kept(t, "c", "multus-cni-network", "eth0", sandboxed)}, []string{"demo/a eth0 default result"}, "demo/web", "/run/netns/x"},
		{"a device, and a chain on the first interface", map[string]string{"multus/c": list("a", `b ,"deviceID":"0000:01","resourceName":"v/r"`, `chain ,"ifnameRequest":"eth0"`)},
			[]string{"demo/a eth0 default", "demo/b net1 /var/run/k8s.cni.cncf.io/devinfo/cni/demo-b-c_net1", "demo/chain eth0 auxiliary"}, "/", ""},
		{"nothing", map[string]string{"multus/d": list("a")}, nil, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := tree(t, tt.files)
			r, err := h.fromMultus("c", "/multus")
			if err != nil {
				t.Fatal(err)
			}
			if r == nil {
				if tt.want != nil {
					t.Fatal("no record")
				}
				return
			}
			var got []string
			for _, a := range r.Attachments {
				line := a.Network + " " + a.IfName
				for _, word := range []struct {
					text string
					says bool
				}{{"default", a.Default}, {"auxiliary", a.Auxiliary}, {"result", a.Result != nil}, {a.DeviceInfo, a.DeviceInfo != ""}} {
					if word.says {
						line += " " + word.text
					}
				}
				for _, pair := range a.Args {
					line += " " + pair[0] + "=" + pair[1]
				}
				if got = append(got, line); !a.Begun || a.List.Name != a.Network[strings.Index(a.Network, "/")+1:] || (a.Result != nil) != (string(a.Capabilities["mac"]) == `"m"`) {
					t.Errorf("%+v", a)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("attachments (-want +got)\n%s", diff)
			}
			if r.Pod.String() != tt.pod || r.NetNS != tt.netns || r.State != done || slices.ContainsFunc(r.Args, func(pair [2]string) bool { return pair[0] == "IP" }) {
				t.Errorf("Pod %s, namespace %s, state %s, arguments %v", r.Pod, r.NetNS, r.State, r.Args)
			}
			if err := h.dropCache(*r); err != nil {
				t.Fatal(err)
			}
			if again, err := h.fromMultus("c", "/multus"); again != nil || err != nil {
				t.Errorf("after deleting it: %v, %v", again, err)
			}
			for _, file := range []string{"/results/multus-cni-network-c-eth0", "/multus/results/b-c-c-net1"} {
				if _, was := tt.files[file[1:]]; was && !h.exists(file) {
					t.Errorf("%s is of somebody else, and gone", file)
				}
			}
		})
	}
}
