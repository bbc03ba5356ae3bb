package faults

import (
	"context"
	"fmt"
	"path"
	"strings"
)

// leaks are what nothing needs any more on the Nodes: addresses, interfaces and network namespaces of Pods that are gone.
func (s *Scene) leaks(ctx context.Context) ([]string, error) {
	out, err := s.Kubectl(ctx, cluster, "get", "pods", "-A", "-o",
		`jsonpath={range .items[?(@.status.phase=="Running")]}{.spec.nodeName} {.spec.hostNetwork} {.status.podIP}{"\n"}{end}`)
	if err != nil {
		return nil, err
	}
	addresses := map[string]map[string]bool{}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 2 { // on the host's network
			continue
		}
		if addresses[f[0]] == nil {
			addresses[f[0]] = map[string]bool{}
		}
		addresses[f[0]][f[1]] = true
	}
	var left []string
	for _, n := range nodes {
		out, err := s.Exec(ctx, n, "sh", "-c", "find /var/lib/cni/networks -type f; ovs-vsctl list-ports br-int | sed s,^,ports/,; ip -o link show type veth | sed 's,^[0-9]*: \\([^@:]*\\).*,veths/\\1,'; ls /run/netns | sed s,^,netns/,")
		if err != nil {
			return nil, err
		}
		left = append(left, leftOver(n, addresses[n], strings.Fields(out))...)
	}
	return left, nil
}

// leftOver compares what a Node holds with the addresses of its Pods. Addresses are files, named after them; the other things have
// their kind as a directory.
func leftOver(node string, addresses map[string]bool, held []string) (left []string) {
	ports, namespaces := map[string]bool{"eth0": true, "phy0": true, "phy1": true}, 0
	for _, h := range held {
		if name, ok := strings.CutPrefix(h, "ports/"); ok {
			ports[name] = true
		}
	}
	for _, h := range held {
		kind, name := path.Base(path.Dir(h)), path.Base(h)
		switch {
		case kind == "veths" && !ports[name], kind != "veths" && kind != "ports" && kind != "netns" && isAddress(name) && !addresses[name]:
			left = append(left, fmt.Sprintf("node %s: %s", node, h))
		case kind == "netns":
			namespaces++
		}
	}
	if namespaces > len(addresses) {
		left = append(left, fmt.Sprintf("node %s: %d network namespaces for %d Pods", node, namespaces, len(addresses)))
	}
	return left
}

// isAddress: beside the files of addresses there are those of locks and of what was given last.
func isAddress(file string) bool { return strings.Trim(file, "0123456789.") == "" }
