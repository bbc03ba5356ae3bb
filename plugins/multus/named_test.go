package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/stretchr/testify/require"
)

// named: the default network is named in the configuration, or by the Pod itself. Before it is up, nothing is attached.
func named(n *node) {
	t := n.t
	n.nad("by-name", n.told("by-name"))
	n.nad("strict", `{"cniVersion":"1.1.0","type":"told","notes":"`+n.dir+`","tag":"strict"}`, "multus.antrea.io/strict-capabilities", "true")
	for _, tt := range []struct{ pod, keys, annotation, first string }{
		{"of-nad", `"clusterNetwork":"by-name","multusNamespace":"default"`, "", "by-name"},
		{"of-file", `"clusterNetwork":"disk"`, "", "x"},
		{"of-pod", `"clusterNetwork":"disk"`, "default/by-name", "by-name"},
		{"of-pod-json", `"clusterNetwork":"disk","multusNamespace":"default"`, `[{"name":"by-name"}]`, "by-name"},
	} {
		multus := n.multus(tt.keys)
		rt := n.sandboxOf(tt.pod, map[string]string{"v1.multus-cni.io/default-network": tt.annotation, "k8s.v1.cni.cncf.io/networks": "default/r1"})
		n.add(multus, rt)
		require.Equal(t, []string{"ADD " + tt.first + " eth0", "ADD r1 net1"}, n.calls(), tt.pod)
		n.del(multus, rt)
		n.calls()
	}

	ready := filepath.Join(n.dir, "ready")
	multus := n.multus(fmt.Sprintf(`"delegates":[%s],"readinessindicatorfile":%q`, n.told("r0"), ready))
	var told *types.Error
	require.ErrorAs(t, n.libcni.GetStatusNetworkList(context.Background(), multus), &told)
	require.Equal(t, types.ErrPluginNotAvailable, told.Code)
	rt := n.sandbox("early", "strict")
	added := make(chan error, 1)
	go func() {
		_, err := n.libcni.AddNetworkList(context.Background(), multus, rt)
		added <- err
	}()
	select {
	case err := <-added:
		t.Fatal("ADD did not wait for the default network: ", err)
	case <-time.After(300 * time.Millisecond):
	}
	require.Empty(t, n.calls())
	require.NoError(t, os.WriteFile(ready, nil, 0o600))
	require.NoError(t, <-added)
	require.NoError(t, n.libcni.GetStatusNetworkList(context.Background(), multus))
	n.del(multus, rt)
	n.calls()

	_, err := n.libcni.AddNetworkList(context.Background(), multus, n.sandbox("asks-too-much", `[{"name":"strict","mac":"02:00:00:00:00:01"}]`))
	require.ErrorContains(t, err, "no plugin has the capability for mac")
	require.Empty(t, n.calls())
	require.Empty(t, n.records())
}
