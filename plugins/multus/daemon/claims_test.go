package daemon

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
)

func TestClaimsOf(t *testing.T) {
	pod := &corev1.Pod{
		Spec: corev1.PodSpec{ResourceClaims: []corev1.PodResourceClaim{
			{Name: "a", ResourceClaimName: new("own")}, {Name: "b", ResourceClaimTemplateName: new("template")}, {Name: "c", ResourceClaimTemplateName: new("none-is-needed")},
		}},
		Status: corev1.PodStatus{
			ResourceClaimStatuses:       []corev1.PodResourceClaimStatus{{Name: "c"}, {Name: "b", ResourceClaimName: new("made")}},
			ExtendedResourceClaimStatus: &corev1.PodExtendedResourceClaimStatus{ResourceClaimName: "extended"},
		},
	}
	if diff := cmp.Diff([]string{"own", "made", "extended"}, claimsOf(pod)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDevicesIn(t *testing.T) {
	device := func(name, resource, id string) resourcev1.Device {
		d := resourcev1.Device{Name: name, Attributes: map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{"vendor": {StringValue: new("x")}}}
		if resource != "" {
			d.Attributes[resourceAttribute] = resourcev1.DeviceAttribute{StringValue: &resource}
		}
		if id != "" {
			d.Attributes[deviceAttribute] = resourcev1.DeviceAttribute{StringValue: &id}
		}
		return d
	}
	slice := func(driver, pool string, generation int64, devices ...resourcev1.Device) resourcev1.ResourceSlice {
		return resourcev1.ResourceSlice{Spec: resourcev1.ResourceSliceSpec{Driver: driver, Pool: resourcev1.ResourcePool{Name: pool, Generation: generation}, Devices: devices}}
	}
	known := []resourcev1.ResourceSlice{
		slice("nic.example", "p", 2, device("d0", "nic", "0000:01"), device("d1", "nic", "0000:02")),
		slice("nic.example", "p", 2, device("d2", "other", "0000:03")),
		slice("nic.example", "p", 1, device("d0", "nic", "old"), device("gone", "nic", "gone")),
		slice("nic.example", "q", 1, device("d0", "nic", "of-q")),
		slice("gpu.example", "p", 1, device("d0", "", ""), device("d1", "nic", "")),
	}
	result := func(driver, pool, device string) resourcev1.DeviceRequestAllocationResult {
		return resourcev1.DeviceRequestAllocationResult{Driver: driver, Pool: pool, Device: device}
	}
	look := result("nic.example", "p", "d2")
	look.AdminAccess = new(true)
	for _, tt := range []struct {
		name    string
		results []resourcev1.DeviceRequestAllocationResult
		want    map[string][]string
	}{
		{"in the order of the claims", []resourcev1.DeviceRequestAllocationResult{result("nic.example", "p", "d1"), result("nic.example", "q", "d0"), result("nic.example", "p", "d0")}, map[string][]string{"nic": {"0000:02", "of-q", "0000:01"}}},
		{"of several slices", []resourcev1.DeviceRequestAllocationResult{result("nic.example", "p", "d2")}, map[string][]string{"other": {"0000:03"}}},
		{"of an older generation", []resourcev1.DeviceRequestAllocationResult{result("nic.example", "p", "gone")}, map[string][]string{}},
		{"not of a network", []resourcev1.DeviceRequestAllocationResult{result("gpu.example", "p", "d0"), result("gpu.example", "p", "d1"), result("nobody.example", "p", "d0")}, map[string][]string{}},
		{"with admin access", []resourcev1.DeviceRequestAllocationResult{look}, map[string][]string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, devicesIn(tt.results, known)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
