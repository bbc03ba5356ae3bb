package agent

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// internet is a namespace beside the Nodes with a DNS server, by UDP and TCP, and with every address that its names have, where port
// 8080 sends everything back.
type internet struct {
	*fabric
	ns     string
	server netip.AddrPort

	mu    sync.Mutex
	names map[string][]netip.Addr
	alias map[string]string
	ttl   map[string]uint32
	next  uint16
}

const longTTL = 3600

func (f *fabric) internet() *internet {
	f.t.Helper()
	w := &internet{
		fabric: f, ns: f.namespace("internet"), server: netip.MustParseAddrPort("192.168.77.99:53"),
		names: make(map[string][]netip.Addr), alias: make(map[string]string), ttl: make(map[string]uint32),
	}
	f.in(f.bridge, "ip", "link", "add", "internet", "type", "veth", "peer", "name", "eth0", "netns", w.ns)
	f.in(f.bridge, "ip", "link", "set", "internet", "master", "segment", "up")
	f.in(w.ns, "ip", "addr", "add", "192.168.77.99/24", "dev", "eth0")
	f.in(w.ns, "ip", "addr", "add", "fd00:77::99/64", "dev", "eth0", "nodad")
	f.in(w.ns, "ip", "link", "set", "eth0", "up")
	f.in(w.ns, "ip", "route", "add", "local", "198.18.0.0/15", "dev", "lo")
	f.in(w.ns, "ip", "-6", "route", "add", "local", "2001:db8::/64", "dev", "lo")
	w.serve()
	return w
}

// reachedFrom gives a Node the way there.
func (w *internet) reachedFrom(n *testNode) {
	w.t.Helper()
	w.in(n.ns, "ip", "addr", "add", "fd00:77::1/64", "dev", "eth0", "nodad")
	w.in(n.ns, "ip", "route", "add", "198.18.0.0/15", "via", "192.168.77.99")
	w.in(n.ns, "ip", "-6", "route", "add", "2001:db8::/64", "via", "fd00:77::99")
}

// has makes up an address for a name.
func (w *internet) has(name string, ttl uint32) netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	a := netip.AddrFrom4([4]byte{198, 18, byte(w.next >> 8), byte(w.next)})
	w.names[name], w.ttl[name] = append(w.names[name], a), ttl
	return a
}

func (w *internet) serve() {
	w.t.Helper()
	var udp net.PacketConn
	var tcp, echo net.Listener
	err := inNamespace(w.ns, func() (err error) {
		var err1, err2, err3 error
		udp, err1 = net.ListenPacket("udp4", w.server.String())
		tcp, err2 = net.Listen("tcp4", w.server.String())
		echo, err3 = net.Listen("tcp", ":8080")
		return errors.Join(err1, err2, err3)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = errors.Join(udp.Close(), tcp.Close(), echo.Close()) })
	go func() {
		buffer := make([]byte, 512)
		for {
			n, from, err := udp.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = udp.WriteTo(w.answer(buffer[:n]), from)
		}
	}()
	each := func(l net.Listener, serve func(net.Conn)) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.t.Cleanup(func() { _ = c.Close() })
			go serve(c)
		}
	}
	go each(echo, func(c net.Conn) { _, _ = io.Copy(c, c) })
	go each(tcp, func(c net.Conn) {
		for {
			question, err := readMessage(c)
			if err != nil {
				return
			}
			a := w.answer(question)
			_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...))
		}
	})
}

