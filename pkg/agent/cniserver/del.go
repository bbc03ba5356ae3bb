package cniserver

import (
	"context"
	"fmt"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/hostlocal"
)

// del is DEL. What is gone already is a success, but it has to be known that it is gone.
func (c *call) del(ctx context.Context) error {
	unlock, err := c.server.locks.lock(ctx, c.attachment())
	if err != nil {
		return err
	}
	defer unlock()

	rec, ok, err := c.record(ctx)
	if err != nil {
		return err
	}
	if ok {
		if err := c.remove(ctx, rec.PortName); err != nil {
			return err
		}
	} else if err := c.server.network.Ready(); err != nil {
		return again(fmt.Errorf("cannot tell whether the Pod is attached: %w", err))
	}
	if c.netnsFile != nil {
		if pod, err := openPodNetNS(c.netnsFile); err == nil {
			defer pod.Close()
			names, err := c.portNames(ctx)
			if err != nil {
				return err
			}
			// An interface of somebody else is none of our business here.
			_ = deleteLeftover(pod, c.req.IfName, names)
		}
	}
	return c.releaseImported(func(o hostlocal.Owner) bool {
		return o.ContainerID == c.req.ContainerID && (o.IfName == c.req.IfName || o.IfName == "")
	})
}

// releaseImported frees addresses that containers had from host-local.
func (c *call) releaseImported(gone func(hostlocal.Owner) bool) error {
	config, err := hostlocal.Parse(c.conf.IPAM)
	if err != nil {
		return nil // another IPAM plugin's configuration need not look like host-local's
	}
	before, err := c.server.addresses.store(config.DataDir, c.conf.Name)
	if err == nil {
		err = before.Release(gone)
	}
	if err != nil {
		return types.NewError(types.ErrIOFailure, err.Error(), "")
	}
	return nil
}
