package cniserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

func TestRealDel(t *testing.T) {
	n := startNode(t, node4())
	c := newContainer(t, "a")
	n.mustAdd(c, conf1)

	n.bridge.set(func() { n.bridge.failDel = errors.New("switch is away") })
	_, err := n.call(cni.Del, c, conf1)
	wantCode(t, err, types.ErrTryAgainLater, "switch is away")
	if len(n.bridge.list()) != 1 {
		t.Error("the record is gone although the flows are not")
	}
	c.run(t, "ip", "link", "show", "eth0")
	n.bridge.set(func() { n.bridge.failDel = nil })

	n.mustDel(c, conf1)
	n.wantClean()
	n.mustDel(c, conf1)

	n.mustAdd(c, conf1)
	c.destroy()
	n.mustDel(c, conf1)
	n.mustDel(c, conf1)
	n.wantClean()
	n.mustDel(container{id: "never-seen"}, conf1)

	n.bridge.set(func() { n.bridge.ready = errors.New("OVSDB is not connected") })
	_, err = n.call(cni.Del, c, conf1)
	wantCode(t, err, types.ErrTryAgainLater, "cannot tell whether the Pod is attached: OVSDB is not connected")
}

// Records that cannot be told completely are not taken for complete ones: addresses that are in use would be given again, and
// Pods that are there would be left.
func TestRealIncompleteRecords(t *testing.T) {
	n := startNode(t, node4())
	c, other := newContainer(t, "a"), newContainer(t, "b")
	n.mustAdd(c, conf1)
	n.bridge.set(func() { n.bridge.failRecords = errors.New("rows are missing") })
	for _, verb := range []cni.Command{cni.Add, cni.Del} {
		for _, container := range []container{c, other} {
			_, err := n.call(verb, container, conf1)
			wantCode(t, err, types.ErrTryAgainLater, "rows are missing")
		}
	}
	n.bridge.set(func() { n.bridge.failRecords = nil })
	n.mustDel(c, conf1)
	n.wantClean()
}

func TestRealCheck(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(n *testNode, c container, port string)
		code  uint
		want  string
	}{
		{name: "as it was", spoil: func(*testNode, container, string) {}},
		{"no record", func(n *testNode, _ container, _ string) { n.bridge.records = nil }, types.ErrUnknownContainer, "no port"},
		{"no port number", func(n *testNode, _ container, _ string) { n.bridge.records[0].OFPort = 0 }, cni.CodeCheck, "has no number"},
		{"another address", func(_ *testNode, c container, _ string) {
			c.run(t, "ip", "address", "del", "10.244.1.2/24", "dev", "eth0")
		}, cni.CodeCheck, "lacks the address 10.244.1.2/24"},
		{"no route", func(_ *testNode, c container, _ string) { c.run(t, "ip", "route", "del", "default") }, cni.CodeCheck, "lacks the route to 0.0.0.0/0 via 10.244.1.1"},
		{"another MAC", func(_ *testNode, c container, _ string) {
			c.run(t, "ip", "link", "set", "eth0", "address", "02:00:00:00:00:99")
		}, cni.CodeCheck, "has the MAC 02:00:00:00:00:99"},
		{"down in the container", func(_ *testNode, c container, _ string) { c.run(t, "ip", "link", "set", "eth0", "down") }, cni.CodeCheck, "eth0 is down in the container"},
		{"down on the Node", func(_ *testNode, _ container, port string) { node(t, "ip", "link", "set", port, "down") }, cni.CodeCheck, "is down on the Node"},
		{"no interface", func(_ *testNode, c container, _ string) { c.run(t, "ip", "link", "del", "eth0") }, cni.CodeCheck, "is missing on the Node"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := startNode(t, node4())
			c := newContainer(t, "a")
			result, err := json.Marshal(n.mustAdd(c, conf1))
			if err != nil {
				t.Fatal(err)
			}
			tt.spoil(n, c, n.bridge.records[0].PortName)
			_, cniErr := n.call(cni.Check, c, strings.Replace(conf1, "{", fmt.Sprintf(`{"prevResult":%s,`, result), 1))
			if tt.code == 0 {
				if cniErr != nil {
					t.Error(cniErr)
				}
				return
			}
			wantCode(t, cniErr, tt.code, tt.want)
		})
	}
}

