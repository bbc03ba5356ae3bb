package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Mount mounts the hierarchies anew over [Root], in a process that has its own cgroup and mount namespaces: the cgroup it
// is in becomes the root, so that kubelet needs to know of nothing. A v2 hierarchy beside v1 is left out; runc then asks
// v1 for everything.
func (t Tree) Mount() error {
	if t.Unified {
		return t.mountUnified()
	}
	if err := unix.Mount("cgroup", Root, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount %s: %w", Root, err)
	}
	for _, h := range t.Hierarchies {
		if h.Options == "" {
			continue
		}
		name := filepath.Base(h.Path)
		dir := filepath.Join(Root, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount("cgroup", dir, "cgroup", 0, h.Options); err != nil {
			return fmt.Errorf("mount cgroup %s: %w", h.Options, err)
		}
		for c := range strings.SplitSeq(h.Options, ",") { // cpu,cpuacct is also found as cpu and as cpuacct
			if c != name && c != "none" && !strings.HasPrefix(c, "name=") {
				if err := os.Symlink(name, filepath.Join(Root, c)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mountUnified moves the process into a leaf, because v2 lets no cgroup have both processes and children with controllers.
func (t Tree) mountUnified() error {
	if err := unix.Mount("cgroup2", Root, "cgroup2", 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", Root, err)
	}
	leaf := Group{Tree: Tree{Hierarchies: []Hierarchy{{Path: Root}}}, Path: "init"}
	if err := leaf.Create(); err != nil {
		return err
	}
	if err := leaf.Join(); err != nil {
		return err
	}
	handDown(Root)
	return nil
}
