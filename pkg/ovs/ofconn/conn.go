// Package ofconn is an OpenFlow 1.5 connection to one bridge of Open vSwitch.
//
// Start at [Dial], or at [Run], which connects again whenever the connection ends. What goes over it are the messages of
// package openflow.
//
//   - conn.go: the connection, its reader and its writer, requests and their replies
//   - bundle.go: changes as one ordered, atomic bundle
//   - dump.go: what the switch has: flows, groups, ports
//   - run.go: connecting and connecting again
//
// Every wait ends with its context. Nothing is retried inside a connection: an error that is not the switch's own answer
// means that the outcome is unknown.
package ofconn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Config is what a connection can be told. Its zero value is sound.
type Config struct {
	// EchoInterval is after how long a silence the switch is asked for a sign of life; three of them without any end the
	// connection. 0 is five seconds.
	EchoInterval time.Duration
	// Handle gets every message that is no reply, such as port status. It runs in the reader and must not wait.
	Handle func(openflow.Header, openflow.Message)
	// MaxBackoff is the longest wait between attempts of [Run]. 0 is five seconds.
	MaxBackoff time.Duration
	// Report hears from [Run] why an attempt or a connection ended.
	Report func(error)
}

// ErrClosed is why a connection ended that was closed on this side.
var ErrClosed = errors.New("connection closed")

const (
	defaultEchoInterval = 5 * time.Second
	silencesAllowed     = 3
	handshakeTimeout    = 10 * time.Second
	bufferSize          = 256 << 10
	pendingLimit        = 1 << 20 // bytes waiting to be sent before senders wait
)

// Conn is a connection. Its methods can be used from several goroutines.
type Conn struct {
	nc     net.Conn
	config Config

	bundles    chan struct{} // holds one token: a bundle at a time
	nextChange uint32        // xid of the next change, for who holds the token
	nextXid    atomic.Uint32
	heard      atomic.Int64 // when something last came, in nanoseconds

	mu       sync.Mutex
	pending  []byte        // to be sent
	drained  chan struct{} // closed when pending has been taken
	wake     chan struct{} // tells the writer that pending has something
	requests map[uint32]*request
	bundle   *bundle // the one that is being sent

	done   chan struct{}
	failed sync.Once
	err    error
	both   sync.WaitGroup // reader and writer
}

// request collects the replies to one xid.
type request struct {
	replies []openflow.Message
	arrived chan struct{}
}

// bundleXid marks the messages of a bundle, so that their errors need no table of requests.
const bundleXid = 1 << 31

// Dial connects to a switch at "unix:/path" or "tcp:host:port" and agrees on OpenFlow 1.5.
func Dial(ctx context.Context, addr string, config Config) (*Conn, error) {
	network, address, ok := strings.Cut(addr, ":")
	if !ok || (network != "unix" && network != "tcp") {
		return nil, fmt.Errorf("connect to switch %q: the address must be unix:PATH or tcp:HOST:PORT", addr)
	}
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect to switch: %w", err)
	}
	if config.EchoInterval == 0 {
		config.EchoInterval = defaultEchoInterval
	}
	c := &Conn{
		nc:       nc,
		config:   config,
		bundles:  make(chan struct{}, 1),
		drained:  make(chan struct{}),
		wake:     make(chan struct{}, 1),
		requests: make(map[uint32]*request),
		done:     make(chan struct{}),
	}
	r := bufio.NewReaderSize(nc, bufferSize)
	if err := c.shakeHands(ctx, r); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("connect to switch %s: %w", addr, err)
	}
	c.heard.Store(time.Now().UnixNano())
	c.both.Go(func() { c.fail(c.read(r)) })
	c.both.Go(func() { c.fail(c.write()) })
	return c, nil
}

