package fqdn

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// ends are who opened a connection, and whom it reaches.
type ends struct{ from, to netip.Addr }

// connections are those that a datapath knows, "netdev" or "system". runDir is the run directory of Open vSwitch.
func connections(ctx context.Context, runDir, datapath string) (map[ends]bool, error) {
	socket, err := unixctl.VSwitchd(runDir)
	if err != nil {
		return nil, err
	}
	text, err := unixctl.Call(ctx, socket, "dpctl/dump-conntrack", datapath+"@ovs-"+datapath, fmt.Sprintf("zone=%d", pipeline.ZoneMain))
	if err != nil {
		return nil, err
	}
	return readConnections(text), nil
}

// readConnections reads what ovs-vswitchd prints of connections, such as tcp,orig=(src=A,dst=B,sport=1,dport=2),reply=(src=B,…),…
func readConnections(text string) map[ends]bool {
	all := make(map[ends]bool)
	for line := range strings.Lines(text) {
		_, original, _ := strings.Cut(line, "orig=(")
		_, reply, _ := strings.Cut(original, "reply=(")
		from, err1 := netip.ParseAddr(source(original))
		to, err2 := netip.ParseAddr(source(reply))
		if err1 == nil && err2 == nil {
			all[ends{from, to}] = true
		}
	}
	return all
}

// source is the value of src, which comes first.
func source(tuple string) string {
	first, _, _ := strings.Cut(tuple, ",")
	return strings.TrimPrefix(first, "src=")
}
