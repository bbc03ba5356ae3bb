package daemon

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// strictAnnotation of a NetworkAttachmentDefinition refuses Pods that ask for what none of its plugins can do.
const strictAnnotation = "multus.antrea.io/strict-capabilities"

// plan finds the configurations of a Pod's networks, and makes attachments of them. pod is nil if the runtime named none.
func (d *daemon) plan(ctx context.Context, c call, pod *corev1.Pod) ([]netplan.Attachment, []string, error) {
	asks := netplan.Pod{Namespace: c.pod.Namespace}
	if pod != nil {
		asks.Annotations = pod.Annotations
	}
	wants, err := c.conf.Wants(asks)
	if err != nil {
		return nil, nil, err
	}
	networks := make([]netplan.Network, len(wants))
	for i, w := range wants {
		if networks[i], err = d.find(ctx, c.conf, w, networks[0]); err != nil {
			return nil, nil, err
		}
	}
	if err := d.devices(ctx, c, pod, networks, nil); err != nil {
		return nil, nil, err
	}
	all, warnings, err := netplan.Plan(c.conf, wants, networks, c.IfName)
	for i := range all {
		if err == nil && !all[i].Auxiliary {
			err = all[i].TellDevice(forPlugins(all[i].Network, c.ContainerID, all[i].IfName))
		}
	}
	return all, warnings, err
}

// devices gives networks their devices, but none of those that are used: first those that device plugins have given, then those of
// ResourceClaims. DEL does without: a device needs none, and kubelet may have forgotten the Pod.
func (d *daemon) devices(ctx context.Context, c call, pod *corev1.Pod, networks []netplan.Network, used []string) error {
	wanted := slices.ContainsFunc(networks, func(n netplan.Network) bool { return n.Resource != "" })
	if !wanted || c.Command == cni.Del || pod == nil {
		return nil
	}
	devices, err := devicesOf(ctx, d.host.path(d.PodResources), c.pod)
	if err != nil {
		return types.NewError(types.ErrTryAgainLater, err.Error(), "")
	}
	claimed, err := d.api.claimedDevices(ctx, pod)
	if err != nil {
		return types.NewError(types.ErrTryAgainLater, err.Error(), "")
	}
	for resource, ids := range claimed {
		devices[resource] = append(devices[resource], ids...)
	}
	for resource, ids := range devices {
		devices[resource] = slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(used, id) })
	}
	return giveDevices(networks, devices)
}

// find is the configuration of a network, first the default network's.
func (d *daemon) find(ctx context.Context, conf netplan.Config, w netplan.Want, first netplan.Network) (n netplan.Network, err error) {
	switch {
	case w.Auxiliary:
		n.List, err = d.host.auxiliaryChain(conf.ClusterNetwork, conf.AuxiliaryChain, first.List.CNIVersion)
	case w.Inline != nil:
		n.List, err = netplan.ParseList(w.Inline, "")
	case w.Reference == "":
		n, err = d.defined(ctx, conf, w.Namespace, w.Name)
	case filepath.IsAbs(w.Reference):
		n.List, err = d.host.configAt(w.Reference)
	default:
		namespace, name, ok := strings.Cut(w.Reference, "/")
		if !ok {
			namespace, name = conf.MultusNamespace, namespace
		}
		n, err = d.defined(ctx, conf, namespace, name)
		if apierrors.IsNotFound(err) && !ok {
			n = netplan.Network{}
			n.List, err = d.host.configNamed(conf.ConfDir, name)
		}
	}
	if err != nil && w.Default {
		err = fmt.Errorf("default network: %w", err)
	}
	return n, err
}

// defined is the network of a NetworkAttachmentDefinition.
func (d *daemon) defined(ctx context.Context, conf netplan.Config, namespace, name string) (netplan.Network, error) {
	def, err := d.api.definition(ctx, namespace, name)
	if err != nil {
		return netplan.Network{}, err
	}
	n := netplan.Network{Ref: namespace + "/" + name, Resource: def.Annotations[resourceAnnotation], Strict: def.Annotations[strictAnnotation] == "true"}
	if strings.TrimSpace(def.Config) == "" {
		n.List, err = d.host.configNamed(conf.ConfDir, name)
	} else {
		n.List, err = netplan.ParseList([]byte(def.Config), name)
	}
	if err != nil {
		return n, fmt.Errorf("NetworkAttachmentDefinition %s: %w", n.Ref, err)
	}
	return n, nil
}
