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
)

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
		return fmt.Errorf("usage: probe ping [-count 1-65535] [-interval D] [-timeout D] IPV4-ADDRESS")
	}
	dst, err := netip.ParseAddr(fs.Arg(0))
	if err != nil || !dst.Is4() {
		return fmt.Errorf("%q is no IPv4 address", fs.Arg(0))
	}
	c, err := net.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return err
	}
	defer c.Close()
	p := ipv4.NewPacketConn(c)
	if err := p.SetControlMessage(ipv4.FlagTTL, true); err != nil {
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
			request := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: id, Seq: seq, Data: data}}
			b, err := request.Marshal(nil)
			if err == nil {
				_, err = p.WriteTo(b, nil, &net.IPAddr{IP: dst.AsSlice()})
			}
			if err != nil {
				failed <- fmt.Errorf("request %d: %w", seq+1, err)
				_ = p.SetReadDeadline(time.Now())
				return
			}
			<-tick.C
		}
		failed <- nil
		_ = p.SetReadDeadline(time.Now().Add(*timeout))
	}()

	report := PingReport{Sent: *count, TTL: map[int]int{}}
	answered := make(map[int]bool)
	for b := make([]byte, 1500); report.Received < *count; {
		n, cm, from, err := p.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
		m, err := icmp.ParseMessage(1, b[:n])
		if err != nil || m.Type != ipv4.ICMPTypeEchoReply || from.String() != dst.String() {
			continue
		}
		echo, ok := m.Body.(*icmp.Echo)
		if !ok || echo.ID != id || echo.Seq >= *count || answered[echo.Seq] || len(echo.Data) < 8 {
			continue
		}
		answered[echo.Seq] = true
		report.Received++
		report.TTL[cm.TTL]++
		report.MaxRTT = max(report.MaxRTT, time.Since(start)-time.Duration(binary.BigEndian.Uint64(echo.Data)))
	}
	if err := <-failed; err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}
