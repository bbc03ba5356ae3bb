package cgroup

import (
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
