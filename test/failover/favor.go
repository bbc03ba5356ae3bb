package failover

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// favor gives the lab's processes precedence over all others of this machine: its Nodes stand for machines of their own, where
// no switch would wait for somebody's compiler. A nice value alone is not enough, for that only counts inside a cgroup or session.
func favor(lab string) error {
	group, written := "antrea-lab-"+lab, false
	for pattern, most := range map[string]string{
		"/sys/fs/cgroup/*/" + group + "/cpu.shares": "262144",
		"/sys/fs/cgroup/" + group + "/cpu.weight":   "10000",
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := os.WriteFile(f, []byte(most), 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			written = true
		}
	}
	if !written {
		return errors.New("the lab has no cgroup to give precedence to: figures depend on what else the machine does")
	}
	return nil
}
