package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// TestRealAgentKilled kills each agent on the path of a connection between clusters, again as soon as it is back. Nothing is lost,
// established or new, and the agent that comes back changes no flow.
func TestRealAgentKilled(t *testing.T) {
	needLab(t)
	from, to := s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl2-node2")
	for _, victim := range []struct{ role, node string }{
		{"sender", "cl1-node2"}, {"gateway of the sender", "cl1-node1"}, {"gateway of the receiver", "cl2-node1"}, {"receiver", "cl2-node2"},
	} {
		for _, signal := range []string{"KILL", "TERM"} {
			t.Run(victim.role+"/SIG"+signal, func(t *testing.T) {
				tr := startTraffic(t.Context(), from, to, 12)
				kills := 0
				for ; !tr.ended(); kills++ {
					time.Sleep(time.Second) // traffic flows before, during and after
					before := agentPID(t, victim.node)
					_, err := lab.Exec(t.Context(), victim.node, "kill", "-"+signal, before)
					require.NoError(t, err)
					newAgent(t, victim.node, before)
					require.Equal(t, "0", flowChanges(t, victim.node), "flow changes of the agent that came back")
				}
				t.Logf("%d agents killed", kills)
				tr.requireNothingLost(t, 1200)
				require.Equal(t, "0", flowChanges(t, victim.node), "flow changes of the last one since")
			})
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
func newAgent(t *testing.T, node, old string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		out, err := lab.Exec(ctx, node, "sh", "-c", "pgrep -x antrea-agent && curl -skf https://127.0.0.1:10350/readyz")
		if pid, _, _ := strings.Cut(out, "\n"); err == nil && pid != old {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("no new agent is ready on %s after a minute: %s %v", node, out, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// flowChanges is the number of changes to flows and groups that the running agent has sent, by its own metric.
func flowChanges(t *testing.T, node string) string {
	t.Helper()
	metrics, err := lab.Metrics(t.Context(), node)
	require.NoError(t, err)
	changes := metrics["antrea_agent_ovs_flow_ops_count"].GetMetric()
	require.NotEmpty(t, changes, "no antrea_agent_ovs_flow_ops_count in the agent's metrics")
	changes = append(changes, metrics["antrea_agent_ovs_group_ops_total"].GetMetric()...)
	total := 0.0
	for _, m := range changes {
		total += m.GetCounter().GetValue()
	}
	return fmt.Sprint(total)
}
