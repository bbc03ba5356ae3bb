// Package cgroup gives each node of a lab a cgroup of its own, on machines with cgroup v1, v2 or both.
//
// Start at [Find], which says what the machine has. A [Group] is made and removed from outside; the node's process 1
// joins it and then sees it as the root ([Group.Join], [Tree.Mount]). Nothing else of the machine's cgroups is changed,
// but for the controllers that v2 must hand down.
package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Root is where cgroups are mounted, on the machine and in a node.
const Root = "/sys/fs/cgroup"

// Hierarchy is one mounted cgroup file system.
type Hierarchy struct {
	Path    string // mount point
	Options string // v1: its controllers as mount options; "" for v2
}

// Tree is how the machine's cgroups are laid out.
type Tree struct {
	Unified     bool // v2 only
	Hierarchies []Hierarchy
}

// Find reads the layout of the machine.
func Find() (Tree, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return Tree{}, err
	}
	t := parse(string(text))
	if len(t.Hierarchies) == 0 {
		return t, fmt.Errorf("no cgroup file system is mounted below %s", Root)
	}
	return t, nil
}

// parse takes the cgroup mounts out of /proc/self/mountinfo. Where v1 and v2 are both mounted, the controllers are v1's.
func parse(mountinfo string) Tree {
	var t Tree
	v1 := false
	for line := range strings.Lines(mountinfo) {
		left, right, ok := strings.Cut(line, " - ")
		l, r := strings.Fields(left), strings.Fields(right)
		if !ok || len(l) < 5 || len(r) < 3 || !strings.HasPrefix(l[4], Root) {
			continue
		}
		h := Hierarchy{Path: l[4]}
		switch r[0] {
		case "cgroup":
			h.Options, v1 = options(r[2]), true
		case "cgroup2":
		default:
			continue
		}
		if !slices.ContainsFunc(t.Hierarchies, func(o Hierarchy) bool { return o.Path == h.Path }) {
			t.Hierarchies = append(t.Hierarchies, h)
		}
	}
	t.Unified = !v1
	return t
}

// options keeps what tells one v1 hierarchy from another: its controllers, or its name.
func options(super string) string {
	var keep []string
	for o := range strings.SplitSeq(super, ",") {
		switch o {
		case "rw", "ro", "none", "xattr", "clone_children", "noprefix", "seclabel", "cpuset_v2_mode":
			continue
		}
		if strings.HasPrefix(o, "release_agent=") {
			continue
		}
		if strings.HasPrefix(o, "name=") {
			o = "none," + o
		}
		keep = append(keep, o)
	}
	return strings.Join(keep, ",")
}

// Group is a cgroup of the same path in every hierarchy.
type Group struct {
	Tree Tree
	Path string // relative, such as antrea-lab-demo/cl1-node1
}

func (g Group) dirs() []string {
	dirs := make([]string, 0, len(g.Tree.Hierarchies))
	for _, h := range g.Tree.Hierarchies {
		dirs = append(dirs, filepath.Join(h.Path, g.Path))
	}
	return dirs
}

// Create makes the group and what is above it. It is no error if it is there.
func (g Group) Create() error {
	for _, h := range g.Tree.Hierarchies {
		dir := h.Path
		for part := range strings.SplitSeq(g.Path, "/") {
			if g.Tree.Unified {
				handDown(dir)
			}
			parent := dir
			dir = filepath.Join(dir, part)
			if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("make cgroup: %w", err)
			}
			if strings.Contains(h.Options, "cpuset") {
				if err := inherit(parent, dir, "cpuset.cpus", "cpuset.mems"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// handDown gives all controllers of a v2 cgroup to its children. A controller that cannot be given stays where it is:
// kubelet says which one it misses.
func handDown(dir string) {
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return
	}
	for c := range strings.FieldsSeq(string(have)) {
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte("+"+c), 0o644)
	}
}

// inherit copies settings that v1 leaves empty in a new cgroup, which then takes no process.
func inherit(from, to string, files ...string) error {
	for _, f := range files {
		v, err := os.ReadFile(filepath.Join(from, f))
		if err != nil {
			return fmt.Errorf("set up cgroup: %w", err)
		}
		if err := os.WriteFile(filepath.Join(to, f), v, 0o644); err != nil {
			return fmt.Errorf("set up cgroup: %w", err)
		}
	}
	return nil
}

// Weigh gives the group, which is there, the processor time of n processes where there is not enough for all. A new group counts as one,
// whatever is in it. Nothing happens where cgroups do not schedule.
func (g Group) Weigh(n int) error {
	for _, h := range g.Tree.Hierarchies {
		file, weight := "cpu.shares", min(n*1024, 1<<18)
		switch {
		case g.Tree.Unified:
			file, weight = "cpu.weight", min(n*100, 10000)
		case !slices.Contains(strings.Split(h.Options, ","), "cpu"):
			continue
		}
		f, err := os.OpenFile(filepath.Join(h.Path, g.Path, file), os.O_WRONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			_, err = f.WriteString(strconv.Itoa(weight))
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return fmt.Errorf("weigh cgroup: %w", err)
		}
	}
	return nil
}

// Join moves the calling process into the group.
func (g Group) Join() error {
	for _, d := range g.dirs() {
		if err := os.WriteFile(filepath.Join(d, "cgroup.procs"), []byte("0"), 0o644); err != nil {
			return fmt.Errorf("join cgroup: %w", err)
		}
	}
	return nil
}

// Processes lists the processes of the group and of all groups below it. Of several hierarchies it is the last that counts: one
// that schedules may put some into another group.
func (g Group) Processes() ([]int, error) {
	var pids []int
	dirs := g.dirs()
	dir := dirs[len(dirs)-1]
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "cgroup.procs" {
			return ignoreGone(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return ignoreGone(err)
		}
		for f := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	return pids, err
}

// Remove removes the group and all groups below it. They must have no processes.
func (g Group) Remove() error {
	var all error
	for _, top := range g.dirs() {
		var dirs []string
		err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return ignoreGone(err)
		})
		all = errors.Join(all, err)
		for _, d := range slices.Backward(dirs) {
			if err := unix.Rmdir(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
				all = errors.Join(all, fmt.Errorf("remove cgroup %s: %w", d, err))
			}
		}
	}
	return all
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}
