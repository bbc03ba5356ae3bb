package supervisor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// Client gives orders to a supervisor.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a client of the supervisor that listens on socket; nothing is sent yet.
func NewClient(socket string) *Client {
	c := &Client{socket: socket}
	c.http.Transport = &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}
	return c
}

// Down says whether an error of a client means that no supervisor listens any more.
func Down(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
}

// PID is the supervisor's process id as the caller sees it. The kernel tells it of the socket, so it is never that of
// another process that was given the same number later.
func (c *Client) PID() (int, error) {
	conn, err := net.Dial("unix", c.socket)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *syscall.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		cred, failed = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if failed != nil {
		return 0, fmt.Errorf("who listens on %s: %w", c.socket, failed)
	}
	return int(cred.Pid), nil
}

// Start starts a service.
func (c *Client) Start(ctx context.Context, svc Service) error {
	body, err := json.Marshal(svc)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, "/services", body, nil)
}

// Stop ends a service with a signal and waits for its end.
func (c *Client) Stop(ctx context.Context, name string, sig syscall.Signal) error {
	return c.do(ctx, http.MethodDelete, fmt.Sprintf("/services/%s/%d", name, sig), nil, nil)
}

// Signal sends a signal to a service; one that restarts does so.
func (c *Client) Signal(ctx context.Context, name string, sig syscall.Signal) error {
	return c.do(ctx, http.MethodPost, fmt.Sprintf("/services/%s/%d", name, sig), nil, nil)
}

// Status lists the services.
func (c *Client) Status(ctx context.Context) ([]Status, error) {
	var all []Status
	return all, c.do(ctx, http.MethodGet, "/services", nil, &all)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return errors.New(strings.TrimSpace(string(text)))
	}
	if into != nil {
		return json.NewDecoder(resp.Body).Decode(into)
	}
	return nil
}
