// Package lanes installs antrea-mc in a cluster of each lane of the lab and asserts the same in both, so that what tests find
// out in the fast one is worth something.
package lanes

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

func TestRealLanes(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for the lab")
	}
	t.Chdir("../..")
	for _, file := range []string{"bin/antrea-lab", "out/images/antrea-agent.tar"} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("needs `make setup images`: ", err)
		}
	}
	for _, lane := range []string{"fast", "real"} {
		t.Run(lane, func(t *testing.T) { testLane(t, lane) })
	}
}

// testLane knows nothing of the lane but its name in the lab's description.
func testLane(t *testing.T, lane string) {
	ctx := t.Context()
	lab := s1.Lab{Bin: "bin", Name: fmt.Sprintf("lanes-%s-%d", lane, os.Getpid()), Out: t.TempDir()}
	t.Cleanup(func() {
		if err := lab.Down(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, lab.Up(ctx, describe(t, lane), func(string) {}))
	kubectl := func(args ...string) {
		t.Helper()
		out, err := lab.Kubectl(ctx, "cl1", args...)
		require.NoError(t, err, "%s", out)
	}
	kubectl("apply", "-f", "antrea-mc.yml")
	kubectl("-n", "kube-system", "rollout", "status", "daemonset/antrea-agent", "--timeout=2m")
	kubectl("apply", "-f", "test/s1/pods.yaml")
	kubectl("-n", "demo", "rollout", "status", "deployment/web", "--timeout=2m")
	for _, deployment := range []string{"coredns", "antrea-controller"} {
		kubectl("-n", "kube-system", "rollout", "status", "deployment/"+deployment, "--timeout=2m")
	}
	kubectl("wait", "--for=condition=Available", "apiservice/v1alpha1.system.antrea.io", "--timeout=2m")

	pods, err := lab.PodsOf(ctx, "cl1")
	require.NoError(t, err)
	for _, r := range s1.RunAll(ctx, s1.InCluster(lab, pods), func(r s1.Result) { t.Log(r.Line()) }) {
		if r.Err != nil {
			t.Errorf("%s: want %s, got %s: %v", r.What, r.Want, r.Got, r.Err)
		}
	}
}

// describe writes the description of a lab of this lane.
func describe(t *testing.T, lane string) string {
	t.Helper()
	text, err := os.ReadFile("test/lanes/lab.yaml")
	require.NoError(t, err)
	images, err := filepath.Abs("out/images/*.tar")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "lab.yaml")
	text = []byte(strings.NewReplacer("LANE", lane, "IMAGES", images).Replace(string(text)))
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}
