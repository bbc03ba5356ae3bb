package cgroup

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, mountinfo string
		want            Tree
	}{
		{"v2", `31 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate
`, Tree{Unified: true, Hierarchies: []Hierarchy{{Path: "/sys/fs/cgroup"}}}},
		{"v1 with v2 beside it", `30 24 0:25 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
33 30 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
34 24 0:29 / /tmp rw - tmpfs tmpfs rw
`, Tree{Hierarchies: []Hierarchy{
			{"/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct"},
			{"/sys/fs/cgroup/systemd", "none,name=systemd"},
			{"/sys/fs/cgroup/unified", ""},
		}}},
		{"none", "", Tree{Unified: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parse(c.mountinfo)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestWeigh(t *testing.T) {
	const group = "antrea-lab-demo"
	for _, c := range []struct {
		name        string
		hierarchies []Hierarchy // below a directory of the test
		unified     bool
		file        string // of the group
		nodes       int
		want        string
	}{
		{"v1", []Hierarchy{{"cpuset", "cpuset"}, {"cpu", "cpu,cpuacct"}, {"unified", ""}}, false, "cpu/antrea-lab-demo/cpu.shares", 9, "9216"},
		{"v1, more than there can be", []Hierarchy{{"cpu", "cpu"}}, false, "cpu/antrea-lab-demo/cpu.shares", 300, "262144"},
		{"v2", []Hierarchy{{"all", ""}}, true, "all/antrea-lab-demo/cpu.weight", 9, "900"},
		{"v2, more than there can be", []Hierarchy{{"all", ""}}, true, "all/antrea-lab-demo/cpu.weight", 300, "10000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			tree := Tree{Unified: c.unified}
			for _, h := range c.hierarchies {
				h.Path = filepath.Join(dir, h.Path)
				tree.Hierarchies = append(tree.Hierarchies, h)
				if err := os.MkdirAll(filepath.Join(h.Path, group), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, c.file), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := (Group{Tree: tree, Path: group}).Weigh(c.nodes); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, c.file)); err != nil || string(got) != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
			if files, _ := filepath.Glob(filepath.Join(dir, "*", group, "*")); len(files) != 1 {
				t.Errorf("written: %v", files)
			}
		})
	}
}
