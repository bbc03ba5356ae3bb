package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watched are the kernel's announcements about links, addresses and routes.
const watched = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_ROUTE

// Watch makes sure that changed, which needs a buffer of one, has a value after every change of a link, an address or a route
// of the Node, until ctx is done. What changed is not told: who watches looks at everything anyway.
func Watch(ctx context.Context, changed chan<- struct{}) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("watch links, addresses and routes: %w", err)
	}
	socket := os.NewFile(uintptr(fd), "rtnetlink")
	defer socket.Close()
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: watched}); err != nil {
		return fmt.Errorf("watch links, addresses and routes: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = socket.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buffer := make([]byte, 64<<10)
	for {
		_, err := socket.Read(buffer)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS): // too many to keep: still a change
			return fmt.Errorf("watch links, addresses and routes: %w", err)
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

// quiet is how long a loop lets changes gather before it looks: a device that comes up makes a dozen.
const quiet = 100 * time.Millisecond

// Settle waits until changes have gathered, or ctx is done.
func Settle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(quiet):
	}
}
