package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// receiver reads a packet, with its time to live.
type receiver func(b []byte) (n, ttl int, from net.Addr, err error)

// family is ICMP of one IP version.
type family struct {
	network, any   string
	protocol       int
	request, reply icmp.Type
	open           func(net.PacketConn) (receiver, error)
}

// families are by "is IPv6".
var families = map[bool]family{
	false: {"ip4:icmp", "0.0.0.0", 1, ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, func(c net.PacketConn) (receiver, error) {
		p := ipv4.NewPacketConn(c)
		return func(b []byte) (int, int, net.Addr, error) {
			n, cm, from, err := p.ReadFrom(b)
			if err != nil {
				return 0, 0, nil, err
			}
			return n, cm.TTL, from, nil
		}, p.SetControlMessage(ipv4.FlagTTL, true)
	}},
	true: {"ip6:ipv6-icmp", "::", 58, ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, func(c net.PacketConn) (receiver, error) {
		p := ipv6.NewPacketConn(c)
		return func(b []byte) (int, int, net.Addr, error) {
			n, cm, from, err := p.ReadFrom(b)
			if err != nil {
				return 0, 0, nil, err
			}
			return n, cm.HopLimit, from, nil
		}, p.SetControlMessage(ipv6.FlagHopLimit, true)
	}},
}

// PingReport is what ping prints: requests sent, answered, and answers by their time to live.
type PingReport struct {
	Sent, Received int
	TTL            map[int]int
	MaxRTT         time.Duration
}

// ping counts like the program of that name, except that the last request is given as much time as the others: that
// program waits for it no longer than two round trips, which on a busy machine is a packet lost by the measurement.
func ping(args []string) error {
	fs := flag.NewFlagSet("ping", flag.ExitOnError)
	count := fs.Int("count", 20, "echo requests")
	interval := fs.Duration("interval", 50*time.Millisecond, "between two requests")
	timeout := fs.Duration("timeout", 3*time.Second, "for the last answers")
	_ = fs.Parse(args)
	if fs.NArg() != 1 || *count < 1 || *count > 65535 {
		return fmt.Errorf("usage: probe ping [-count 1-65535] [-interval D] [-timeout D] ADDRESS")
	}
	dst, err := netip.ParseAddr(fs.Arg(0))
	if err != nil {
		return err
	}
	f := families[dst.Is6()]
	c, err := net.ListenPacket(f.network, f.any)
	if err != nil {
		return err
	}
	defer c.Close()
	receive, err := f.open(c)
	if err != nil {
		return err
	}
	id := os.Getpid() & 0xffff
	start := time.Now() // each request carries its own time, as the program does
	failed := make(chan error, 1)
	go func() { // the time for answers begins when all is sent: a busy machine sends more slowly
		tick := time.NewTicker(*interval)
		defer tick.Stop()
		for seq := range *count {
			data := make([]byte, 56)
			binary.BigEndian.PutUint64(data, uint64(time.Since(start)))
			request := icmp.Message{Type: f.request, Body: &icmp.Echo{ID: id, Seq: seq, Data: data}}
			b, err := request.Marshal(nil)
			if err == nil {
				_, err = c.WriteTo(b, &net.IPAddr{IP: dst.AsSlice()})
			}
			if err != nil {
				failed <- fmt.Errorf("request %d: %w", seq+1, err)
				_ = c.SetReadDeadline(time.Now())
				return
			}
			<-tick.C
		}
		failed <- nil
		_ = c.SetReadDeadline(time.Now().Add(*timeout))
	}()

	report := PingReport{Sent: *count, TTL: map[int]int{}}
	answered := make(map[int]bool)
	for b := make([]byte, 1500); report.Received < *count; {
		n, ttl, from, err := receive(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
		m, err := icmp.ParseMessage(f.protocol, b[:n])
		if err != nil || m.Type != f.reply || from.String() != dst.String() {
			continue
		}
		echo, ok := m.Body.(*icmp.Echo)
		if !ok || echo.ID != id || echo.Seq >= *count || answered[echo.Seq] || len(echo.Data) < 8 {
			continue
		}
		answered[echo.Seq] = true
		report.Received++
		report.TTL[ttl]++
		report.MaxRTT = max(report.MaxRTT, time.Since(start)-time.Duration(binary.BigEndian.Uint64(echo.Data)))
	}
	if err := <-failed; err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}
