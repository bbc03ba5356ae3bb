package failover

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const cpuGroups = "/sys/fs/cgroup/cpu" // of cgroup v1

// favor gives the lab's processes precedence over all others of this machine, and among them its switches: Nodes stand for
// machines of their own, where no switch waits for somebody's compiler, or for the agents of all Nodes that hear the same news.
// A nice value is not enough, for it only counts inside a cgroup or session. With cgroup v2 the switches are left where they are.
func favor(lab string) error {
	group, written := "antrea-lab-"+lab, false
	for file, most := range map[string]string{
		filepath.Join(cpuGroups, group, "cpu.shares"):        "262144",
		filepath.Join("/sys/fs/cgroup", group, "cpu.weight"): "10000",
	} {
		err := os.WriteFile(file, []byte(most), 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		written = written || err == nil
	}
	if !written {
		return errors.New("the lab has no cgroup to give precedence to: figures depend on what else the machine does")
	}
	return favorSwitches(lab)
}

// favorSwitches moves all ovs-vswitchd of the lab into a group that comes before those of the Nodes.
func favorSwitches(lab string) error {
	top := filepath.Join(cpuGroups, "antrea-lab-"+lab)
	if _, err := os.Stat(top); err != nil {
		return nil // cgroup v2
	}
	switches := filepath.Join(top, "switches")
	if err := os.Mkdir(switches, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.WriteFile(filepath.Join(switches, "cpu.shares"), []byte("262144"), 0); err != nil {
		return err
	}
	nodes, err := filepath.Glob(filepath.Join(top, "cl*", "cgroup.procs"))
	if err != nil {
		return err
	}
	for _, file := range nodes {
		pids, err := os.ReadFile(file)
		if err != nil {
			continue // a Node that is down
		}
		for pid := range strings.FieldsSeq(string(pids)) {
			name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
			if err == nil && strings.TrimSpace(string(name)) == "ovs-vswitchd" {
				_ = os.WriteFile(filepath.Join(switches, "cgroup.procs"), []byte(pid), 0) // unless it has just ended
			}
		}
	}
	return nil
}

// favoring does that until stop is called, for switches that start meanwhile.
func favoring(lab string) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			_ = favorSwitches(lab) // Adopt has told
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return func() { close(done); running.Wait() }
}
