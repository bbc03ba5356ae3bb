package netplan

import (
	"encoding/json"
	"flag"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/types/create"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/*.json")

func route(dst, gw string) *types.Route {
	_, n, err := net.ParseCIDR(dst)
	if err != nil {
		panic(err)
	}
	return &types.Route{Dst: *n, GW: net.ParseIP(gw)}
}

// TestStatuses compares with the bytes that tools parse, of the results of plugins as they wrote them.
func TestStatuses(t *testing.T) {
	for _, tt := range []struct {
		name    string
		results []string // the first is the default network's
		device  string
	}{
		{"default-only", []string{`{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","mtu":1450,"sandbox":"/ns"}],
			"ips":[{"address":"10.244.1.5/24","gateway":"10.244.1.1","interface":0}],"routes":[{"dst":"0.0.0.0/0","gw":"10.244.1.1"}],"dns":{}}`}, ""},
		{"macvlan", []string{`{"cniVersion":"0.3.1","interfaces":[{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/ns"}],"ips":[{"version":"4","address":"10.244.1.5/24","interface":0}],"dns":{}}`,
			`{"cniVersion":"0.3.1","interfaces":[{"name":"net1","mac":"02:00:00:00:00:02","sandbox":"/ns"}],
			"ips":[{"version":"4","address":"192.168.20.10/24","gateway":"192.168.20.1","interface":0}],"dns":{"nameservers":["10.0.0.53"],"domain":"d","search":["a","b"],"options":["o"]}}`}, ""},
		{"bridge-is-default", []string{`{"cniVersion":"1.0.0","interfaces":[{"name":"br0","mac":"02:00:00:00:00:03"},{"name":"veth1"},{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/ns"}],
			"ips":[{"address":"10.0.0.5/24","gateway":"10.0.0.1","interface":2},{"address":"fd00::5/64","interface":2}],"routes":[{"dst":"::/0","gw":"fd00::1"},{"dst":"0.0.0.0/0"}],"dns":{}}`}, ""},
		{"several-interfaces", []string{`{"cniVersion":"1.0.0","interfaces":[{"name":"a","sandbox":"/ns"},{"name":"b","sandbox":"/ns"}],
			"ips":[{"address":"10.0.0.5/24","interface":0},{"address":"10.0.1.5/24","gateway":"10.0.1.1","interface":1},{"address":"10.0.2.5/24"}],"dns":{}}`}, ""},
		{"no-interfaces", []string{`{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24"},"dns":{}}`}, ""},
		{"device", []string{`{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"/ns"}],"dns":{}}`}, `{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:00:01.0"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []Status
			for i, text := range tt.results {
				result, err := create.CreateFromBytes([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				newest, err := current.NewResultFromResult(result)
				if err != nil {
					t.Fatal(err)
				}
				a := Attachment{Network: "antrea", IfName: "eth0", Default: i == 0}
				if i > 0 {
					a.Network, a.IfName = "default/macvlan-conf", "net1"
				}
				all = append(all, Statuses(a, newest, json.RawMessage(tt.device))...)
			}
			got, err := FormatStatuses(all)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", tt.name+".json"), got)
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}
