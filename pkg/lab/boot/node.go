package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/lab/cgroup"
)

// Node is what a node's process 1 needs. It is started in namespaces of its own (PID, mount, network, UTS, IPC).
type Node struct {
	Hostname string
	Group    cgroup.Group
	// Dir holds the node's own files on the machine, see DirVar. In the node it is found at /run/lab/node.
	Dir string
	// Binds are further directories of the machine that the node sees, by their name below /run/lab.
	Binds map[string]string
	// InGroup is set by process 1 itself once it sees its cgroup as the root.
	InGroup bool
}

// What the node's directory holds: the file systems that survive a restart of the node, as a disk does. What is not named
// here, /run, /proc, /sys or a bind mount is the machine's own, such as /tmp and /root.
const (
	DirVar  = "var"  // becomes /var
	DirOpt  = "opt"  // becomes /opt
	DirEtc  = "etc"  // laid over the machine's /etc
	dirUsr  = "usr"  // laid over the machine's /usr
	dirWork = "work" // needed by overlayfs
	Socket  = "init.sock"

	// Lab is where a node finds what belongs to the lab.
	labDir  = "/run/lab"
	nodeDir = labDir + "/node"
)

// CloneFlags are the namespaces that a node is born in. The cgroup namespace comes later, from inside its cgroup.
const CloneFlags = unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID | unix.CLONE_NEWNET

func (n *Node) setUp(file string) error {
	if !n.InGroup {
		return n.enterGroup(file)
	}
	steps := []struct {
		what string
		do   func() error
	}{
		{"set its host name", func() error { return unix.Sethostname([]byte(n.Hostname)) }},
		{"keep its mounts to itself", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }},
		{"share its mounts with its containers", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, "") }},
		{"mount /proc", func() error { return unix.Mount("proc", "/proc", "proc", 0, "") }},
		{"mount /sys", func() error { return unix.Mount("sysfs", "/sys", "sysfs", 0, "") }},
		{"mount its cgroups", n.Group.Tree.Mount},
		{"mount /run", n.mountRun},
		{"mount /etc", func() error { return overlay(DirEtc) }},
		{"mount /usr", func() error { return overlay(dirUsr) }},
		{"mount /opt", func() error { return bind(filepath.Join(nodeDir, DirOpt), "/opt") }},
		{"mount /var", func() error { return bind(filepath.Join(nodeDir, DirVar), "/var") }},
		{"shield the machine's sysctls", shieldSysctls},
		{"bring up lo", loopbackUp},
		{"forward IPv4", func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644) }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("node %s: %s: %w", n.Hostname, s.what, err)
		}
	}
	return nil
}

// enterGroup joins the cgroup, makes it the root of a cgroup namespace and starts this program again in it: a namespace
// belongs to a thread, and only exec leaves a process with just that thread.
func (n *Node) enterGroup(file string) error {
	runtime.LockOSThread()
	if err := n.Group.Join(); err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("cgroup namespace: %w", err)
	}
	n.InGroup = true
	if err := (Spec{Node: n}).Write(file); err != nil {
		return err
	}
	return syscall.Exec("/proc/self/exe", Args(file), os.Environ())
}

// mountRun gives the node an empty /run and in it the way to the lab's files, which the mounts that follow may hide.
func (n *Node) mountRun() error {
	if err := unix.Mount("run", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	binds := map[string]string{"node": n.Dir}
	for name, dir := range n.Binds {
		binds[name] = dir
	}
	for name, dir := range binds {
		if err := bind(dir, filepath.Join(labDir, name)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/run/netns", "/run/lock"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// The agent's DaemonSet keeps the switch's sockets in /run/antrea; ovs-ofctl and ovs-vsctl look here.
	return os.Symlink("/run/antrea/openvswitch", "/run/openvswitch")
}

func bind(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("bind %s to %s: %w", from, to, err)
	}
	return nil
}

// overlay lays a directory of the node over the machine's of the same name: the node sees both and writes only to its own.
func overlay(name string) error {
	upper, work := filepath.Join(nodeDir, name), filepath.Join(nodeDir, dirWork, name)
	for _, d := range []string{upper, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return unix.Mount("overlay", "/"+name, "overlay", 0, "lowerdir=/"+name+",upperdir="+upper+",workdir="+work)
}

// machineSysctls are settings of the whole machine that kubelet insists on, with the values it writes.
var machineSysctls = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// shieldSysctls binds plain files over the machine's settings, so that kubelet finds what it wants and changes nothing.
func shieldSysctls() error {
	for name, value := range machineSysctls {
		setting := filepath.Join("/proc/sys", name)
		if _, err := os.Stat(setting); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		file := filepath.Join(labDir, "sysctl", strings.ReplaceAll(name, "/", "."))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, setting, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}