func readMessage(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

// answer answers a question as a resolver does, aliases included.
func (w *internet) answer(question []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil
	}
	m.Response, m.RecursionAvailable = true, true
	name := strings.ToLower(strings.TrimSuffix(m.Questions[0].Name.String(), "."))
	header := func(t dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name + "."), Type: t, Class: dnsmessage.ClassINET, TTL: w.ttl[name]}
	}
	for to, ok := w.alias[name]; ok; to, ok = w.alias[name] {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(to + ".")}})
		name = to
	}
	for _, a := range w.names[name] {
		if a.Is4() && m.Questions[0].Type == dnsmessage.TypeA {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(dnsmessage.TypeA), Body: &dnsmessage.AResource{A: a.As4()}})
		}
		if a.Is6() && m.Questions[0].Type == dnsmessage.TypeAAAA {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header(dnsmessage.TypeAAAA), Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

// looksUp has a Pod ask for a name, and returns how many addresses it is told.
func (p testPod) looksUp(w *internet, network, name string, kind dnsmessage.Type) (addresses int, err error) {
	question := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true}, Questions: []dnsmessage.Question{
		{Name: dnsmessage.MustNewName(name + "."), Type: kind, Class: dnsmessage.ClassINET},
	}}
	b, err := question.Pack()
	if err != nil {
		return 0, err
	}
	var c net.Conn
	if err := inNamespace(p.ns, func() (err error) {
		c, err = net.DialTimeout(network, w.server.String(), time.Second)
		return err
	}); err != nil {
		return 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(800 * time.Millisecond))
	answer := make([]byte, 1<<16)
	if network == "tcp" {
		if _, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)); err == nil {
			answer, err = readMessage(c)
		}
	} else {
		var n int
		if _, err = c.Write(b); err == nil {
			n, err = c.Read(answer)
			answer = answer[:n]
		}
	}
	var m dnsmessage.Message
	if err == nil {
		err = m.Unpack(answer)
	}
	for _, r := range m.Answers {
		if r.Header.Type != dnsmessage.TypeCNAME {
			addresses++
		}
	}
	return addresses, err
}

// opens has a Pod open a connection. A first packet that is lost is an error, because the second comes after a second.
func (p testPod) opens(to netip.Addr) (*stream, error) {
	return p.opensWithin(to, 700*time.Millisecond)
}

func (p testPod) opensWithin(to netip.Addr, timeout time.Duration) (*stream, error) {
	s := &stream{}
	err := inNamespace(p.ns, func() (err error) {
		s.Conn, err = net.DialTimeout("tcp", netip.AddrPortFrom(to, 8080).String(), timeout)
		return err
	})
	if err == nil {
		p.node.t.Cleanup(func() { _ = s.Close() })
	}
	return s, err
}

// resolves asks for a name that it must be told an address of.
func (p testPod) resolves(w *internet, name string) {
	p.node.t.Helper()
	if n, err := p.looksUp(w, "udp", name, dnsmessage.TypeA); n == 0 || err != nil {
		p.node.t.Errorf("%s is told %d addresses of %s: %v", p.name, n, name, err)
	}
}

func (p testPod) mayOpen(what string, to netip.Addr) *stream {
	p.node.t.Helper()
	s, err := p.opens(to)
	if err != nil {
		p.node.t.Errorf("%s: %v", what, err)
	}
	return s
}

func (p testPod) mayNotOpen(what string, to netip.Addr) {
	p.node.t.Helper()
	if _, err := p.opensWithin(to, 300*time.Millisecond); err == nil {
		p.node.t.Errorf("%s: %s can be reached", what, to)
	}
}

// cached is what antctl get fqdncache asks for.
func (n *testNode) cached(domain string) []systemv1alpha1.FQDNCacheEntry {
	n.t.Helper()
	var list systemv1alpha1.FQDNCacheEntryList
	body, err := n.ask(http.MethodGet, "/apis/system.antrea.io/v1alpha1/nodes/"+n.name+"/fqdncache?domain="+domain)
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return list.Items
}

const namesPolicy = `{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: names}, spec: {
	tier: Admin, priority: 10, subject: {namespaces: {}}, egress: [
	{name: dns, action: Accept, to: [{networks: [192.168.77.99/32]}], protocols: [{udp: {destinationPort: {number: 53}}}, {tcp: {destinationPort: {number: 53}}}]},
	{name: names, action: Accept, to: [{domainNames: ["*.example.com", www.example.net]}], protocols: [{tcp: {destinationPort: {number: 8080}}}]},
	{name: nothing-else, action: Deny, to: [{networks: ["0.0.0.0/0", "::/0"]}]}]}}`

