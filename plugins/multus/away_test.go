package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
)

// apiServerAway: a Pod that names no network starts without the API server, also if the daemon has started without it, and its status
// follows. One that names a network waits.
func apiServerAway(n *node) {
	t := n.t
	multus := n.multus(`"delegates":[` + n.told("r0") + `]`)
	plain, again, asks := n.sandbox("plain", ""), n.sandbox("plain-too", ""), n.sandbox("not-plain", "r1")
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(filepath.Join(n.dir, "journal", ".plain-pods"))
		return strings.Contains(string(text), "default/plain") && strings.Contains(string(text), "default/plain-too")
	}, time.Minute, 20*time.Millisecond)
	text, err := os.ReadFile(filepath.Join(n.dir, "journal", ".plain-pods"))
	require.NoError(t, err)
	require.NotContains(t, string(text), "not-plain")

	back := n.apiAway()
	n.add(multus, plain)
	n.kill() // it has to tell the status all the same, and knows the Pods from the file alone
	n.start()
	n.add(multus, again)
	_, err = n.libcni.AddNetworkList(context.Background(), multus, asks)
	require.ErrorContains(t, err, "default/not-plain")
	require.ElementsMatch(t, []string{"box-plain", "box-plain-too"}, n.records())
	back()
	for _, pod := range []string{"plain", "plain-too"} {
		require.Eventually(t, func() bool { return n.status(pod) != "" }, time.Minute, 20*time.Millisecond)
		require.Equal(t, []string{"r0 eth0 [] default"}, n.networks(pod))
	}
	n.add(multus, asks)
	for _, rt := range []string{"plain", "plain-too", "not-plain"} {
		require.NotEmpty(t, n.status(rt))
	}
	n.del(multus, plain)
	n.del(multus, again)
	n.del(multus, asks)
	require.Empty(t, n.records())
	n.calls()
}
