package nad

import (
	"fmt"
	"strings"
	"testing"
)

// describe is the problems of all reports, a line each, with the network's name before the key.
func describe(reports []Report) string {
	var lines []string
	for _, r := range reports {
		for _, p := range r.Problems {
			lines = append(lines, fmt.Sprintf("%s %s %s: %s; %s", p.Level, r.Name, p.Key, p.Problem, p.Fix))
		}
	}
	return strings.Join(lines, "\n")
}

// network is a macvlan with whereabouts, with these keys of ipam.
func network(ipam string) string {
	return `{"cniVersion":"1.0.0","type":"macvlan","ipam":{"type":"whereabouts",` + ipam + `}}`
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct{ name, config, want string }{
		{"right", network(`"range":"10.0.0.0/24"`), ""},
		{"right, without addresses", `{"cniVersion":"0.3.1","type":"macvlan","ipam":{}}`, ""},
		{"in a file of the Nodes", " ", ""},
		{"not JSON", "{\n  \"type\": macvlan}", "error net spec.config: is not JSON at line 2, column 11: invalid character 'm' looking for beginning of value; write a JSON object: a CNI configuration or configuration list"},
		{"not an object", `["macvlan"]`, "error net spec.config: is not an object; write a JSON object"},
		{"null", `null`, "error net spec.config: is null; write a JSON object"},
		{"no version", `{"type":"macvlan"}`, `error net cniVersion: is missing: plugins take it for 0.1.0; write "cniVersion": "1.0.0"`},
		{"version to come", `{"cniVersion":"9.0.0","type":"macvlan"}`, `error net cniVersion: "9.0.0" is not a version of the CNI specification; write one of 0.1.0`},
		{"name with a slash", `{"cniVersion":"1.0.0","name":"a/b","type":"macvlan"}`, "error net name: invalid characters found in network name a/b; write letters"},
		{"no type", `{"cniVersion":"1.0.0","master":"eth0"}`, "error net type: is missing; write the name of a plugin"},
		{"a path as type", `{"cniVersion":"1.0.0","type":"/opt/x"}`, `error net type: "/opt/x" is not the name of a plugin; write the name of its file without directory`},
		{"unknown type", `{"cniVersion":"1.0.0","type":"mcvlan"}`, "warning net type: plugin mcvlan is none of those that are known; see that the Nodes have it (--plugins, --bin-dir)"},
		{"no plugins", `{"cniVersion":"1.0.0","plugins":[]}`, "error net plugins: is empty; write at least one plugin"},
		{"plugins is an object", `{"cniVersion":"1.0.0","plugins":{"type":"macvlan"}}`, "error net plugins: is not a list of objects; write"},
		{"a key beside plugins", `{"cniVersion":"1.0.0","ipam":{},"plugins":[{"type":"macvlan"}]}`, "error net ipam: is not read beside plugins; move it into the plugin that it is for"},
		{"capabilities as a list", `{"cniVersion":"1.0.0","plugins":[{"type":"tuning"},{"type":"macvlan","capabilities":["ips"]}]}`,
			`error net plugins[1].capabilities: is not an object of true and false; write as in {"ips": true}`},
		{"args as text", `{"cniVersion":"1.0.0","type":"macvlan","args":"cni"}`, "error net args: is not an object whose key cni is one; write"},
		{"ipam as text", `{"cniVersion":"1.0.0","type":"macvlan","ipam":"whereabouts"}`, "error net ipam: is not an object; write"},
		{"ipam without type", `{"cniVersion":"1.0.0","type":"macvlan","ipam":{"range":"10.0.0.0/24"}}`, "error net ipam.type: is missing; write the name of a plugin"},
		{"end outside", network(`"range":"10.0.0.0/24","range_end":"10.0.1.1"`),
			"error net ipam.range_end: 10.0.1.1 is not from 10.0.0.1 to 10.0.0.254, the addresses of 10.0.0.0/24; write one of them, or leave the key out"},
		{"a value that cannot be read", network(`"range":"10.0.0.0/24","range_start":"10.0.0"`), `error net ipam.range_start: "10.0.0" is not an address; write an address of 10.0.0.0/24`},
		{"a value of another type", network(`"range":24`), "error net ipam.range: is a number; write a string"},
		{"slices", network(`"range":"10.0.0.0/24","node_slice_size":"/22"`),
			"error net ipam.node_slice_size: parts of 1024 addresses are larger than range 10.0.0.0/24; write a longer prefix"},
		{"slices of a range", network(`"range":"10.0.0.0/16","node_slice_size":"/24"`), ""},
		{"all excluded", network(`"range":"10.0.0.0/24","exclude":["10.0.0.0/24"]`), "error net ipam.exclude: leaves no address of 10.0.0.1-10.0.0.254; exclude less, or make the range larger"},
		{"misspelt", network(`"range":"10.0.0.0/24","excludes":["10.0.0.1"],"Gateway":"10.0.0.1","log_level":"debug"`), "error net ipam.excludes: is not read by whereabouts; correct its name, or leave it out"},
		{"misspelt in a range", network(`"ipRanges":[{"range":"10.0.0.0/24","gateway":"10.0.0.1"}]`), "error net ipam.ipRanges[0].gateway: is not read by whereabouts;"},
		{"a segment", `{"cniVersion":"1.0.0","type":"antrea","networkType":"overlay","vni":5001,"ipam":{"type":"whereabouts","range":"10.0.0.0/24"}}`, ""},
		{"a segment without number", `{"cniVersion":"1.0.0","type":"antrea","networkType":"overlay","ipam":{"type":"static"}}`, `error net vni: is missing; write "networkType": "overlay" and a vni from 1 to 16777215`},
		{"a segment of number 0", `{"cniVersion":"1.0.0","type":"antrea","networkType":"overlay","vni":0,"ipam":{"type":"static"}}`, "error net vni: is 0, not from 1 to 16777215; write"},
		{"too large a number", `{"cniVersion":"1.0.0","plugins":[{"type":"antrea","networkType":"overlay","vni":16777216,"ipam":{"type":"static"}}]}`, "error net plugins[0].vni: is 16777216, not from 1 to 16777215; write"},
		{"no number at all", `{"cniVersion":"1.0.0","type":"antrea","networkType":"overlay","vni":"5001"}`, "error net vni: is not the number of a segment; write a number"},
		{"a number without segment", `{"cniVersion":"1.0.0","type":"antrea","vni":7,"ipam":{"type":"static"}}`, "error net networkType: is missing; write"},
		{"another kind of network", `{"cniVersion":"1.0.0","type":"antrea","networkType":"vlan","vni":7,"ipam":{"type":"static"}}`, `error net networkType: is "vlan": only "overlay" is there`},
		{"a segment without addresses", `{"cniVersion":"1.0.0","type":"antrea","networkType":"overlay","vni":7,"ipam":{}}`, "error net ipam: is missing: the agent has no addresses for a segment"},
		{"another plugin's key", `{"cniVersion":"1.0.0","type":"bridge","networkType":"vlan"}`, ""},
		{"the first network", `{"cniVersion":"1.0.0","type":"antrea"}`, "warning net networkType: is missing: this is the first network"},
		{"in a list", `{"cniVersion":"1.0.0","plugins":[{"type":"tuning"},` + network(`"range":"10.0.0.0/31"`) + `]}`,
			"error net plugins[1].ipam.range: net mask is too short, must be 30 or less: 10.0.0.0/31; make the range larger: its first and last address are not given"},
		{"two at once", network(`"range":"10.0.0.0/24","range_end":"x","exclude":["y"]`),
			"error net ipam.range_end: \"x\" is not an address; write an address of 10.0.0.0/24\nerror net ipam.exclude[0]: \"y\" is not an address; write a CIDR or an address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := describe(Check([]Definition{{"default", "net", tt.config}}, Node{}))
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") != strings.Count(tt.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestCheckWhatNodesHave(t *testing.T) {
	d := []Definition{{"default", "net", `{"cniVersion":"1.0.0","type":"macvlan","ipam":{"type":"whereabouts"}}`}}
	if got := describe(Check(d, Node{Plugins: []string{"macvlan"}, WhereaboutsFile: []byte(`{"range":"10.0.0.0/24"}`)})); got !=
		"error net ipam.type: plugin whereabouts is not there; install it on the Nodes, or correct its name" {
		t.Error(got)
	}
}

func TestCheckOverlaps(t *testing.T) {
	for _, tt := range []struct{ name, a, b, want string }{
		{"apart", `"range":"10.0.0.0/24"`, `"range":"10.0.1.0/24"`, ""},
		{"the same", `"range":"10.0.0.0/24"`, `"range":"10.0.0.0/24","range_start":"10.0.0.9"`, ""},
		{"of two lengths", `"range":"10.0.0.0/24"`, `"range":"10.0.0.0/16"`,
			"warning b ipam.range: 10.0.0.0/16 overlaps 10.0.0.0/24 of default/a, so Pods of one network have addresses of two lengths; use the same range, or give each its network_name if they are different networks"},
		{"bounded apart", `"range":"10.0.0.0/24"`, `"range":"10.0.0.0/16","range_start":"10.0.1.0"`, ""},
		{"of two names", `"range":"10.0.0.0/24","network_name":"a"`, `"range":"10.0.0.0/16"`, ""},
		{"only one looks at others", `"range":"10.0.0.0/24","enable_overlapping_ranges":false`, `"range":"10.0.0.0/16"`,
			"error b ipam.enable_overlapping_ranges: 10.0.0.0/16 overlaps 10.0.0.0/24 of default/a, where the key is false: an address may be given twice; write the same there"},
		{"each a world of its own", `"range":"10.0.0.0/24","enable_overlapping_ranges":false`, `"range":"10.0.0.0/16","enable_overlapping_ranges":false`, ""},
		{"the other's gateway", `"range":"10.0.0.0/24","gateway":"10.0.0.1"`, `"range":"10.0.0.0/24"`,
			"error b ipam.exclude: 10.0.0.1, the gateway of default/a, may be given to a Pod; exclude 10.0.0.1, or make it the gateway here too"},
		{"the first one gives the other's gateway", `"range":"10.0.0.0/24"`, `"range":"10.0.0.0/24","gateway":"10.0.0.1"`, "error a ipam.exclude: 10.0.0.1, the gateway of default/b"},
		{"the other's gateway, excluded", `"range":"10.0.0.0/24","gateway":"10.0.0.1"`, `"range":"10.0.0.0/24","exclude":["10.0.0.1"]`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := describe(Check([]Definition{{"default", "a", network(tt.a)}, {"default", "b", network(tt.b)}}, Node{}))
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) || strings.Contains(got, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}
