package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// programs are what a lab calls; install.sh installs them.
var programs = []string{"containerd", "containerd-shim-runc-v2", "ctr", "runc", "nsenter", "mmdebstrap", "nft", "iptables", "tcpdump", "ovs-ofctl", "cp"}

// preflight reports everything that keeps a lab from coming up on this machine.
func preflight(c Cache) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if os.Geteuid() != 0 {
		bad("a lab needs root")
	}
	var missing []string
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		bad("not installed: %s; test/lab/install.sh installs what a lab needs", strings.Join(missing, ", "))
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(c.Dir, &fs); err != nil {
		bad("%s: %w", c.Dir, err)
	} else {
		if fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
			bad("the cache %s is on overlayfs, which cannot hold container images; set ANTREA_MC_CACHE to a folder on a disk", c.Dir)
		}
		if free := fs.Bavail * uint64(fs.Bsize) >> 30; free < 5 {
			bad("only %d GiB are free in %s, want 5", free, c.Dir)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("this machine cannot run the lab:\n%w", errors.Join(errs...))
	}
	return nil
}
