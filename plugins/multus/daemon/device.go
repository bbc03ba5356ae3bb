package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// resourceAnnotation of a NetworkAttachmentDefinition names the resource of which a Pod gets a device with the network.
const resourceAnnotation = "k8s.v1.cni.cncf.io/resourceName"

// maxPodResources bounds what kubelet tells of all its Pods.
const maxPodResources = 16 << 20

// devicesOf asks kubelet which devices it has given to a Pod, by resource.
func devicesOf(ctx context.Context, socket string, pod podID) (map[string][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxPodResources), grpc.WaitForReady(true)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	all, err := podresources.NewPodResourcesListerClient(conn).List(ctx, &podresources.ListPodResourcesRequest{})
	if err != nil {
		return nil, fmt.Errorf("devices of Pods, from kubelet at %s: %w", socket, err)
	}
	devices := map[string][]string{}
	for _, p := range all.GetPodResources() {
		if p.GetNamespace() != pod.Namespace || p.GetName() != pod.Name {
			continue
		}
		for _, c := range p.GetContainers() {
			for _, d := range c.GetDevices() {
				devices[d.GetResourceName()] = append(devices[d.GetResourceName()], d.GetDeviceIds()...)
			}
		}
	}
	return devices, nil
}

// giveDevices gives each network that has a resource the Pod's next device of it. A resource of which kubelet knows no device is one
// that is only counted.
func giveDevices(networks []netplan.Network, devices map[string][]string) error {
	given := map[string]int{}
	for i, n := range networks {
		ids, ok := devices[n.Resource]
		if n.Resource == "" || !ok {
			continue
		}
		next := given[n.Resource]
		if next >= len(ids) {
			return fmt.Errorf("network %s: all %d devices of resource %s that the Pod has are given to other networks: ask for more in resources.limits", n.Ref, len(ids), n.Resource)
		}
		networks[i].Device, given[n.Resource] = ids[next], next+1
	}
	return nil
}

// devinfo is where device plugins and CNI plugins tell of devices, as the Network Plumbing Working Group has it.
const devinfo = "/var/run/k8s.cni.cncf.io/devinfo"

// fromDevicePlugin is the file of the device plugin about a device.
func fromDevicePlugin(resource, device string) string {
	return filepath.Join(devinfo, "dp", flat(resource)+"-"+flat(device)+"-device.json")
}

// forPlugins is the file for the plugins of an attachment.
func forPlugins(network, container, ifName string) string {
	return filepath.Join(devinfo, "cni", flat(fmt.Sprintf("%s-%s_%s", network, container, ifName)))
}

func flat(name string) string { return strings.ReplaceAll(name, "/", "-") }

// prepareDevice puts what the device plugin tells of the attachment's device where its plugins find it.
func (h host) prepareDevice(a netplan.Attachment) error {
	if a.DeviceInfo == "" {
		return nil
	}
	file := h.path(a.DeviceInfo)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("device information: %w", err)
	}
	text, err := os.ReadFile(h.path(fromDevicePlugin(a.Resource, a.Device)))
	switch {
	case a.Device == "" || errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("device information: %w", err)
	}
	if err := replace(file, text); err != nil {
		return fmt.Errorf("device information: %w", err)
	}
	return nil
}

// deviceInfo is what is told of the attachment's device, nil if nothing is.
func (h host) deviceInfo(a netplan.Attachment) (json.RawMessage, error) {
	if a.DeviceInfo == "" {
		return nil, nil
	}
	text, err := os.ReadFile(h.path(a.DeviceInfo))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("device information: %w", err)
	case !json.Valid(text):
		return nil, fmt.Errorf("device information: file %s is not JSON", a.DeviceInfo)
	}
	return text, nil
}

func (h host) removeDevice(a netplan.Attachment) error {
	if a.DeviceInfo == "" {
		return nil
	}
	if err := os.Remove(h.path(a.DeviceInfo)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("device information: %w", err)
	}
	return nil
}
