// Package ofconn is an OpenFlow 1.5 connection to one bridge of Open vSwitch, or one of OpenFlow 1.0 or 1.3 that dumps flows.
//
// Start at [Dial], or at [Run], which connects again whenever the connection ends. What goes over it are the messages of
// package openflow.
//
//   - conn.go: the connection; dial.go: how it comes about, over a Unix socket, TCP or TLS
//   - reader.go, writer.go: its two goroutines
//   - request.go: requests and their replies; version.go: what older versions of OpenFlow allow
//   - call.go: one request and its reply; messages without a reply, with a barrier
//   - bundle.go: changes as one ordered, atomic bundle
//   - dump.go: what the switch has: flows, groups, meters, ports; monitor.go: how its flows change
//   - events.go: what the switch says unasked
//   - run.go: connecting and connecting again
//
// Every wait ends with its context. Nothing is retried inside a connection: an error that is not the switch's own answer
// means that the outcome is unknown.
package ofconn

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a connection can be told. Its zero value is sound.
type Config struct {
	// EchoInterval is after how long a silence the switch is asked for a sign of life; three of them without any end the
	// connection. 0 is five seconds.
	EchoInterval time.Duration
	// Versions are those of OpenFlow to agree on, the highest of which the switch speaks is used. None is 1.5 alone; 1.0 and 1.3
	// are for [Conn.DumpFlows], and everything else needs 1.5.
	Versions []uint8
	// TLS is what [Dial] needs for an address that begins with ssl. Without ServerName the host of the address is verified.
	TLS *tls.Config
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
)

// Conn is a connection. Its methods can be used from several goroutines.
type Conn struct {
	nc      net.Conn
	version uint8
	echo    time.Duration

	bundles    chan struct{} // holds one token: a bundle at a time
	nextChange uint32        // xid of the next change, for who holds the token
	nextXid    atomic.Uint32
	heard      atomic.Int64 // when something last came, in nanoseconds

	events events

	mu       sync.Mutex
	pending  []byte        // to be sent
	drained  chan struct{} // closed when pending has been taken
	wake     chan struct{} // tells the writer that pending has something
	requests map[uint32]*request
	bundle   *bundle       // the one that is being sent
	monitor  *request      // of flows
	waiting  int           // how many wait for a reply, or to send
	resume   chan struct{} // tells the reader that it may have to go on
	free     [][]byte      // buffers of messages that have been dealt with

	done   chan struct{}
	failed sync.Once
	err    error
	both   sync.WaitGroup // reader and writer
}

// bundleXid marks the messages of a bundle, so that their errors need no table of requests.
const bundleXid = 1 << 31

// xid is never 0, which is what the switch uses when nobody has asked.
func (c *Conn) xid() uint32 {
	for {
		if xid := c.nextXid.Add(1) &^ bundleXid; xid != 0 {
			return xid
		}
	}
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