func TestRealDomainNames(t *testing.T) {
	f := newFabric(t)
	n, w := f.node("node1", "192.168.77.1"), f.internet()
	w.reachedFrom(n)
	n.child.Nodes = []corev1.Node{k8sNode("node1", "192.168.77.1", "10.244.1.0/24", "fd00:10:244:1::/64")}
	n.child.File += "featureGates: {AdminNetworkPolicy: true}\n"
	n.child.Agent.StateDir = filepath.Join(n.dir, "state")
	var policy unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(namesPolicy), &policy.Object); err != nil {
		t.Fatal(err)
	}
	n.child.Objects = []map[string]any{policy.Object}
	n.start()
	client := n.addPod("client")
	n.until("answers wait for the agent", func() bool { return strings.Contains(n.sw.Ofctl("dump-flows", "br-int"), "pause") })

	n.until("names are resolved", func() bool {
		_, err := client.looksUp(w, "udp", "www.example.com", dnsmessage.TypeA)
		return err == nil
	})
	// Connections that outlive their address; how long it takes is used for the rest.
	shortLived := w.has("short.example.com", 1)
	client.resolves(w, "short.example.com")
	w.has("unused.example.com", 1)
	client.resolves(w, "unused.example.com")
	lasting := client.mayOpen("a name that is told of for a second", shortLived)
	toldAt := time.Now()

	t.Run("first packets", func(t *testing.T) {
		for _, clients := range []int{1, 8} {
			const fresh = 100
			var mu sync.Mutex
			var wait sync.WaitGroup
			failed, took, start := 0, make([]time.Duration, 0, fresh), time.Now()
			for c := range clients {
				wait.Go(func() {
					for i := c; i < fresh; i += clients {
						name := fmt.Sprintf("fresh%d-%d.example.com", clients, i)
						to := w.has(name, longTTL)
						if i%2 == 0 { // what the switch has dropped a moment ago is no reason to drop
							_, _ = client.opensWithin(to, 3*time.Millisecond)
						}
						asked := time.Now()
						client.resolves(w, name)
						answered := time.Since(asked)
						_, err := client.opens(to)
						mu.Lock()
						took = append(took, answered)
						if err != nil {
							failed++
							t.Logf("%s: %v", name, err)
						}
						mu.Unlock()
					}
				})
			}
			wait.Wait()
			slices.Sort(took)
			t.Logf("%d fresh names in %v, %d asked for at once, half of them refused a moment before: %d first connections failed; an answer took %v, the slowest %v",
				fresh, time.Since(start).Round(time.Millisecond), clients, failed, took[fresh/2].Round(100*time.Microsecond), took[fresh-1].Round(100*time.Microsecond))
			if failed > 0 {
				t.Errorf("%d of %d first connections failed", failed, fresh)
			}
		}
	})
	t.Run("names", func(t *testing.T) {
		for name, allowed := range map[string]bool{
			"www.example.net": true, "WWW.Example.NET": true, "a.b.example.com": true,
			"example.com": false, "badexample.com": false, "example.net": false, "x.www.example.net": false,
		} {
			to := w.has(strings.ToLower(name), longTTL)
			client.resolves(w, name)
			if allowed {
				client.mayOpen(name, to)
			} else {
				client.mayNotOpen(name, to)
			}
		}
		to := w.has("cdn.example.org", longTTL)
		w.alias["www1.example.com"], w.alias["www2.example.com"] = "cdn.example.org", "www1.example.com"
		client.mayNotOpen("an address that nobody asked for", to)
		client.resolves(w, "cdn.example.org")
		client.mayNotOpen("the name that an alias leads to", to)
		client.resolves(w, "www2.example.com")
		client.mayOpen("an alias of an alias", to)
	})
	t.Run("IPv6", func(t *testing.T) {
		to := netip.MustParseAddr("2001:db8::7")
		w.names["six.example.com"], w.ttl["six.example.com"] = []netip.Addr{to}, longTTL
		client.mayNotOpen("before it was asked for", to)
		if n, err := client.looksUp(w, "udp", "six.example.com", dnsmessage.TypeAAAA); n != 1 || err != nil {
			t.Errorf("%d addresses: %v", n, err)
		}
		client.mayOpen("an IPv6 address", to)
	})
	t.Run("TCP", func(t *testing.T) {
		for i := range 150 { // more than two segments have
			w.names["many.example.com"] = append(w.names["many.example.com"], netip.AddrFrom4([4]byte{198, 19, 1, byte(i)}))
			w.names["many.example.com"] = append(w.names["many.example.com"], netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}))
		}
		last := netip.MustParseAddr("198.19.0.1")
		w.names["many.example.com"] = append(w.names["many.example.com"], last)
		w.ttl["many.example.com"] = longTTL
		if n, err := client.looksUp(w, "tcp", "many.example.com", dnsmessage.TypeA); n != 301 || err != nil {
			t.Errorf("%d addresses: %v", n, err)
		}
		client.mayOpen("the last address of an answer of some segments", last)
	})
	t.Run("seen", func(t *testing.T) {
		if got := n.cached("WWW2.example.com"); len(got) != 1 || got[0].Name != "www2.example.com" || fmt.Sprint(got[0].Pods) != "[demo/client]" || got[0].Lapsed {
			t.Errorf("%+v", got)
		}
		rules := n.counted("antrea_agent_networkpolicy_packets_total")
		accepted := `action="Accept",direction="Egress",policy="ClusterNetworkPolicy names",rule="1"`
		denied := `action="Deny",direction="Egress",policy="ClusterNetworkPolicy names",rule="2"`
		if rules[accepted] < 100 || rules[denied] < 5 {
			t.Errorf("counted: %v", rules)
		}
		if limited := regexp.MustCompile(`meter:97 .* packet_in_count:(\d+)`).FindStringSubmatch(n.sw.Ofctl("meter-stats -OOpenFlow15", "br-int")); limited == nil || len(limited[1]) < 3 {
			t.Errorf("the meter has not seen the answers: %v", limited)
		}
		if d := n.drift(false); len(d.Items) != 0 {
			t.Errorf("the lease is taken for drift: %+v", d)
		}
	})
	t.Run("expiry", func(t *testing.T) {
		time.Sleep(time.Until(toldAt.Add(8 * time.Second)))
		if !lasting.passes() {
			t.Error("a connection ends with the time of its address")
		}
		client.mayNotOpen("after its time", shortLived)
		if got := n.cached("short.example.com"); len(got) != 1 || !got[0].Lapsed {
			t.Errorf("an address that is used and has lapsed: %+v", got)
		}
		if got := n.cached("unused.example.com"); len(got) != 0 {
			t.Errorf("an address that is not used and has lapsed: %+v", got)
		}
		client.resolves(w, "short.example.com")
		client.mayOpen("asked for again", shortLived)
	})
	t.Run("agent restarts", func(t *testing.T) {
		known := w.has("known.example.com", longTTL)
		client.resolves(w, "known.example.com")
		connection := client.mayOpen("before the agent ends", known)
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			n.stop(signal)
			stopped := time.Now()
			client.mayOpen("a name that is known, without an agent", known)
			unheard := w.has(fmt.Sprintf("unheard%d.example.com", signal), longTTL)
			n.until("names are resolved without an agent", func() bool {
				addresses, err := client.looksUp(w, "udp", fmt.Sprintf("unheard%d.example.com", signal), dnsmessage.TypeA)
				return addresses == 1 && err == nil
			})
			t.Logf("%v after %s a name is resolved", time.Since(stopped).Round(10*time.Millisecond), signal)
			client.mayNotOpen("what nobody has learned", unheard)
			n.start()
			if m := inSync.FindStringSubmatch(n.log.String()); m == nil || m[1]+m[2]+m[3] != "000" {
				t.Errorf("the agent that started again changed flows: %v", m)
			}
			if !connection.passes() || !lasting.passes() {
				t.Error("a connection was cut")
			}
			client.mayOpen("a name that is known", known)
			n.until("answers wait for the agent again", func() bool { return strings.Contains(n.sw.Ofctl("dump-flows", "br-int"), "pause") })
			client.resolves(w, fmt.Sprintf("unheard%d.example.com", signal))
			client.mayOpen("asked for again", unheard)
		}
	})
	t.Run("policy goes", func(t *testing.T) {
		n.replace(nil)
		n.until("nothing is held back any more", func() bool {
			dump := n.sw.Ofctl("dump-flows", "br-int")
			return !strings.Contains(dump, "pause") && !strings.Contains(dump, "nw_dst=198.")
		})
	})
}
