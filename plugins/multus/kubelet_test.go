package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
)

// kubelet tells which Pod has which devices, over a socket as the real one does.
type kubelet struct {
	podresources.UnimplementedPodResourcesListerServer
	mu   sync.Mutex
	pods []*podresources.PodResources
}

func (k *kubelet) List(context.Context, *podresources.ListPodResourcesRequest) (*podresources.ListPodResourcesResponse, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &podresources.ListPodResourcesResponse{PodResources: k.pods}, nil
}

// give gives a Pod devices of a resource, by container.
func (k *kubelet) give(pod, resource string, containers ...[]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := &podresources.PodResources{Namespace: "default", Name: pod}
	for _, ids := range containers {
		p.Containers = append(p.Containers, &podresources.ContainerResources{Devices: []*podresources.ContainerDevices{{ResourceName: resource, DeviceIds: ids}}})
	}
	k.pods = append(k.pods, p)
}

func (n *node) kubelet() *kubelet {
	n.t.Helper()
	k := &kubelet{}
	listener, err := net.Listen("unix", filepath.Join(n.dir, "k"))
	require.NoError(n.t, err)
	server := grpc.NewServer()
	podresources.RegisterPodResourcesListerServer(server, k)
	served := make(chan struct{})
	go func() {
		_ = server.Serve(listener)
		close(served)
	}()
	n.t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return k
}

// devices: networks of a resource get the Pod's devices in order, with what the device plugin or the plugin tells of them.
func devices(n *node) {
	t := n.t
	kubelet := n.kubelet()
	kubelet.give("other", "test.example/nic", []string{"0000:00:01.0"})
	kubelet.give("vf", "test.example/nic", []string{"0000:00:02.0"}, []string{"0000:00:03.0"})
	multus := n.multus(`"delegates":[` + n.told("first") + `]`)
	n.nad("nic", `{"cniVersion":"1.1.0","type":"told","notes":"`+n.dir+`","tag":"nic","capabilities":{"deviceID":true,"CNIDeviceInfoFile":true}}`,
		"k8s.v1.cni.cncf.io/resourceName", "test.example/nic")
	told := "/var/run/k8s.cni.cncf.io/devinfo/dp/test.example-nic-0000:00:03.0-device.json"
	require.NoError(t, os.MkdirAll(filepath.Dir(told), 0o755))
	require.NoError(t, os.WriteFile(told, []byte(`{"type":"pci","version":"1.1.0","pci":{"pci-address":"0000:00:03.0"}}`), 0o600))
	t.Cleanup(func() { os.Remove(told) })

	rt := n.sandbox("vf", "nic,nic@second")
	n.add(multus, rt)
	second := n.noted("ADD-nic") // the last one
	require.Equal(t, `"0000:00:03.0"`, string(second["deviceID"]))
	require.Equal(t, `"0000:00:03.0"`, string(second["pciBusID"]))
	file := "/var/run/k8s.cni.cncf.io/devinfo/cni/default-nic-box-vf_second"
	require.JSONEq(t, `{"deviceID":"0000:00:03.0","CNIDeviceInfoFile":"`+file+`"}`, string(second["runtimeConfig"]))
	require.FileExists(t, file)
	require.Contains(t, n.status("vf"), `"pci-address": "0000:00:03.0"`)
	n.del(multus, rt)
	require.NoFileExists(t, file)
	n.calls()

	_, err := n.libcni.AddNetworkList(context.Background(), multus, n.sandbox("other", "nic,nic"))
	require.ErrorContains(t, err, "all 1 devices of resource test.example/nic that the Pod has are given to other networks")
	require.Empty(t, n.calls())
	require.Empty(t, n.records())
}
