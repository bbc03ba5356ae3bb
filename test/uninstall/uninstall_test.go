// Package uninstall installs antrea-mc in a lab and takes it away again, in both ways that there are, and compares what the
// Nodes were before with what they are after.
package uninstall

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

const labName = "uninstall"

var nodes = []string{"cl1-master", "cl1-node1"}

// state is a command for everything on a Node that a network could leave behind. Counters, ages, addresses that the kernel
// chooses at random and what kube-proxy does are not in it.
const state = `
ip -brief link | cut -d' ' -f1 | sort
ip -brief addr show | sort
ip -4 route show table all | sort
ip -6 route show table all | grep -v '^local fe80::' | sort # there when the kernel has found nobody with the address
ip rule; ip -6 rule
ip neigh show nud permanent
nft list tables | grep -v kube-proxy
ethtool -k eth0 | grep tx-checksum
for d in /etc/cni /opt/cni /var/run/antrea /var/lib/antrea /var/lib/cni/networks; do find $d -mindepth 1 2>/dev/null | sort; done
cd /proc/sys/net && grep -rs . core ipv4 ipv6 netfilter 2>/dev/null | grep -vE 'random|secret|count|/neigh/|inode|tcp_mem|udp_mem|max_orphans' | sort
`

func snapshot(t *testing.T, lab s1.Lab) map[string][]string {
	t.Helper()
	lines := map[string][]string{}
	for _, n := range nodes {
		out, err := lab.Exec(t.Context(), n, "sh", "-c", state)
		require.NoError(t, err, "%s", out)
		lines[n] = strings.Split(out, "\n")
	}
	return lines
}

func TestRealUninstall(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for the lab")
	}
	t.Chdir("../..")
	for _, file := range []string{"bin/antrea-lab", "out/images/antrea-agent.tar"} {
		if _, err := os.Stat(file); err != nil {
			t.Skip("needs `make setup images`: ", err)
		}
	}
	lab := s1.Lab{Bin: "bin", Name: labName}
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := lab.Kubectl(context.WithoutCancel(t.Context()), "cl1", "-n", "kube-system", "describe", "pods", "-l", "app=antrea")
			logs, _ := lab.Kubectl(context.WithoutCancel(t.Context()), "cl1", "-n", "kube-system", "logs", "-l", "component=antrea-cleanup", "--all-containers", "--prefix", "--tail=40")
			t.Logf("%s\n%s", out, logs)
		}
		if err := lab.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, lab.Up(t.Context(), "test/uninstall/lab.yaml", func(string) {}))
	for _, n := range nodes { // kube-proxy sets up things of its own
		require.Eventually(t, func() bool {
			out, err := lab.Exec(t.Context(), n, "nft", "list", "tables")
			return err == nil && strings.Contains(out, "table ip6 kube-proxy")
		}, time.Minute, 500*time.Millisecond)
	}
	before, objects := snapshot(t, lab), clusterObjects(t, lab)

	t.Run("antctl uninstall", func(t *testing.T) {
		install(t, lab)
		antctl(t, lab, "mc", "deploy", "leadercluster", "-n", "antrea-multicluster")
		antctl(t, lab, "mc", "deploy", "membercluster", "-n", "kube-system")
		require.Contains(t, antctl(t, lab, "uninstall", "--yes", "--timeout", "2m"), "antrea-mc is uninstalled")
		requireClean(t, lab, before)
		// Namespaces stay, with what Kubernetes itself puts into each.
		objects["ConfigMap antrea-multicluster kube-root-ca.crt"] = true
		objects["ServiceAccount antrea-multicluster default"] = true
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			for name := range clusterObjects(t, lab) {
				assert.True(c, objects[name], "%s is left", name)
			}
		}, 20*time.Second, time.Second)
		annotations := kubectl(t, lab, "get", "nodes", "-o", "jsonpath={.items[*].metadata.annotations}")
		require.NotContains(t, annotations, "antrea")
		// Nothing is left to do, and saying so is no error.
		require.Contains(t, antctl(t, lab, "uninstall", "--yes"), "antrea-mc is uninstalled")
	})
	t.Run("kubectl delete", func(t *testing.T) {
		install(t, lab)
		kubectl(t, lab, "delete", "--wait=false", "-f", "antrea-mc.yml")
		kubectl(t, lab, "apply", "-f", "antrea-mc-cleanup.yml")
		kubectl(t, lab, "-n", "kube-system", "rollout", "status", "daemonset/antrea-cleanup", "--timeout=2m")
		kubectl(t, lab, "delete", "--cascade=foreground", "-f", "antrea-mc-cleanup.yml")
		requireClean(t, lab, before)
	})
}

