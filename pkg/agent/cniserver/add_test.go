package cniserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/vishvananda/netlink"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
)

func TestRealAdd(t *testing.T) {
	n := startNode(t, node4())
	a, b := newContainer(t, "aaa"), newContainer(t, "bbb")
	result := n.mustAdd(a, conf1)
	n.mustAdd(b, conf1)

	if got := ips(result); got != "10.244.1.2/24 via 10.244.1.1" {
		t.Errorf("addresses %s", got)
	}
	host, eth := result.Interfaces[0], result.Interfaces[1]
	if want := podport.PortName("web-aaa", cni.Attachment{ContainerID: "aaa", IfName: "eth0"}, 0); host.Name != want || host.Sandbox != "" {
		t.Errorf("host interface %+v, want the name %s", host, want)
	}
	if eth.Name != "eth0" || eth.Sandbox != a.netns || eth.Mtu != 1450 || *result.IPs[0].Interface != 1 {
		t.Errorf("container interface %+v, of address %d", eth, *result.IPs[0].Interface)
	}
	if len(result.Routes) != 1 || result.Routes[0].Dst.String() != "0.0.0.0/0" || result.Routes[0].GW.String() != "10.244.1.1" {
		t.Errorf("routes %v", result.Routes)
	}
	rec := n.bridge.list()[0]
	if rec.PodName != "web-aaa" || rec.PodNamespace != "demo" || rec.Network != "antrea" || rec.NetNS != a.netns || rec.MAC.String() != eth.Mac || rec.PortName != host.Name {
		t.Errorf("record %+v", rec)
	}

	for setting, want := range map[string]string{"ipv4/conf/%s/arp_ignore": "8", "ipv4/conf/%s/forwarding": "0", "ipv6/conf/%s/disable_ipv6": "1"} {
		got, err := os.ReadFile("/proc/sys/net/" + fmt.Sprintf(setting, host.Name))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("sysctl %s is %q, %v, want %s", setting, got, err, want)
		}
	}
	for _, want := range []string{"mtu 1450", "state UP", "link/ether " + eth.Mac, "inet 10.244.1.2/24"} {
		if got := a.run(t, "ip", "address", "show", "dev", "eth0"); !strings.Contains(got, want) {
			t.Errorf("eth0 lacks %q:\n%s", want, got)
		}
	}
	if got := a.run(t, "ip", "route"); !strings.Contains(got, "default via 10.244.1.1 dev eth0") {
		t.Errorf("routes:\n%s", got)
	}
	if got := a.run(t, "ethtool", "-k", "eth0"); !strings.Contains(got, "tx-checksumming: off") {
		t.Errorf("transmit checksum offload is on:\n%s", got)
	}
	a.reaches(t, nil, "10.244.1.1")
	a.reaches(t, &b, "10.244.1.3")
}

func TestRealAddTwice(t *testing.T) {
	n := startNode(t, node4())
	c := newContainer(t, "aaa")
	first := n.mustAdd(c, conf1)
	if again := n.mustAdd(c, conf1); !reflect.DeepEqual(first, again) {
		t.Errorf("first  %+v\nagain %+v", first, again)
	}
	n.stop()
	n.startAgent(node4())
	if again := n.mustAdd(c, conf1); !reflect.DeepEqual(first, again) {
		t.Errorf("first %+v\nafter a restart %+v", first, again)
	}
	// The container loses its interface: the record is stale and is replaced.
	c.run(t, "ip", "link", "del", "eth0")
	if again := n.mustAdd(c, conf1); len(n.bridge.list()) != 1 || again.Interfaces[1].Mac != first.Interfaces[1].Mac {
		t.Errorf("%d records, %+v", len(n.bridge.list()), again)
	}
	c.reaches(t, nil, "10.244.1.1")
}

