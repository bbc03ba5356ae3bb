// Package ovstest starts a private Open vSwitch for a test: ovsdb-server and ovs-vswitchd in a directory of the test's
// own, ended when the test ends.
//
// Start at [Start]. Tests that use it are skipped where Open vSwitch is not installed. Nothing of the machine's own
// switch, databases or network is touched: without [Config.NetNS] the datapath is the dummy one, which needs no root and
// no kernel.
package ovstest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Config chooses what runs. Its zero value is a switch without any access to the network, which also runs without root.
type Config struct {
	// NetNS is the path of a network namespace to run in, for real devices; needs root. The datapath then is the
	// userspace one, with veths and internal ports, or what DatapathEnv says.
	NetNS string
}

// DatapathEnv names the datapath of switches in network namespaces: "netdev", which is also what nothing stands for, or "system", the
// kernel's, so that the same tests show both.
const DatapathEnv = "ANTREA_TEST_DATAPATH"

// Switch is a running Open vSwitch.
type Switch struct {
	Dir      string // runtime directory: sockets, database, logs
	DB       string // OVSDB as in "unix:/…/db.sock"
	Ctl      string // control socket of ovs-vswitchd, for ovs-appctl -t
	Datapath string // what to set as datapath_type of a bridge: dummy, netdev or system

	t      testing.TB
	netns  string
	server *daemon
	vswitd *daemon
}

const (
	schemaPath   = "/usr/share/openvswitch/vswitch.ovsschema"
	startTimeout = time.Minute
	stopTimeout  = 20 * time.Second
)

// Start runs Open vSwitch until the end of the test. It skips the test where the programs are not installed, or for want of
// root if cfg needs it.
func Start(t testing.TB, cfg Config) *Switch {
	t.Helper()
	Require(t)
	if cfg.NetNS != "" && os.Geteuid() != 0 {
		t.Skip("needs root to run Open vSwitch in a network namespace")
	}
	dir := socketDir(t)
	s := &Switch{
		Dir:      dir,
		DB:       "unix:" + filepath.Join(dir, "db.sock"),
		Ctl:      filepath.Join(dir, "ovs-vswitchd.ctl"),
		Datapath: "dummy",
		t:        t,
		netns:    cfg.NetNS,
	}
	if cfg.NetNS != "" {
		s.Datapath = cmp.Or(os.Getenv(DatapathEnv), "netdev")
	}
	s.Run("ovsdb-tool", "create", s.path("conf.db"), schemaPath)
	t.Cleanup(s.stop)
	s.StartDatabase()
	s.Run("ovs-vsctl", "--db="+s.DB, "--no-wait", "init", "--", "set", "Open_vSwitch", ".",
		"other_config:n-handler-threads=1", "other_config:n-revalidator-threads=1")
	s.StartVswitchd()
	return s
}

// Require skips the test if Open vSwitch is not installed.
func Require(t testing.TB) {
	t.Helper()
	for _, program := range []string{"ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl"} {
		if _, err := find(program); err != nil {
			t.Skipf("Open vSwitch is not installed: %s not found", program)
		}
	}
}

// find looks where distributions install daemons as well as in PATH.
func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	return exec.LookPath(filepath.Join("/usr/sbin", program))
}

