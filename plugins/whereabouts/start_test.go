package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// BenchmarkRealStart executes both plugins for an ADD that a daemon answers at once: what is left is the start of a process, which every
// attachment costs.
func BenchmarkRealStart(b *testing.B) {
	dir := b.TempDir()
	socket := filepath.Join(dir, "s")
	answer := json.RawMessage(`{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.1/24"}]}`)
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() {
		served <- cni.Serve(ctx, socket, func(_ context.Context, conn *net.UnixConn) {
			if _, netns, err := cni.ReadRequest(conn); err == nil {
				if netns != nil {
					netns.Close()
				}
				_ = json.NewEncoder(conn).Encode(cni.Response{Result: answer}) // the plugin notices
			}
		})
	}()
	b.Cleanup(func() {
		stop()
		require.NoError(b, <-served)
	})
	for _, plugin := range []struct{ name, pkg, conf string }{
		{"whereabouts", ".", `{"cniVersion":"1.0.0","name":"n","type":"macvlan","ipam":{"type":"whereabouts","range":"10.0.0.0/24","socket":"SOCKET"}}`},
		{"multus", "../multus", `{"cniVersion":"1.0.0","name":"n","type":"multus","clusterNetwork":"x","socket":"SOCKET"}`},
	} {
		file := filepath.Join(dir, plugin.name)
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, plugin.pkg) // as make build does
		build.Env = append(build.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(b, err, "%s", out)
		b.Run(plugin.name, func(b *testing.B) {
			var cpu time.Duration
			for b.Loop() {
				cmd := exec.Command(file)
				cmd.Stdin = strings.NewReader(strings.ReplaceAll(plugin.conf, "SOCKET", socket))
				cmd.Env = append(os.Environ(), "CNI_COMMAND=ADD", "CNI_CONTAINERID=c", "CNI_NETNS=/proc/self/ns/net", "CNI_NETNS_OVERRIDE=1", "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin",
					"CNI_ARGS=K8S_POD_NAMESPACE=default;K8S_POD_NAME=p")
				out, err := cmd.Output()
				require.NoError(b, err, "%s", out)
				require.Contains(b, string(out), "10.0.0.1/24")
				cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			}
			b.ReportMetric(float64(cpu.Microseconds())/float64(b.N)/1000, "ms-CPU/start")
		})
	}
}
