package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// TestRealThirdClusterLeaves: cl3 leaves and joins again while cl1 and cl2 talk. They lose nothing.
func TestRealThirdClusterLeaves(t *testing.T) {
	needLab(t)
	tr := startTraffic(t.Context(), s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl2-node2"), 30)
	t.Cleanup(func() { // whatever happened, later tests need cl3
		ctx := context.Background() // the test's own has ended
		start := time.Now()
		_, err := lab.Shell(ctx, "antctl --context cl3 mc join --clusterid demo-cluster-member3 -n kube-system --config-file join-config.yml")
		require.NoError(t, err)
		require.NoError(t, lab.Reachable(ctx, s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl3-node2").IP, time.Minute))
		t.Logf("from typing the join until cl3 is reachable: %s", time.Since(start))
	})
	time.Sleep(2 * time.Second)
	_, err := lab.Shell(t.Context(), "antctl --context cl3 mc leave -n kube-system --clusterset demo-clusterset")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		out, err := lab.Exec(t.Context(), "cl1-node1", "ovs-ofctl", "dump-flows", "br-int")
		return err == nil && !strings.Contains(out, "nw_dst=10.244.32.0/20") && strings.Contains(out, "nw_dst=10.244.16.0/20")
	}, 20*time.Second, 500*time.Millisecond, "flows for cl3 stay on cl1-node1")
	tr.requireNothingLost(t, 3000)
}

// TestRealOverlapRefused: cl3 claims the Pod CIDR of cl1. The claim is refused with both sides named, and cl1 and cl2 do
// not notice.
func TestRealOverlapRefused(t *testing.T) {
	needLab(t)
	tr := startTraffic(t.Context(), s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl2-node2"), 15)
	override(t.Context(), t, "cl3", `["10.244.0.0/20"]`)
	t.Cleanup(func() {
		ctx := context.Background() // the test's own has ended
		override(ctx, t, "cl3", `[""]`)
		err := lab.Reachable(ctx, s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl3-node2").IP, time.Minute)
		require.NoError(t, err)
	})
	var out string
	require.Eventually(t, func() bool {
		out, _ = lab.Kubectl(t.Context(), "cl3", "get", "clusterset", "-n", "kube-system", "demo-clusterset", "-o", "jsonpath={.status.conditions}")
		return strings.Contains(out, "CIDROverlap")
	}, 30*time.Second, 500*time.Millisecond, "no condition CIDROverlap in cl3")
	for _, part := range []string{"demo-cluster-member3", "demo-cluster-leader", "10.244.0.0/20"} {
		require.Contains(t, out, part)
	}
	tr.requireNothingLost(t, 1500)
	expect(t, []s1.Check{s1.Checks(lab, pods)[0]})
}

// override sets podCIDRs in the ConfigMap of a cluster's member controller.
func override(ctx context.Context, t *testing.T, cluster, cidrs string) {
	t.Helper()
	_, err := lab.Kubectl(ctx, cluster, "patch", "configmap", "-n", "kube-system", "antrea-mc-controller-config", "--type=merge", "-p",
		`{"data":{"controller_manager_config.yaml":"apiVersion: multicluster.crd.antrea.io/v1alpha1\nkind: MultiClusterConfig\npodCIDRs: `+strings.ReplaceAll(cidrs, `"`, `\"`)+`\n"}}`)
	require.NoError(t, err)
}
