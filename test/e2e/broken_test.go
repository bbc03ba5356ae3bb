package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// TestRealChecksFail: the checks of S1 are worth something only if they fail when the thing they check is broken. The
// agent is frozen meanwhile, else it would repair what is broken here.
func TestRealChecksFail(t *testing.T) {
	needLab(t)
	checks := map[string]s1.Check{}
	for _, c := range s1.Checks(lab, pods) {
		checks[c.What] = c
	}
	find := func(part string) s1.Check {
		for what, c := range checks {
			if strings.Contains(what, part) {
				return c
			}
		}
		t.Fatalf("no check is about %q", part)
		return s1.Check{}
	}
	ping := find("ping " + s1.PodOn(pods, "cl1-node2").String() + " to " + s1.PodOn(pods, "cl2-node2").String())
	for _, tc := range []struct {
		name         string
		check        s1.Check
		breakIt, fix string
	}{
		{"a flow", ping,
			"antrea-lab --lab " + *labName + " exec cl1-node2 -- ovs-ofctl del-flows br-int table=16,ip,nw_dst=10.244.16.0/20", ""},
		{"a route", find("Node cl1-node2 to"),
			"antrea-lab --lab " + *labName + " exec cl1-node2 -- ip route del 10.244.16.0/20", ""},
		{"an RBAC rule", find("flow for 10.244.16.0/20 on cl1-node2"),
			"kubectl --context cl1 get clusterrolebinding antrea-controller -o yaml >rbac.yaml && kubectl --context cl1 delete clusterrolebinding antrea-controller && sleep 12",
			"kubectl --context cl1 apply -f rbac.yaml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			agent := agentPID(t, "cl1-node2")
			_, err := lab.Exec(t.Context(), "cl1-node2", "kill", "-STOP", agent)
			require.NoError(t, err)
			_, err = lab.Shell(t.Context(), tc.breakIt)
			if tc.name == "an RBAC rule" { // a frozen agent answers nobody: this one must run
				_, cerr := lab.Exec(t.Context(), "cl1-node2", "kill", "-CONT", agent)
				require.NoError(t, cerr)
			}
			require.NoError(t, err)
			got, err := tc.check.Run(t.Context())
			require.Error(t, err, "the check passed with %s broken: %s", tc.name, got)
			t.Logf("%s: %s: %v", tc.check.What, got, err)

			if tc.fix != "" {
				_, err = lab.Shell(t.Context(), tc.fix)
				require.NoError(t, err)
			}
			// The agent repairs its own: what it finds missing when it starts.
			_, err = lab.Exec(t.Context(), "cl1-node2", "kill", "-KILL", agent)
			require.NoError(t, err)
			newAgent(t, "cl1-node2", agent)
			require.Eventually(t, func() bool {
				_, err := tc.check.Run(t.Context())
				return err == nil
			}, time.Minute, time.Second, "still broken after the repair")
		})
	}
}
