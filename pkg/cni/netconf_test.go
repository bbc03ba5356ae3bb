package cni

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/containernetworking/cni/libcni"
	"github.com/containernetworking/cni/pkg/types"
)

func TestParseNetConfErrors(t *testing.T) {
	for _, tt := range []struct {
		name, stdin string
		code        uint
		want        string
	}{
		{"empty", ``, types.ErrDecodingFailure, "network configuration"},
		{"not JSON", `{"name": `, types.ErrDecodingFailure, "network configuration"},
		{"wrong type", `{"cniVersion":"1.0.0","name":"a","mtu":"big"}`, types.ErrDecodingFailure, "mtu"},
		{"no name", `{"cniVersion":"1.0.0"}`, types.ErrInvalidNetworkConfig, "key name"},
		{"name with a slash", `{"cniVersion":"1.0.0","name":"../a"}`, types.ErrInvalidNetworkConfig, "../a"},
		{"no version", `{"name":"a"}`, types.ErrIncompatibleCNIVersion, "cniVersion"},
		{"old version", `{"cniVersion":"0.2.0","name":"a"}`, types.ErrIncompatibleCNIVersion, `"0.2.0"`},
		{"version to come", `{"cniVersion":"9.0.0","name":"a"}`, types.ErrIncompatibleCNIVersion, "supported: 0.3.0"},
		{"small mtu", `{"cniVersion":"1.0.0","name":"a","mtu":68}`, types.ErrInvalidNetworkConfig, "key mtu"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseNetConf([]byte(tt.stdin))
			var e *types.Error
			if !errors.As(err, &e) || e.Code != tt.code || !strings.Contains(e.Error(), tt.want) {
				t.Errorf("got %#v, want code %d with %q", err, tt.code, tt.want)
			}
		})
	}
}

func TestValid(t *testing.T) {
	for _, tt := range []struct{ conf, want string }{
		{`{}`, "key cni.dev/valid-attachments of the network configuration is missing"},
		{`{"cni.dev/valid-attachments":null}`, "map[]"},
		{`{"cni.dev/valid-attachments":[]}`, "map[]"},
		{`{"cni.dev/valid-attachments":[{"containerID":"a","ifname":"eth0"}]}`, "map[{a eth0}:true]"},
	} {
		var c NetConf
		if err := json.Unmarshal([]byte(tt.conf), &c); err != nil {
			t.Fatal(err)
		}
		valid, err := c.Valid()
		got := fmt.Sprint(valid)
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.conf, got, tt.want)
		}
	}
}

func TestIPAMType(t *testing.T) {
	for _, tt := range []struct{ ipam, want string }{
		{``, "host-local"}, {`{}`, "host-local"}, {`{"type":"host-local"}`, "host-local"}, {`{"type":"static"}`, "static"}, {`7`, "error"},
	} {
		got, err := NetConf{IPAM: json.RawMessage(tt.ipam)}.IPAMType()
		if err != nil {
			got = "error"
		}
		if got != tt.want {
			t.Errorf("ipam %s: got %q, want %q", tt.ipam, got, tt.want)
		}
	}
}

func TestParsePodArgs(t *testing.T) {
	got, err := ParsePodArgs("IgnoreUnknown=1;K8S_POD_NAMESPACE=demo;K8S_POD_NAME=web;K8S_POD_UID=u;K8S_POD_INFRA_CONTAINER_ID=c;IP=10.0.0.9;MAC=02:00:00:00:00:09")
	if want := (PodArgs{"demo", "web", "u", "10.0.0.9", "02:00:00:00:00:09"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := ParsePodArgs("K8S_POD_NAME"); err == nil || !strings.Contains(err.Error(), "CNI_ARGS") {
		t.Errorf("a name without a value: %v", err)
	}
}

// TestDefaultConflist reads the list as a new runtime does, and as one that knows nothing of cniVersions.
func TestDefaultConflist(t *testing.T) {
	list, err := libcni.NetworkConfFromBytes([]byte(DefaultConflist))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range list.Plugins {
		names = append(names, p.Network.Type)
	}
	if list.CNIVersion != "1.1.0" || !slices.Equal(names, []string{"antrea", "portmap", "bandwidth"}) {
		t.Errorf("a new runtime reads version %s, plugins %v", list.CNIVersion, names)
	}
	var old types.NetConfList
	if err := json.Unmarshal([]byte(DefaultConflist), &old); err != nil {
		t.Fatal(err)
	}
	if old.CNIVersion != "1.0.0" || old.Name != "antrea" || len(old.Plugins) != 3 {
		t.Errorf("an old runtime reads %+v", old)
	}
}
