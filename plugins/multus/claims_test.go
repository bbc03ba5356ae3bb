package main

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// resourceClaims: networks of a resource get the devices of the Pod's ResourceClaims, of its own and of one that was made for it.
func resourceClaims(n *node) {
	t, ctx := n.t, context.Background()
	n.kubelet() // which has given the Pod nothing
	device := func(name string, attributes map[resourcev1.QualifiedName]resourcev1.DeviceAttribute) resourcev1.Device {
		return resourcev1.Device{Name: name, Attributes: attributes}
	}
	nic := func(id string) map[resourcev1.QualifiedName]resourcev1.DeviceAttribute {
		return map[resourcev1.QualifiedName]resourcev1.DeviceAttribute{
			"k8s.cni.cncf.io/deviceID": {StringValue: &id}, "k8s.cni.cncf.io/resourceName": {StringValue: new("test.example/claimed")},
		}
	}
	_, err := n.client.ResourceV1().ResourceSlices().Create(ctx, &resourcev1.ResourceSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "nics"},
		Spec: resourcev1.ResourceSliceSpec{
			Driver: "nic.example", NodeName: new("a"), Pool: resourcev1.ResourcePool{Name: "a", Generation: 1, ResourceSliceCount: 1},
			Devices: []resourcev1.Device{device("gpu", nil), device("nic0", nic("0000:00:04.0")), device("nic1", nic("0000:00:05.0"))},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	claim := func(name string, devices ...string) {
		o := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name}}
		status := resourcev1.AllocationResult{}
		for i, d := range devices {
			request := fmt.Sprint("r", i)
			o.Spec.Devices.Requests = append(o.Spec.Devices.Requests, resourcev1.DeviceRequest{Name: request, Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "nic"}})
			status.Devices.Results = append(status.Devices.Results, resourcev1.DeviceRequestAllocationResult{Request: request, Driver: "nic.example", Pool: "a", Device: d})
		}
		made, err := n.client.ResourceV1().ResourceClaims("default").Create(ctx, o, metav1.CreateOptions{})
		require.NoError(t, err)
		made.Status.Allocation = &status
		_, err = n.client.ResourceV1().ResourceClaims("default").UpdateStatus(ctx, made, metav1.UpdateOptions{})
		require.NoError(t, err)
	}
	claim("own", "gpu", "nic1")
	claim("made", "nic0")
	n.nad("claimed", `{"cniVersion":"1.1.0","type":"told","notes":"`+n.dir+`","tag":"claimed","capabilities":{"deviceID":true}}`,
		"k8s.v1.cni.cncf.io/resourceName", "test.example/claimed")

	rt := n.sandboxAs(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "claims", Annotations: map[string]string{"k8s.v1.cni.cncf.io/networks": "claimed,claimed"}},
		Spec:       corev1.PodSpec{ResourceClaims: []corev1.PodResourceClaim{{Name: "x", ResourceClaimName: new("own")}, {Name: "y", ResourceClaimTemplateName: new("template")}}},
	})
	multus := n.multus(`"delegates":[` + n.told("first") + `]`)
	_, err = n.libcni.AddNetworkList(ctx, multus, rt)
	require.ErrorContains(t, err, "all 1 devices of resource test.example/claimed that the Pod has are given to other networks", "the claim of the template is not there yet")
	pod, err := n.client.CoreV1().Pods("default").Get(ctx, "claims", metav1.GetOptions{})
	require.NoError(t, err)
	pod.Status.ResourceClaimStatuses = []corev1.PodResourceClaimStatus{{Name: "y", ResourceClaimName: new("made")}}
	_, err = n.client.CoreV1().Pods("default").UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	require.NoError(t, err)
	n.calls()
	require.Eventually(t, func() bool { // the watch has to tell of it
		_, err := n.libcni.AddNetworkList(ctx, multus, rt)
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	calls := n.calls()
	require.Equal(t, []string{"ADD first eth0", "ADD claimed net1", "ADD claimed net2"}, calls[len(calls)-3:])
	require.Equal(t, `"0000:00:04.0"`, string(n.noted("ADD-claimed")["deviceID"]), "the last one")
	n.del(multus, rt)
	n.calls()
	require.Empty(t, n.records())
}
