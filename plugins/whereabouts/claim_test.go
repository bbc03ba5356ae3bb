package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ktypes "k8s.io/apimachinery/pkg/types"
)

// podOf makes a Pod that p.sandbox then takes for the one of its name.
func (p *play) podOf(n *node, name string, meta metav1.ObjectMeta) {
	p.t.Helper()
	meta.Name = name
	pod, err := p.client.CoreV1().Pods("default").Create(context.Background(), &corev1.Pod{
		ObjectMeta: meta, Spec: corev1.PodSpec{NodeName: n.name, Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}, metav1.CreateOptions{})
	require.NoError(p.t, err)
	p.uids[name] = string(pod.UID)
}

func (p *play) deletePod(name string) {
	p.t.Helper()
	require.NoError(p.t, p.client.CoreV1().Pods("default").Delete(context.Background(), name, *metav1.NewDeleteOptions(0)))
}

// statefulSet: a Pod that comes again under its name has its address again, on whatever Node, until nobody wants a Pod of the name.
func statefulSet(p *play) {
	const ipam = `"range":"10.39.0.0/24"`
	labels := map[string]string{"app": "web"}
	sets := p.client.AppsV1().StatefulSets("default")
	set, err := sets.Create(context.Background(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}},
		},
	}, metav1.CreateOptions{})
	require.NoError(p.t, err)
	owned := metav1.ObjectMeta{Labels: labels, OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}}
	p.podOf(p.a, "web-0", owned)
	p.podOf(p.a, "web-1", owned)
	p.add(p.a, ipam, "web-0", "web-0-a", "10.39.0.1/24")
	p.add(p.a, ipam, "web-1", "web-1-a", "10.39.0.2/24")

	// Deleted in the usual way: it stays, and comes back on another Node.
	p.del(p.a, ipam, "web-0", "web-0-a")
	p.deletePod("web-0")
	require.Equal(p.t, []string{"10.39.0.1 default/web-0  net1", "10.39.0.2 default/web-1 web-1-a net1"}, p.held("10.39."))
	require.Equal(p.t, p.held("10.39."), p.reserved("10.39."))
	p.add(p.b, ipam, "other", "other", "10.39.0.3/24")
	p.podOf(p.b, "web-0", owned)
	p.add(p.b, ipam, "web-0", "web-0-b", "10.39.0.1/24")

	// Deleted by force while its sandbox runs on: nobody has it twice.
	require.NoError(p.t, os.MkdirAll(filepath.Dir(netns("web-0-b")), 0o755))
	require.NoError(p.t, os.WriteFile(netns("web-0-b"), nil, 0o600))
	p.t.Cleanup(func() { os.Remove(netns("web-0-b")) })
	p.deletePod("web-0")
	p.podOf(p.a, "web-0", owned)
	_, err = p.a.add(p.a.network(ipam), p.sandbox(p.a, "web-0", "web-0-c"))
	require.ErrorContains(p.t, err, "10.39.0.1 of range 10.39.0.0/24 stays for statefulset/default/web-0, but sandbox web-0-b of default/web-0 on Node b has not been released")
	require.NoError(p.t, os.Remove(netns("web-0-b")))
	p.deletePod("other") // wakes it
	p.del(p.b, ipam, "other", "other")
	require.Eventually(p.t, func() bool {
		got, err := p.a.add(p.a.network(ipam), p.sandbox(p.a, "web-0", "web-0-d"))
		return err == nil && fmt.Sprint(got) == "[10.39.0.1/24]"
	}, time.Minute, 200*time.Millisecond)
	require.Equal(p.t, []string{"10.39.0.1 default/web-0 web-0-d net1", "10.39.0.2 default/web-1 web-1-a net1"}, p.held("10.39."))
	require.Equal(p.t, p.held("10.39."), p.reserved("10.39."))

	// Scaled down: the address of a Pod that is not wanted is free at DEL, one that was kept before is found.
	p.del(p.a, ipam, "web-0", "web-0-d")
	p.deletePod("web-0")
	_, err = sets.Patch(context.Background(), "web", ktypes.MergePatchType, []byte(`{"spec":{"replicas":1}}`), metav1.PatchOptions{})
	require.NoError(p.t, err)
	p.del(p.a, ipam, "web-1", "web-1-a")
	require.Equal(p.t, []string{"10.39.0.1 default/web-0  net1"}, p.held("10.39."))
	require.NoError(p.t, sets.Delete(context.Background(), "web", metav1.DeleteOptions{}))
	p.eventually("10.39.")
	require.Eventually(p.t, func() bool { return len(p.reserved("10.39.")) == 0 }, time.Minute, 50*time.Millisecond)
}

