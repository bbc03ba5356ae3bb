package agent

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A switch is killed and comes back: at once, then with flow-restore-wait as an upgrade does. Pods talk all the time, and one that does
// not must get nothing that is not for it.
func TestRealSwitchDies(t *testing.T) {
	f := newFabric(t)
	n1, n2 := f.node("node1", "192.168.77.1"), f.node("node2", "192.168.77.2")
	for _, n := range []*testNode{n1, n2} {
		n.child.Nodes = append(n.child.Nodes, k8sNode("node1", "192.168.77.1", "10.244.1.0/24"), k8sNode("node2", "192.168.77.2", "10.244.2.0/24"))
		n.start()
	}
	a, b, c, bystander := n1.addPod("web-a"), n1.addPod("web-b"), n2.addPod("db-c"), n1.addPod("bystander")
	a.answered(b.ip)
	a.answered(c.ip)
	foreign := bystander.eavesdrop()
	before := n1.flows()

	for _, wait := range []bool{false, true} {
		name := "at once"
		if wait {
			name = "with flow-restore-wait"
		}
		t.Run(name, func(t *testing.T) {
			tr := startTraffic(t, []testPod{a}, []testPod{b, c})
			tr.flowing("before")
			died := time.Now()
			n1.sw.StopVswitchd(true)
			if n1.sw.Datapath == "system" {
				tr.flowing("with a dead ovs-vswitchd, by what the kernel knows")
			}
			// What the kernel does not know goes nowhere.
			for _, to := range []netip.Addr{bystander.ip, netip.MustParseAddr("10.244.1.99"), netip.MustParseAddr("10.244.2.99")} {
				if out := a.ping(to, 3); !strings.Contains(out, " 0 received") {
					t.Errorf("with a dead ovs-vswitchd %s answers:\n%s", to, out)
				}
			}
			if wait {
				n1.sw.Run("ovs-vsctl", "--db="+n1.sw.DB, "--no-wait", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
			}
			n1.sw.StartVswitchd()
			dead := time.Since(died)
			n1.until("flows are back", func() bool { return n1.flows() == before })
			tr.flowing("after")
			t.Logf("ovs-vswitchd was dead for %d ms: %s", dead.Milliseconds(), tr.finish())
			if n := foreign.Load(); n != 0 {
				t.Errorf("the Pod that nobody talks to has got %d packets that are not for it", n)
			}
		})
	}
}

// flows is what the switch holds, sorted; nothing if it is away.
func (n *testNode) flows() string {
	out, _ := n.sw.Try("ovs-ofctl", "-O", "OpenFlow15", "--no-stats", "dump-flows", n.sw.OpenFlow("br-int"))
	lines := strings.Split(out, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// eavesdrop counts what comes to the Pod from others that is for another MAC, until the end of the test.
func (p testPod) eavesdrop() *atomic.Int64 {
	t := p.node.t
	t.Helper()
	count := &atomic.Int64{}
	var socket int
	err := inNamespace(p.ns, func() (err error) {
		eth0, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		protocol := int(binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL)))
		if socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol); err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
			return err
		}
		// Promiscuous: veth hands over every packet.
		return unix.SetsockoptPacketMreq(socket, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(eth0.Index), Type: unix.PACKET_MR_PROMISC})
	})
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-stopped; unix.Close(socket) })
	go func() {
		defer close(stopped)
		frame := make([]byte, 2048)
		for {
			select {
			case <-stop:
				return
			default:
			}
			_, from, err := unix.Recvfrom(socket, frame, 0)
			if err != nil {
				continue
			}
			if ll, ok := from.(*unix.SockaddrLinklayer); ok && ll.Pkttype != unix.PACKET_OUTGOING && ll.Pkttype != unix.PACKET_HOST {
				count.Add(1)
			}
		}
	}()
	return count
}
