package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/journal"
	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// Config is what the daemon is given.
type Config struct {
	NodeName   string
	Socket     string // of the CNI plugin
	JournalDir string
	HostRoot   string // the root directory of the Node; plugins are executed there
	// PodResources is the socket on the Node where kubelet tells which Pod has which devices.
	PodResources string
	HotPlug      bool // a Pod that runs gets the networks of its changed annotation
	Install      Install
	Client       kubernetes.Interface
	Objects      dynamic.Interface
	Registry     *prometheus.Registry
}

const (
	// addTimeout is for attaching a Pod to all its networks, delTimeout for the opposite.
	addTimeout = 100 * time.Second
	delTimeout = 60 * time.Second
	// readinessTimeout is for the default network to come up.
	readinessTimeout = 45 * time.Second
	// askTimeout is for a question to the API server.
	askTimeout = 10 * time.Second
	// collectInterval is how often sandboxes are looked for that nobody deleted.
	collectInterval = 5 * time.Minute
)

// daemon is what the parts share.
type daemon struct {
	Config
	boot    string
	host    host
	counts  *counts
	plugins plugins
	journal *journal.Journal[record]
	plain   *plainPods
	api     *api
	plugs   workqueue.TypedRateLimitingInterface[string]
	retry   chan struct{} // something is to be undone
	look    chan struct{} // a Pod of this Node has gone
}

// Run is the daemon, until ctx is done or a part of it fails.
func Run(ctx context.Context, c Config) error {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	j, err := journal.Open[record](c.JournalDir, plainFile)
	if j == nil {
		return err
	}
	if err != nil {
		klog.FromContext(ctx).Error(err, "Some of the journal is lost; DEL of those sandboxes goes by what their Pods ask for now")
	}
	d := &daemon{
		Config: c, boot: strings.TrimSpace(string(boot)), host: host{root: c.HostRoot}, journal: j, plain: openPlain(c.JournalDir),
		plugs: newPlugQueue(), retry: make(chan struct{}, 1), look: make(chan struct{}, 1),
	}
	d.counts = newCounts(c.Registry, j)
	d.plugins = plugins{host: d.host, counts: d.counts, slots: make(chan struct{}, max(8, 4*runtime.NumCPU()))}
	if err := d.takeUp(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	likely := netplan.Defaults()
	d.adoptAll(ctx, likely.CNIDir, []string{likely.BinDir})
	if d.api, err = watch(c.Client, c.Objects, c.NodeName, d.look, d.changed); err != nil {
		return err
	}
	d.untold()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.api.run(ctx) })
	group.Go(func() error { d.keepReleasing(ctx); return nil })
	for range plugWorkers {
		group.Go(func() error { return d.keepNetworks(ctx) })
	}
	group.Go(func() error { return d.keepPlain(ctx) })
	group.Go(func() error { return d.collect(ctx) })
	group.Go(func() error { return c.Install.run(ctx, d.host) })
	group.Go(func() error { return cni.Serve(ctx, c.Socket, d.serve) })
	return group.Wait()
}

// wake makes sure that a loop runs once more.
func wake(loop chan struct{}) {
	select {
	case loop <- struct{}{}:
	default:
	}
}

func (d *daemon) serve(ctx context.Context, conn *net.UnixConn) {
	start := time.Now()
	_ = conn.SetReadDeadline(start.Add(5 * time.Second)) // the plugin sends at once
	req, netns, err := cni.ReadRequest(conn)
	if netns != nil {
		defer netns.Close()
	}
	var resp cni.Response
	var code uint
	if err == nil {
		resp.Result, err = d.answer(ctx, req, netns)
	}
	if err != nil {
		resp.Error = toError(err)
		code = resp.Error.Code
	}
	d.counts.request(req.Command, code, time.Since(start))
	_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	logger := klog.FromContext(ctx).WithValues("command", req.Command, "container", req.ContainerID, "duration", time.Since(start))
	if err := json.NewEncoder(conn).Encode(resp); err != nil {
		logger.Error(err, "The plugin did not wait for its answer")
	}
	if resp.Error != nil {
		logger.Error(resp.Error, "Request failed", "code", resp.Error.Code)
		return
	}
	logger.V(2).Info("Request done")
}

// toError is what the plugin tells the runtime: the code of the first error that has one, and the text of all.
func toError(err error) *types.Error {
	var told *types.Error
	if errors.As(err, &told) {
		return types.NewError(told.Code, err.Error(), "")
	}
	return types.NewError(types.ErrInternal, err.Error(), "")
}

func (d *daemon) answer(ctx context.Context, req cni.Request, netns *os.File) (json.RawMessage, error) {
	switch req.Command {
	case cni.Add:
		return d.add(ctx, req, netns)
	case cni.Del:
		return nil, d.del(ctx, req)
	case cni.Check:
		return nil, d.check(ctx, req)
	case cni.GC:
		return nil, d.gc(ctx, req)
	case cni.Status:
		return nil, d.status(ctx, req)
	}
	return nil, types.NewError(types.ErrInvalidEnvironmentVariables, fmt.Sprintf("CNI_COMMAND %q is unknown", req.Command), "")
}
