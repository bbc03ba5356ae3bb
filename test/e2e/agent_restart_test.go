package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// TestRealAgentKilled kills agents on the path of a connection between clusters. Nothing is lost, established or new,
// and the agent that comes back changes no flow.
func TestRealAgentKilled(t *testing.T) {
	needLab(t)
	from, to := s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl2-node2")
	for _, victim := range []struct{ role, node string }{
		{"sender", "cl1-node2"}, {"gateway of the sender", "cl1-node1"}, {"gateway of the receiver", "cl2-node1"}, {"receiver", "cl2-node2"},
	} {
		for _, signal := range []string{"KILL", "TERM"} {
			for run := range 3 {
				t.Run(fmt.Sprintf("%s/SIG%s/%d", victim.role, signal, run+1), func(t *testing.T) {
					before := agentPID(t, victim.node)
					tr := startTraffic(t.Context(), from, to, 11)
					time.Sleep(2 * time.Second) // traffic flows before, during and after
					_, err := lab.Exec(t.Context(), victim.node, "kill", "-"+signal, before)
					require.NoError(t, err)
					after := newAgent(t, victim.node, before)
					tr.requireNothingLost(t, 1000)
					require.Equal(t, "0", flowChanges(t, victim.node), "flow changes of the agent that came back as process %s", after)
				})
			}
		}
	}
}

func agentPID(t *testing.T, node string) string {
	t.Helper()
	out, err := lab.Exec(t.Context(), node, "pgrep", "-x", "antrea-agent")
	require.NoError(t, err)
	pid := strings.TrimSpace(out)
	require.NotContains(t, pid, "\n", "more than one agent")
	return pid
}

// newAgent waits until another agent process is ready.
func newAgent(t *testing.T, node, old string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		out, err := lab.Exec(ctx, node, "sh", "-c", "pgrep -x antrea-agent && curl -skf https://127.0.0.1:10350/readyz")
		if pid, _, _ := strings.Cut(out, "\n"); err == nil && pid != old {
			return pid
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no new agent is ready on %s after a minute: %s %v", node, out, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

var changes = regexp.MustCompile(`(?m)^antrea_agent_ovs_flow_ops_count\{[^}]*\} (\d+)`)

// flowChanges is the number of flow changes that the running agent has sent, by its own metric.
func flowChanges(t *testing.T, node string) string {
	t.Helper()
	cluster, _, _ := strings.Cut(node, "-")
	for _, create := range []string{
		"serviceaccount -n kube-system metrics-reader", "clusterrole metrics-reader --verb=get --non-resource-url=/metrics",
		"clusterrolebinding metrics-reader --clusterrole=metrics-reader --serviceaccount=kube-system:metrics-reader",
	} {
		_, err := lab.Shell(t.Context(), "kubectl --context "+cluster+" create "+create+" --dry-run=client -o yaml | kubectl --context "+cluster+" apply -f -")
		require.NoError(t, err)
	}
	token, err := lab.Kubectl(t.Context(), cluster, "create", "token", "-n", "kube-system", "metrics-reader")
	require.NoError(t, err)
	out, err := lab.Exec(t.Context(), node, "curl", "-skf", "-H", "Authorization: Bearer "+strings.TrimSpace(token), "https://127.0.0.1:10350/metrics")
	require.NoError(t, err)
	total := 0
	found := changes.FindAllStringSubmatch(out, -1)
	require.NotEmpty(t, found, "no antrea_agent_ovs_flow_ops_count in the agent's metrics")
	for _, m := range found {
		var n int
		_, err := fmt.Sscan(m[1], &n)
		require.NoError(t, err)
		total += n
	}
	return fmt.Sprint(total)
}
