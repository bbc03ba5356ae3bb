package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"k8s.io/klog/v2"
)

// echoInterval is how often each gateway is asked for an echo.
const echoInterval = 2 * time.Second

// echoes asks gateways for ICMP echoes on the underlay, beside the tunnels, and remembers how long they took. Whether a gateway
// lives is for BFD to say: where ICMP does not pass, only the round trip is not known.
type echoes struct {
	mu      sync.Mutex
	windows map[netip.Addr]*window
}

// follow sets whom to ask.
func (e *echoes) follow(peers []Peer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := make(map[netip.Addr]*window)
	for _, p := range peers {
		if !p.Gateway {
			continue
		}
		if next[p.Address] = e.windows[p.Address]; next[p.Address] == nil {
			next[p.Address] = &window{}
		}
	}
	e.windows = next
}

// of is what is known of an address.
func (e *echoes) of(a netip.Addr, now time.Time) roundTrip {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w := e.windows[a]; w != nil {
		return w.roundTrip(now)
	}
	return roundTrip{}
}

// protocol is ICMP of one IP version.
type protocol struct {
	network, any   string
	number         int // of the protocol, for parsing
	request, reply icmp.Type
	filter         func(net.PacketConn) error // all but replies
}

var (
	icmp4 = protocol{"ip4:icmp", "0.0.0.0", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, func(c net.PacketConn) error {
		var f ipv4.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv4.ICMPTypeEchoReply)
		return ipv4.NewPacketConn(c).SetICMPFilter(&f)
	}}
	icmp6 = protocol{"ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, func(c net.PacketConn) error {
		var f ipv6.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv6.ICMPTypeEchoReply)
		return ipv6.NewPacketConn(c).SetICMPFilter(&f)
	}}
)

// run asks until ctx is done. Without the right to it, or without IPv6, nothing is known of these round trips.
func (e *echoes) run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, p := range []protocol{icmp4, icmp6} {
		wg.Go(func() {
			if err := e.serve(ctx, p); err != nil && ctx.Err() == nil {
				klog.FromContext(ctx).V(2).Info("Round trips to gateways are not measured", "protocol", p.network, "err", err.Error())
			}
		})
	}
	wg.Wait()
	return nil
}

func (e *echoes) serve(ctx context.Context, p protocol) error {
	c, err := net.ListenPacket(p.network, p.any)
	if err != nil {
		return err
	}
	if err := p.filter(c); err != nil {
		c.Close()
		return fmt.Errorf("filter: %w", err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { e.read(c, p) })
	defer reading.Wait()
	defer c.Close()
	tick := time.NewTicker(echoInterval)
	defer tick.Stop()
	for {
		e.ask(c, p)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ask sends a request to all. What cannot be sent is not answered.
func (e *echoes) ask(c net.PacketConn, p protocol) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for a, w := range e.windows {
		if a.Is4() != (p.number == icmp4.number) {
			continue
		}
		var token [8]byte
		_, _ = rand.Read(token[:])
		seq := w.next(token, time.Now())
		m := icmp.Message{Type: p.request, Body: &icmp.Echo{ID: int(token[0])<<8 | int(token[1]), Seq: int(seq), Data: token[:]}}
		if b, err := m.Marshal(nil); err == nil {
			_, _ = c.WriteTo(b, &net.IPAddr{IP: a.AsSlice()})
		}
	}
}

// read takes replies until the socket is closed. Only who was asked can know the token.
func (e *echoes) read(c net.PacketConn, p protocol) {
	for b := make([]byte, 1500); ; {
		n, from, err := c.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		now := time.Now()
		if err != nil {
			continue
		}
		m, err := icmp.ParseMessage(p.number, b[:n])
		if err != nil || m.Type != p.reply {
			continue
		}
		echo, ok := m.Body.(*icmp.Echo)
		address, isIP := from.(*net.IPAddr)
		if !ok || !isIP || len(echo.Data) != 8 {
			continue
		}
		a, _ := netip.AddrFromSlice(address.IP)
		e.mu.Lock()
		if w := e.windows[a.Unmap()]; w != nil {
			w.answer(uint16(echo.Seq), [8]byte(echo.Data), now)
		}
		e.mu.Unlock()
	}
}
