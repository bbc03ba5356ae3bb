package agent

import (
	"net"
	"sync"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// While the agent is ended, killed and started again, every new connection to a Service is served, and a client that is to stay with
// its endpoint does.
func TestRealServicesRestart(t *testing.T) {
	f := newFabric(t)
	n := f.node("node1", "192.168.77.1")
	n.child.Nodes = []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24")}
	n.child.File += "antreaProxy: {proxyAll: true}\nserviceCIDR: 10.96.0.0/16\n"
	n.start()
	a, b, c := n.addPod("a"), n.addPod("b"), n.addPod("c")
	host := testPod{node: n, name: "the host", ns: n.ns}
	b.answers()
	c.answers()
	const ports = `ports: [{name: tcp, port: 80, protocol: TCP}, {name: udp, port: 80, protocol: UDP}]`
	n.serve("both", `{clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], `+ports+`}`, b, c)
	n.serve("sticky", `{clusterIP: 10.96.0.12, clusterIPs: [10.96.0.12], sessionAffinity: ClientIP, `+ports+`}`, b, c)
	n.told()
	n.until("the Services are there", func() bool {
		_, err := a.ask("tcp", "10.96.0.10:80")
		_, also := host.ask("udp", "10.96.0.12:80")
		return err == nil && also == nil
	})

	clients := []*serviceClient{
		{from: a, network: "tcp", address: "10.96.0.10:80"}, {from: a, network: "udp", address: "10.96.0.10:80"},
		{from: host, network: "tcp", address: "10.96.0.10:80"},
		{from: a, network: "tcp", address: "10.96.0.12:80"}, {from: a, network: "udp", address: "10.96.0.12:80"},
	}
	stop := make(chan struct{})
	var wait sync.WaitGroup
	for i, client := range clients {
		client.port = 2000 + 12000*i
		wait.Go(func() { client.run(stop) })
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		n.stop(signal)
		n.start()
		if m := inSync.FindStringSubmatch(n.log.String()); m == nil || m[1]+m[2]+m[3] != "000" {
			t.Errorf("the restarted agent changed flows: %v", m)
		}
	}
	close(stop)
	wait.Wait()
	for i, client := range clients {
		t.Logf("%s, %s %s: %v, refused or lost %d", client.from.name, client.network, client.address, client.answered, len(client.errs))
		if len(client.errs) > 0 || len(client.answered) == 0 {
			t.Errorf("%s, %s %s: answers %v, errors %v", client.from.name, client.network, client.address, client.answered, client.errs)
		}
		if sticky := i >= 3; (len(client.answered) == 1) != sticky {
			t.Errorf("%s, %s %s is answered by %v", client.from.name, client.network, client.address, client.answered)
		}
	}
}

// serviceClient opens one connection after the other, each from a port that no other has used: the userspace datapath now and then
// fails to translate one whose port was that of another a few seconds ago.
type serviceClient struct {
	from             testPod
	network, address string
	port             int // the next one's
	answered         map[string]int
	errs             []error
}

func (c *serviceClient) run(stop <-chan struct{}) {
	c.answered = make(map[string]int)
	for {
		select {
		case <-stop:
			return
		default:
		}
		var local net.Addr = &net.TCPAddr{Port: c.port}
		if c.network == "udp" {
			local = &net.UDPAddr{Port: c.port}
		}
		c.port++
		if answer, err := c.from.askFrom(local, c.network, c.address); err != nil {
			c.errs = append(c.errs, err)
		} else {
			c.answered[answer]++
		}
	}
}
