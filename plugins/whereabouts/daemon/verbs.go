package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"encoding/json"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/types/create"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// check finds each address of the attachment in the API, and in the result that the runtime has.
func (d *daemon) check(ctx context.Context, req cni.Request) error {
	conf, err := parse(req)
	if err != nil {
		return err
	}
	result, err := previous(req.Stdin)
	if err != nil {
		return err
	}
	a := cni.Attachment{ContainerID: req.ContainerID, IfName: req.IfName}
	defer d.journal.Lock(keyOf(a))()
	ctx, cancel := context.WithTimeout(ctx, addTimeout)
	defer cancel()
	r, ok := d.journal.Get(keyOf(a))
	if !ok { // attached by Whereabouts
		where, err := d.placeOf(ctx, conf)
		if err != nil {
			return err
		}
		r = record{ContainerID: a.ContainerID, IfName: a.IfName, Pod: conf.Pod, Place: where}
	}
	held, err := d.Store.Held(ctx, d.owner(r), r.Place)
	if err != nil {
		return types.NewError(types.ErrTryAgainLater, "error at storage engine: "+err.Error(), "")
	}
	for _, c := range conf.Claims {
		i := slices.IndexFunc(held, func(a netip.Addr) bool { return c.Range.Subnet.Contains(a) })
		if i < 0 {
			return types.NewError(cni.CodeCheck, fmt.Sprintf("sandbox %s, interface %s: has no address of range %s", a.ContainerID, a.IfName, c.Range.Subnet), "")
		}
	}
	for _, a := range held {
		if !slices.ContainsFunc(result.IPs, func(ip *current.IPConfig) bool {
			known, _ := netip.AddrFromSlice(ip.Address.IP)
			return known.Unmap() == a
		}) {
			return types.NewError(cni.CodeCheck, fmt.Sprintf("%s is held, but not in prevResult", a), "")
		}
	}
	return nil
}

// previous is key prevResult of the configuration.
func previous(stdin []byte) (*current.Result, error) {
	var conf struct {
		CNIVersion string          `json:"cniVersion"`
		PrevResult json.RawMessage `json:"prevResult"`
	}
	if err := json.Unmarshal(stdin, &conf); err != nil {
		return nil, types.NewError(types.ErrDecodingFailure, err.Error(), "")
	}
	if len(conf.PrevResult) == 0 {
		return nil, types.NewError(types.ErrInvalidNetworkConfig, "key prevResult of the network configuration is missing", "")
	}
	result, err := create.Create(conf.CNIVersion, conf.PrevResult)
	if err == nil {
		var newest *current.Result
		if newest, err = current.NewResultFromResult(result); err == nil {
			return newest, nil
		}
	}
	return nil, types.NewError(types.ErrDecodingFailure, "key prevResult: "+err.Error(), "")
}

// gc releases what the network's attachments have that the runtime does not know.
func (d *daemon) gc(ctx context.Context, req cni.Request) error {
	var conf cni.NetConf
	if err := json.Unmarshal(req.Stdin, &conf); err != nil {
		return types.NewError(types.ErrDecodingFailure, err.Error(), "")
	}
	valid, err := conf.Valid()
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range d.journal.All() {
		if r.Network == conf.Name && !valid[r.attachment()] {
			errs = append(errs, d.releaseIfThere(ctx, r.attachment()))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return types.NewError(types.ErrTryAgainLater, "error at storage engine: "+err.Error(), "")
	}
	return nil
}

func (d *daemon) releaseIfThere(ctx context.Context, a cni.Attachment) error {
	defer d.journal.Lock(keyOf(a))()
	r, ok := d.journal.Get(keyOf(a))
	if !ok {
		return nil
	}
	return d.release(ctx, r, delTimeout)
}

// status says whether ADD can work.
func (d *daemon) status(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := d.Store.Ready(ctx); err != nil {
		return types.NewError(types.ErrPluginNotAvailable, "error at storage engine: "+err.Error(), "")
	}
	return nil
}
