package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	labs "github.com/antrea-mc/antrea-mc/pkg/lab"
	"github.com/antrea-mc/antrea-mc/test/s1"
)

// TestRealNodeKilled: a Node loses power and comes back. All of S1 holds again, and no address is used twice.
func TestRealNodeKilled(t *testing.T) {
	needLab(t)
	killed := time.Now().Truncate(time.Second)
	for _, cmd := range []string{"kill cl2-node2 node", "start cl2-node2"} {
		_, err := lab.Shell(t.Context(), "antrea-lab --lab "+*labName+" "+cmd)
		require.NoError(t, err)
	}
	_, err := lab.Shell(t.Context(), "kubectl --context cl2 wait --for=condition=Ready node/cl2-node2 --timeout=120s && kubectl --context cl2 -n kube-system rollout status daemonset/antrea-agent --timeout=120s && kubectl --context cl2 -n demo rollout status deployment/web --timeout=120s")
	require.NoError(t, err)
	// All of that may have been asked of what the API knew before: the Node was not away for long. Its containers are new.
	require.Eventually(t, func() bool {
		out, err := lab.Kubectl(t.Context(), "cl2", "get", "pods", "-n", "demo", "-l", "app=web", "--field-selector=spec.nodeName=cl2-node2",
			"-o", "jsonpath={.items[*].status.containerStatuses[*].state.running.startedAt}")
		started, parseErr := time.Parse(time.RFC3339, strings.TrimSpace(out))
		return err == nil && parseErr == nil && !started.Before(killed)
	}, 2*time.Minute, time.Second, "the API does not tell of a new container on cl2-node2")
	require.Eventually(t, func() bool {
		pods, err = lab.Pods(t.Context())
		return err == nil
	}, time.Minute, time.Second)
	err = lab.Reachable(t.Context(), s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl2-node2").IP, time.Minute)
	require.NoError(t, err)
	requireNoAddressTwice(t)
	expect(t, s1.Checks(lab, pods))
}

// requireNoAddressTwice looks at all Pods of all clusters.
func requireNoAddressTwice(t *testing.T) {
	t.Helper()
	holder := map[string]string{}
	for _, c := range s1.Clusters {
		out, err := lab.Kubectl(t.Context(), c, "get", "pods", "-A", "-o",
			`jsonpath={range .items[?(@.status.phase=="Running")]}{.metadata.namespace}/{.metadata.name} {.status.podIP} {.spec.hostNetwork}{"\n"}{end}`)
		require.NoError(t, err)
		count := 0
		for line := range strings.Lines(out) {
			f := strings.Fields(line)
			if len(f) != 2 { // on the host's network, or without an address yet
				continue
			}
			require.Empty(t, holder[f[1]], "%s of %s has the address %s, too", f[0], c, f[1])
			holder[f[1]] = c + " " + f[0]
			count++
		}
		require.Greater(t, count, len(s1.Nodes(c)), "Pods of %s with an address of their own: %s", c, out)
	}
}

// TestRealLabDown is the last: nothing is left of a lab that is taken down.
func TestRealLabDown(t *testing.T) {
	needLab(t)
	if *keep {
		t.Skip("-keep: the lab stays")
	}
	cache, err := labs.OpenCache()
	require.NoError(t, err)
	// The namespaces of all Nodes, as the kernel numbers them.
	spaces := map[string]string{}
	for _, c := range s1.Clusters {
		for _, node := range s1.Nodes(c) {
			out, err := lab.Exec(t.Context(), node, "sh", "-c", "for s in net mnt pid uts ipc; do readlink /proc/self/ns/$s; done")
			require.NoError(t, err)
			require.Len(t, strings.Fields(out), 5)
			for _, s := range strings.Fields(out) {
				spaces[s] = node
			}
		}
	}
	before := processes(spaces)
	require.Greater(t, len(before), len(spaces), "processes that are seen in the Nodes of a running lab")
	dir := filepath.Join(cache.Dir, "labs", *labName)
	require.DirExists(t, dir)

	require.NoError(t, lab.Down(t.Context()))
	for link, space := range before {
		to, err := os.Readlink(link)
		require.False(t, err == nil && to == space, "%s: a process is left in %s of %s", link, space, spaces[space])
	}
	require.NoDirExists(t, dir)
	require.NoFileExists(t, filepath.Join(cache.Dir, "locks", *labName))
	for _, pattern := range []string{"/sys/fs/cgroup/antrea-lab-", "/sys/fs/cgroup/*/antrea-lab-"} {
		groups, err := filepath.Glob(pattern + *labName)
		require.NoError(t, err)
		require.Empty(t, groups)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), dir)
}

// processes are those of this machine that are in one of the namespaces: the links below /proc that say so.
func processes(spaces map[string]string) map[string]string {
	found := map[string]string{}
	links, _ := filepath.Glob("/proc/[0-9]*/ns/*")
	for _, l := range links {
		to, err := os.Readlink(l) // the process may have ended
		if _, ok := spaces[to]; err == nil && ok {
			found[l] = to
		}
	}
	return found
}