// socketDir is a directory whose path is short enough for a Unix socket in it.
func socketDir(t testing.TB) string {
	dir := t.TempDir()
	if len(dir) < 60 {
		return dir
	}
	dir, err := os.MkdirTemp("", "ovs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// AddBridge makes a bridge as the agent's is: it fails secure and speaks OpenFlow 1.0 and 1.5.
func (s *Switch) AddBridge(name string) {
	s.t.Helper()
	s.Vsctl("add-br", name, "--", "set", "Bridge", name, "datapath_type="+s.Datapath, "fail_mode=secure",
		"protocols=OpenFlow10,OpenFlow15")
}

// OpenFlow is the address of a bridge's OpenFlow socket, as "unix:/…".
func (s *Switch) OpenFlow(bridge string) string { return "unix:" + s.path(bridge+".mgmt") }

// Vsctl runs ovs-vsctl, waits until ovs-vswitchd has done the change, and returns what was printed.
func (s *Switch) Vsctl(args ...string) string {
	s.t.Helper()
	return s.Run("ovs-vsctl", append([]string{"--db=" + s.DB, "--timeout=60"}, args...)...)
}

// Appctl runs a command in ovs-vswitchd.
func (s *Switch) Appctl(args ...string) string {
	s.t.Helper()
	return s.Run("ovs-appctl", append([]string{"-t", s.Ctl}, args...)...)
}

// Ofctl runs an ovs-ofctl command on a bridge; options stand before the command.
func (s *Switch) Ofctl(command, bridge string, args ...string) string {
	s.t.Helper()
	words := strings.Fields(command)
	words = append(words, s.OpenFlow(bridge))
	return s.Run("ovs-ofctl", append(words, args...)...)
}

// Run runs a program beside the switch, in its namespace, and fails the test if it fails.
func (s *Switch) Run(program string, args ...string) string {
	s.t.Helper()
	out, err := s.Try(program, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// Try is Run for what may fail.
func (s *Switch) Try(program string, args ...string) (string, error) {
	cmd := s.command(program, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

func (s *Switch) command(program string, args ...string) *exec.Cmd {
	if path, err := find(program); err == nil {
		program = path
	}
	if s.netns != "" {
		args = append([]string{"--net=" + s.netns, "--", program}, args...)
		program = "nsenter"
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "OVS_RUNDIR="+s.Dir, "OVS_DBDIR="+s.Dir, "OVS_LOGDIR="+s.Dir, "OVS_SYSCONFDIR="+s.Dir)
	return cmd
}

func (s *Switch) path(name string) string { return filepath.Join(s.Dir, name) }

// StartDatabase starts ovsdb-server; Start has done so already, it is for after StopDatabase.
func (s *Switch) StartDatabase() {
	s.t.Helper()
	s.server = s.start("ovsdb-server", s.path("conf.db"), "--remote=punix:"+s.path("db.sock"),
		"--unixctl="+s.path("ovsdb-server.ctl"))
	s.await(s.server, "db.sock")
}

// StartVswitchd starts ovs-vswitchd; Start has done so already, it is for after StopVswitchd.
func (s *Switch) StartVswitchd() {
	s.t.Helper()
	args := []string{s.DB, "--unixctl=" + s.Ctl}
	if s.Datapath != "system" {
		args = append(args, "--disable-system")
	}
	if s.netns == "" {
		args = append(args, "--enable-dummy=override", "--disable-system-route")
	}
	s.vswitd = s.start("ovs-vswitchd", args...)
	if s.netns != "" {
		s.hurry()
	}
	s.await(s.vswitd, filepath.Base(s.Ctl))
	// ovs-vsctl waits for ovs-vswitchd only if it changes something.
	s.Vsctl("set", "Open_vSwitch", ".", fmt.Sprintf("external_ids:started=%d", s.VswitchdPID()))
}

// hurry makes ovs-vswitchd as urgent as start-ovs does: with BFD, a switch that has to wait for its turn looks dead.
func (s *Switch) hurry() {
	s.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", s.VswitchdPID()))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, thread := range threads {
		if id, err := strconv.Atoi(filepath.Base(thread)); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, -10) // one that has ended is gone
		}
	}
}

// StopDatabase ends ovsdb-server; kill does not let it clean up.
func (s *Switch) StopDatabase(kill bool) { s.server.stop(kill) }

// StopVswitchd ends ovs-vswitchd; kill does not let it clean up.
func (s *Switch) StopVswitchd(kill bool) { s.vswitd.stop(kill) }

// VswitchdPID is the process id of ovs-vswitchd.
func (s *Switch) VswitchdPID() int { return s.vswitd.cmd.Process.Pid }

// CPU is what ovs-vswitchd has used of the processor so far, in user mode and in the kernel: proc(5), fields 14 and 15, which are
// hundredths of a second.
func (s *Switch) CPU() (used time.Duration) {
	s.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.VswitchdPID()))
	if err != nil {
		s.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	for _, field := range strings.Fields(after)[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			s.t.Fatal(err)
		}
		used += time.Duration(ticks) * time.Second / 100
	}
	return used
}

// Log is what ovs-vswitchd has logged so far.
func (s *Switch) Log() string {
	b, _ := os.ReadFile(s.path("ovs-vswitchd.log"))
	return string(b)
}

func (s *Switch) stop() {
	if s.t.Failed() {
		s.t.Logf("ovs-vswitchd logged:\n%s", tail(s.Log(), 4000))
	}
	for _, d := range []*daemon{s.vswitd, s.server} {
		if d != nil {
			d.stop(false)
		}
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// daemon is a process that the test started.
type daemon struct {
	cmd    *exec.Cmd
	exited chan struct{}
	output bytes.Buffer
}

// start runs a daemon of Open vSwitch. It dies with the test's process, however that ends.
func (s *Switch) start(program string, args ...string) *daemon {
	s.t.Helper()
	log := s.path(program + ".log")
	cmd := s.command(program, append(args, "--log-file="+log, "-vconsole:off")...)
	d := &daemon{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = io.Discard, &d.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The signal comes when the thread ends that started the process, so this one waits for the process.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		close(d.exited)
	}()
	if err := <-started; err != nil {
		s.t.Fatalf("start %s: %v", program, err)
	}
	return d
}

// await waits for a socket that the daemon makes.
func (s *Switch) await(d *daemon, socket string) {
	s.t.Helper()
	deadline := time.After(startTimeout)
	for {
		if _, err := os.Stat(s.path(socket)); err == nil {
			return
		}
		select {
		case <-d.exited:
			s.t.Fatalf("%s ended: %s", d.cmd.Path, d.output.String())
		case <-deadline:
			s.t.Fatalf("%s has not made %s within %s", d.cmd.Path, socket, startTimeout)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop ends the process: with the chance to clean up first, unless kill says otherwise.
func (d *daemon) stop(kill bool) {
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	_ = d.cmd.Process.Signal(signal)
	select {
	case <-d.exited:
	case <-time.After(stopTimeout):
		_ = d.cmd.Process.Kill()
		<-d.exited
	}
}
