// Command whereabouts is a CNI IPAM plugin: it gives addresses that are unique in the whole cluster. The runtime, or another
// plugin, executes it for every attachment; it knows no Kubernetes and asks the daemon of its Node, which does the work.
// file.go finds the configuration file of the Node.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

const (
	// defaultSocket is where the daemon listens.
	defaultSocket = "/var/run/whereabouts/whereabouts.sock"
	// timeout bounds one call. It is longer than the daemon's own limit, so that the daemon says what took so long.
	timeout = 60 * time.Second
)

func main() {
	skel.PluginMainFuncs(skel.CNIFuncs{
		Add: ask(cni.Add), Del: ask(cni.Del), Check: ask(cni.Check), GC: ask(cni.GC), Status: ask(cni.Status),
	}, version.All, "CNI IPAM plugin whereabouts")
}

// ask passes a call on to the daemon. The runtime repeats what fails with code 11, so a DEL that meets no daemon leaks nothing.
func ask(command cni.Command) func(*skel.CmdArgs) error {
	return func(args *skel.CmdArgs) error {
		ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, fmt.Errorf("no answer within %s", timeout))
		defer cancel()
		var conf struct {
			IPAM struct {
				Socket            string `json:"socket"`
				ConfigurationPath string `json:"configuration_path"`
			} `json:"ipam"`
		}
		if err := json.Unmarshal(args.StdinData, &conf); err != nil {
			return types.NewError(types.ErrDecodingFailure, "network configuration: "+err.Error(), "")
		}
		file, err := readFile(conf.IPAM.ConfigurationPath)
		if err != nil {
			return types.NewError(types.ErrIOFailure, "key ipam.configuration_path: "+err.Error(), "")
		}
		socket := conf.IPAM.Socket
		if socket == "" {
			socket = defaultSocket
		}
		resp, err := cni.Call(ctx, socket, cni.Request{
			Command: command, ContainerID: args.ContainerID, NetNS: args.Netns, IfName: args.IfName, Args: args.Args,
			Stdin: args.StdinData, IPAMFile: file,
		}, nil)
		switch {
		case err != nil && command == cni.Status:
			return types.NewError(types.ErrPluginNotAvailable, "whereabouts-daemon does not answer at "+socket, err.Error())
		case err != nil:
			return types.NewError(types.ErrTryAgainLater, "whereabouts-daemon does not answer at "+socket, err.Error())
		case resp.Error != nil:
			return resp.Error
		case command == cni.Add:
			_, err = fmt.Println(string(resp.Result))
		}
		return err
	}
}
