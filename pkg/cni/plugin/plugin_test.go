package plugin

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// TestMain lets the test's binary be the plugin, for tests that execute it.
func TestMain(m *testing.M) {
	if os.Getenv("CNI_COMMAND") != "" {
		Main("antrea")
		return
	}
	os.Exit(m.Run())
}

// agent answers every request with what f says, and remembers the requests.
func agent(t *testing.T, f func(cni.Request) cni.Response) (socket string, requests *[]cni.Request) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "cni.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	requests = new([]cni.Request)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			req, netns, err := cni.ReadRequest(c.(*net.UnixConn))
			if err != nil {
				t.Error(err)
			}
			if netns != nil {
				netns.Close()
			}
			*requests = append(*requests, req)
			_ = json.NewEncoder(c).Encode(f(req))
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return socket, requests
}

// execute runs the plugin as a runtime does.
func execute(t *testing.T, stdin string, env ...string) (stdout string, err *types.Error) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = env
	cmd.Stdin = strings.NewReader(stdin)
	out, runErr := cmd.Output()
	if runErr == nil {
		return string(out), nil
	}
	err = &types.Error{}
	if jsonErr := json.Unmarshal(out, err); jsonErr != nil {
		t.Fatalf("%v, and no error on standard output: %q", runErr, out)
	}
	return "", err
}

func environment(command string) []string {
	return []string{"CNI_COMMAND=" + command, "CNI_CONTAINERID=c1", "CNI_NETNS=/dev/null", "CNI_IFNAME=eth0", "CNI_PATH=/nonexistent", "CNI_ARGS=K8S_POD_NAME=web"}
}

func TestForward(t *testing.T) {
	resolvConf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(resolvConf, []byte("nameserver 10.96.0.10\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, requests := agent(t, func(req cni.Request) cni.Response {
		if req.Command == cni.Add {
			return cni.Response{Result: json.RawMessage(`{"cniVersion":"1.1.0"}`)}
		}
		return cni.Response{}
	})
	conf := fmt.Sprintf(`{"cniVersion":"1.1.0","name":"n","socket":%q,"ipam":{"resolvConf":%q},"cni.dev/valid-attachments":[]}`, socket, resolvConf)
	for _, command := range []string{"ADD", "DEL", "CHECK", "GC", "STATUS"} {
		out, err := execute(t, conf, environment(command)...)
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		if (strings.TrimSpace(out) == `{"cniVersion":"1.1.0"}`) != (command == "ADD") {
			t.Errorf("%s printed %q", command, out)
		}
		got := (*requests)[len(*requests)-1]
		if string(got.Command) != command || got.ContainerID != "c1" || got.NetNS != "/dev/null" || got.IfName != "eth0" ||
			got.Args != "K8S_POD_NAME=web" || got.Path != "/nonexistent" || string(got.Stdin) != conf {
			t.Errorf("%s: the agent got %+v", command, got)
		}
		if (got.ResolvConf == "nameserver 10.96.0.10\n") != (command == "ADD") {
			t.Errorf("%s: resolv.conf is %q", command, got.ResolvConf)
		}
	}
	env := append(environment("DEL"), "CNI_NETNS=/nonexistent")
	if _, err := execute(t, conf, env...); err != nil {
		t.Errorf("DEL of a namespace that is gone: %v", err)
	}
}

