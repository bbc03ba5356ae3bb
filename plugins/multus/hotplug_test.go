package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ask changes the networks that a Pod asks for.
func (n *node) ask(pod, networks string) {
	n.t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"k8s.v1.cni.cncf.io/networks":%q}}}`, networks)
	_, err := n.client.CoreV1().Pods("default").Patch(context.Background(), pod, types.MergePatchType, patch, metav1.PatchOptions{})
	require.NoError(n.t, err)
}

// waitNetworks waits until the Pod says that it has these beside the default one.
func (n *node) waitNetworks(pod string, want ...string) {
	n.t.Helper()
	require.EventuallyWithT(n.t, func(t *assert.CollectT) {
		require.Equal(t, want, n.networks(pod)[1:])
	}, 2*time.Minute, 20*time.Millisecond)
}

// hotPlug: the networks of a Pod that runs follow its annotation, also through failures and a restart of the daemon.
func hotPlug(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("h0") + `]`)
	for _, name := range []string{"h1", "h2", "h3"} {
		n.nad(name, n.told(name))
	}
	n.nad("h-mac", fmt.Sprintf(`{"cniVersion":"1.0.0","type":"macvlan","master":"up0","ipam":{"type":"host-local","dataDir":%q,"subnet":"192.168.40.0/24"}}`, filepath.Join(n.dir, "ipam")))
	rt := n.sandbox("plugged", "h1")
	n.add(multus, rt)
	n.calls()

	n.ask("plugged", "h1,h-mac,h2")
	n.waitNetworks("plugged", "default/h1 net1 []", "default/h-mac net2 [192.168.40.2]", "default/h2 net3 []")
	require.Contains(t, n.inside(rt, "addr", "show", "net2"), "192.168.40.2/24")
	require.Equal(t, []string{"ADD h2 net3"}, n.calls(), "what stays is not touched")

	n.ask("plugged", "h2")
	n.waitNetworks("plugged", "default/h2 net3 []")
	require.Equal(t, []string{"DEL h1 net1"}, n.calls())
	require.NotContains(t, n.inside(rt, "link"), "net2")
	require.Empty(t, n.leases("h-mac"))

	// The second of two fails: the first is undone, and both come when it can be.
	stop := n.tell("fail-ADD-h3")
	n.ask("plugged", "h2,h1@x,h3@y")
	n.waitFor("DEL h1 x")
	require.Eventually(t, func() bool {
		events, err := n.client.CoreV1().Events("default").List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return false
		}
		for _, e := range events.Items {
			if e.Reason == "NetworkChangeFailed" && strings.Contains(e.Message, `network "h3": plugin told failed (add): told to fail`) {
				return true
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond)
	stop()
	n.waitNetworks("plugged", "default/h2 net3 []", "default/h1 x []", "default/h3 y []")
	require.Equal(t, []string{"ADD h1 x", "ADD h3 y", "DEL h3 y", "DEL h1 x"}, n.calls()[:4])

	// One that is asked for otherwise is replaced, though neither the new nor the old one can be attached for some time.
	stop = n.tell("fail-ADD-h1")
	n.ask("plugged", `[{"name":"h2"},{"name":"h3","interface":"y"},{"name":"h1","interface":"x","ips":["10.0.0.9"]}]`)
	n.waitFor("DEL h1 x")
	stop()
	n.waitNetworks("plugged", "default/h2 net3 []", "default/h3 y []", "default/h1 x []")
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(filepath.Join(n.dir, "ADD-h1.json")) // it may be about to be written
		return strings.Contains(string(text), `"runtimeConfig":{"ips":["10.0.0.9"]}`)
	}, time.Minute, 20*time.Millisecond)
	n.calls()

	// The daemon is killed in the middle; meanwhile the Pod asks for less.
	stop = n.tell("wait-ADD-h2")
	n.ask("plugged", "h2@again,h3@y")
	n.waitFor("ADD h2 again")
	n.kill()
	stop()
	n.ask("plugged", "h3@y")
	n.start()
	n.waitNetworks("plugged", "default/h3 y []")
	require.NoError(t, n.libcni.CheckNetworkList(context.Background(), multus, rt))
	calls := n.calls()
	require.Contains(t, calls, "DEL h2 again", "what was begun is undone")
	require.Contains(t, calls, "DEL h1 x")
	require.NotContains(t, calls, "DEL h3 y")

	n.del(multus, rt)
	require.Equal(t, []string{"DEL h3 y", "DEL h0 eth0"}, n.calls())
	require.Empty(t, n.records())
}
