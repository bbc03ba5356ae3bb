package agent

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

const trafficInterval = 10 * time.Millisecond

// traffic is packets from some Pods to others and back: a UDP flow for each pair, so that every gateway has its share (for the
// switch, ports make no difference in UDP), and one TCP stream.
type traffic struct {
	t     testing.TB
	flows []*flow
	tcp   net.Conn
	stop  chan struct{}
	done  sync.WaitGroup

	mu       sync.Mutex
	lastEcho time.Time
	stall    time.Duration
	broken   error
}

// flow is the packets of one socket: when each was sent, and whether it came back.
type flow struct {
	mu   sync.Mutex
	sent []time.Time
	back []bool
}

// startTraffic sends until finish.
func startTraffic(t testing.TB, from, to []testPod) *traffic {
	t.Helper()
	tr := &traffic{t: t, stop: make(chan struct{})}
	var tcp netip.AddrPort
	for _, server := range to {
		var udp netip.AddrPort
		udp, tcp = server.echo(t)
		for _, client := range from {
			err := inNamespace(client.ns, func() error {
				c, err := net.Dial("udp4", udp.String())
				if err == nil {
					f := &flow{}
					tr.flows = append(tr.flows, f)
					tr.done.Go(func() { tr.send(c, f) })
					go f.receive(c)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	err := inNamespace(from[0].ns, func() (err error) {
		tr.tcp, err = net.DialTimeout("tcp4", tcp.String(), 10*time.Second)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tr.lastEcho = time.Now()
	tr.done.Go(tr.stream)
	go tr.echoes()
	return tr
}

// echo answers until the end of the test.
func (p testPod) echo(t testing.TB) (udp, tcp netip.AddrPort) {
	t.Helper()
	var packets net.PacketConn
	var listener net.Listener
	err := inNamespace(p.ns, func() (err error) {
		if packets, err = net.ListenPacket("udp4", ":0"); err != nil {
			return err
		}
		listener, err = net.Listen("tcp4", ":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packets.Close(); listener.Close() })
	go func() {
		b := make([]byte, 64)
		for {
			n, addr, err := packets.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = packets.WriteTo(b[:n], addr)
		}
	}()
	go func() {
		c, err := listener.Accept()
		if err == nil {
			_, _ = io.Copy(c, c)
			c.Close()
		}
	}()
	port := func(a net.Addr) uint16 { return netip.MustParseAddrPort(a.String()).Port() }
	return netip.AddrPortFrom(p.ip, port(packets.LocalAddr())), netip.AddrPortFrom(p.ip, port(listener.Addr()))
}

func (tr *traffic) send(c net.Conn, f *flow) {
	ticker := time.NewTicker(trafficInterval)
	defer ticker.Stop()
	for {
		select {
		case <-tr.stop:
			time.Sleep(time.Second) // for the last answers
			c.Close()
			return
		case <-ticker.C:
		}
		f.mu.Lock()
		f.sent, f.back = append(f.sent, time.Now()), append(f.back, false)
		number := len(f.sent) - 1
		f.mu.Unlock()
		_, _ = c.Write(binary.BigEndian.AppendUint32(nil, uint32(number)))
	}
}

func (f *flow) receive(c net.Conn) {
	b := make([]byte, 64)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if n != 4 {
			continue
		}
		f.mu.Lock()
		if number := int(binary.BigEndian.Uint32(b)); number < len(f.back) {
			f.back[number] = true
		}
		f.mu.Unlock()
	}
}

// stream writes to the TCP connection; echoes notes how long nothing comes back.
func (tr *traffic) stream() {
	ticker := time.NewTicker(trafficInterval)
	defer ticker.Stop()
	for {
		select {
		case <-tr.stop:
			time.Sleep(time.Second)
			tr.tcp.Close()
			return
		case <-ticker.C:
		}
		if _, err := tr.tcp.Write([]byte("tick")); err != nil {
			tr.mu.Lock()
			tr.broken = err
			tr.mu.Unlock()
			return
		}
	}
}

func (tr *traffic) echoes() {
	b := make([]byte, 4096)
	for {
		if _, err := tr.tcp.Read(b); err != nil {
			return
		}
		tr.mu.Lock()
		tr.stall = max(tr.stall, time.Since(tr.lastEcho))
		tr.lastEcho = time.Now()
		tr.mu.Unlock()
	}
}

// flowing waits until packets of all flows have come back that were sent after now, and TCP has too.
func (tr *traffic) flowing(what string) {
	tr.t.Helper()
	since := time.Now()
	for deadline := since.Add(90 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		missing := 0
		for _, f := range tr.flows {
			if !f.backSince(since) {
				missing++
			}
		}
		tr.mu.Lock()
		if !tr.lastEcho.After(since) {
			missing++
		}
		broken := tr.broken
		tr.mu.Unlock()
		if broken != nil {
			tr.t.Fatalf("%s: the TCP connection broke: %v", what, broken)
		}
		if missing == 0 {
			return
		}
		if time.Now().After(deadline) {
			tr.t.Fatalf("%s: %d of %d flows get no answers", what, missing, len(tr.flows)+1)
		}
	}
}

func (f *flow) backSince(since time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.sent) - 1; i >= 0 && f.sent[i].After(since); i-- {
		if f.back[i] {
			return true
		}
	}
	return false
}

// result is what traffic has suffered.
type result struct {
	sent, lost int
	all        int           // flows
	hole       time.Duration // the longest time that one flow had no answer
	flows      int           // that lost any
	stall      time.Duration // the longest that TCP stood still
}

func (r result) String() string {
	return fmt.Sprintf("%d of %d packets lost in %d of %d flows, longest hole %d ms, worst TCP stall %d ms",
		r.lost, r.sent, r.flows, r.all, r.hole.Milliseconds(), r.stall.Milliseconds())
}

// finish ends the traffic, waits for the last answers and counts.
func (tr *traffic) finish() result {
	tr.t.Helper()
	close(tr.stop)
	tr.done.Wait()
	r := result{all: len(tr.flows)}
	for _, f := range tr.flows {
		f.mu.Lock()
		lost := 0
		var last time.Time
		for i, at := range f.sent {
			r.sent++
			if !f.back[i] {
				lost++
				continue
			}
			if !last.IsZero() {
				r.hole = max(r.hole, at.Sub(last))
			}
			last = at
		}
		if lost > 0 {
			r.flows++
		}
		r.lost += lost
		f.mu.Unlock()
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	r.stall = tr.stall
	return r
}
