package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/containernetworking/cni/pkg/types"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// check asks the plugins of all attachments.
func (d *daemon) check(ctx context.Context, req cni.Request) error {
	c, err := parse(req)
	if err != nil {
		return err
	}
	defer d.journal.Lock(req.ContainerID)()
	ok, err := d.adopt(ctx, req.ContainerID, c.conf.CNIDir, d.record(c).Path)
	r, _ := d.journal.Get(req.ContainerID)
	switch {
	case err != nil:
		return types.NewError(cni.CodeCheck, err.Error(), "")
	case !ok:
		return types.NewError(cni.CodeCheck, fmt.Sprintf("sandbox %s was not attached by this daemon", req.ContainerID), "")
	case r.State != done:
		return types.NewError(cni.CodeCheck, fmt.Sprintf("sandbox %s is being undone", req.ContainerID), "")
	}
	s := r.sandbox()
	s.NetNS = req.NetNS
	ctx, cancel := context.WithTimeout(ctx, delTimeout)
	defer cancel()
	var errs []error
	for _, a := range r.Attachments {
		if !a.List.DisableCheck && !a.Leaving && a.Result != nil {
			errs = append(errs, d.plugins.again(ctx, cni.Check, s, a.Attachment, a.Result))
		}
	}
	return errors.Join(errs...)
}

// gc undoes the sandboxes that the runtime does not know, on all their networks, and lets the plugins of these networks clean up.
func (d *daemon) gc(ctx context.Context, req cni.Request) error {
	c, err := parse(req)
	if err != nil {
		return err
	}
	var conf cni.NetConf
	if err := json.Unmarshal(req.Stdin, &conf); err != nil {
		return types.NewError(types.ErrDecodingFailure, err.Error(), "")
	}
	valid, err := conf.Valid()
	if err != nil {
		return err
	}
	containers := map[string]bool{}
	for a := range valid {
		containers[a.ContainerID] = true
	}
	lists, path := map[string]netplan.List{}, d.record(c).Path
	d.adoptAll(ctx, c.conf.CNIDir, path)
	var errs []error
	for _, r := range d.journal.All() {
		for _, a := range r.Attachments {
			if !a.Default && !a.Auxiliary {
				text, err := json.Marshal(a.List)
				errs = append(errs, err)
				lists[string(text)] = a.List
			}
		}
		if !containers[r.ContainerID] {
			errs = append(errs, d.releaseInvalid(ctx, r.ContainerID))
		}
	}
	first, err := d.find(ctx, c.conf, defaultWant(c.conf), netplan.Network{})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	var all []types.GCAttachment
	for a := range valid {
		all = append(all, types.GCAttachment{ContainerID: a.ContainerID, IfName: a.IfName})
	}
	errs = append(errs, d.collectNetwork(ctx, path, first.List, all))
	if !d.knowsAll(containers) {
		klog.FromContext(ctx).Info("Not all sandboxes are known, so the plugins of additional networks are not told to clean up")
		return errors.Join(errs...)
	}
	for _, list := range lists {
		errs = append(errs, d.collectNetwork(ctx, path, list, d.attachmentsOf(list.Name)))
	}
	return errors.Join(errs...)
}

// knowsAll reports whether every sandbox of the runtime has a record: one that Multus attached would lose its addresses otherwise.
func (d *daemon) knowsAll(containers map[string]bool) bool {
	for id := range containers {
		if _, ok := d.journal.Get(id); !ok {
			return false
		}
	}
	return d.journal.Whole()
}

func (d *daemon) releaseInvalid(ctx context.Context, container string) error {
	defer d.journal.Lock(container)()
	r, ok := d.journal.Get(container)
	if !ok || r.State == adding {
		return nil
	}
	return d.releaseOrRetry(ctx, r, d.namespaceOf(r))
}

func (d *daemon) attachmentsOf(network string) []types.GCAttachment {
	all := []types.GCAttachment{}
	for _, r := range d.journal.All() {
		for _, a := range r.Attachments {
			if a.List.Name == network {
				all = append(all, types.GCAttachment{ContainerID: r.ContainerID, IfName: a.IfName})
			}
		}
	}
	return all
}

func (d *daemon) collectNetwork(ctx context.Context, path []string, list netplan.List, valid []types.GCAttachment) error {
	if valid == nil {
		valid = []types.GCAttachment{}
	}
	return d.plugins.ofNetwork(ctx, cni.GC, path, list, map[string]any{"cni.dev/valid-attachments": valid, "cni.dev/attachments": valid})
}

// status asks the plugins of the networks that every Pod gets. A network of some Pods only that does not work is in the way of none other.
func (d *daemon) status(ctx context.Context, req cni.Request) error {
	c, err := parse(req)
	if err != nil {
		return err
	}
	if file := c.conf.ReadinessFile; file != "" && !d.host.exists(file) {
		return types.NewError(types.ErrPluginNotAvailable, "key readinessindicatorfile: there is no "+file, "")
	}
	wants := []netplan.Want{defaultWant(c.conf)}
	for _, name := range c.conf.DefaultNetworks {
		wants = append(wants, netplan.Want{Reference: name})
	}
	for _, w := range wants {
		n, err := d.find(ctx, c.conf, w, netplan.Network{})
		if err == nil {
			err = d.plugins.ofNetwork(ctx, cni.Status, d.record(c).Path, n.List, nil)
		}
		var told *types.Error
		switch {
		case errors.As(err, &told) && (told.Code == types.ErrPluginNotAvailable || told.Code == types.ErrLimitedConnectivity):
			return told
		case err != nil:
			return types.NewError(types.ErrPluginNotAvailable, err.Error(), "")
		}
	}
	return nil
}

func defaultWant(c netplan.Config) netplan.Want {
	if c.ClusterNetwork != "" {
		return netplan.Want{Reference: c.ClusterNetwork, Default: true}
	}
	return netplan.Want{Inline: c.Delegates[0], Default: true}
}
