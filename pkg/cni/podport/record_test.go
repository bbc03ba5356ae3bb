package podport

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

func TestPodRecordRoundTrip(t *testing.T) {
	full := Record{
		PortName: "frontend-fbd015", Network: "antrea", ContainerID: "c0ffee", NetNS: "/var/run/netns/x", IfName: "eth0",
		PodNamespace: "demo", PodName: "frontend", PodUID: "77", MAC: openflow.MustParseMAC("02:00:00:00:00:01"),
		IPs: []netip.Prefix{netip.MustParsePrefix("10.244.1.5/24"), netip.MustParsePrefix("fd00::5/64")},
	}
	bare := Record{
		PortName: "c0ffee-000000", ContainerID: "c0ffee", IfName: "net1", MAC: full.MAC, IPs: full.IPs[:1],
	}
	segment := full
	segment.VNI = 1<<24 - 1
	for name, rec := range map[string]Record{"all": full, "in a segment": segment, "only what is needed": bare} {
		t.Run(name, func(t *testing.T) {
			ids := rec.ExternalIDs()
			for key, value := range ids {
				if value == "" {
					t.Errorf("external_ids has an empty %s", key)
				}
			}
			got, err := Parse(rec.PortName, ids)
			if err != nil || !reflect.DeepEqual(got, rec) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, rec)
			}
		})
	}
	if got := full.ExternalIDs()["ip-address"]; got != "10.244.1.5/24,fd00::5/64" {
		t.Errorf("ip-address is %q", got)
	}
}

func TestParsePodRecordErrors(t *testing.T) {
	good := map[string]string{"antrea-type": "container", "container-id": "c", "if-name": "eth0", "attached-mac": "02:00:00:00:00:01", "ip-address": "10.0.0.2/24"}
	for _, tt := range []struct{ name, key, value, want string }{
		{"a tunnel", "antrea-type", "tunnel", "not the port of a Pod"},
		{"no type", "antrea-type", "", "not the port of a Pod"},
		{"no container", "container-id", "", "container-id"},
		{"no interface", "if-name", "", "if-name"},
		{"bad MAC", "attached-mac", "02:", "attached-mac"},
		{"no address", "ip-address", "", "ip-address"},
		{"a segment of another kind", "segment-vni", "16777216", "segment-vni"},
		{"address without length", "ip-address", "10.0.0.2", "ip-address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids := map[string]string{}
			for k, v := range good {
				ids[k] = v
			}
			ids[tt.key] = tt.value
			_, err := Parse("p", ids)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
			if errors.Is(err, ErrNoRecord) != (tt.key == "antrea-type") {
				t.Errorf("errors.Is(%v, ErrNoRecord) is wrong", err)
			}
		})
	}
}

func TestPortName(t *testing.T) {
	id := "3e5a2b7c9d"
	for _, tt := range []struct {
		pod     string
		a       cni.Attachment
		attempt int
		want    string
	}{
		{"frontend", cni.Attachment{ContainerID: id, IfName: "eth0"}, 0, "frontend-3a41da"},
		{"coredns-5d78c9869d-abcde", cni.Attachment{ContainerID: id, IfName: "eth0"}, 0, "coredns--3a41da"},
		{"frontend", cni.Attachment{ContainerID: id, IfName: "net1"}, 0, "frontend-9c0ceb"},
		{"frontend", cni.Attachment{ContainerID: id, IfName: "eth0"}, 1, "frontend-0ef80d"},
		{"db", cni.Attachment{ContainerID: id, IfName: "eth0"}, 0, "db-3a41da"},
		{"", cni.Attachment{ContainerID: id, IfName: "eth0"}, 0, "3e5a2b7c-3a41da"},
	} {
		got := PortName(tt.pod, tt.a, tt.attempt)
		if got != tt.want || len(got) > 15 {
			t.Errorf("PortName(%q, %v, %d) = %q, want %q", tt.pod, tt.a, tt.attempt, got, tt.want)
		}
	}
}
