package s1

import (
	"context"
	"fmt"
	"strings"
)

// InCluster are the checks of a cluster by itself, with a Pod on each of its Nodes.
func InCluster(l Lab, pods []Pod) []Check {
	first, last := pods[0], pods[len(pods)-1]
	each := func(what string) string { return fmt.Sprintf("%d of %d%s", len(pods), len(pods), what) }
	return []Check{
		l.matrixCheck(pods),
		{"S1.7", "MTU of eth0 in each Pod", "1450", l.eachPod(pods, podMTU)},
		{"S1.7", "address of each Pod is in its Node's /24", each(""), l.eachPod(pods, podSubnet)},
		{"S1.7", "ping -M do at exactly the Pod MTU, one byte more refused", "1450 passes, 1451 does not", l.mtuExact(first, last)},
		{"S1.7", "1 MB over TCP, " + first.Node + " to " + last.Node, "equal SHA-256", l.transfer(first, last)},
		{"S1.7", "Node " + first.Node + " to " + last.String(), "10/10 answered", l.nodePing(first, last)},
		{"S1.7", "nslookup from a Pod on each Node", each(" resolve"), l.eachPod(pods, resolves)},
		{"S1.7", "Pod to ClusterIP, backends on every Node", "3 Pods of 3 answer", l.service(first)},
		{"S1.9", "antctl get ovsflows has the flows of each Pod", each(""), l.eachPod(pods, podFlows)},
	}
}

// podFlows asks for the flows of the Pod alone: those that let it send from its own address only, and that lead to it.
func podFlows(ctx context.Context, l Lab, p Pod) (string, error) {
	out, err := l.Antctl(ctx, p.Cluster, "get", "ovsflows", "--pod", "demo/"+p.Name)
	if err != nil {
		return "", err
	}
	for _, match := range []string{"nw_src=" + p.IP.String() + " ", "nw_dst=" + p.IP.String() + " "} {
		if !strings.Contains(out, match) {
			return "", fmt.Errorf("no flow with %sin\n%s", match, out)
		}
	}
	return "all there", nil
}
