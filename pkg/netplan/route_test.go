package netplan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
)

// describeRoutes says - for a default route that goes and =gateway for one that leads elsewhere.
func describeRoutes(r Routes) string {
	text := ""
	for _, f := range []struct {
		name string
		Route
	}{{"v4", r.V4}, {"v6", r.V6}} {
		if f.Remove {
			text += " " + f.name + "-"
		}
		if f.Gateway.IsValid() {
			text += " " + f.name + "=" + f.Gateway.String()
		}
	}
	return text
}

func TestRoutes(t *testing.T) {
	for _, tt := range []struct{ name, networks, want string }{
		{"nobody asks", `[{"name":"a"},{"name":"b"}]`, ";"},
		{"v4", `[{"name":"a"},{"name":"b","default-route":["10.0.0.1"]}]`, " v4- v6-; v4=10.0.0.1"},
		{"v6", `[{"name":"a"},{"name":"b","default-route":["fd00::1"]}]`, " v4- v6-; v6=fd00::1"},
		{"both", `[{"name":"a"},{"name":"b","default-route":["fd00::1","10.0.0.1"]}]`, " v4- v6-; v4=10.0.0.1 v6=fd00::1"},
		{"what the plugin made", `[{"name":"a"},{"name":"b","default-route":[]}]`, " v4- v6-;"},
		{"one of each", `[{"name":"a","default-route":["10.0.0.1"]},{"name":"b","default-route":["fd00::1"]}]`, " v4=10.0.0.1 v6-; v4- v6=fd00::1"},
		{"two of a family", `[{"name":"a","default-route":["10.0.0.1"]},{"name":"b","default-route":["10.0.0.2"]}]`,
			"networks demo/a and demo/b: multus does not support ECMP for default-route"},
		{"all of one and one of another", `[{"name":"a","default-route":[]},{"name":"b","default-route":["fd00::2"]}]`, "networks demo/a and demo/b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			selections, err := ParseSelections(tt.networks, "demo")
			if err != nil {
				t.Fatal(err)
			}
			all, err := routes(selections)
			got := fmt.Sprint(err)
			if err == nil {
				got = describeRoutes(all[0]) + ";" + describeRoutes(all[1])
			}
			if got != tt.want && (err == nil || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestApplyRoutes(t *testing.T) {
	result := &current.Result{Routes: []*types.Route{route("0.0.0.0/0", "10.0.0.1"), route("10.1.0.0/16", "10.0.0.1"), route("::/0", "fd00::1")}}
	selections, err := ParseSelections(`[{"name":"a","default-route":["10.0.0.9"]},{"name":"b","default-route":["fd00::2"]}]`, "demo")
	if err != nil {
		t.Fatal(err)
	}
	all, err := routes(selections)
	if err != nil {
		t.Fatal(err)
	}
	all[0].Apply(result)
	var got []string
	for _, r := range result.Routes {
		got = append(got, r.Dst.String()+" "+r.GW.String())
	}
	if want := "[10.1.0.0/16 10.0.0.1 0.0.0.0/0 10.0.0.9]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
