package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// Drop makes a node's link lose packets without a word: the carrier stays, nobody is told. direction is in (towards the node),
// out, both, or off, which ends it; with peers only packets from or to these addresses are lost, and never ARP. It is one
// transaction for both directions, at the router's end of the node's cable.
func (l *Lab) Drop(ctx context.Context, node, direction string, peers ...netip.Addr) error {
	if _, err := l.NodePID(node); err != nil {
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
	cmd := exec.CommandContext(ctx, "nsenter", fmt.Sprintf("--target=%d", router), "-n", "--", "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(dropTable(node, in, out, peers))
	if err := run(cmd); err != nil {
		return fmt.Errorf("packets of node %s: %w", node, err)
	}
	return nil
}

// dropTable is the nftables table for what the router sends into a link and gets from it; it comes before all others.
func dropTable(link string, in, out bool, peers []netip.Addr) string {
	text := &strings.Builder{}
	name := "antrea-lab-drop-" + link
	fmt.Fprintf(text, "add table netdev %[1]s\ndelete table netdev %[1]s\n", name)
	if !in && !out {
		return text.String()
	}
	fmt.Fprintf(text, "table netdev %s {\n", name)
	for _, way := range []struct {
		drop        bool
		hook, field string
	}{{in, "egress", "saddr"}, {out, "ingress", "daddr"}} {
		if !way.drop {
			continue
		}
		rule := "drop"
		if len(peers) > 0 {
			rules := make([]string, len(peers))
			for i, p := range peers {
				family := "ip"
				if p.Is6() {
					family = "ip6"
				}
				rules[i] = fmt.Sprintf("%s %s %s drop", family, way.field, p)
			}
			rule = strings.Join(rules, "; ")
		}
		fmt.Fprintf(text, "\tchain %[1]s { type filter hook %[1]s device %[2]q priority -500; policy accept; %[3]s; }\n", way.hook, link, rule)
	}
	return text.String() + "}\n"
}
