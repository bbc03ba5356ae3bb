package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ovs is a start-ovs that runs in a network namespace and a directory of its own.
type ovs struct {
	t   *testing.T
	cmd *exec.Cmd
	dir string
	log bytes.Buffer
}

func startOVS(t *testing.T) *ovs {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	if _, err := exec.LookPath("ovs-vswitchd"); err != nil {
		t.Skip("needs openvswitch-switch: ", err)
	}
	dir, err := os.MkdirTemp("", "ovs") // short: a Unix socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o := &ovs{t: t, dir: dir, cmd: exec.Command("antrea-agent/start-ovs")}
	o.cmd.Env = append(os.Environ(), "OVS_RUNDIR="+dir)
	o.cmd.Stdout, o.cmd.Stderr = &o.log, &o.log
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if o.cmd.ProcessState == nil {
			_ = o.cmd.Process.Signal(syscall.SIGTERM)
			_ = o.cmd.Wait()
		}
		if t.Failed() {
			t.Log(o.log.String())
		}
	})
	return o
}

// pid waits until a daemon has a pid that is not the given one.
func (o *ovs) pid(daemon string, not int) int {
	o.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(filepath.Join(o.dir, daemon+".pid"))
		if err != nil {
			continue
		}
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && pid != not {
			return pid
		}
	}
	o.t.Fatalf("no (new) %s", daemon)
	return 0
}

func (o *ovs) vsctl(args ...string) string {
	o.t.Helper()
	args = append([]string{"--db=unix:" + o.dir + "/db.sock", "--retry", "--timeout=20"}, args...)
	out, err := exec.Command("ovs-vsctl", args...).CombinedOutput()
	if err != nil {
		o.t.Fatalf("ovs-vsctl %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (o *ovs) kill(pid int) {
	o.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		o.t.Fatal(err)
	}
}

func TestRealStartOVS(t *testing.T) {
	o := startOVS(t)
	sw, db := o.pid("ovs-vswitchd", 0), o.pid("ovsdb-server", 0)
	if got := o.vsctl("get", "Open_vSwitch", ".", "other_config"); got != `{flow-restore-wait="true"}` {
		t.Errorf("other_config is %s before the agent has synced", got)
	}
	o.vsctl("add-br", "br-test", "--", "set", "bridge", "br-test", "datapath_type=netdev", "fail_mode=secure")
	o.vsctl("remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait")

	o.kill(db)
	db = o.pid("ovsdb-server", db)
	if got := o.vsctl("list-br"); got != "br-test" {
		t.Errorf("bridges after ovsdb-server was killed: %q", got)
	}
	if again := o.pid("ovs-vswitchd", 0); again != sw {
		t.Errorf("ovs-vswitchd %d became %d with ovsdb-server", sw, again)
	}

	o.kill(sw)
	sw = o.pid("ovs-vswitchd", sw)
	if got := o.vsctl("get", "Open_vSwitch", ".", "other_config"); got != `{flow-restore-wait="true"}` {
		t.Errorf("other_config is %s after ovs-vswitchd was killed", got)
	}

	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Wait(); err != nil {
		t.Errorf("end on SIGTERM: %v", err)
	}
	for name, pid := range map[string]int{"ovs-vswitchd": sw, "ovsdb-server": db} {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s %d is still there: %v", name, pid, err)
		}
	}
}

// Both die at once, as where memory is short.
func TestRealStartOVSBothDie(t *testing.T) {
	o := startOVS(t)
	sw, db := o.pid("ovs-vswitchd", 0), o.pid("ovsdb-server", 0)
	o.kill(sw)
	o.kill(db)
	o.pid("ovs-vswitchd", sw)
	o.pid("ovsdb-server", db)
}

// A switch that ends in order asks its peers before.
func TestRealStartOVSLeaves(t *testing.T) {
	o := startOVS(t)
	o.pid("ovs-vswitchd", 0)
	o.vsctl("add-br", "br-test", "--", "set", "bridge", "br-test", "datapath_type=netdev", "external_ids:antrea-type=integration", "--",
		"add-port", "br-test", "probe", "--", "set", "Interface", "probe", "type=geneve", "options:remote_ip=192.0.2.1", "bfd:enable=true")
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Wait(); err != nil {
		t.Errorf("end on SIGTERM: %v", err)
	}
	for table, want := range map[string]string{"Interface": `["cpath_down","true"]`, "Bridge": `["antrea-leaving","true"]`} {
		query := `["Open_vSwitch",{"op":"select","table":"` + table + `","where":[]}]`
		out, err := exec.Command("ovsdb-tool", "query", filepath.Join(o.dir, "conf.db"), query).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("no %s in table %s: %v %s", want, table, err, out)
		}
	}
}

func TestRealStartOVSGivesUp(t *testing.T) {
	o := startOVS(t)
	pid := o.pid("ovs-vswitchd", 0)
	ended := make(chan error, 1)
	go func() { ended <- o.cmd.Wait() }()
	for range 3 {
		o.kill(pid)
		if err := waitEnded(ended, func() bool {
			text, _ := os.ReadFile(filepath.Join(o.dir, "ovs-vswitchd.pid"))
			again, _ := strconv.Atoi(strings.TrimSpace(string(text)))
			ok := again != 0 && again != pid
			if ok {
				pid = again
			}
			return ok
		}); err != nil {
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("ended with %v, want status 1", err)
			}
			return
		}
	}
	t.Error("still runs after three early deaths")
}

// waitEnded waits until the command ended, and returns how, or until ok.
func waitEnded(ended <-chan error, ok func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case err := <-ended:
			return err
		case <-tick.C:
			if ok() {
				return nil
			}
		case <-timeout:
			return fmt.Errorf("neither ended nor started again")
		}
	}
}
