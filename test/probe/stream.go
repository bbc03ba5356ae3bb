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
	UDP  UDPFlow
	TCP  []Gap // longer than usual between two echoes of a connection
	TCPs TCPCount
	New  NewCount
}

// UDPFlow is one flow of numbered packets that the server sends back.
type UDPFlow struct {
	Port       uint16 // that it is sent from
	Sent, Lost int
	Holes      []Gap // packets in a row that did not come back
}

// Gap is a time in which nothing came through: from the first packet that was lost to the next that was not.
type Gap struct {
	At, Millis int64
	Lost       int `json:",omitempty"`
}

// TCPCount is what became of the connections that echo.
type TCPCount struct {
	Echoes         int
	Broken, Resets int    // those that did not last until the end
	Error          string `json:",omitempty"`
}

// NewCount is what became of new connections.
type NewCount struct {
	Tried, OK, Resets int
	Failed            []int64 // when they began
	Errors            map[string]int
	SlowestMillis     int64
}

// stream sends UDP packets, lines over one TCP connection, and opens connections, to all addresses at once, and says for each
// when what was lost. All that is due is sent in one go, and at whole multiples of the interval on the clock, so that several of
// these do it at the same time: what a packet costs the switches on its way is mostly that they have to wake.
func stream(args []string) error {
	fs := flag.NewFlagSet("stream", flag.ExitOnError)
	interval := fs.Duration("interval", 5*time.Millisecond, "between two packets of a UDP flow")
	line := fs.Duration("line-interval", 20*time.Millisecond, "between two lines of a TCP connection")
	connections := fs.Int("connections", 1, "TCP connections")
	rate := fs.Int("rate", 50, "new connections a second")
	length := fs.Duration("for", 10*time.Second, "how long")
	timeout := fs.Duration("timeout", 5*time.Second, "for a new connection, and for the last line")
	late := fs.Duration("late", time.Second, "a UDP packet that takes longer is lost")
	notable := fs.Duration("notable", 50*time.Millisecond, "gaps of the TCP connection that are told")
	_ = fs.Parse(args)
	if fs.NArg() < 1 || *connections < 1 || *rate < 1 || *interval <= 0 || *line < *interval {
		return errors.New("usage: probe stream [-interval D] [-line-interval D] [-connections N] [-rate N] [-for D] HOST:PORT…")
	}
	reports := make([]StreamReport, fs.NArg())
	flows := make([]*udpFlow, fs.NArg())
	streams := make([]*echoStream, 0, fs.NArg()**connections)
	stop := time.Now().Add(*length)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, address := range fs.Args() {
		var err error
		if flows[i], err = openUDP(address); err != nil {
			return err
		}
		defer flows[i].conn.Close()
		for range *connections {
			e := &echoStream{make(chan struct{}, 1), &mu, &reports[i]}
			streams = append(streams, e)
			wg.Go(func() { e.run(address, stop, *timeout, *notable) })
		}
		wg.Go(func() { reports[i].New = newConnections(address, *rate, *length, *timeout) })
	}
	for n := 0; time.Now().Before(stop); n++ {
		for _, f := range flows {
			f.send()
		}
		if n%int(*line / *interval) == 0 {
			for _, e := range streams {
				e.want()
			}
		}
		now := time.Now()
		time.Sleep(now.Truncate(*interval).Add(*interval).Sub(now))
	}
	for _, e := range streams {
		close(e.due)
	}
	for i, f := range flows {
		wg.Go(func() { reports[i].UDP = f.finish(*late) })
	}
	wg.Wait()
	return json.NewEncoder(os.Stdout).Encode(reports)
}

// udpFlow sends packets from one port and notes which come back.
type udpFlow struct {
	conn     net.Conn
	sent     []time.Time
	received chan struct{} // closed when nothing is read any more

	mu   sync.Mutex
	back map[int]time.Time
}

func openUDP(address string) (*udpFlow, error) {
	c, err := net.Dial("udp", address)
	if err != nil {
		return nil, err
	}
	f := &udpFlow{conn: c, back: map[int]time.Time{}, received: make(chan struct{})}
	go f.receive()
	return f, nil
}

func (f *udpFlow) receive() {
	defer close(f.received)
	for b := make([]byte, 64); ; {
		n, err := f.conn.Read(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
			return
		case err != nil || n < 4:
			continue // an ICMP error, of which the gap tells
		}
		f.mu.Lock()
		if number := int(binary.BigEndian.Uint32(b)); f.back[number].IsZero() {
			f.back[number] = time.Now()
		}
		f.mu.Unlock()
	}
}

func (f *udpFlow) send() {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(f.sent)))
	f.sent = append(f.sent, time.Now())
	_, _ = f.conn.Write(b) // what is not sent does not come back
}

// finish waits for the last answers: all, or those that are not late.
func (f *udpFlow) finish(late time.Duration) UDPFlow {
	for end := time.Now().Add(late); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		f.mu.Lock()
		all := len(f.back) == len(f.sent)
		f.mu.Unlock()
		if all {
			break
		}
	}
	_ = f.conn.SetReadDeadline(time.Now())
	<-f.received
	inTime := func(i int) bool { return !f.back[i].IsZero() && f.back[i].Sub(f.sent[i]) <= late }
	r := UDPFlow{Sent: len(f.sent), Holes: holes(f.sent, inTime)}
	if a, ok := f.conn.LocalAddr().(*net.UDPAddr); ok {
		r.Port = uint16(a.Port)
	}
	for _, h := range r.Holes {
		r.Lost += h.Lost
	}
	return r
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

// echoStream sends a line over one connection whenever one is due, and notes when they come back late.
type echoStream struct {
	due    chan struct{} // closed at the end
	mu     *sync.Mutex   // several connections share a report
	report *StreamReport
}

// want asks for a line; if the connection is stuck, so be it.
func (e *echoStream) want() {
	select {
	case e.due <- struct{}{}:
	default:
	}
}

func (e *echoStream) run(address string, stop time.Time, timeout, notable time.Duration) {
	count, gaps := echoes(address, e.due, stop, timeout, notable)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.report.TCP = append(e.report.TCP, gaps...)
	e.report.TCPs.Echoes += count.Echoes
	e.report.TCPs.Resets += count.Resets
	if count.Error != "" {
		e.report.TCPs.Broken++
		e.report.TCPs.Error = count.Error
	}
}

func echoes(address string, due <-chan struct{}, stop time.Time, timeout, notable time.Duration) (count TCPCount, gaps []Gap) {
	c, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return TCPCount{Error: err.Error()}, nil
	}
	defer c.Close()
	if _, err := io.WriteString(c, "echo\n"); err != nil {
		return TCPCount{Error: err.Error()}, nil
	}
	_ = c.SetDeadline(stop.Add(timeout))
	go func() {
		for range due {
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
