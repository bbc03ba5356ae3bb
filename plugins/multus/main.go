// Command multus is a CNI plugin that attaches a Pod to several networks. The runtime executes it for every Pod; it knows no
// Kubernetes and asks the daemon of its Node, which executes the plugins of the networks.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

const (
	// defaultSocket is where the daemon listens.
	defaultSocket = "/var/run/multus/multus.sock"
	// timeout bounds one call. It is longer than the daemon's own limit, so that the daemon says what took so long.
	timeout = 110 * time.Second
	// patience is for a daemon that starts again: what is asked meanwhile only waits.
	patience = 20 * time.Second
)

func main() {
	skel.PluginMainFuncs(skel.CNIFuncs{
		Add: ask(cni.Add), Del: ask(cni.Del), Check: ask(cni.Check), GC: ask(cni.GC), Status: ask(cni.Status),
	}, version.All, "CNI plugin multus")
}

// ask passes a call on to the daemon. The runtime repeats what fails with code 11: a Pod never starts without its networks.
func ask(command cni.Command) func(*skel.CmdArgs) error {
	return func(args *skel.CmdArgs) error {
		var conf struct {
			Socket string `json:"socket"`
		}
		if err := json.Unmarshal(args.StdinData, &conf); err != nil {
			return types.NewError(types.ErrDecodingFailure, "network configuration: "+err.Error(), "")
		}
		if conf.Socket == "" {
			conf.Socket = defaultSocket
		}
		req := cni.Request{
			Command: command, ContainerID: args.ContainerID, NetNS: args.Netns, IfName: args.IfName, Args: args.Args, Path: args.Path,
			Stdin: args.StdinData,
		}
		var netns *os.File
		if command == cni.Add {
			var err error
			if netns, err = os.Open(args.Netns); err != nil {
				return types.NewError(types.ErrInvalidEnvironmentVariables, "CNI_NETNS: "+err.Error(), "")
			}
			defer netns.Close()
		}
		resp, err := call(conf.Socket, req, netns)
		switch {
		case err != nil && command == cni.Status:
			return types.NewError(types.ErrPluginNotAvailable, "multus-daemon does not answer at "+conf.Socket, err.Error())
		case err != nil:
			return types.NewError(types.ErrTryAgainLater, "multus-daemon does not answer at "+conf.Socket, err.Error())
		case resp.Error != nil:
			return resp.Error
		case command == cni.Add:
			_, err = fmt.Println(string(resp.Result))
		}
		return err
	}
}

// call waits for a daemon that does not listen yet. STATUS does not wait: it is to say just that.
func call(socket string, req cni.Request, netns *os.File) (cni.Response, error) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		resp, err := cni.Call(ctx, socket, req, netns)
		listens := err == nil || !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ECONNREFUSED)
		if listens || req.Command == cni.Status || time.Now().After(end) {
			return resp, err
		}
	}
}
