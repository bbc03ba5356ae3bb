package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/journal"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
)

// Config is what the daemon is given.
type Config struct {
	NodeName   string
	Socket     string // of the CNI plugin
	JournalDir string
	Store      *store.Store
	Client     kubernetes.Interface
	Registry   *prometheus.Registry
	// AuditInterval is how often all addresses are looked at; 5 minutes if 0.
	AuditInterval time.Duration
}

const (
	// addTimeout is for finding addresses, delTimeout for releasing them before the runtime is told that they will be, and
	// retryTimeout for each attempt after that.
	addTimeout   = 25 * time.Second
	delTimeout   = 5 * time.Second
	retryTimeout = 25 * time.Second
	// askTimeout is for a question about a Pod or a Node.
	askTimeout = 10 * time.Second
)

// daemon is what the parts share.
type daemon struct {
	Config
	boot    string
	journal *journal.Journal[record]
	pods    *nodePods
	events  *teller
	counts  *counts

	belongings belongings

	retry chan struct{} // something is to be released
	look  chan struct{} // a Pod of this Node has gone
	audit chan struct{} // a Node has gone
}

// Run is the daemon, until ctx is done or a part of it fails.
func Run(ctx context.Context, c Config) error {
	if c.AuditInterval == 0 {
		c.AuditInterval = 5 * time.Minute
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	j, err := journal.Open[record](c.JournalDir)
	if j == nil {
		return err
	}
	if err != nil {
		klog.FromContext(ctx).Error(err, "Some of the journal is lost; addresses of those attachments are found by the audit")
	}
	d := &daemon{
		Config: c, boot: strings.TrimSpace(string(boot)), journal: j,
		retry: make(chan struct{}, 1), look: make(chan struct{}, 1), audit: make(chan struct{}, 1),
	}
	d.counts, d.events = d.newCounts(), newTeller(c.Client, c.NodeName)
	if d.pods, err = watchPods(c.Client, c.NodeName, d.look); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.pods.run(ctx) })
	group.Go(func() error { return d.events.run(ctx) })
	group.Go(func() error { return d.watchNodes(ctx) })
	group.Go(func() error { d.keepReleasing(ctx); return nil })
	group.Go(func() error { return d.collect(ctx) })
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
		netns.Close()
	}
	var resp cni.Response
	var code uint
	if err == nil {
		resp.Result, err = d.answer(ctx, req)
	}
	if err != nil {
		var told *types.Error
		if !errors.As(err, &told) {
			told = types.NewError(types.ErrInternal, err.Error(), "")
		}
		resp.Error = told
		code = told.Code
	}
	d.counts.request(req.Command, code, time.Since(start))
	_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	logger := klog.FromContext(ctx).WithValues("command", req.Command, "container", req.ContainerID, "interface", req.IfName, "duration", time.Since(start))
	if err := json.NewEncoder(conn).Encode(resp); err != nil {
		logger.Error(err, "The plugin did not wait for its answer")
	}
	if resp.Error != nil && req.Command != cni.Status {
		logger.Error(resp.Error, "Request failed", "code", resp.Error.Code)
		return
	}
	logger.V(2).Info("Request done")
}

func (d *daemon) answer(ctx context.Context, req cni.Request) (json.RawMessage, error) {
	switch req.Command {
	case cni.Add:
		return d.add(ctx, req)
	case cni.Del:
		return nil, d.del(ctx, req)
	case cni.Check:
		return nil, d.check(ctx, req)
	case cni.GC:
		return nil, d.gc(ctx, req)
	case cni.Status:
		return nil, d.status(ctx)
	}
	return nil, types.NewError(types.ErrInvalidEnvironmentVariables, fmt.Sprintf("CNI_COMMAND %q is unknown", req.Command), "")
}
