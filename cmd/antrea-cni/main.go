// Command antrea-cni is the CNI plugin, installed as /opt/cni/bin/antrea. The runtime executes it for every Pod; it asks the
// agent, which does the work. "antrea-cni install" and "antrea-cni uninstall" put it on a node and take it away.
package main

import (
	"fmt"
	"os"

	"github.com/antrea-mc/antrea-mc/pkg/cni/plugin"
)

func main() {
	if len(os.Args) == 1 {
		plugin.Main("CNI plugin antrea")
		return
	}
	if err := plugin.RunInstall(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "antrea-cni:", err)
		os.Exit(1)
	}
}
