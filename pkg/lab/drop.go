package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// Drop makes a node's link lose packets without a word: the carrier stays, nobody is told. direction is in (towards the node),
// out, both, or off, which ends it; with peers only packets from or to these addresses are lost, and never ARP.
func (l *Lab) Drop(ctx context.Context, node, direction string, peers ...netip.Addr) error {
	pid, err := l.NodePID(node)
	if err != nil {
		return err
	}
	router, err := l.init.PID()
	if err != nil {
		return err
	}
	in, out := direction == "in" || direction == "both", direction == "out" || direction == "both"
	if !in && !out && direction != "off" {
		return fmt.Errorf("drop %s: want in, out, both or off, not %q", node, direction)
	}
	// A packet from the node arrives at the other end of its cable, which is the router's.
	if err := applyDrop(ctx, pid, dropTable(nodeLink, in, "saddr", peers)); err != nil {
		return fmt.Errorf("packets to node %s: %w", node, err)
	}
	if err := applyDrop(ctx, router, dropTable(node, out, "daddr", peers)); err != nil {
		return fmt.Errorf("packets from node %s: %w", node, err)
	}
	return nil
}

// dropTable is the nftables table for what arrives at a link; it comes before all others.
func dropTable(link string, drop bool, field string, peers []netip.Addr) string {
	name := "antrea-lab-drop-" + link
	text := fmt.Sprintf("add table netdev %[1]s\ndelete table netdev %[1]s\n", name)
	if !drop {
		return text
	}
	rule := "drop"
	if len(peers) > 0 {
		var addresses []string
		for _, p := range peers {
			addresses = append(addresses, p.String())
		}
		rule = fmt.Sprintf("ip %s { %s } drop", field, strings.Join(addresses, ", "))
	}
	return text + fmt.Sprintf("table netdev %s {\n\tchain in { type filter hook ingress device %q priority -500; policy accept; %s; }\n}\n", name, link, rule)
}

func applyDrop(ctx context.Context, pid int, table string) error {
	cmd := exec.CommandContext(ctx, "nsenter", fmt.Sprintf("--target=%d", pid), "-n", "--", "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(table)
	return run(cmd)
}
