package probe

import (
	"cmp"
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
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"
)

// echoInterval is how often each gateway is asked for an echo, if nobody says otherwise.
const echoInterval = 2 * time.Second

// echoes asks gateways for ICMP echoes on the underlay, beside the tunnels, and remembers how long they took. Whether a gateway
// lives is for BFD to say: where ICMP does not pass, only the round trip is not known.
type echoes struct {
	interval time.Duration // 0 is echoInterval
	found    chan struct{} // if set, receives when the MTU of a path is found, or is another one

	mu      sync.Mutex
	windows map[netip.Addr]*window
	paths   map[netip.Addr]*pathProbe // to gateways of other clusters
}

// pathProbe is a path, and what the echoes of this round are known by.
type pathProbe struct {
	path
	token [8]byte
}

// follow sets whom to ask.
func (e *echoes) follow(peers []Peer, linkMTU int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := make(map[netip.Addr]*window)
	paths := make(map[netip.Addr]*pathProbe)
	for _, p := range peers {
		if !p.Gateway {
			continue
		}
		if next[p.Address] = e.windows[p.Address]; next[p.Address] == nil {
			next[p.Address] = &window{}
		}
		if p.Cluster == "" || linkMTU == 0 {
			continue
		}
		if paths[p.Address] = e.paths[p.Address]; paths[p.Address] == nil || paths[p.Address].top != linkMTU {
			least := leastIPv4
			if p.Address.Is6() {
				least = leastIPv6
			}
			paths[p.Address] = &pathProbe{path: newPath(linkMTU, least)}
		}
	}
	e.windows, e.paths = next, paths
}

// pathMTU is the largest packet, in bytes, that gets to an address in one piece; 0 if that is not known.
func (e *echoes) pathMTU(a netip.Addr) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.paths[a]; p != nil {
		return p.found
	}
	return 0
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
	headers        int                        // of IP and ICMP, in bytes
	// The option that makes the kernel send packets in one piece, whatever it has heard of the path.
	level, discover, probe int
}

// sendWhole sets that option.
func (p protocol) sendWhole(c net.PacketConn) error {
	raw, err := c.(*net.IPConn).SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), p.level, p.discover, p.probe) })
	return errors.Join(err, set)
}

var (
	icmp4 = protocol{"ip4:icmp", "0.0.0.0", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, func(c net.PacketConn) error {
		var f ipv4.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv4.ICMPTypeEchoReply)
		return ipv4.NewPacketConn(c).SetICMPFilter(&f)
	}, 20 + 8, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE}
	icmp6 = protocol{"ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, func(c net.PacketConn) error {
		var f ipv6.ICMPFilter
		f.SetAll(true)
		f.Accept(ipv6.ICMPTypeEchoReply)
		return ipv6.NewPacketConn(c).SetICMPFilter(&f)
	}, 40 + 8, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE}
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
	if err := p.sendWhole(c); err != nil {
		c.Close()
		return fmt.Errorf("path MTU discovery: %w", err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { e.read(c, p) })
	defer reading.Wait()
	defer c.Close()
	tick := time.NewTicker(cmp.Or(e.interval, echoInterval))
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
		long := e.paths[a]
		if long != nil {
			e.round(long, w.heard())
		}
		var token [8]byte
		_, _ = rand.Read(token[:])
		p.send(c, a, token, w.next(token, time.Now()), len(token))
		if long == nil {
			continue
		}
		_, _ = rand.Read(long.token[:])
		for i, length := range long.lengths() {
			p.send(c, a, long.token, uint16(i), length-p.headers)
		}
	}
}

// round ends a round of asking for a path, and tells if that is known otherwise now.
func (e *echoes) round(p *pathProbe, heard bool) {
	before := p.found
	p.round(heard)
	if p.found == before {
		return
	}
	select {
	case e.found <- struct{}{}:
	default:
	}
}

// send asks with so many bytes of data, of which the first are the token.
func (p protocol) send(c net.PacketConn, to netip.Addr, token [8]byte, seq uint16, length int) {
	data := make([]byte, length)
	copy(data, token[:])
	m := icmp.Message{Type: p.request, Body: &icmp.Echo{ID: int(token[0])<<8 | int(token[1]), Seq: int(seq), Data: data}}
	if b, err := m.Marshal(nil); err == nil {
		_, _ = c.WriteTo(b, &net.IPAddr{IP: to.AsSlice()})
	}
}

// read takes replies until the socket is closed. Only who was asked can know the token.
func (e *echoes) read(c net.PacketConn, p protocol) {
	for b := make([]byte, 64<<10); ; {
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
		if !ok || !isIP || len(echo.Data) < 8 {
			continue
		}
		a, _ := netip.AddrFromSlice(address.IP)
		e.answered(a.Unmap(), uint16(echo.Seq), echo.Data, p.headers, now)
	}
}

func (e *echoes) answered(from netip.Addr, seq uint16, data []byte, headers int, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	token := [8]byte(data)
	if w := e.windows[from]; w != nil && len(data) == len(token) {
		w.answer(seq, token, now)
	}
	if long := e.paths[from]; long != nil && len(data) > len(token) && token == long.token {
		long.answered(headers + len(data))
	}
}
