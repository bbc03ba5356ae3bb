// Command init is the first process of the guest of test/kernel: it mounts the kernel's file systems, runs the script that it is given and
// ends the guest.
package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/test/kernel/guest"
)

func main() {
	status, err := run()
	if err != nil {
		fmt.Println("init:", err)
	}
	fmt.Printf("%s%d\n", guest.Ended, status)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {} // the kernel panics when its first process ends
}

func run() (status int, err error) {
	for _, m := range []struct{ target, kind string }{
		{"/proc", "proc"}, {"/sys", "sysfs"}, {"/dev", "devtmpfs"}, {"/run", "tmpfs"}, {"/tmp", "tmpfs"},
	} {
		if err := unix.Mount(m.kind, m.target, m.kind, 0, ""); err != nil {
			return 1, fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return spawn(guest.Script)
}

// spawn runs the script, collects all that ends meanwhile, as the first process must, and returns the script's status.
func spawn(script string) (int, error) {
	child, err := os.StartProcess("/bin/bash", []string{"bash", script}, &os.ProcAttr{
		Dir: "/tmp", Env: []string{"HOME=/tmp", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, Files: []*os.File{os.Stdin, os.Stdout, os.Stdout},
	})
	if err != nil {
		return 1, err
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 1, fmt.Errorf("wait: %w", err)
		case pid == child.Pid && status.Exited():
			return status.ExitStatus(), nil
		case pid == child.Pid:
			return 1, fmt.Errorf("%s ended by %s", script, status.Signal())
		}
	}
}