// TestRealBehind puts antrea behind a plugin that has made an interface with an address and a route of its own.
func TestRealBehind(t *testing.T) {
	n := startNode(t, node4())
	c := newContainer(t, "a")
	c.run(t, "ip", "link", "add", "net1", "type", "veth", "peer", "name", "peer1")
	c.run(t, "ip", "address", "add", "192.0.2.9/24", "dev", "net1")
	c.run(t, "ip", "link", "set", "net1", "up")
	c.run(t, "ip", "link", "set", "peer1", "up")
	c.run(t, "ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.1")
	before := fmt.Sprintf(`{"cniVersion":"1.0.0","interfaces":[{"name":"net1","sandbox":%q}],"ips":[{"interface":0,"address":"192.0.2.9/24",`+
		`"gateway":"192.0.2.1"}],"routes":[{"dst":"198.51.100.0/24","gw":"192.0.2.1"}],"dns":{"nameservers":["192.0.2.53"]}}`, c.netns)
	behind := func(previous string) string { return strings.Replace(conf1, "{", `{"prevResult":`+previous+`,`, 1) }

	result := n.mustAdd(c, behind(before))
	if got := ips(result); got != "192.0.2.9/24 via 192.0.2.1, 10.244.1.2/24 via 10.244.1.1" {
		t.Errorf("addresses %s", got)
	}
	var names []string
	for _, i := range result.Interfaces {
		names = append(names, i.Name)
	}
	if len(names) != 3 || names[0] != "net1" || names[2] != "eth0" || *result.IPs[0].Interface != 0 || *result.IPs[1].Interface != 2 {
		t.Errorf("interfaces %v, of addresses %d and %d", names, *result.IPs[0].Interface, *result.IPs[1].Interface)
	}
	if len(result.Routes) != 2 || result.Routes[0].Dst.String() != "198.51.100.0/24" || len(result.DNS.Nameservers) != 1 {
		t.Errorf("routes %v, DNS %v", result.Routes, result.DNS)
	}
	again := n.mustAdd(c, behind(before))
	if ips(again) != ips(result) || len(again.Interfaces) != 3 {
		t.Errorf("the same ADD once more gives %s on %d interfaces", ips(again), len(again.Interfaces))
	}
	all, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.call(cni.Check, c, behind(string(all))); err != nil {
		t.Error(err)
	}
	c.run(t, "ip", "route", "del", "default")
	_, cniErr := n.call(cni.Check, c, behind(string(all)))
	wantCode(t, cniErr, cni.CodeCheck, "lacks the route to 0.0.0.0/0 via 10.244.1.1")
	n.mustDel(c, behind(string(all)))
	n.wantClean()
	c.run(t, "ip", "link", "show", "net1")
}

func node(t testing.TB, args ...string) {
	t.Helper()
	container{id: "node", netns: "/proc/self/ns/net"}.run(t, args...)
}

func TestRealGC(t *testing.T) {
	n := startNode(t, node4())
	for _, id := range []string{"kept", "gone"} {
		n.mustAdd(newContainer(t, id), conf1)
	}
	n.mustAdd(newContainer(t, "other"), strings.Replace(conf1, `"name":"antrea"`, `"name":"second"`, 1))
	gc := func(attachments string) *types.Error {
		_, err := n.send(cni.Request{Command: cni.GC, Stdin: json.RawMessage(strings.Replace(conf1, "{", "{"+attachments, 1))})
		return err
	}
	wantCode(t, gc(""), types.ErrInvalidNetworkConfig, "key cni.dev/valid-attachments")
	if len(n.bridge.list()) != 3 {
		t.Error("GC without a list removed something")
	}
	if err := gc(`"cni.dev/valid-attachments":[{"containerID":"kept","ifname":"eth0"}],`); err != nil {
		t.Error(err)
	}
	var left []string
	for _, rec := range n.bridge.list() {
		left = append(left, rec.ContainerID)
	}
	if got := strings.Join(left, " "); got != "kept other" {
		t.Errorf("left: %s", got)
	}
}

func TestRealStatus(t *testing.T) {
	bare := node4()
	bare.PodCIDRs = nil
	for _, tt := range []struct {
		name  string
		node  Node
		ready error
		code  uint
		want  string
	}{
		{name: "ready", node: node4()},
		{"not connected", node4(), errors.New("flows are not in the switch yet"), types.ErrPluginNotAvailable, "flows are not in the switch yet"},
		{"switch is dead", node4(), fmt.Errorf("no connection to the switch: %w", ErrLimitedConnectivity), types.ErrLimitedConnectivity, "no connection to the switch"},
		{"no Pod CIDR", bare, nil, types.ErrPluginNotAvailable, "the Node has no podCIDR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			needNode(t)
			n := &testNode{t: t, socket: t.TempDir() + "/s", bridge: &bridge{ready: tt.ready}}
			n.startAgent(tt.node)
			_, err := n.send(cni.Request{Command: cni.Status, Stdin: json.RawMessage(conf1)})
			if tt.code == 0 && err == nil {
				return
			}
			wantCode(t, err, tt.code, tt.want)
			_, err = n.call(cni.Add, newContainer(t, "a"), conf1)
			wantCode(t, err, types.ErrTryAgainLater, tt.want)
		})
	}
}

