// Package s1 is scenario S1: three clusters of three Nodes, joined to a ClusterSet, every Pod reaching every other.
//
// Start at [Steps], the commands that a person types, and [Checks], what must then be true; both run against a [Lab].
// ping.go and capture.go read the output of ping and tcpdump. make demo prints both; the tests in test/e2e assert the
// same checks, and that they fail when something is broken.
package s1

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Clusters are the names of the clusters in the lab's description.
var Clusters = []string{"cl1", "cl2", "cl3"}

// ClusterIDs are the names of the clusters in the ClusterSet.
var ClusterIDs = map[string]string{"cl1": "demo-cluster-leader", "cl2": "demo-cluster-member2", "cl3": "demo-cluster-member3"}

// PodCIDRs, GatewayIPs, masters: what S1 prescribes. The gateway of each cluster is its node1.
var (
	PodCIDRs   = map[string]netip.Prefix{"cl1": netip.MustParsePrefix("10.244.0.0/20"), "cl2": netip.MustParsePrefix("10.244.16.0/20"), "cl3": netip.MustParsePrefix("10.244.32.0/20")}
	masters    = map[string]string{"cl1": "192.168.150.101", "cl2": "192.168.200.101", "cl3": "192.168.210.101"}
	GatewayIPs = map[string]netip.Addr{"cl1": netip.MustParseAddr("192.168.150.102"), "cl2": netip.MustParseAddr("192.168.200.102"), "cl3": netip.MustParseAddr("192.168.210.102")}
)

// Nodes are the Nodes of a cluster in the order in which they register.
func Nodes(cluster string) []string {
	return []string{cluster + "-master", cluster + "-node1", cluster + "-node2"}
}

// GatewayNode is the Node that S1 makes the gateway of a cluster.
func GatewayNode(cluster string) string { return cluster + "-node1" }

// Step is a line that a person types.
type Step struct {
	Title   string
	Command string
}

// Steps install the CNI, form the ClusterSet and start one Pod a Node. They run in l.Out, where manifest is the path of
// antrea-mc.yml, config that of the agent's configuration and pods that of the Deployment.
func Steps(manifest, config, pods string) []Step {
	var s []Step
	add := func(title, command string) { s = append(s, Step{title, command}) }
	for _, c := range Clusters {
		add("install the CNI in "+c, "kubectl --context "+c+" apply -f "+manifest)
		add("have it do the Services", "kubectl --context "+c+" -n kube-system patch configmap antrea-config --patch \"$(sed s/MASTER/"+masters[c]+"/ "+config+")\"")
		add("", "kubectl --context "+c+" -n kube-system rollout restart daemonset/antrea-agent")
	}
	for _, c := range Clusters {
		add("", "kubectl --context "+c+" -n kube-system rollout status daemonset/antrea-agent --timeout=180s && kubectl --context "+c+" wait --for=condition=Ready node --all --timeout=120s")
	}
	add("deploy the multi-cluster controllers", "antctl --context cl1 mc deploy leadercluster -n antrea-multicluster")
	for _, c := range Clusters {
		add("", "antctl --context "+c+" mc deploy membercluster -n kube-system")
	}
	add("", "kubectl --context cl1 -n antrea-multicluster rollout status deployment/antrea-mc-controller --timeout=120s")
	for _, c := range Clusters {
		add("", "kubectl --context "+c+" -n kube-system rollout status deployment/antrea-mc-controller --timeout=120s")
	}
	add("form the ClusterSet", "antctl --context cl1 mc init --clusterset demo-clusterset --clusterid demo-cluster-leader -n antrea-multicluster --create-token -j join-config.yml")
	for _, c := range Clusters {
		add("join "+c, "antctl --context "+c+" mc join --clusterid "+ClusterIDs[c]+" -n kube-system --config-file join-config.yml")
	}
	add("", "kubectl --context cl1 get clusterset -n antrea-multicluster demo-clusterset -o=jsonpath='{.spec.members}'")
	add("start one Pod a Node", "for c in cl1 cl2 cl3; do kubectl --context $c apply -f "+pods+"; done")
	for _, c := range Clusters {
		add("", "kubectl --context "+c+" -n demo rollout status deployment/web --timeout=120s")
	}
	for _, c := range Clusters {
		add("make "+GatewayNode(c)+" the gateway of "+c, "kubectl --context "+c+" annotate node "+GatewayNode(c)+" --overwrite multicluster.antrea.io/gateway=true")
	}
	for _, c := range Clusters {
		add("", "kubectl --context "+c+" -n kube-system wait --for=create gateway/"+GatewayNode(c)+" --timeout=60s && kubectl --context "+c+" get gateway -n kube-system")
	}
	add("who is in, and through which gateways", "antctl --context cl1 mc get clusterset -A && antctl --context cl1 mc get gateway -A")
	return s
}

