package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Inotify instances are the one resource that labs take from the whole machine: its limit is per user, and many machines
// allow 128. inotifyPerNode is kubelet 6 and containerd 1; inotifyPerCluster is the API server 6 and the controller
// manager 5 (counted in /proc).
const (
	inotifyPerNode    = 7
	inotifyPerCluster = 11
	inotifySpare      = 32 // for what runs in Pods
)

// inotifyLimit is the machine's limit, and the file in which labs keep what it was before.
type inotifyLimit struct{ setting, before string }

func newInotifyLimit(c Cache) inotifyLimit {
	return inotifyLimit{setting: "/proc/sys/fs/inotify/max_user_instances", before: filepath.Join(c.Dir, "labs", ".inotify-limit")}
}

func inotifyNeeds(d Description) int {
	need := inotifySpare
	for _, c := range d.Clusters {
		need += inotifyPerCluster
		if d.Nodes == Real {
			need += inotifyPerNode * len(c.Nodes)
		}
	}
	return need
}

// ensure raises the limit if fewer than need instances are to be had. It says whether it did.
func (l inotifyLimit) ensure(need int) (bool, error) {
	if inotifyAvailable(need) {
		return false, nil
	}
	old, err := readInt(l.setting)
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(l.before); errors.Is(err, fs.ErrNotExist) {
		if err := writeFile(l.before, fmt.Appendln(nil, old), 0o600); err != nil {
			return false, err
		}
	}
	if err := os.WriteFile(l.setting, fmt.Append(nil, old+need), 0o644); err != nil {
		return false, fmt.Errorf("%d inotify instances are needed and the limit cannot be raised: %w", need, err)
	}
	return true, nil
}

// restore sets the limit to what it was before the first lab, once the last one is gone.
func (l inotifyLimit) restore() error {
	before, err := readInt(l.before)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Dir(l.before))
	if err != nil {
		return err
	}
	if len(entries) > 1 { // another lab is up
		return nil
	}
	if err := os.WriteFile(l.setting, fmt.Append(nil, before), 0o644); err != nil {
		return fmt.Errorf("restore the limit of inotify instances: %w", err)
	}
	return os.Remove(l.before)
}

// inotifyAvailable says whether n instances can be made now.
func inotifyAvailable(n int) bool {
	for range n {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if errors.Is(err, unix.EMFILE) {
			return false
		}
		if err == nil {
			defer unix.Close(fd)
		}
	}
	return true
}

func readInt(file string) (n int, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Sscan(string(text), &n); err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}