func TestRealMalformed(t *testing.T) {
	n := startNode(t, node4())
	c := newContainer(t, "a")
	good := cni.Request{Command: cni.Add, ContainerID: "a", NetNS: c.netns, IfName: "eth0", Stdin: json.RawMessage(conf1)}
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		spoil func(*cni.Request)
		code  uint
		want  string
	}{
		{"unknown command", func(r *cni.Request) { r.Command = "MOVE" }, types.ErrInvalidEnvironmentVariables, `CNI_COMMAND "MOVE"`},
		{"no command", func(r *cni.Request) { r.Command = "" }, types.ErrInvalidEnvironmentVariables, "CNI_COMMAND"},
		{"no container", func(r *cni.Request) { r.ContainerID = "" }, types.ErrInvalidEnvironmentVariables, "CNI_CONTAINERID"},
		{"bad container", func(r *cni.Request) { r.ContainerID = "../x" }, types.ErrInvalidEnvironmentVariables, "CNI_CONTAINERID"},
		{"no interface", func(r *cni.Request) { r.IfName = "" }, types.ErrInvalidEnvironmentVariables, "CNI_IFNAME"},
		{"long interface", func(r *cni.Request) { r.IfName = "abcdefghijklmnop" }, types.ErrInvalidEnvironmentVariables, "CNI_IFNAME"},
		{"no namespace", func(r *cni.Request) { r.NetNS = "" }, types.ErrInvalidEnvironmentVariables, "CNI_NETNS"},
		{"a file for a namespace", func(r *cni.Request) { r.NetNS = file }, types.ErrInvalidEnvironmentVariables, "CNI_NETNS"},
		{"the Node's namespace", func(r *cni.Request) { r.NetNS = "/proc/self/ns/net" }, types.ErrInvalidNetNS, "CNI_NETNS"},
		{"a namespace of another kind", func(r *cni.Request) { r.NetNS = "/proc/self/ns/uts" }, types.ErrInvalidEnvironmentVariables, "CNI_NETNS"},
		{"bad args", func(r *cni.Request) { r.Args = "K8S_POD_NAME" }, types.ErrInvalidEnvironmentVariables, "CNI_ARGS"},
		{"bad address", func(r *cni.Request) { r.Args = "IP=10.0.0" }, types.ErrInvalidNetworkConfig, "CNI_ARGS: IP"},
		{"bad MAC", func(r *cni.Request) { r.Args = "MAC=zz" }, types.ErrInvalidNetworkConfig, "CNI_ARGS: MAC"},
		{"no configuration", func(r *cni.Request) { r.Stdin = nil }, types.ErrDecodingFailure, "network configuration"},
		{"no name", func(r *cni.Request) { r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0"}`) }, types.ErrInvalidNetworkConfig, "key name"},
		{"unknown version", func(r *cni.Request) { r.Stdin = json.RawMessage(`{"cniVersion":"3.0.0","name":"a"}`) }, types.ErrIncompatibleCNIVersion, "key cniVersion"},
		{"another network's range", func(r *cni.Request) {
			r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0","name":"a","ipam":{"subnet":"10.9.0.0/24"}}`)
		}, types.ErrInvalidNetworkConfig, "key ipam"},
		{"behind a plugin that makes the same interface", func(r *cni.Request) {
			r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0","name":"a","prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"/x"}]}}`)
		}, types.ErrInvalidNetworkConfig, "key prevResult: a plugin before antrea in the list has made eth0"},
		{"CHECK without a result", func(r *cni.Request) { r.Command = cni.Check }, types.ErrInvalidNetworkConfig, "key prevResult"},
		{"CHECK with a bad result", func(r *cni.Request) {
			r.Command = cni.Check
			r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0","name":"a","prevResult":{"cniVersion":"1.0.0","ips":7}}`)
		}, types.ErrDecodingFailure, "key prevResult"},
		{"segment, which the agent has not been told to have", func(r *cni.Request) {
			r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0","name":"a","networkType":"overlay","vni":5}`)
		}, types.ErrInvalidNetworkConfig, "feature gate SecondaryNetwork"},
		{"segment without a number", func(r *cni.Request) {
			r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0","name":"a","networkType":"overlay"}`)
		}, types.ErrInvalidNetworkConfig, "key vni of the network configuration is 0, not from 1 to 16777215"},
		{"number without a segment", func(r *cni.Request) {
			r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0","name":"a","vni":5}`)
		}, types.ErrInvalidNetworkConfig, "key vni"},
		{"another kind of network", func(r *cni.Request) {
			r.Stdin = json.RawMessage(`{"cniVersion":"1.0.0","name":"a","networkType":"vlan","vlan":100}`)
		}, types.ErrInvalidNetworkConfig, "key networkType"},
		{"result of another IPAM plugin", func(r *cni.Request) { r.IPAMResult = json.RawMessage(`{"ips":7}`) }, types.ErrDecodingFailure, "IPAM plugin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := good
			tt.spoil(&req)
			_, err := n.send(req)
			wantCode(t, err, tt.code, tt.want)
		})
	}
	n.wantClean()
}
