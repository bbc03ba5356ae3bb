package cni

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
)

// listen answers each connection with f until the test ends.
func listen(t *testing.T, f func(*net.UnixConn)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c.(*net.UnixConn))
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return path
}

func TestCall(t *testing.T) {
	want := Request{Command: Add, ContainerID: "c", NetNS: "/x", IfName: "eth0", Args: "A=B", Path: "/bin", Stdin: json.RawMessage(`{"name":"n"}`)}
	file, err := os.Create(filepath.Join(t.TempDir(), "netns"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()

	for name, netns := range map[string]*os.File{"with a namespace": file, "without": nil} {
		t.Run(name, func(t *testing.T) {
			socket := listen(t, func(c *net.UnixConn) {
				got, received, err := ReadRequest(c)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("agent read %+v, %v", got, err)
				}
				if (received != nil) != (netns != nil) {
					t.Errorf("agent received file %v", received)
				}
				if received != nil {
					a, _ := received.Stat()
					b, _ := netns.Stat()
					if !os.SameFile(a, b) {
						t.Error("agent received another file")
					}
					received.Close()
				}
				_ = json.NewEncoder(c).Encode(Response{Error: types.NewError(11, "later", "")})
			})
			resp, err := Call(t.Context(), socket, want, netns)
			if err != nil || resp.Error == nil || resp.Error.Code != 11 {
				t.Errorf("answer %+v, %v", resp, err)
			}
		})
	}
}

func TestCallWithoutAnswer(t *testing.T) {
	t.Run("no agent", func(t *testing.T) {
		_, err := Call(t.Context(), filepath.Join(t.TempDir(), "none"), Request{}, nil)
		if !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("agent dies", func(t *testing.T) {
		socket := listen(t, func(c *net.UnixConn) { _, _, _ = ReadRequest(c) })
		_, err := Call(t.Context(), socket, Request{}, nil)
		if err == nil || !strings.Contains(err.Error(), "closed the connection") {
			t.Error(err)
		}
	})
	t.Run("agent hangs", func(t *testing.T) {
		release := make(chan struct{})
		socket := listen(t, func(*net.UnixConn) { <-release })
		defer close(release)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("too slow"))
		defer cancel()
		if _, err := Call(ctx, socket, Request{}, nil); err == nil || err.Error() != "too slow" {
			t.Error(err)
		}
	})
}

func TestReadRequestErrors(t *testing.T) {
	for _, tt := range []struct {
		name, sent, want string
	}{
		{"nothing", "", "read request"},
		{"another version", "\x07{}", "version 7"},
		{"not JSON", "\x01{", "request: "},
		{"too long", "\x01" + strings.Repeat(" ", maxRequest+1), "more than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := make(chan error, 1)
			socket := listen(t, func(c *net.UnixConn) {
				_, _, err := ReadRequest(c)
				got <- err
			})
			c, err := net.Dial("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if tt.sent != "" {
				if _, err := c.Write([]byte(tt.sent)); err != nil {
					t.Fatal(err)
				}
			}
			_ = c.(*net.UnixConn).CloseWrite()
			if err := <-got; err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
