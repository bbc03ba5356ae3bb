package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// Down ends a lab and removes everything of it but the cache. It is no error if there is nothing to remove.
func Down(ctx context.Context, c Cache, name string) error {
	l, err := newLab(c, name, Plan{})
	if err != nil {
		return err
	}
	release, err := c.lock(name)
	if err != nil {
		return err
	}
	defer release()
	if err := l.down(ctx); err != nil {
		return err
	}
	return newInotifyLimit(c).restore()
}

func (l *Lab) down(ctx context.Context) error {
	if err := l.kill(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(string(l.dirs)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	group, err := l.group("")
	if err != nil {
		return err
	}
	if err := group.Remove(); err != nil {
		return err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	if strings.Contains(string(mounts), " "+string(l.dirs)+"/") {
		return fmt.Errorf("something is mounted below %s: unmount it, then take the lab down again", l.dirs)
	}
	return os.RemoveAll(string(l.dirs))
}

// kill kills the lab's process 1 and waits for its end, which comes after that of everything in its PID namespace.
func (l *Lab) kill(ctx context.Context) error {
	pid, err := l.init.PID()
	if supervisor.Down(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the lab's process 1: %w", err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if again, err := l.init.PID(); err != nil || again != pid { // it ended meanwhile, and the number may be another's
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("wait for the end of process %d: %w", pid, ctx.Err())
}
