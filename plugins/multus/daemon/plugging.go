package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// plugging is a change under way.
type plugging struct {
	*daemon
	record record
	pod    *corev1.Pod
}

func (p *plugging) change(ctx context.Context) error {
	p.record.Changing = true
	if err := p.journal.Put(p.record); err != nil {
		return err
	}
	// What an interrupted change has left is neither what was nor what is to be.
	for _, a := range slices.Backward(slices.Clone(p.record.Attachments)) {
		if a.Result != nil && !a.Leaving {
			continue
		}
		if err := p.detach(ctx, a.IfName); err != nil {
			return err
		}
	}
	c := call{args: p.record.Args, pod: p.record.Pod}
	c.Command, c.ContainerID, c.NetNS, c.IfName = cni.Add, p.record.ContainerID, p.record.NetNS, p.record.Attachments[0].IfName
	var err error
	if c.conf, err = netplan.ParseConfig(p.record.Conf); err != nil {
		return err
	}
	asks := netplan.Pod{Namespace: p.pod.Namespace, Annotations: p.pod.Annotations}
	change, err := c.conf.Change(asks, p.attachments())
	if err != nil {
		return err
	}
	wanted, warnings, err := p.planChange(ctx, c, change)
	if err != nil {
		return err
	}
	if err := p.attachAll(ctx, wanted); err != nil {
		return errors.Join(err, p.tellStatus(ctx, p.record, p.pod))
	}
	for _, name := range slices.Backward(change.Detach) {
		if slices.ContainsFunc(wanted, func(a netplan.Attachment) bool { return a.IfName == name }) {
			continue // it was replaced
		}
		network := p.attached(name).Network
		if err := p.detach(ctx, name); err != nil {
			return err
		}
		p.api.events.Eventf(p.pod, corev1.EventTypeNormal, "RemovedInterface", "Remove %s from %s", name, network)
	}
	if err := p.tellStatus(ctx, p.record, p.pod); err != nil {
		return err
	}
	p.record.Changing, p.record.Networks = false, p.pod.Annotations[netplan.NetworksAnnotation]
	if err := p.journal.Put(p.record); err != nil {
		return err
	}
	added := p.record
	added.Attachments = slices.DeleteFunc(slices.Clone(p.record.Attachments), func(a attached) bool {
		return !slices.ContainsFunc(wanted, func(w netplan.Attachment) bool { return w.IfName == a.IfName })
	})
	p.tell(p.pod, added, warnings)
	return nil
}

// planChange finds the configurations of the networks that come.
func (p *plugging) planChange(ctx context.Context, c call, change netplan.Change) ([]netplan.Attachment, []string, error) {
	networks := make([]netplan.Network, len(change.Attach))
	for i, w := range change.Attach {
		var err error
		if networks[i], err = p.find(ctx, c.conf, w, netplan.Network{}); err != nil {
			return nil, nil, err
		}
	}
	var used []string
	for _, a := range p.record.Attachments {
		if !slices.Contains(change.Detach, a.IfName) && a.Device != "" {
			used = append(used, a.Device)
		}
	}
	if err := p.devices(ctx, c, p.pod, networks, used); err != nil {
		return nil, nil, err
	}
	all, warnings, err := change.Plan(c.conf, networks)
	for i := range all {
		if err == nil {
			err = all[i].TellDevice(forPlugins(all[i].Network, c.ContainerID, all[i].IfName))
		}
	}
	return all, warnings, err
}

func (p *plugging) attachments() (all []netplan.Attachment) {
	for _, a := range p.record.Attachments {
		all = append(all, a.Attachment)
	}
	return all
}

func (p *plugging) attached(ifName string) *attached {
	for i := range p.record.Attachments {
		if a := &p.record.Attachments[i]; a.IfName == ifName && !a.Default && !a.Auxiliary {
			return a
		}
	}
	return nil
}

// attachAll attaches networks, each in the place of one that has the interface. If one fails, the Pod has what it had before.
func (p *plugging) attachAll(ctx context.Context, wanted []netplan.Attachment) error {
	var undo []func() error
	for _, a := range wanted {
		var err error
		if old := p.attached(a.IfName); old != nil {
			before := old.Attachment
			if err = p.detach(ctx, a.IfName); err == nil {
				undo = append(undo, func() error { return p.attach(ctx, before) })
			}
		}
		if err == nil {
			if err = p.attach(ctx, a); err == nil {
				undo = append(undo, func() error { return p.detach(ctx, a.IfName) })
			}
		}
		if err != nil {
			for _, step := range slices.Backward(undo) {
				err = errors.Join(err, step())
			}
			return err
		}
	}
	return nil
}

// attach attaches one network, or undoes what it has begun.
func (p *plugging) attach(ctx context.Context, a netplan.Attachment) error {
	netns, err := os.Open(p.host.path(p.record.NetNS))
	if err != nil {
		return fmt.Errorf("network namespace of the sandbox: %w", err)
	}
	defer netns.Close()
	links, err := openLinks(netns)
	if err != nil {
		return err
	}
	defer links.Close()
	if free, err := links.free(a.IfName); err != nil || !free {
		return errors.Join(fmt.Errorf("network %s: the sandbox already has an interface %s", a.Network, a.IfName), err)
	}
	p.record.Attachments = append(slices.Clone(p.record.Attachments), attached{Attachment: a, Begun: true})
	if err := p.journal.Put(p.record); err != nil {
		p.record.Attachments = p.record.Attachments[:len(p.record.Attachments)-1]
		return err
	}
	last := &p.record.Attachments[len(p.record.Attachments)-1]
	if err := p.attachOne(ctx, p.record, last, links); err != nil {
		return errors.Join(err, p.detach(ctx, a.IfName))
	}
	return p.journal.Put(p.record)
}

// detach deletes a network of the sandbox.
func (p *plugging) detach(ctx context.Context, ifName string) error {
	a := p.attached(ifName)
	if a == nil {
		return nil
	}
	a.Leaving = true
	if err := p.journal.Put(p.record); err != nil {
		return err
	}
	if err := p.plugins.undo(ctx, p.record.sandbox(), *a); err != nil {
		return err
	}
	p.record.Attachments = slices.DeleteFunc(slices.Clone(p.record.Attachments), func(other attached) bool {
		return other.IfName == ifName && !other.Default && !other.Auxiliary
	})
	return p.journal.Put(p.record)
}
