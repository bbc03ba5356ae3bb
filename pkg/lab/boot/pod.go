package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Pod is what the process 1 of a Pod of the fast lane needs. It is started in namespaces of its own (PID, mount, IPC, and
// UTS and network unless it is on the host's) and supervises the Pod's containers.
type Pod struct {
	Socket   string
	Hostname string // "" on the host's network
	HostNet  bool
}

func (p *Pod) setUp() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keep mounts to the Pod: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if p.HostNet {
		return nil
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	if err := unix.Sethostname([]byte(p.Hostname)); err != nil {
		return err
	}
	return loopbackUp()
}

// PodCloneFlags are the namespaces that a Pod's process 1 is born in.
func PodCloneFlags(hostNet bool) uintptr {
	flags := uintptr(unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID)
	if !hostNet {
		flags |= unix.CLONE_NEWUTS | unix.CLONE_NEWNET
	}
	return flags
}

// ContainerCloneFlags are the namespaces that a container is born in; all others are its Pod's.
const ContainerCloneFlags = unix.CLONE_NEWNS

// Container is a container of the fast lane: it becomes the program that it names. It is started in a mount namespace of
// its own.
type Container struct {
	Root     string // the image's root file system, which is not written to
	Dir      string // its own folder: what it writes to its root goes there
	Mounts   []Mount
	Args     []string
	Env      []string
	WorkDir  string
	User     string // "" or uid[:gid]
	ReadOnly bool
}

// Mount is a file or folder of the node that a container sees.
type Mount struct {
	From, To string
	ReadOnly bool
}

// become sets the container's file system up and replaces this process by its program.
func (c *Container) become() error {
	root := filepath.Join(c.Dir, "root")
	upper, work := filepath.Join(c.Dir, "upper"), filepath.Join(c.Dir, "work")
	for _, d := range []string{root, upper, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return err
	}
	if err := unix.Mount("overlay", root, "overlay", 0, "lowerdir="+c.Root+",upperdir="+upper+",workdir="+work); err != nil {
		return fmt.Errorf("root file system: %w", err)
	}
	mounts := append([]Mount{{"/proc", "/proc", false}, {"/sys", "/sys", false}, {"/dev", "/dev", false}}, c.Mounts...)
	for i := range mounts { // links of the node, before its root is left
		from, err := filepath.EvalSymlinks(mounts[i].From)
		if err != nil {
			return fmt.Errorf("mount %s: %w", mounts[i].To, err)
		}
		mounts[i].From = filepath.Join(nodeRoot, from)
	}
	if err := os.MkdirAll(filepath.Join(root, nodeRoot), 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(root, filepath.Join(root, nodeRoot)); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	for _, m := range mounts {
		if err := m.mount(); err != nil {
			return fmt.Errorf("mount %s: %w", m.To, err)
		}
	}
	if err := unix.Unmount(nodeRoot, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the node's root: %w", err)
	}
	if err := os.Remove(nodeRoot); err != nil {
		return err
	}
	if c.ReadOnly {
		if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("make the root read-only: %w", err)
		}
	}
	if err := unix.Chdir(filepath.Join("/", c.WorkDir)); err != nil {
		return fmt.Errorf("working directory: %w", err)
	}
	if err := c.setUser(); err != nil {
		return err
	}
	program, err := c.lookPath()
	if err != nil {
		return err
	}
	return fmt.Errorf("start %s: %w", program, syscall.Exec(program, c.Args, c.Env))
}

// nodeRoot is where a container finds the node's file system until its mounts are made.
const nodeRoot = "/.node"

// mount is called in the container's root, so that links in the image, such as /var/run, stay in it.
func (m Mount) mount() error {
	to := m.To
	info, err := os.Stat(m.From)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(to, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			f.Close()
		}
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(m.From, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if m.ReadOnly {
		return unix.Mount("", to, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, "")
	}
	return nil
}

func (c *Container) setUser() error {
	if c.User == "" {
		return nil
	}
	u, g, hasGroup := strings.Cut(c.User, ":")
	uid, err := strconv.Atoi(u)
	if err != nil {
		return fmt.Errorf("user %q is not a number", c.User)
	}
	gid := uid
	if hasGroup {
		if gid, err = strconv.Atoi(g); err != nil {
			return fmt.Errorf("group %q is not a number", c.User)
		}
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(gid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// lookPath finds the program by the container's own PATH.
func (c *Container) lookPath() (string, error) {
	if len(c.Args) == 0 {
		return "", fmt.Errorf("neither the Pod nor the image names a program")
	}
	if strings.Contains(c.Args[0], "/") {
		return c.Args[0], nil
	}
	for _, e := range c.Env {
		path, ok := strings.CutPrefix(e, "PATH=")
		if !ok {
			continue
		}
		for dir := range strings.SplitSeq(path, ":") {
			file := filepath.Join(dir, c.Args[0])
			if info, err := os.Stat(file); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
				return file, nil
			}
		}
	}
	return "", fmt.Errorf("%s is not on the container's PATH", c.Args[0])
}
