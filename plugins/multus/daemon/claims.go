package daemon

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
)

// Attributes of a device in a ResourceSlice, as the Network Plumbing Working Group has them: what plugins are told, and of which
// resource it is a device for NetworkAttachmentDefinitions. A device without both is none of theirs, such as a GPU.
const (
	deviceAttribute   resourcev1.QualifiedName = "k8s.cni.cncf.io/deviceID"
	resourceAttribute resourcev1.QualifiedName = "k8s.cni.cncf.io/resourceName"
)

// claimsOf are the names of the Pod's ResourceClaims: its own, those made for it from templates, and that of extended resources.
func claimsOf(pod *corev1.Pod) (names []string) {
	made := map[string]string{}
	for _, s := range pod.Status.ResourceClaimStatuses {
		if s.ResourceClaimName != nil {
			made[s.Name] = *s.ResourceClaimName
		}
	}
	for _, c := range pod.Spec.ResourceClaims {
		if c.ResourceClaimName != nil {
			names = append(names, *c.ResourceClaimName)
		} else if name := made[c.Name]; name != "" {
			names = append(names, name)
		}
	}
	if s := pod.Status.ExtendedResourceClaimStatus; s != nil {
		names = append(names, s.ResourceClaimName)
	}
	return names
}

// claimedDevices asks the API server which devices the Pod's ResourceClaims have, by resource.
func (a *api) claimedDevices(ctx context.Context, pod *corev1.Pod) (map[string][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var results []resourcev1.DeviceRequestAllocationResult
	for _, name := range claimsOf(pod) {
		claim, err := a.client.ResourceV1().ResourceClaims(pod.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, fmt.Errorf("read ResourceClaim %s/%s: %w", pod.Namespace, name, err)
		}
		if claim.Status.Allocation == nil {
			return nil, fmt.Errorf("ResourceClaim %s/%s has no devices yet", pod.Namespace, name)
		}
		results = append(results, claim.Status.Allocation.Devices.Results...)
	}
	drivers := map[string]bool{}
	for _, r := range results {
		drivers[r.Driver] = true
	}
	var all []resourcev1.ResourceSlice
	for _, driver := range slices.Sorted(maps.Keys(drivers)) {
		list, err := a.client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{
			FieldSelector: fields.OneTermEqualSelector(resourcev1.ResourceSliceSelectorDriver, driver).String(),
		})
		if err != nil {
			return nil, fmt.Errorf("read ResourceSlices of driver %s: %w", driver, err)
		}
		all = append(all, list.Items...)
	}
	return devicesIn(results, all), nil
}

// devicesIn finds what ResourceSlices tell of allocated devices, by resource, in the order of the claims. Of a pool, only the newest
// generation counts. What was allocated for a look only, with admin access, is nobody's.
func devicesIn(results []resourcev1.DeviceRequestAllocationResult, all []resourcev1.ResourceSlice) map[string][]string {
	type pool struct{ driver, name string }
	newest := map[pool]int64{}
	for _, s := range all {
		p := pool{s.Spec.Driver, s.Spec.Pool.Name}
		newest[p] = max(newest[p], s.Spec.Pool.Generation)
	}
	type device struct{ driver, pool, name string }
	known := map[device]map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{}
	for _, s := range all {
		if s.Spec.Pool.Generation != newest[pool{s.Spec.Driver, s.Spec.Pool.Name}] {
			continue
		}
		for _, d := range s.Spec.Devices {
			known[device{s.Spec.Driver, s.Spec.Pool.Name, d.Name}] = d.Attributes
		}
	}
	devices := map[string][]string{}
	for _, r := range results {
		attributes := known[device{r.Driver, r.Pool, r.Device}]
		id, resource := attributes[deviceAttribute].StringValue, attributes[resourceAttribute].StringValue
		if id == nil || resource == nil || r.AdminAccess != nil && *r.AdminAccess {
			continue
		}
		devices[*resource] = append(devices[*resource], *id)
	}
	return devices
}