func TestRealAddRollsBack(t *testing.T) {
	n := startNode(t, node4())
	c := newContainer(t, "aaa")
	n.bridge.set(func() { n.bridge.failAdd = errors.New("switch is full") })
	_, err := n.call(cni.Add, c, conf1)
	wantCode(t, err, types.ErrTryAgainLater, "switch is full")
	n.wantClean()
	n.bridge.set(func() { n.bridge.failAdd = nil })
	one := `{"cniVersion":"1.0.0","name":"antrea","ipam":{"subnet":"10.244.1.0/24","rangeStart":"10.244.1.9","rangeEnd":"10.244.1.9"}}`
	for range 2 { // the only address is free each time
		if got := ips(n.mustAdd(c, one)); got != "10.244.1.9/24 via 10.244.1.1" {
			t.Errorf("got %s", got)
		}
		n.mustDel(c, one)
		n.wantClean()
	}
}

// TestRealAddAfterCrash finds what an agent left that was killed between making the interface and writing the record.
func TestRealAddAfterCrash(t *testing.T) {
	n := startNode(t, node4())
	crash := func(c container, names []string) {
		t.Helper()
		file, err := os.Open(c.netns)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		pod, err := openPodNetNS(file)
		if err != nil {
			t.Fatal(err)
		}
		defer pod.Close()
		if _, err := createVeth(pod, names, link{ifName: "eth0", mtu: 1450, mac: stableMAC(cni.Attachment{ContainerID: c.id, IfName: "eth0"})}); err != nil {
			t.Fatal(err)
		}
	}
	name := func(c container, attempt int) []string {
		return []string{podport.PortName("web-"+c.id, cni.Attachment{ContainerID: c.id, IfName: "eth0"}, attempt)}
	}
	for attempt := range nameAttempts {
		c := newContainer(t, fmt.Sprintf("c%d", attempt))
		crash(c, name(c, attempt))
		n.mustAdd(c, conf1)
		c.reaches(t, nil, "10.244.1.1")
		n.mustDel(c, conf1)

		crash(c, name(c, attempt))
		n.mustDel(c, conf1)
		n.wantClean()
	}

	foreign := newContainer(t, "foreign")
	foreign.run(t, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	_, err := n.call(cni.Add, foreign, conf1)
	wantCode(t, err, cni.CodeInterface, "that this network did not make")
	n.mustDel(foreign, conf1)
	foreign.run(t, "ip", "link", "show", "eth0")
}

func TestRealNameCollision(t *testing.T) {
	n := startNode(t, node4())
	c := newContainer(t, "aaa")
	a := cni.Attachment{ContainerID: "aaa", IfName: "eth0"}
	n.bridge.set(func() {
		n.bridge.records = []podport.Record{{PortName: podport.PortName("web-aaa", a, 0), ContainerID: "other", IfName: "eth0"}}
	})
	taken := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: podport.PortName("web-aaa", a, 1)}}
	if err := netlink.LinkAdd(taken); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = netlink.LinkDel(taken) }()
	if got, want := n.mustAdd(c, conf1).Interfaces[0].Name, podport.PortName("web-aaa", a, 2); got != want {
		t.Errorf("host interface %s, want %s", got, want)
	}
	n.mustDel(c, conf1)
	if rec := n.bridge.list(); len(rec) != 1 || rec[0].ContainerID != "other" {
		t.Errorf("records %+v", rec)
	}
}

func TestRealParallelAdds(t *testing.T) {
	n := startNode(t, node4())
	const pods = 50
	containers := make([]container, pods)
	for i := range containers {
		containers[i] = newContainer(t, fmt.Sprintf("c%d", i))
	}
	var wg sync.WaitGroup
	for _, c := range containers {
		for range 2 { // each is asked for twice at once
			wg.Go(func() {
				if _, err := n.call(cni.Add, c, conf1); err != nil {
					t.Errorf("ADD %s: %v", c.id, err)
				}
			})
		}
	}
	wg.Wait()
	owner := map[netip.Addr]string{}
	for _, rec := range n.bridge.list() {
		ip := rec.IPs[0].Addr()
		if other, taken := owner[ip]; taken {
			t.Errorf("%s and %s have the address %s", other, rec.ContainerID, ip)
		}
		owner[ip] = rec.ContainerID
	}
	if len(owner) != pods {
		t.Errorf("%d addresses, want %d", len(owner), pods)
	}
	for _, c := range containers {
		wg.Go(func() { n.mustDel(c, conf1) })
	}
	wg.Wait()
	n.wantClean()
}

