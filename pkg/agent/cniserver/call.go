package cniserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/utils"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
)

// call is one request, checked.
type call struct {
	server    *Server
	req       cni.Request
	conf      cni.NetConf
	args      cni.PodArgs
	previous  *current.Result // of the plugins before this one, and for CHECK of this one too; nil if there is none
	netnsFile *os.File        // nil if the container's network namespace is gone

	inNetwork time.Duration // spent in Network
}

// answer gives the result in the version of the configuration; only ADD has one.
func (c *call) answer(ctx context.Context) (json.RawMessage, error) {
	if err := c.parse(); err != nil {
		return nil, err
	}
	switch c.req.Command {
	case cni.Add:
		result, err := c.add(ctx)
		if err != nil {
			return nil, err
		}
		return encode(result, c.conf.CNIVersion)
	case cni.Del:
		return nil, c.del(ctx)
	case cni.Check:
		return nil, c.check(ctx)
	case cni.GC:
		return nil, c.gc(ctx)
	default: // STATUS; parse refuses others
		return nil, c.status()
	}
}

func (c *call) parse() (err error) {
	if c.conf, err = cni.ParseNetConf(c.req.Stdin); err != nil {
		return err
	}
	var ofContainer, inNetNS bool
	switch c.req.Command {
	case cni.Add, cni.Check:
		ofContainer, inNetNS = true, true
	case cni.Del:
		ofContainer = true
	case cni.GC, cni.Status:
	default:
		return types.NewError(types.ErrInvalidEnvironmentVariables, fmt.Sprintf("CNI_COMMAND %q is unknown", c.req.Command), "")
	}
	if !ofContainer {
		return nil
	}
	var missing []string
	for _, v := range []struct {
		name  string
		unset bool
	}{
		{"CNI_CONTAINERID", c.req.ContainerID == ""},
		{"CNI_IFNAME", c.req.IfName == ""},
		{"CNI_NETNS", inNetNS && c.netnsFile == nil},
	} {
		if v.unset {
			missing = append(missing, v.name)
		}
	}
	if len(missing) > 0 {
		return types.NewError(types.ErrInvalidEnvironmentVariables, "missing: "+strings.Join(missing, ", "), "")
	}
	if err := utils.ValidateContainerID(c.req.ContainerID); err != nil {
		return types.NewError(err.Code, "CNI_CONTAINERID: "+err.Msg, err.Details)
	}
	if err := utils.ValidateInterfaceName(c.req.IfName); err != nil {
		return types.NewError(err.Code, "CNI_IFNAME: "+err.Msg, err.Details)
	}
	if c.args, err = cni.ParsePodArgs(c.req.Args); err != nil {
		return err
	}
	return c.parsePrevious()
}

// parsePrevious reads key prevResult, which CHECK must have. That of DEL is not needed.
func (c *call) parsePrevious() error {
	switch {
	case c.req.Command == cni.Del, c.req.Command == cni.Add && len(c.conf.PrevResult) == 0:
		return nil
	case len(c.conf.PrevResult) == 0:
		return types.NewError(types.ErrInvalidNetworkConfig, "key prevResult is missing", "")
	}
	result, err := version.NewResult(c.conf.CNIVersion, c.conf.PrevResult)
	if err == nil {
		c.previous, err = current.NewResultFromResult(result)
	}
	if err != nil {
		return types.NewError(types.ErrDecodingFailure, "key prevResult: "+err.Error(), "")
	}
	return nil
}

func (c *call) attachment() cni.Attachment {
	return cni.Attachment{ContainerID: c.req.ContainerID, IfName: c.req.IfName}
}

// records are all Pods of the switch.
func (c *call) records(ctx context.Context) ([]podport.Record, error) {
	records, err := c.server.network.Records(ctx)
	if err != nil {
		return nil, again(fmt.Errorf("which Pods are attached: %w", err))
	}
	return records, nil
}

// record is the attachment's record, if there is one.
func (c *call) record(ctx context.Context) (rec podport.Record, ok bool, err error) {
	records, err := c.records(ctx)
	if i := slices.IndexFunc(records, func(r podport.Record) bool { return r.Attachment() == c.attachment() }); i >= 0 {
		return records[i], true, nil
	}
	return podport.Record{}, false, err
}

func (c *call) attach(ctx context.Context, rec podport.Record) error {
	start := time.Now()
	err := c.server.network.Attach(ctx, rec)
	c.inNetwork += time.Since(start)
	if err != nil {
		return again(fmt.Errorf("attach %s to the switch: %w", rec.PortName, err))
	}
	return nil
}

// remove takes an interface away: flows and port first, so that nothing that meets a new Pod's number or name is left.
func (c *call) remove(ctx context.Context, portName string) error {
	start := time.Now()
	err := c.server.network.Detach(ctx, portName)
	c.inNetwork += time.Since(start)
	if err != nil {
		return again(fmt.Errorf("detach %s from the switch: %w", portName, err))
	}
	return deleteHostLink(portName)
}

// status is STATUS: whether an ADD could succeed.
func (c *call) status() error {
	err := c.ready()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrLimitedConnectivity):
		return types.NewError(types.ErrLimitedConnectivity, err.Error(), "")
	}
	return types.NewError(types.ErrPluginNotAvailable, err.Error(), "")
}

// ready is nil, or why no Pod can be attached now.
func (c *call) ready() error {
	err := c.server.network.Ready()
	if !errors.Is(err, ErrLimitedConnectivity) && len(c.server.node().PodCIDRs) == 0 { // what else is missing may be for that
		return errors.New("the Node has no podCIDR yet (does the cluster's controller manager run with --allocate-node-cidrs?), or no InternalIP")
	}
	return err
}
