package s3

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/lab"
)

var (
	full = flag.Bool("full", false, "run TestRealKilled")
	pods = flag.Int("pods", 600, "Pods that come and go in TestRealKilled")
	seed = flag.Uint64("seed", 1, "of what is killed when")
)

// TestRealKilled has kubelets start and end Pods with three networks and four addresses while CNI plugins, both daemons, the agent,
// kubelets, the API server and etcd are killed with SIGKILL. In the end, every address, record and port has a living owner and the
// other way round.
func TestRealKilled(t *testing.T) {
	if !*full {
		t.Skip("make e2e-multus runs it; plugins/multus and plugins/whereabouts have smaller ones without kubelet")
	}
	t.Chdir("../..")
	start := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.1fs "+format+"\n", append([]any{time.Since(start).Seconds()}, args...)...)
	}
	const workers = 12
	l := bringUp(t)
	say("the lab is up")

	running, stop := context.WithCancel(t.Context())
	defer stop()
	var killer errgroup.Group
	killer.Go(func() error { l.killAll(running, rand.New(rand.NewPCG(*seed, 0))); return nil })
	killer.Go(func() error { l.revive(running); return nil })
	all, ctx := errgroup.WithContext(t.Context())
	for w := range workers {
		all.Go(func() error {
			return l.worker(ctx, fmt.Sprint("killed", w), *pods/workers, rand.New(rand.NewPCG(*seed, uint64(w+1))))
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- all.Wait() }()
	for waiting := true; waiting; {
		select {
		case err := <-ended:
			waiting = false
			require.NoError(t, err)
		case <-time.After(30 * time.Second):
			say("%s", l.Summary())
		}
	}
	// Pods that live on, started while everything is still being killed.
	uids := make([]string, workers)
	all, ctx = errgroup.WithContext(t.Context())
	name := func(w int) string { return fmt.Sprint("living", w) }
	for w := range workers {
		all.Go(func() (err error) {
			if uids[w], err = l.create(ctx, name(w), nodes[w%len(nodes)]); err == nil {
				_, err = l.awaitStart(ctx, name(w), uids[w])
			}
			return err
		})
	}
	require.NoError(t, all.Wait())
	stop()
	require.NoError(t, killer.Wait())
	revived, enough := context.WithCancel(t.Context())
	killer.Go(func() error { l.revive(revived); return nil })
	leaks, err := l.settle(t.Context(), workers)
	say("%s, leaks %d", l.Summary(), len(leaks))
	require.NoError(t, err, leaks)
	for w, uid := range uids {
		require.NoError(t, l.end(t.Context(), name(w), uid, true, false))
	}
	leaks, err = l.settle(t.Context(), 0)
	say("%s, leaks %d after the last Pods have gone", l.Summary(), len(leaks))
	require.NoError(t, err, leaks)
	enough()
	require.NoError(t, killer.Wait())
	require.Empty(t, l.duplicates)
}

// bringUp makes the lab with everything that the Pods need.
func bringUp(t *testing.T) *Life {
	t.Helper()
	l := &Life{seed: *seed, owner: map[netip.Addr]string{}, kills: map[string]int{}}
	var err error
	l.Lab, err = Open(*labName)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(l.Out, 0o755))
	if !*keep {
		t.Cleanup(func() {
			if err := l.Down(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	dir, err := os.Getwd()
	require.NoError(t, err)
	require.NoError(t, l.Up(t.Context(), Description, func(string) {}))
	for _, step := range append(install(l.Name, dir), "kubectl apply -f "+dir+"/test/s3/killed.yaml") {
		out, err := l.Shell(t.Context(), step)
		require.NoError(t, err, out)
	}
	cache, err := lab.OpenCache()
	require.NoError(t, err)
	l.lab, err = lab.Open(cache, l.Name)
	require.NoError(t, err)
	file, err := l.lab.Kubeconfig(cluster)
	require.NoError(t, err)
	config, err := clientcmd.BuildConfigFromFlags("", file)
	require.NoError(t, err)
	config.QPS, config.Burst = 200, 400
	l.client, err = kubernetes.NewForConfig(config)
	require.NoError(t, err)
	log.SetLogger(logr.Discard()) // of the client that follows
	l.pools, err = store.NewClient(config)
	require.NoError(t, err)
	return l
}