func TestRealAddresses(t *testing.T) {
	n := startNode(t, node4())
	small := `{"cniVersion":"1.0.0","name":"antrea","ipam":{"type":"host-local","subnet":"10.244.1.0/24","rangeStart":"10.244.1.10","rangeEnd":"10.244.1.12"%s}%s}`
	conf := fmt.Sprintf(small, "", "")
	a, b, c, d := newContainer(t, "a"), newContainer(t, "b"), newContainer(t, "c"), newContainer(t, "d")
	step := func(c container, conf, want string) {
		t.Helper()
		if got := ips(n.mustAdd(c, conf)); got != want {
			t.Errorf("container %s got %s, want %s", c.id, got, want)
		}
	}
	step(a, conf, "10.244.1.10/24 via 10.244.1.1")
	step(b, conf, "10.244.1.11/24 via 10.244.1.1")
	n.mustDel(a, conf)
	step(a, conf, "10.244.1.12/24 via 10.244.1.1") // not the one just released
	step(c, conf, "10.244.1.10/24 via 10.244.1.1")
	_, err := n.call(cni.Add, d, conf)
	wantCode(t, err, cni.CodeIPAM, "pool 10.244.1.10-10.244.1.12: no free address, all 3 are in use")

	// A Pod whose network namespace vanished without DEL gives way.
	b.run(t, "ip", "link", "del", "eth0")
	step(d, conf, "10.244.1.11/24 via 10.244.1.1")
	if len(n.bridge.list()) != 3 {
		t.Errorf("%d records, want 3", len(n.bridge.list()))
	}
	n.mustDel(d, conf)

	_, err = n.call(cni.Add, d, fmt.Sprintf(small, "", `,"runtimeConfig":{"ips":["10.244.1.10/24"]}`))
	wantCode(t, err, cni.CodeIPAM, "10.244.1.10 is in use")
	_, err = n.call(cni.Add, d, fmt.Sprintf(small, "", `,"runtimeConfig":{"ips":["10.244.1.99"]}`))
	wantCode(t, err, cni.CodeIPAM, "10.244.1.99 was asked for, but the pools are [10.244.1.10-10.244.1.12]")
	_, err = n.call(cni.Add, d, fmt.Sprintf(small, "", `,"runtimeConfig":{"mac":"01:00:5e:00:00:01"}`))
	wantCode(t, err, types.ErrInvalidNetworkConfig, "key runtimeConfig.mac")

	result := n.mustAdd(d, fmt.Sprintf(small, `,"gateway":"10.244.1.254","routes":[{"dst":"192.168.0.0/16"},{"dst":"172.16.0.0/12","gw":"10.244.1.253"}]`,
		`,"mtu":1400,"dns":{"nameservers":["10.96.0.10"]},"runtimeConfig":{"ips":["10.244.1.11"],"mac":"02:11:22:33:44:55"}`))
	if ips(result) != "10.244.1.11/24 via 10.244.1.254" || result.Interfaces[1].Mac != "02:11:22:33:44:55" || result.DNS.Nameservers[0] != "10.96.0.10" {
		t.Errorf("result %+v: %s", result, ips(result))
	}
	got := d.run(t, "ip", "route") + d.run(t, "ip", "link", "show", "eth0")
	for _, want := range []string{"192.168.0.0/16 via 10.244.1.254", "172.16.0.0/12 via 10.244.1.253", "default via 10.244.1.254", "mtu 1400", "02:11:22:33:44:55"} {
		if !strings.Contains(got, want) {
			t.Errorf("container lacks %q:\n%s", want, got)
		}
	}
}