// ipamClaim: addresses stay with the claim, whatever Pod refers to it, until it is deleted.
func ipamClaim(p *play) {
	const ipam = `"range":"10.40.0.0/24","ipRanges":[{"range":"fd00:40::/64"}]`
	claims := p.any.Resource(schema.GroupVersionResource{Group: "k8s.cni.cncf.io", Version: "v1alpha1", Resource: "ipamclaims"}).Namespace("default")
	claim := func(name, network, ifName string, requests ...any) {
		_, err := claims.Create(context.Background(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "k8s.cni.cncf.io/v1alpha1", "kind": "IPAMClaim", "metadata": map[string]any{"name": name},
			"spec": map[string]any{"network": network, "interface": ifName, "ipRequests": requests},
		}}, metav1.CreateOptions{})
		require.NoError(p.t, err)
	}
	status := func(name string) any {
		o, err := claims.Get(context.Background(), name, metav1.GetOptions{})
		require.NoError(p.t, err)
		return o.Object["status"]
	}
	refer := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Annotations: map[string]string{"k8s.v1.cni.cncf.io/networks": fmt.Sprintf(`[{"name":"net","ipam-claim-reference":%q}]`, name)}}
	}
	p.podOf(p.a, "vm-1", refer("vm"))
	_, err := p.a.add(p.a.network(ipam), p.sandbox(p.a, "vm-1", "vm-early"))
	require.ErrorContains(p.t, err, "read IPAMClaim vm of Pod default/vm-1")
	claim("vm", "net", "net1")
	p.add(p.a, ipam, "vm-1", "vm-1", "10.40.0.1/24", "fd00:40::1/64")
	require.Equal(p.t, map[string]any{"ips": []any{"10.40.0.1/24", "fd00:40::1/64"}, "ownerPod": "vm-1"}, status("vm"))

	p.podOf(p.b, "vm-2", refer("vm")) // another Pod on another Node, while the first still runs
	_, err = p.b.add(p.b.network(ipam), p.sandbox(p.b, "vm-2", "vm-2"))
	require.ErrorContains(p.t, err, "stays for ipamclaim/default/vm, but sandbox vm-1 of default/vm-1 on Node a has not been released")
	p.del(p.a, ipam, "vm-1", "vm-1")
	p.deletePod("vm-1")
	p.add(p.a, ipam, "plain", "plain", "10.40.0.2/24", "fd00:40::2/64")
	p.add(p.b, ipam, "vm-2", "vm-2-again", "10.40.0.1/24", "fd00:40::1/64")
	require.Equal(p.t, map[string]any{"ips": []any{"10.40.0.1/24", "fd00:40::1/64"}, "ownerPod": "vm-2"}, status("vm"))

	claim("asked", "net", "net1", "10.40.0.77/24")
	p.podOf(p.a, "vm-3", refer("asked"))
	p.add(p.a, ipam, "vm-3", "vm-3", "10.40.0.77/24", "fd00:40::3/64")
	claim("elsewhere", "blue", "net1")
	p.podOf(p.a, "vm-4", refer("elsewhere"))
	_, err = p.a.add(p.a.network(ipam), p.sandbox(p.a, "vm-4", "vm-4"))
	require.ErrorContains(p.t, err, `IPAMClaim elsewhere is for network "blue" and interface "net1", but Pod default/vm-4 refers to it for network "net" and interface "net1"`)

	// Gone with its Pod, and after it.
	require.NoError(p.t, claims.Delete(context.Background(), "asked", metav1.DeleteOptions{}))
	p.del(p.a, ipam, "vm-3", "vm-3")
	require.Equal(p.t, []string{"10.40.0.1 default/vm-2 vm-2-again net1", "10.40.0.2 default/plain plain net1"}, p.held("10.40."))
	p.del(p.b, ipam, "vm-2", "vm-2-again")
	require.Equal(p.t, []string{"fd00:40::1 default/vm-2  net1", "fd00:40::2 default/plain plain net1"}, p.held("fd00-40-"))
	require.NoError(p.t, claims.Delete(context.Background(), "vm", metav1.DeleteOptions{}))
	p.eventually("10.40.", "10.40.0.2 default/plain plain net1")
	p.eventually("fd00-40-", "fd00:40::2 default/plain plain net1")
	require.Eventually(p.t, func() bool { return len(p.reserved("10.40.")) == 1 && len(p.reserved("fd00-40-")) == 1 }, time.Minute, 50*time.Millisecond)
}
