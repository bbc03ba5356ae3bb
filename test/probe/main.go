// Command probe is what the lab's Pods run to be measured: a server, and clients that count what is lost.
//
//	probe serve [-port 8080]                        TCP server: answers each connection, see below; UDP packets it sends back
//	probe connect [-rate N] [-for D] HOST:PORT      new TCP connections at a steady rate, a report as JSON
//	probe stream [-rate N] [-for D] HOST:PORT…      UDP flows, a TCP connection and new ones at once; when what was lost, as JSON
//	probe send [-bytes N] HOST:PORT                 N random bytes over one connection, both SHA-256 sums as JSON
//	probe ping [-count N] [-interval D] ADDRESS     ICMP echo requests, a report as JSON
//
// A connection starts with one line. "ping" is answered with the server's host name and the caller's address; "sum N" is
// followed by N bytes and answered with their SHA-256; after "echo" every line is sent back.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: probe serve|connect|stream|send|ping …")
	}
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(os.Args[2:])
	case "connect":
		err = connect(os.Args[2:])
	case "stream":
		err = stream(os.Args[2:])
	case "send":
		err = send(os.Args[2:])
	case "ping":
		err = ping(os.Args[2:])
	default:
		err = fmt.Errorf("unknown command %q: serve, connect, stream, send or ping", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serve(args []string) error {
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	port := fs.Int("port", 8080, "TCP port")
	_ = fs.Parse(args)
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", *port))
	if err != nil {
		return err
	}
	u, err := net.ListenPacket("udp", fmt.Sprintf(":%d", *port))
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	go func() {
		for b := make([]byte, 2048); ; {
			n, from, err := u.ReadFrom(b)
			if err == nil {
				_, _ = u.WriteTo(b[:n], from)
			} else if errors.Is(err, net.ErrClosed) {
				return
			}
		}
	}()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			if err := answer(c, host); err != nil {
				log.Printf("%s: %v", c.RemoteAddr(), err)
			}
		}()
	}
}

func answer(c net.Conn, host string) error {
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	var n int64
	switch line = strings.TrimSpace(line); {
	case line == "echo":
		_ = c.SetDeadline(time.Now().Add(time.Hour))
		_, err = io.Copy(c, r)
		return err
	case line == "ping":
		_, err = fmt.Fprintf(c, "%s %s\n", host, c.RemoteAddr())
		return err
	case scan(line, &n):
		sum := sha256.New()
		if _, err := io.CopyN(sum, r, n); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c, "%x\n", sum.Sum(nil))
		return err
	}
	return fmt.Errorf("unknown request %q", line)
}

func scan(line string, n *int64) bool {
	_, err := fmt.Sscanf(line, "sum %d", n)
	return err == nil
}

// Report is what connect prints: how many connections were opened, how many were answered in time, and the longest time
// between two answers.
type Report struct {
	Tried, OK int
	MaxGap    time.Duration
	Errors    map[string]int `json:",omitempty"`
}

func connect(args []string) error {
	fs := flag.NewFlagSet("connect", flag.ExitOnError)
	rate := fs.Int("rate", 50, "new connections a second")
	length := fs.Duration("for", 10*time.Second, "how long")
	timeout := fs.Duration("timeout", 5*time.Second, "until a connection counts as lost")
	_ = fs.Parse(args)
	if fs.NArg() != 1 || *rate < 1 {
		return fmt.Errorf("usage: probe connect [-rate N] [-for D] HOST:PORT")
	}
	report := Report{Errors: map[string]int{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := time.Now()
	last := start
	// What a busy machine is late with is made up for: it is the number of connections that was asked for.
	for due := start; due.Before(start.Add(*length)); due = due.Add(time.Second / time.Duration(*rate)) {
		time.Sleep(time.Until(due))
		report.Tried++
		wg.Go(func() {
			err := ask(fs.Arg(0), *timeout)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				report.Errors[err.Error()]++
				return
			}
			report.OK++
			report.MaxGap = max(report.MaxGap, time.Since(last))
			last = time.Now()
		})
	}
	wg.Wait()
	return json.NewEncoder(os.Stdout).Encode(report)
}

func ask(addr string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(timeout))
	if _, err := io.WriteString(c, "ping\n"); err != nil {
		return err
	}
	_, err = bufio.NewReader(c).ReadString('\n')
	return err
}

func send(args []string) error {
	fs := flag.NewFlagSet("send", flag.ExitOnError)
	size := fs.Int64("bytes", 1<<20, "how many")
	_ = fs.Parse(args)
	if fs.NArg() != 1 {
		return fmt.Errorf("usage: probe send [-bytes N] HOST:PORT")
	}
	c, err := net.DialTimeout("tcp", fs.Arg(0), 5*time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	start := time.Now()
	if _, err := fmt.Fprintf(c, "sum %d\n", *size); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(c, sum), io.LimitReader(rand.Reader, *size)); err != nil {
		return err
	}
	got, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"bytes": *size, "sent": fmt.Sprintf("%x", sum.Sum(nil)), "received": strings.TrimSpace(got), "took": time.Since(start).String(),
	})
}
