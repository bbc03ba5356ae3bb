package daemon

import (
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

func TestGiveDevices(t *testing.T) {
	for _, tt := range []struct {
		name      string
		resources string // of the networks
		want      string // their devices, or an error
	}{
		{"none wanted", ", ", ", "},
		{"in the order of the networks", "nic, , nic", "d0, , d1"},
		{"two resources", "gpu, nic", "g0, d0"},
		{"one that is only counted", "bridge, nic", ", d0"},
		{"more than the Pod has", "nic, nic, nic", "network n2: all 2 devices of resource nic that the Pod has are given to other networks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var networks []netplan.Network
			for i, r := range strings.Split(tt.resources, ", ") {
				networks = append(networks, netplan.Network{Ref: "n" + string(rune('0'+i)), Resource: r})
			}
			err := giveDevices(networks, map[string][]string{"nic": {"d0", "d1"}, "gpu": {"g0"}, "": {"nobody's"}})
			var got []string
			for _, n := range networks {
				got = append(got, n.Device)
			}
			text := strings.Join(got, ", ")
			if err != nil {
				text = err.Error()
			}
			if !strings.HasPrefix(text, tt.want) || err == nil && text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

func TestDeviceFiles(t *testing.T) {
	for got, want := range map[string]string{
		fromDevicePlugin("intel.com/nic", "0000:03:02.3"): "/var/run/k8s.cni.cncf.io/devinfo/dp/intel.com-nic-0000:03:02.3-device.json",
		forPlugins("default/sriov", "0123abcd", "net1"):   "/var/run/k8s.cni.cncf.io/devinfo/cni/default-sriov-0123abcd_net1",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
