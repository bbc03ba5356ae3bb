package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// timeout bounds one call. It is longer than the agent's own limit, so that the agent says what took so long, and shorter
// than the runtime's.
const timeout = 60 * time.Second

// Main answers the call that the environment and standard input describe, and exits.
func Main(about string) {
	skel.PluginMainFuncs(skel.CNIFuncs{
		Add:    withTimeout(add),
		Del:    withTimeout(del),
		Check:  withTimeout(check),
		GC:     withTimeout(gc),
		Status: withTimeout(status),
	}, version.PluginSupports(cni.Versions...), about)
}

func withTimeout(f func(context.Context, *call) error) func(*skel.CmdArgs) error {
	return func(args *skel.CmdArgs) error {
		ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, fmt.Errorf("no answer within %s", timeout))
		defer cancel()
		c, err := newCall(args)
		if err != nil {
			return err
		}
		return f(ctx, c)
	}
}

// call is one call of the plugin.
type call struct {
	args *skel.CmdArgs
	conf cni.NetConf
	ipam ipamPlugin // "" if the agent allocates
}

func newCall(args *skel.CmdArgs) (*call, error) {
	conf, err := cni.ParseNetConf(args.StdinData)
	if err != nil {
		return nil, err
	}
	if conf.Socket == "" {
		conf.Socket = cni.DefaultSocket
	}
	ipam, err := conf.IPAMType()
	if err != nil {
		return nil, err
	}
	if ipam == cni.IPAMHostLocal && conf.VNI == 0 {
		ipam = ""
	}
	return &call{args: args, conf: conf, ipam: ipamPlugin(ipam)}, nil
}

func add(ctx context.Context, c *call) error {
	req := c.request(cni.Add)
	var err error
	if req.ResolvConf, err = c.readResolvConf(); err != nil {
		return err
	}
	if req.IPAMResult, err = c.ipam.add(ctx, c.conf.CNIVersion, c.args.StdinData); err != nil {
		return err
	}
	resp, err := c.send(ctx, req)
	if err != nil {
		_ = c.ipam.del(ctx, c.args.StdinData) // the runtime's DEL after a failed ADD tries again
		return err
	}
	_, err = fmt.Println(string(resp.Result))
	return err
}

func del(ctx context.Context, c *call) error {
	if _, err := c.send(ctx, c.request(cni.Del)); err != nil {
		return err
	}
	return c.ipam.del(ctx, c.args.StdinData)
}

func check(ctx context.Context, c *call) error {
	if err := c.ipam.run(ctx, "CHECK", c.args.StdinData); err != nil {
		return err
	}
	_, err := c.send(ctx, c.request(cni.Check))
	return err
}

func gc(ctx context.Context, c *call) error {
	_, err := c.send(ctx, c.request(cni.GC))
	if ipamErr := c.ipam.run(ctx, "GC", c.args.StdinData); err == nil {
		err = ipamErr
	}
	return err
}

func status(ctx context.Context, c *call) error {
	if _, err := c.send(ctx, c.request(cni.Status)); err != nil {
		return err
	}
	return c.ipam.run(ctx, "STATUS", c.args.StdinData)
}

func (c *call) request(command cni.Command) cni.Request {
	return cni.Request{
		Command:     command,
		ContainerID: c.args.ContainerID,
		NetNS:       c.args.Netns,
		IfName:      c.args.IfName,
		Args:        c.args.Args,
		Path:        c.args.Path,
		Stdin:       c.args.StdinData,
	}
}

// send asks the agent. The runtime repeats what fails with code 11, so a DEL that meets no agent leaks nothing.
func (c *call) send(ctx context.Context, req cni.Request) (cni.Response, error) {
	netns, err := openNetNS(req)
	if err != nil {
		return cni.Response{}, err
	}
	if netns != nil {
		defer netns.Close()
	}
	resp, err := cni.Call(ctx, c.conf.Socket, req, netns)
	if err != nil {
		code := types.ErrTryAgainLater
		if req.Command == cni.Status {
			code = types.ErrPluginNotAvailable
		}
		return resp, types.NewError(code, fmt.Sprintf("antrea-agent does not answer at %s", c.conf.Socket), err.Error())
	}
	if resp.Error != nil {
		return resp, resp.Error
	}
	return resp, nil
}

// openNetNS opens the container's network namespace for the agent. With DEL it may be gone, and with it the interface.
func openNetNS(req cni.Request) (*os.File, error) {
	if req.NetNS == "" {
		return nil, nil
	}
	f, err := os.Open(req.NetNS)
	if err != nil {
		if req.Command == cni.Del && errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, types.NewError(types.ErrInvalidEnvironmentVariables, "CNI_NETNS: "+err.Error(), "")
	}
	return f, nil
}

// readResolvConf reads the file of ipam.resolvConf here, because it is the node's and not the agent container's.
func (c *call) readResolvConf() (string, error) {
	var ipam struct {
		ResolvConf string `json:"resolvConf"`
	}
	if c.ipam != "" || len(c.conf.IPAM) == 0 {
		return "", nil
	}
	if err := json.Unmarshal(c.conf.IPAM, &ipam); err != nil {
		return "", types.NewError(types.ErrDecodingFailure, "key ipam of the network configuration: "+err.Error(), "")
	}
	if ipam.ResolvConf == "" {
		return "", nil
	}
	content, err := os.ReadFile(ipam.ResolvConf)
	if err != nil {
		return "", types.NewError(types.ErrIOFailure, "key ipam.resolvConf: "+err.Error(), "")
	}
	return string(content), nil
}