// shakeHands exchanges hellos.
func (c *Conn) shakeHands(ctx context.Context, r *bufio.Reader) error {
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.nc.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	hello, err := openflow.AppendMessage(nil, c.xid(), openflow.Hello{Versions: []uint8{openflow.Version15}})
	if err != nil {
		return err
	}
	if _, err := c.nc.Write(hello); err != nil {
		return errors.Join(err, ctx.Err())
	}
	_, m, err := readMessage(r, nil)
	if err != nil {
		return errors.Join(fmt.Errorf("wait for hello: %w", err), ctx.Err())
	}
	switch m := m.(type) {
	case openflow.Hello:
		if !m.Speaks(openflow.Version15) {
			return fmt.Errorf("bridge does not speak OpenFlow 1.5 (versions %v): add OpenFlow15 to its protocols", m.Versions)
		}
	case *openflow.Error:
		return m
	default:
		return fmt.Errorf("first message is %s, not hello", m.MessageType())
	}
	if !stop() {
		return ctx.Err()
	}
	return c.nc.SetDeadline(time.Time{})
}

// readMessage reads one message, with buf as its space if that is large enough.
func readMessage(r io.Reader, buf []byte) (openflow.Header, openflow.Message, error) {
	if cap(buf) < 1<<16 {
		buf = make([]byte, 1<<16)
	}
	buf = buf[:1<<16]
	if _, err := io.ReadFull(r, buf[:openflow.HeaderLen]); err != nil {
		return openflow.Header{}, nil, err
	}
	h, err := openflow.DecodeHeader(buf)
	if err != nil {
		return h, nil, err
	}
	if _, err := io.ReadFull(r, buf[openflow.HeaderLen:h.Length]); err != nil {
		return h, nil, err
	}
	_, m, err := openflow.Decode(buf[:h.Length])
	if err != nil {
		// The boundaries of messages are still known, so one that cannot be read does not cost the connection.
		raw := openflow.Raw{Type: h.Type, Body: append([]byte(nil), buf[openflow.HeaderLen:h.Length]...)}
		return h, raw, nil
	}
	return h, m, nil
}

// Done is closed when the connection has ended; [Conn.Err] then says why.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is nil while the connection lasts.
func (c *Conn) Err() error {
	select {
	case <-c.done:
		return c.err
	default:
		return nil
	}
}

// Close ends the connection and returns when nothing of it runs any more.
func (c *Conn) Close() {
	c.fail(ErrClosed)
	c.both.Wait()
}

func (c *Conn) fail(err error) {
	c.failed.Do(func() {
		c.err = err
		_ = c.nc.Close()
		close(c.done)
	})
}

func (c *Conn) xid() uint32 { return c.nextXid.Add(1) &^ bundleXid }

// read takes messages until the connection ends. It never waits for anything else, because the switch stops reading while
// its replies are not taken.
func (c *Conn) read(r *bufio.Reader) error {
	buf := make([]byte, 1<<16)
	for {
		h, m, err := readMessage(r, buf)
		if err != nil {
			return fmt.Errorf("read from switch: %w", err)
		}
		c.heard.Store(time.Now().UnixNano())
		c.dispatch(h, m)
	}
}

func (c *Conn) dispatch(h openflow.Header, m openflow.Message) {
	if echo, ok := m.(openflow.Echo); ok {
		if !echo.Reply {
			c.mu.Lock()
			b, err := openflow.AppendMessage(c.pending, h.Xid, openflow.Echo{Reply: true, Data: echo.Data})
			if err == nil {
				c.pending = b
			}
			c.mu.Unlock()
			c.signal()
		}
		return
	}
	c.mu.Lock()
	if e, ok := m.(*openflow.Error); ok && c.bundle != nil && h.Xid&bundleXid != 0 {
		c.bundle.refuse(h.Xid, e)
		c.mu.Unlock()
		return
	}
	req, ok := c.requests[h.Xid]
	if ok {
		req.replies = append(req.replies, m)
		select {
		case req.arrived <- struct{}{}:
		default:
		}
	}
	c.mu.Unlock()
	if !ok && c.config.Handle != nil {
		c.config.Handle(h, m)
	}
}