func TestErrors(t *testing.T) {
	refusing, _ := agent(t, func(cni.Request) cni.Response {
		return cni.Response{Error: types.NewError(101, "no free address", "really")}
	})
	conf := func(socket string) string {
		return fmt.Sprintf(`{"cniVersion":"1.1.0","name":"n","socket":%q}`, socket)
	}
	without := func(command, variable string) []string {
		var env []string
		for _, v := range environment(command) {
			if !strings.HasPrefix(v, variable+"=") {
				env = append(env, v)
			}
		}
		return env
	}
	none := filepath.Join(t.TempDir(), "no.sock")
	for _, tt := range []struct {
		name, stdin string
		env         []string
		code        uint
		want        string
	}{
		{"agent refuses", conf(refusing), environment("ADD"), 101, "no free address; really"},
		{"ADD without an agent", conf(none), environment("ADD"), types.ErrTryAgainLater, none},
		{"DEL without an agent", conf(none), environment("DEL"), types.ErrTryAgainLater, none},
		{"CHECK without an agent", conf(none), environment("CHECK"), types.ErrTryAgainLater, none},
		{"GC without an agent", conf(none), environment("GC"), types.ErrTryAgainLater, none},
		{"STATUS without an agent", conf(none), environment("STATUS"), types.ErrPluginNotAvailable, none},
		{"default socket", `{"cniVersion":"1.1.0","name":"n"}`, environment("STATUS"), types.ErrPluginNotAvailable, "/var/run/antrea/cni.sock"},
		{"unknown command", conf(none), environment("MOVE"), types.ErrInvalidEnvironmentVariables, "MOVE"},
		{"no container", conf(none), without("ADD", "CNI_CONTAINERID"), types.ErrInvalidEnvironmentVariables, "CNI_CONTAINERID"},
		{"no interface", conf(none), without("DEL", "CNI_IFNAME"), types.ErrInvalidEnvironmentVariables, "CNI_IFNAME"},
		{"no namespace", conf(none), without("ADD", "CNI_NETNS"), types.ErrInvalidEnvironmentVariables, "CNI_NETNS"},
		{"no path", conf(none), without("STATUS", "CNI_PATH"), types.ErrInvalidEnvironmentVariables, "CNI_PATH"},
		{"namespace that is gone", conf(none), append(without("ADD", "CNI_NETNS"), "CNI_NETNS=/nonexistent"), types.ErrInvalidEnvironmentVariables, "CNI_NETNS"},
		{"not JSON", "{", environment("ADD"), types.ErrDecodingFailure, "JSON"},
		{"no name", `{"cniVersion":"1.0.0"}`, environment("ADD"), types.ErrInvalidNetworkConfig, "name"},
		{"old version", `{"cniVersion":"0.2.0","name":"n"}`, environment("ADD"), types.ErrIncompatibleCNIVersion, "0.2.0"},
		{"new version", `{"cniVersion":"2.0.0","name":"n"}`, environment("ADD"), types.ErrIncompatibleCNIVersion, "2.0.0"},
		{"CHECK in 0.3.1", `{"cniVersion":"0.3.1","name":"n"}`, environment("CHECK"), types.ErrIncompatibleCNIVersion, "CHECK"},
		{"GC in 1.0.0", `{"cniVersion":"1.0.0","name":"n"}`, environment("GC"), types.ErrIncompatibleCNIVersion, "GC"},
		{"IPAM plugin that is not there", `{"cniVersion":"1.0.0","name":"n","ipam":{"type":"whereabouts"}}`, environment("ADD"),
			types.ErrInvalidNetworkConfig, `ipam.type "whereabouts": ADD: no such plugin in CNI_PATH "/nonexistent"`},
		{"IPAM plugin with a path", `{"cniVersion":"1.0.0","name":"n","ipam":{"type":"../sh"}}`, environment("ADD"), types.ErrInvalidNetworkConfig, "slash"},
		{"no resolv.conf", `{"cniVersion":"1.0.0","name":"n","ipam":{"resolvConf":"/nonexistent"}}`, environment("ADD"), types.ErrIOFailure, "ipam.resolvConf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := execute(t, tt.stdin, tt.env...)
			if err == nil || err.Code != tt.code || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %+v, want code %d with %q", err, tt.code, tt.want)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	out, err := execute(t, `{"cniVersion":"1.0.0"}`, "CNI_COMMAND=VERSION")
	if err != nil || !strings.Contains(strings.Join(strings.Fields(out), ""), `"supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]`) {
		t.Errorf("%s, %v", out, err)
	}
}

// TestDelegate runs another IPAM plugin, a script that notes what it is called with.
func TestDelegate(t *testing.T) {
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ncat >/dev/null\necho $CNI_COMMAND $CNI_CONTAINERID >>%s/log\n"+
		`[ $CNI_COMMAND = ADD ] && echo '{"cniVersion":"0.3.1","ips":[{"version":"4","address":"10.1.2.3/24"}]}'`+"\nexit 0\n", dir)
	if err := os.WriteFile(filepath.Join(dir, "other"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	failing := false
	socket, requests := agent(t, func(req cni.Request) cni.Response {
		if failing {
			return cni.Response{Error: types.NewError(11, "later", "")}
		}
		return cni.Response{Result: json.RawMessage(`{}`)}
	})
	conf := fmt.Sprintf(`{"cniVersion":"0.3.1","name":"n","socket":%q,"ipam":{"type":"other"}}`, socket)
	env := func(command string) []string { return append(environment(command), "CNI_PATH=/nonexistent:"+dir) }

	if _, err := execute(t, conf, env("ADD")...); err != nil {
		t.Fatal(err)
	}
	if got := string((*requests)[0].IPAMResult); !strings.Contains(got, `"address":"10.1.2.3/24"`) || !strings.Contains(got, `"cniVersion":"1.1.0"`) {
		t.Errorf("the agent got %s", got)
	}
	if _, err := execute(t, conf, env("DEL")...); err != nil {
		t.Fatal(err)
	}
	failing = true
	if _, err := execute(t, conf, env("ADD")...); err == nil || err.Code != 11 {
		t.Errorf("error %v", err)
	}
	if _, err := execute(t, conf, env("DEL")...); err == nil {
		t.Error("DEL succeeded without the agent")
	}
	log, err := os.ReadFile(dir + "/log")
	if got := strings.ReplaceAll(strings.TrimSpace(string(log)), "\n", ", "); err != nil || got != "ADD c1, DEL c1, ADD c1, DEL c1" {
		t.Errorf("the IPAM plugin was called %s, %v", got, err)
	}
}
