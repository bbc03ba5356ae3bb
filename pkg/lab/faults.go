package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Enter is the command line that runs a command in all namespaces of a node.
func (l *Lab) Enter(node string, command ...string) ([]string, error) {
	return l.enter(node, []string{"-m", "-u", "-i", "-n", "-p", "-C"}, command)
}

// Capture is the command line that shows what passes a node's underlay link: what tcpdump is told, or all tunnel packets.
func (l *Lab) Capture(node string, args ...string) ([]string, error) {
	if len(args) == 0 {
		args = []string{"udp", "port", "6081"}
	}
	return l.enter(node, []string{"-n"}, append([]string{"tcpdump", "-i", nodeLink, "-e", "-nn", "-l"}, args...))
}

func (l *Lab) enter(node string, namespaces, command []string) ([]string, error) {
	pid, err := l.NodePID(node)
	if err != nil {
		return nil, err
	}
	argv := append([]string{"nsenter", fmt.Sprintf("--target=%d", pid)}, namespaces...)
	return append(append(argv, "--"), command...), nil
}

// victims are the programs and scripts that [Lab.Kill] finds among a node's processes, by what a user calls them. start-ovs starts
// the other two of Open vSwitch again.
var victims = map[string]string{
	"agent": "antrea-agent", "ovs": "start-ovs", "vswitchd": "ovs-vswitchd", "ovsdb": "ovsdb-server", "apiserver": svcAPI,
	"multus": "multus-daemon", "whereabouts": "whereabouts-daemon", "plugin": pluginDir + "*",
}

// pluginDir is where a node's CNI plugins are.
const pluginDir = "/opt/cni/bin/"

// Victims lists what Kill can kill.
func Victims() []string {
	return []string{"agent", "multus", "whereabouts", "plugin", "ovs", "vswitchd", "ovsdb", "apiserver", svcEtcd, svcKubelet, "node"}
}

// ErrNotRunning says that what was to be killed does not run. CNI plugins run for moments only.
var ErrNotRunning = errors.New("it does not run")

// Kill sends a signal to a part of a node, or takes the whole node's power (what "node"). kubelet is started again as by
// an init system, containers by kubelet; a node only by [Lab.Start]. The etcd is the lab's, whatever the node.
func (l *Lab) Kill(ctx context.Context, node, what string, sig syscall.Signal) error {
	if _, err := l.NodePID(node); err != nil {
		return err
	}
	switch what {
	case "node":
		return l.init.Stop(ctx, node, sig)
	case svcEtcd:
		return l.init.Signal(ctx, svcEtcd, sig)
	case svcKubelet:
		if l.Plan.Lane() == FastLane {
			what = svcFast
		}
		return l.node(node).Signal(ctx, what, sig)
	}
	program, ok := victims[what]
	if !ok {
		return fmt.Errorf("kill %q: want one of %s", what, strings.Join(Victims(), ", "))
	}
	pids, err := l.processes(node, program)
	if err != nil {
		return err
	}
	if len(pids) == 0 {
		return fmt.Errorf("kill %s on node %s: %w", what, node, ErrNotRunning)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill %s (%d) on node %s: %w", program, pid, node, err)
		}
	}
	return nil
}

// processes finds a program's processes in a node's cgroups.
func (l *Lab) processes(node, program string) ([]int, error) {
	group, err := l.group(node)
	if err != nil {
		return nil, err
	}
	all, err := group.Processes()
	if err != nil {
		return nil, fmt.Errorf("processes of node %s: %w", node, err)
	}
	return slices.DeleteFunc(all, func(pid int) bool { return !runs(pid, program) }), nil
}

// runs tells whether a process runs a program, a script of that name, or any program of a directory (its name is "*").
func runs(pid int, program string) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return false
	}
	exe = strings.TrimSuffix(exe, " (deleted)")
	if dir, ok := strings.CutSuffix(program, "*"); ok {
		return strings.HasSuffix(filepath.Dir(exe)+"/", dir)
	}
	switch filepath.Base(exe) {
	case program:
		return true
	case "bash":
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		args := strings.Split(string(line), "\x00")
		return err == nil && len(args) > 1 && filepath.Base(args[1]) == program
	}
	return false
}

// Start starts a node that was killed; on it, everything that ran by itself before.
func (l *Lab) Start(ctx context.Context, node string) error {
	c, n, err := l.Plan.Node(node)
	if err != nil {
		return err
	}
	if !l.alive(ctx) {
		return fmt.Errorf("lab %s is down; antrea-lab up FILE starts it anew", l.Name)
	}
	if _, err := l.node(node).PID(); err == nil {
		return fmt.Errorf("node %s runs already", node)
	}
	group, err := l.group(node)
	if err != nil {
		return err
	}
	if err := group.Remove(); err != nil { // of its former containers
		return err
	}
	if err := l.startNode(ctx, n); err != nil {
		return err
	}
	if n.ControlPlane {
		if err := l.startControlPlane(ctx, c); err != nil {
			return err
		}
	}
	return l.startRuntime(ctx, c, n)
}

// SetLink unplugs a node's underlay cable, or plugs it in again.
func (l *Lab) SetLink(node string, up bool) error {
	if _, err := l.NodePID(node); err != nil {
		return err
	}
	pid, err := l.init.PID()
	if err != nil {
		return err
	}
	return setCable(pid, node, up)
}

// LoadImages imports image archives into all nodes that run.
func (l *Lab) LoadImages(ctx context.Context, archives ...string) error {
	for _, a := range archives {
		if _, err := os.Stat(a); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("image archive %s does not exist; make images makes the project's", a)
		} else if err != nil {
			return err
		}
	}
	if l.Plan.Lane() == FastLane {
		b := Builder{Cache: l.cache, Progress: l.Progress}
		return b.Unpack(ctx, filepath.Join(l.dirs.fast(), imageIndex), archives...)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, n := range l.Plan.All() {
		g.Go(func() error {
			for _, a := range archives {
				if err := l.loadImage(ctx, n.Name, a); err != nil {
					return fmt.Errorf("load %s into %s: %w", a, n.Name, err)
				}
			}
			l.Progress.Say("%s: %d images loaded", n.Name, len(archives))
			return nil
		})
	}
	return g.Wait()
}

// loadImage hands the archive over by file descriptor: the node need not see its folder.
func (l *Lab) loadImage(ctx context.Context, node, archive string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	argv, err := l.Enter(node, "ctr", "--address", containerdSocket, "--namespace", "k8s.io", "images", "import", "-")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = f
	return run(cmd)
}

// Exec replaces this program by a command line of [Lab.Enter] or [Lab.Capture].
func Exec(argv []string) error {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return unix.Exec(path, argv, os.Environ())
}
