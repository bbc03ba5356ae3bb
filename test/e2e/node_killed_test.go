package e2e

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// TestRealNodeKilled: a Node loses power and comes back. All of S1 holds again, and no address is used twice.
func TestRealNodeKilled(t *testing.T) {
	needLab(t)
	for _, cmd := range []string{"kill cl2-node2 node", "start cl2-node2"} {
		_, err := lab.Shell(t.Context(), "antrea-lab --lab "+*labName+" "+cmd)
		require.NoError(t, err)
	}
	_, err := lab.Shell(t.Context(), "kubectl --context cl2 wait --for=condition=Ready node/cl2-node2 --timeout=120s && kubectl --context cl2 -n kube-system rollout status daemonset/antrea-agent --timeout=120s && kubectl --context cl2 -n demo rollout status deployment/web --timeout=120s")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		pods, err = lab.Pods(t.Context())
		return err == nil
	}, time.Minute, time.Second)
	err = lab.Reachable(t.Context(), s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, "cl2-node2").IP, time.Minute)
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, p := range pods {
		require.False(t, seen[p.IP.String()], "%s is used twice", p.IP)
		seen[p.IP.String()] = true
	}
	expect(t, s1.Checks(lab, pods))
}

// TestRealLabDown is the last: nothing is left of a lab that is taken down.
func TestRealLabDown(t *testing.T) {
	needLab(t)
	if *keep {
		t.Skip("-keep: the lab stays")
	}
	require.NoError(t, lab.Down(t.Context()))
	for _, look := range []string{
		"ip netns list | grep -w " + *labName,
		"grep " + *labName + " /proc/mounts",
		"find /sys/fs/cgroup -maxdepth 3 -type d -name '*" + *labName + "*' | grep .",
		"ps -eo pid,args | grep -E 'antrea-lab|kube-apiserver|kubelet|containerd|etcd|ovs-vswitchd' | grep -- " + *labName + " | grep -v grep",
		"ls -d /run/antrea-lab/" + *labName,
	} {
		out, err := exec.Command("sh", "-c", look).Output()
		require.Error(t, err, "left behind: %s: %s", look, out)
	}
}