// write sends what is pending, and asks for a sign of life when there is none.
func (c *Conn) write() error {
	tick := time.NewTicker(c.config.EchoInterval)
	defer tick.Stop()
	var sent []byte // the buffer that pending does not use
	for {
		select {
		case <-c.done:
			return c.err
		case <-tick.C:
			silence := time.Since(time.Unix(0, c.heard.Load()))
			if silence > silencesAllowed*c.config.EchoInterval {
				return fmt.Errorf("switch silent for %s", silence.Round(time.Millisecond))
			}
			if silence < c.config.EchoInterval/2 {
				continue
			}
			if err := c.ping(); err != nil {
				return err
			}
		case <-c.wake:
		}
		c.mu.Lock()
		batch := c.pending
		c.pending = sent[:0]
		close(c.drained)
		c.drained = make(chan struct{})
		c.mu.Unlock()
		if len(batch) > 0 {
			// A switch that hangs does not read either, and nobody looks at the clock during a write.
			_ = c.nc.SetWriteDeadline(time.Now().Add(silencesAllowed * c.config.EchoInterval))
			if _, err := c.nc.Write(batch); err != nil {
				return fmt.Errorf("write to switch: %w", err)
			}
		}
		if sent = batch; cap(sent) > 2*pendingLimit {
			sent = nil
		}
	}
}

func (c *Conn) ping() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := openflow.AppendMessage(c.pending, c.xid(), openflow.Echo{})
	if err == nil {
		c.pending = b
	}
	return err
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// send hands a message to the writer. It waits while much is pending.
func (c *Conn) send(ctx context.Context, xid uint32, m openflow.Message) error {
	for {
		select {
		case <-c.done:
			return c.err
		default:
		}
		c.mu.Lock()
		if len(c.pending) < pendingLimit {
			b, err := openflow.AppendMessage(c.pending, xid, m)
			if err == nil {
				c.pending = b
			}
			c.mu.Unlock()
			c.signal()
			return err
		}
		drained := c.drained
		c.mu.Unlock()
		select {
		case <-drained:
		case <-c.done:
			return c.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin sends a request whose replies are collected until end.
func (c *Conn) begin(ctx context.Context, m openflow.Message) (xid uint32, req *request, err error) {
	xid = c.xid()
	req = &request{arrived: make(chan struct{}, 1)}
	c.mu.Lock()
	c.requests[xid] = req
	c.mu.Unlock()
	if err := c.send(ctx, xid, m); err != nil {
		c.end(xid)
		return 0, nil, err
	}
	return xid, req, nil
}

func (c *Conn) end(xid uint32) {
	c.mu.Lock()
	delete(c.requests, xid)
	c.mu.Unlock()
}

// next waits for one reply. An error that the switch sends is returned as such.
func (c *Conn) next(ctx context.Context, req *request) (openflow.Message, error) {
	for {
		c.mu.Lock()
		if len(req.replies) > 0 {
			m := req.replies[0]
			req.replies = req.replies[1:]
			c.mu.Unlock()
			if e, ok := m.(*openflow.Error); ok {
				return nil, e
			}
			return m, nil
		}
		c.mu.Unlock()
		select {
		case <-req.arrived:
		case <-c.done:
			// What came before the end still counts.
			c.mu.Lock()
			empty := len(req.replies) == 0
			c.mu.Unlock()
			if empty {
				return nil, c.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// call sends a request and waits for its one reply.
func (c *Conn) call(ctx context.Context, m openflow.Message) (openflow.Message, error) {
	xid, req, err := c.begin(ctx, m)
	if err != nil {
		return nil, err
	}
	defer c.end(xid)
	return c.next(ctx, req)
}

// Barrier returns when the switch has done everything that was sent before.
func (c *Conn) Barrier(ctx context.Context) error {
	m, err := c.call(ctx, openflow.Empty(openflow.TypeBarrierRequest))
	if err == nil && m.MessageType() != openflow.TypeBarrierReply {
		err = fmt.Errorf("switch answered with %s", m.MessageType())
	}
	if err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	return nil
}

// Features asks the switch about itself.
func (c *Conn) Features(ctx context.Context) (openflow.Features, error) {
	m, err := c.call(ctx, openflow.Empty(openflow.TypeFeaturesRequest))
	if err != nil {
		return openflow.Features{}, fmt.Errorf("features: %w", err)
	}
	f, ok := m.(openflow.Features)
	if !ok {
		return openflow.Features{}, fmt.Errorf("features: switch answered with %s", m.MessageType())
	}
	return f, nil
}
