package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// StreamReport is what stream prints for each address. Times are of the machine's clock, in milliseconds since 1970.
type StreamReport struct {
	UDP  []UDPFlow
	TCP  []Gap // longer than usual between two echoes of one connection
	TCPs TCPCount
	New  NewCount
}

// UDPFlow is one flow of numbered packets that the server sends back.
type UDPFlow struct {
	Sent, Lost int
	Holes      []Gap // packets in a row that did not come back
}

// Gap is a time in which nothing came through: from the first packet that was lost to the next that was not.
type Gap struct {
	At, Millis int64
	Lost       int `json:",omitempty"`
}

// TCPCount is what became of the connection that echoes.
type TCPCount struct {
	Echoes, Resets int
	Error          string `json:",omitempty"`
}

// NewCount is what became of new connections; Slow are those that took longer than a second, at their start.
type NewCount struct {
	Tried, OK, Resets int
	Failed            []int64 // when they began
	Errors            map[string]int
	SlowestMillis     int64
}

// stream sends UDP packets, lines over one TCP connection, and opens connections, to all addresses at once, and says for each
// when what was lost.
func stream(args []string) error {
	fs := flag.NewFlagSet("stream", flag.ExitOnError)
	flows := fs.Int("flows", 1, "UDP flows")
	interval := fs.Duration("interval", 5*time.Millisecond, "between two packets of a flow, and two lines of the TCP connection")
	rate := fs.Int("rate", 50, "new connections a second")
	length := fs.Duration("for", 10*time.Second, "how long")
	timeout := fs.Duration("timeout", 5*time.Second, "for the last answers, and for a new connection")
	notable := fs.Duration("notable", 50*time.Millisecond, "gaps of the TCP connection that are told")
	_ = fs.Parse(args)
	if fs.NArg() < 1 || *flows < 1 || *rate < 1 || *interval <= 0 {
		return errors.New("usage: probe stream [-flows N] [-interval D] [-rate N] [-for D] HOST:PORT…")
	}
	reports := make([]StreamReport, fs.NArg())
	errs := make([]error, fs.NArg()**flows)
	var wg sync.WaitGroup
	for i, address := range fs.Args() {
		r := &reports[i]
		r.UDP = make([]UDPFlow, *flows)
		for j := range *flows {
			wg.Go(func() { r.UDP[j], errs[i**flows+j] = udpFlow(address, *interval, *length, *timeout) })
		}
		wg.Go(func() { r.TCPs, r.TCP = echoes(address, *interval, *length, *timeout, *notable) })
		wg.Go(func() { r.New = newConnections(address, *rate, *length, *timeout) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(reports)
}

// udpFlow sends packets from one port and notes which come back.
func udpFlow(address string, interval, length, timeout time.Duration) (UDPFlow, error) {
	c, err := net.Dial("udp", address)
	if err != nil {
		return UDPFlow{}, err
	}
	defer c.Close()
	var mu sync.Mutex
	var sent []time.Time
	back := map[uint32]bool{}
	received := make(chan struct{})
	go func() {
		defer close(received)
		for b := make([]byte, 64); ; {
			n, err := c.Read(b)
			switch {
			case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
				return
			case err != nil || n < 4:
				continue // an ICMP error, of which the gap tells
			}
			mu.Lock()
			back[binary.BigEndian.Uint32(b)] = true
			mu.Unlock()
		}
	}()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); <-tick.C {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(sent)))
		sent = append(sent, time.Now())
		_, _ = c.Write(b) // what is not sent does not come back
	}
	// The last answers: all, or as long as it takes to be sure.
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		all := len(back) == len(sent)
		mu.Unlock()
		if all {
			break
		}
	}
	_ = c.SetReadDeadline(time.Now())
	<-received
	f := UDPFlow{Sent: len(sent), Lost: len(sent) - len(back)}
	f.Holes = holes(sent, func(i int) bool { return back[uint32(i)] })
	return f, nil
}

// holes are the runs of packets that did not come back.
func holes(sent []time.Time, back func(int) bool) (all []Gap) {
	for i := 0; i < len(sent); i++ {
		if back(i) {
			continue
		}
		first := i
		for i < len(sent) && !back(i) {
			i++
		}
		end := sent[min(i, len(sent)-1)]
		all = append(all, Gap{sent[first].UnixMilli(), end.Sub(sent[first]).Milliseconds(), i - first})
	}
	return all
}

// echoes sends lines over one connection and notes when they come back late.
func echoes(address string, interval, length, timeout, notable time.Duration) (count TCPCount, gaps []Gap) {
	c, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return TCPCount{Error: err.Error()}, nil
	}
	defer c.Close()
	if _, err := io.WriteString(c, "echo\n"); err != nil {
		return TCPCount{Error: err.Error()}, nil
	}
	stop := time.Now().Add(length)
	_ = c.SetDeadline(stop.Add(timeout))
	go func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for ; time.Now().Before(stop); <-tick.C {
			if _, err := io.WriteString(c, "x\n"); err != nil {
				return // the reader has it too
			}
		}
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.CloseWrite()
		}
	}()
	last := time.Now()
	for r := bufio.NewReader(c); ; {
		_, err := r.ReadSlice('\n')
		now := time.Now()
		if gap := now.Sub(last); gap >= notable && last.Before(stop) {
			gaps = append(gaps, Gap{At: last.UnixMilli(), Millis: gap.Milliseconds()})
		}
		last = now
		switch {
		case errors.Is(err, io.EOF):
			return count, gaps
		case err != nil:
			count.Error = err.Error()
			if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
				count.Resets++
			}
			return count, gaps
		}
		count.Echoes++
	}
}

// newConnections opens connections at a steady rate.
func newConnections(address string, rate int, length, timeout time.Duration) NewCount {
	n := NewCount{Errors: map[string]int{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for end := time.Now().Add(length); time.Now().Before(end); <-tick.C {
		n.Tried++
		wg.Go(func() {
			start := time.Now()
			err := ask(address, timeout)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				n.OK++
				n.SlowestMillis = max(n.SlowestMillis, time.Since(start).Milliseconds())
				return
			}
			n.Failed = append(n.Failed, start.UnixMilli())
			if errors.Is(err, syscall.ECONNRESET) {
				n.Resets++
			}
			var op *net.OpError
			if errors.As(err, &op) {
				err = fmt.Errorf("%s: %w", op.Op, op.Err)
			}
			n.Errors[err.Error()]++
		})
	}
	wg.Wait()
	return n
}