// clusterObjects are the objects of a cluster that an installation could leave behind, by kind, namespace and name.
func clusterObjects(t *testing.T, lab s1.Lab) map[string]bool {
	t.Helper()
	out := kubectl(t, lab, "get", "deployments,daemonsets,services,cm,secrets,sa,roles,rolebindings,clusterroles,clusterrolebindings,crd,apiservices,"+
		"validatingadmissionpolicies,validatingadmissionpolicybindings,priorityclasses", "-A", "--no-headers",
		"-o", "custom-columns=K:.kind,N:.metadata.namespace,M:.metadata.name")
	names := map[string]bool{}
	for line := range strings.Lines(out) {
		names[strings.Join(strings.Fields(line), " ")] = true
	}
	return names
}

// install installs antrea-mc and waits until it works.
func install(t *testing.T, lab s1.Lab) {
	t.Helper()
	kubectl(t, lab, "apply", "-f", "antrea-mc.yml")
	kubectl(t, lab, "-n", "kube-system", "rollout", "status", "daemonset/antrea-agent", "--timeout=2m")
	// Pods of a network that was taken away do not come back to life by themselves.
	kubectl(t, lab, "-n", "kube-system", "delete", "pod", "-l", "k8s-app=kube-dns")
	kubectl(t, lab, "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=2m")
	kubectl(t, lab, "-n", "kube-system", "rollout", "status", "deployment/antrea-controller", "--timeout=2m")
	kubectl(t, lab, "wait", "--for=condition=Available", "apiservice/v1alpha1.system.antrea.io", "--timeout=2m")
	require.Contains(t, antctl(t, lab, "version"), "controllerVersion: ")

	ofctl, err := lab.Exec(t.Context(), "cl1-node1", "ovs-ofctl", "dump-flows", "br-int", "table=16")
	require.NoError(t, err)
	ours := antctl(t, lab, "get", "ovsflows", "--node", "cl1-node1", "--table", "16")
	if diff := cmp.Diff(matches(ofctl), matches(ours)); diff != "" {
		t.Errorf("table 16 of cl1-node1 (-ovs-ofctl +antctl):\n%s", diff)
	}
}

// matches takes the part of a dump that does not change while one looks.
func matches(dump string) map[string]bool {
	flows := map[string]bool{}
	for line := range strings.Lines(dump) {
		if _, flow, ok := strings.Cut(line, "priority="); ok {
			flows[strings.TrimSpace(flow)] = true
		}
	}
	return flows
}

// requireClean allows the Pods that were on the network a moment: their interfaces go with them.
func requireClean(t *testing.T, lab s1.Lab, before map[string][]string) {
	t.Helper()
	var diff string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		if diff = cmp.Diff(before, snapshot(t, lab)); diff == "" {
			return
		}
	}
	t.Fatalf("the Nodes are not as they were before (-before +after):\n%s", diff)
}

func kubectl(t *testing.T, lab s1.Lab, args ...string) string {
	t.Helper()
	out, err := lab.Kubectl(t.Context(), "cl1", args...)
	require.NoError(t, err, "%s", out)
	return out
}

func antctl(t *testing.T, lab s1.Lab, args ...string) string {
	t.Helper()
	out, err := lab.Antctl(t.Context(), "cl1", args...)
	require.NoError(t, err, "%s", out)
	t.Logf("antctl %s\n%s", strings.Join(args, " "), out)
	return out
}
