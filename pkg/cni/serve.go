package cni

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// Serve gives every connection to the socket to answer, until ctx ends, and returns when those under way are answered. answer's
// context does not end with ctx: a request that has begun is finished, so that a restart leaves no Pod half attached.
func Serve(ctx context.Context, socket string, answer func(context.Context, *net.UnixConn)) error {
	listener, err := listenUnix(socket)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()

	var requests sync.WaitGroup
	defer requests.Wait()
	for {
		conn, err := listener.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept on %s: %w", socket, err)
		}
		requests.Go(func() {
			defer conn.Close()
			answer(context.WithoutCancel(ctx), conn)
		})
	}
}

// listenUnix replaces the socket that an earlier process left. The path is never removed: a successor may already listen there.
func listenUnix(path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("socket of the CNI plugin: %w", err)
	}
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("socket of the CNI plugin: %w", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("socket of the CNI plugin: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path)); err != nil {
		listener.Close()
		return nil, fmt.Errorf("socket of the CNI plugin: %w", err)
	}
	return listener, nil
}
