package kernel

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/pkg/lab"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/test/kernel/guest"
)

// suites are the tests to run in the guest, all that send packets through the pipeline.
var suites = []suite{
	{"pkg/pipeline", []string{"TestRealNetwork", "TestRealGatewaysFail"}},
	{"pkg/agent", []string{"TestRealTwoNodes", "TestRealDualStackNodes", "TestRealServices", "TestRealSwitchDies"}},
}

// hasty is left out with -short: where the guest has to wait for the processors, all gateways look dead to each other.
const hasty = "TestRealGatewaysFail"

// What the tests need of this machine.
const (
	programs = `bash sh cat cut head sleep uname ip ping nft sysctl ethtool nsenter modprobe
		ovsdb-server ovsdb-tool ovs-vswitchd ovs-vsctl ovs-ofctl ovs-appctl`
	files = "/usr/share/openvswitch/vswitch.ovsschema /etc/passwd /etc/protocols"
)

var only = flag.String("only", "", "run only this test in the guest")

// limit is what a guest gets on a machine that has much else to do.
const limit = 40 * time.Minute

func TestRealKernelDatapath(t *testing.T) {
	cache, err := lab.OpenCache()
	require.NoError(t, err)
	dir := t.TempDir()
	m := guest.Machine{
		Kernel: filepath.Join(cache.Dir, "kernel"), Init: filepath.Join(dir, "init"), Programs: strings.Fields(programs), Files: strings.Fields(files),
		Tests: make(map[string]string),
	}
	if err := m.Require(); err != nil {
		t.Skip(err)
	}
	t.Chdir("../..")
	compile(t, "build", "-o", m.Init, "./test/kernel/init")
	script := &strings.Builder{}
	fmt.Fprintf(script, "export %s=system; status=0; ip link set lo up\n", ovstest.DatapathEnv)
	// As start-ovs does: before, ovs-vswitchd has no thread for the kernel's packets ("Overriding n-handler-threads to 0" in its log).
	fmt.Fprintln(script, "until [ $(cut -d. -f1 /proc/uptime) -gt 10 ]; do sleep 1; done")
	fmt.Fprintln(script, "echo Linux $(uname -r), $(ovs-vswitchd --version | head -n 1), up $(cut -d. -f1 /proc/uptime) s")
	run := chosen(t)
	for _, s := range run {
		name := "/" + filepath.Base(s.room) + ".test"
		m.Tests[name] = filepath.Join(dir, name)
		compile(t, "test", "-c", "-ldflags=-s -w", "-o", m.Tests[name], "./"+s.room)
		fmt.Fprintf(script, "%s -test.v -test.timeout=%s -test.run='^(%s)$' || status=1\n", name, limit, strings.Join(s.tests, "|"))
	}
	fmt.Fprintln(script, "exit $status")

	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("it has not ended within %s", limit))
	defer cancel()
	started := time.Now()
	var console []string
	err = m.Run(ctx, dir, script.String(), func(line string) {
		console = append(console, line)
		t.Logf("%4.0f s  %s", time.Since(started).Seconds(), line)
	})
	require.NoError(t, errors.Join(err, missing(run, console)))
}

// suite is tests of one package.
type suite struct {
	room  string
	tests []string
}

// chosen are the suites without what the flags leave out.
func chosen(t *testing.T) (run []suite) {
	t.Helper()
	for _, s := range suites {
		tests := slices.DeleteFunc(slices.Clone(s.tests), func(name string) bool {
			return *only != "" && name != *only || *only == "" && testing.Short() && name == hasty
		})
		if len(tests) > 0 {
			run = append(run, suite{s.room, tests})
		}
	}
	if len(run) == 0 {
		t.Fatalf("-only %s: no such test in the guest; there are %v", *only, suites)
	}
	return run
}

// compile makes a program that runs in the guest.
func compile(t *testing.T, args ...string) {
	t.Helper()
	out, err := exec.Command("go", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// passed is a test as a whole, not its parts.
var passed = regexp.MustCompile(`^--- PASS: (\S+) `)

// missing names the tests that have not passed, whether they failed, were skipped or are no more.
func missing(run []suite, console []string) error {
	var names []string
	for _, line := range console {
		if m := passed.FindStringSubmatch(line); m != nil {
			names = append(names, m[1])
		}
	}
	var errs []error
	for _, s := range run {
		for _, name := range s.tests {
			if !slices.Contains(names, name) {
				errs = append(errs, fmt.Errorf("%s: %s has not passed on the kernel datapath", s.room, name))
			}
		}
	}
	return errors.Join(errs...)
}
