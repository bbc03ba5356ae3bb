package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/lab/cgroup"
)

// Lab is what a lab's process 1 needs. It is started in namespaces of its own (PID, mount, network).
type Lab struct {
	Socket string // where it takes orders
	Group  cgroup.Group
	// Forwards are the addresses in the underlay that its inherited listeners (file descriptors 3 and up) lead to. The
	// listeners belong to the machine's network namespace and so give the machine a way in.
	Forwards []string
}

// FirstListener is the file descriptor of the first inherited listener.
const FirstListener = 3

func (l *Lab) setUp() error {
	if err := l.Group.Join(); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to the lab: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	for _, family := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
		if err := os.WriteFile("/proc/sys/net/"+family, []byte("1"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// forward copies bytes between what connects to the i-th listener and the target.
func forward(ctx context.Context, i int, target string) error {
	f := os.NewFile(uintptr(FirstListener+i), "listener")
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("forwarder to %s: %w", target, err)
	}
	f.Close()
	stopped := context.AfterFunc(ctx, func() { l.Close() })
	defer stopped()
	for {
		in, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("forwarder to %s: %w", target, err)
		}
		go func() {
			defer in.Close()
			out, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
			if err != nil {
				return // the caller sees a closed connection, as of a server that is down
			}
			defer out.Close()
			var both sync.WaitGroup
			both.Go(func() { pipe(out, in) })
			both.Go(func() { pipe(in, out) })
			both.Wait()
		}()
	}
}

func pipe(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if err != nil {
		to.Close()
		return
	}
	_ = to.(*net.TCPConn).CloseWrite()
}
