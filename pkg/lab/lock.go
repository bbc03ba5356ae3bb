package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock keeps a lab to this process, until release, so that nobody brings it up or takes it down meanwhile. The lock goes
// with the process; the file goes with release.
func (c Cache) lock(lab string) (release func(), err error) {
	name := filepath.Join(c.Dir, "locks", lab)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, fmt.Errorf("another antrea-lab is bringing lab %s up or taking it down (it holds %s): wait for it, or end it", lab, name)
			}
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if there, err := os.Stat(name); err == nil && os.SameFile(mine, there) {
			return func() { _ = os.Remove(name); f.Close() }, nil
		}
		f.Close() // its last owner removed it just now
	}
}
