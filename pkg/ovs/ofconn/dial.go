package ofconn

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

const (
	handshakeTimeout = 10 * time.Second
	bufferSize       = 256 << 10
)

// Dial connects to a switch at "unix:/path", "tcp:host:port" or "ssl:host:port" and agrees on OpenFlow 1.5, or on one of
// Config.Versions.
func Dial(ctx context.Context, addr string, config Config) (*Conn, error) {
	nc, err := dial(ctx, addr, config.TLS)
	if err != nil {
		return nil, fmt.Errorf("connect to switch %s: %w", addr, err)
	}
	c, err := New(ctx, nc, config)
	if err != nil {
		return nil, fmt.Errorf("connect to switch %s: %w", addr, err)
	}
	return c, nil
}

func dial(ctx context.Context, addr string, config *tls.Config) (net.Conn, error) {
	network, address, _ := strings.Cut(addr, ":")
	var dialer net.Dialer
	switch network {
	case "unix", "tcp":
		return dialer.DialContext(ctx, network, address)
	case "ssl":
		if config == nil {
			return nil, errors.New("an address with ssl needs Config.TLS")
		}
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		secure := tls.Dialer{Config: config}
		return secure.DialContext(ctx, "tcp", address)
	}
	return nil, errors.New("the address must be unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT")
}

// New agrees on a version as [Dial] does, over a connection that is there already, such as one that the switch has made to its
// controller. The connection is closed if that fails.
func New(ctx context.Context, nc net.Conn, config Config) (*Conn, error) {
	c := &Conn{
		nc:       nc,
		echo:     config.EchoInterval,
		bundles:  make(chan struct{}, 1),
		drained:  make(chan struct{}),
		wake:     make(chan struct{}, 1),
		resume:   make(chan struct{}, 1),
		requests: make(map[uint32]*request),
		done:     make(chan struct{}),
	}
	if c.echo == 0 {
		c.echo = defaultEchoInterval
	}
	c.events.arrived = make(chan struct{}, 1)
	r := bufio.NewReaderSize(nc, bufferSize)
	versions := config.Versions
	if len(versions) == 0 {
		versions = []uint8{openflow.Version15}
	}
	if err := c.shakeHands(ctx, r, versions); err != nil {
		_ = nc.Close()
		return nil, err
	}
	c.heard.Store(time.Now().UnixNano())
	c.both.Go(func() { c.fail(c.read(r)) })
	c.both.Go(func() { c.fail(c.write()) })
	return c, nil
}

// shakeHands exchanges hellos.
func (c *Conn) shakeHands(ctx context.Context, r *bufio.Reader, versions []uint8) error {
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.nc.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	hello, err := openflow.AppendMessage(nil, c.xid(), openflow.Hello{Versions: versions})
	if err != nil {
		return err
	}
	if _, err := c.nc.Write(hello); err != nil {
		return errors.Join(err, ctx.Err())
	}
	m, err := readHello(r)
	if err != nil {
		return errors.Join(fmt.Errorf("wait for hello: %w", err), ctx.Err())
	}
	switch m := m.(type) {
	case openflow.Hello:
		if c.version, err = agree(versions, m); err != nil {
			return err
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

func readHello(r *bufio.Reader) (openflow.Message, error) {
	h, err := peekHeader(r)
	if err != nil {
		return nil, err
	}
	b := make([]byte, h.Length)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	_, m, err := openflow.Decode(b)
	return m, err
}