func TestRealDualStack(t *testing.T) {
	node := node4()
	node.PodCIDRs = append(node.PodCIDRs, netip.MustParsePrefix("fd00:10:244:1::/64"))
	node.Gateways = append(node.Gateways, netip.MustParseAddr("fd00:10:244:1::1"))
	node.UserspaceDatapath = false
	n := startNode(t, node)
	c := newContainer(t, "a")
	c.run(t, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")
	if got := ips(n.mustAdd(c, conf1)); got != "10.244.1.2/24 via 10.244.1.1, fd00:10:244:1::2/64 via fd00:10:244:1::1" {
		t.Errorf("got %s", got)
	}
	c.reaches(t, nil, "10.244.1.1")
	c.reaches(t, nil, "fd00:10:244:1::1")
	if got := c.run(t, "ethtool", "-k", "eth0"); !strings.Contains(got, "tx-checksumming: on") {
		t.Errorf("transmit checksum offload is off on the kernel's datapath:\n%s", got)
	}
}

func TestRealHostLocalImport(t *testing.T) {
	n := startNode(t, node4())
	dir := t.TempDir()
	conf := fmt.Sprintf(`{"cniVersion":"1.1.0","name":"antrea","ipam":{"type":"host-local","dataDir":%q},"cni.dev/valid-attachments":[{"containerID":"a","ifname":"eth0"},{"containerID":"old2","ifname":"eth0"}]}`, dir)
	if err := os.Mkdir(filepath.Join(dir, "antrea"), 0o755); err != nil {
		t.Fatal(err)
	}
	for ip, owner := range map[string]string{"10.244.1.2": "old1\r\neth0", "10.244.1.3": "old2\r\neth0", "10.244.1.4": "old3\r\neth0"} {
		if err := os.WriteFile(filepath.Join(dir, "antrea", ip), []byte(owner), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	left := func() string {
		files, err := os.ReadDir(filepath.Join(dir, "antrea"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range files {
			names = append(names, f.Name())
		}
		return strings.Join(names, " ")
	}
	a := newContainer(t, "a")
	if got := ips(n.mustAdd(a, conf)); !strings.HasPrefix(got, "10.244.1.5/24") {
		t.Errorf("got %s", got)
	}
	n.mustDel(container{id: "old1"}, conf)
	if got := left(); got != "10.244.1.3 10.244.1.4" {
		t.Errorf("after DEL of old1: %s", got)
	}
	if _, err := n.send(cni.Request{Command: cni.GC, Stdin: json.RawMessage(conf)}); err != nil {
		t.Error(err)
	}
	if got := left(); got != "10.244.1.3" {
		t.Errorf("after GC: %s", got)
	}
	if len(n.bridge.list()) != 1 {
		t.Errorf("GC removed a valid attachment")
	}
}

// TestRealShutdown ends the agent in the midst of an ADD, which is answered nevertheless.
func TestRealShutdown(t *testing.T) {
	n := startNode(t, node4())
	n.bridge.attaching, n.bridge.proceed = make(chan struct{}), make(chan struct{})
	c := newContainer(t, "a")
	added := make(chan *types.Error)
	go func() {
		_, err := n.call(cni.Add, c, conf1)
		added <- err
	}()
	<-n.bridge.attaching
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		n.stop()
	}()
	for {
		conn, err := net.Dial("unix", n.socket)
		if err != nil {
			break
		}
		conn.Close()
	}
	select {
	case <-stopped:
		t.Error("the agent ended before the ADD")
	default:
	}
	close(n.bridge.proceed)
	if err := <-added; err != nil {
		t.Error(err)
	}
	<-stopped
}