// Pod is one of the Pods of S1.
type Pod struct {
	Cluster, Node, Name string
	IP                  netip.Addr
}

func (p Pod) String() string { return p.Node + " (" + p.IP.String() + ")" }

// Gateway says whether the Pod runs on its cluster's gateway.
func (p Pod) Gateway() bool { return p.Node == GatewayNode(p.Cluster) }

// Pods finds the Pods of all clusters, in the order of the Nodes.
func (l Lab) Pods(ctx context.Context) ([]Pod, error) {
	var all []Pod
	for _, c := range Clusters {
		pods, err := l.PodsOf(ctx, c)
		if err != nil {
			return nil, err
		}
		all = append(all, pods...)
	}
	return all, nil
}

// PodsOf finds the Pods of a cluster, one on each Node, in the order of the Nodes.
func (l Lab) PodsOf(ctx context.Context, cluster string) ([]Pod, error) {
	out, err := l.Kubectl(ctx, cluster, "get", "pods", "-n", "demo", "-l", "app=web", "--field-selector=status.phase=Running", "-o", "json")
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			Metadata struct {
				Name              string
				DeletionTimestamp *string
			}
			Spec   struct{ NodeName string }
			Status struct{ PodIP string }
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, fmt.Errorf("pods of %s: %w", cluster, err)
	}
	var pods []Pod
	for _, node := range Nodes(cluster) {
		for _, i := range list.Items {
			if i.Spec.NodeName != node || i.Metadata.DeletionTimestamp != nil {
				continue
			}
			ip, err := netip.ParseAddr(i.Status.PodIP)
			if err != nil {
				return nil, fmt.Errorf("Pod %s of %s: %w", i.Metadata.Name, cluster, err)
			}
			pods = append(pods, Pod{Cluster: cluster, Node: node, Name: i.Metadata.Name, IP: ip})
		}
	}
	if len(pods) != len(Nodes(cluster)) {
		return pods, fmt.Errorf("%d Pods of namespace demo run in %s, want one on each of its %d Nodes: %v", len(pods), cluster, len(Nodes(cluster)), pods)
	}
	return pods, nil
}

// PodOn is the Pod on a Node.
func PodOn(pods []Pod, node string) Pod {
	return pods[slices.IndexFunc(pods, func(p Pod) bool { return p.Node == node })]
}

// ExpectedTTL is the time to live of an answer from one Pod to another: 64 less one for each Node that routes it and is
// not the Node of the receiver's own switch port, as table 18 of the pipeline counts.
func ExpectedTTL(from, to Pod) int {
	ttl := 64
	switch {
	case from.Node == to.Node:
		return ttl
	case from.Cluster == to.Cluster:
		return ttl - 2 // both Nodes
	}
	ttl -= 2 // both Nodes
	if !from.Gateway() {
		ttl--
	}
	if !to.Gateway() {
		ttl--
	}
	return ttl
}

// Reachable waits until one Pod gets an answer from an address.
func (l Lab) Reachable(ctx context.Context, from Pod, to netip.Addr, limit time.Duration) error {
	_, err := l.Pod(ctx, from, "sh", "-c", fmt.Sprintf("for i in $(seq %d); do ping -c1 -W 0.2 %s >/dev/null && exit 0; done; exit 1", int(limit/(200*time.Millisecond)), to))
	if err != nil {
		return fmt.Errorf("%s does not reach %s within %s: %w", from, to, limit, err)
	}
	return nil
}

// gatewayMAC is the MAC of a node's antrea-gw0.
func (l Lab) gatewayMAC(ctx context.Context, node string) (string, error) {
	out, err := l.Exec(ctx, node, "cat", "/sys/class/net/antrea-gw0/address")
	return strings.TrimSpace(out), err
}
