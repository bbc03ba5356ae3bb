package lab

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/antrea-mc/antrea-mc/pkg/lab/boot"
	"github.com/antrea-mc/antrea-mc/pkg/lab/fastlane"
)

// What a lab starts the program for that brought it up, as the first argument; the second is a file that says the rest.
const (
	childInit     = boot.Arg
	childFastNode = "fast-node"
)

// fastNodeFile is the configuration of the fast lane's driver in a node's /etc/kubernetes.
const fastNodeFile = "fast-node.json"

// Child does what a lab started this program for, if args (without the program's name) say so: to be process 1 of a lab,
// a node or a Pod, or to be the driver of a fast node. Every program that calls [Up] must call it first.
func Child(ctx context.Context, args []string) (isChild bool, err error) {
	if len(args) != 2 {
		return false, nil
	}
	switch args[0] {
	case childInit:
		return true, boot.Run(ctx, args[1])
	case childFastNode:
		var c fastlane.Config
		if err := readJSON(args[1], &c); err != nil {
			return true, err
		}
		driver, err := fastlane.New(c)
		if err != nil {
			return true, err
		}
		return true, driver.Run(ctx)
	}
	return false, nil
}

func writeFastNode(file string, c ClusterPlan, n NodePlan) error {
	text, err := json.MarshalIndent(fastlane.Config{
		Node: n.Name, Address: n.Address[0], DNS: c.DNS, Kubeconfig: "/etc/kubernetes/kubelet.conf",
		Index: inNode + "/fast/" + imageIndex, Dir: "/var/lib/fast-node",
		CertFile: "/etc/kubernetes/kubelet.crt", KeyFile: "/etc/kubernetes/kubelet.key", CAFile: "/etc/kubernetes/ca.crt",
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("configuration of the fast node %s: %w", n.Name, err)
	}
	return writeFile(file, text, 0o644)
}
