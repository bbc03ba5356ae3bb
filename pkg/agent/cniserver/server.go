package cniserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// Config is what may differ from one agent to another.
type Config struct {
	Socket  string        // cni.DefaultSocket if empty
	Timeout time.Duration // of one request; 30 s if 0
	ProcSys string        // a writable /proc/sys of the Node's network namespace; /proc/sys if empty
	// Segments lets Pods have interfaces in segments.
	Segments bool
	// Observe, if set, is told of every request when it is answered.
	Observe func(Observation)
}

// Observation is a request that was answered.
type Observation struct {
	Command  cni.Command
	Code     uint          // of the error, 0 if there was none
	Duration time.Duration // from the request's arrival to the answer
	Network  time.Duration // of it, in Network.Attach and Network.Detach
}

// Server answers the CNI plugin.
type Server struct {
	config    Config
	network   Network
	node      func() Node
	locks     attachmentLocks
	addresses addresses
}

// New returns a server that attaches Pods to network. It asks node anew for each Pod.
func New(network Network, node func() Node, config Config) *Server {
	if config.Socket == "" {
		config.Socket = cni.DefaultSocket
	}
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	if config.ProcSys == "" {
		config.ProcSys = "/proc/sys"
	}
	if config.Observe == nil {
		config.Observe = func(Observation) {}
	}
	return &Server{config: config, network: network, node: node}
}

// Run answers requests until ctx ends, and returns when those under way are answered.
func (s *Server) Run(ctx context.Context) error {
	klog.FromContext(ctx).Info("Answering the CNI plugin", "socket", s.config.Socket)
	return cni.Serve(ctx, s.config.Socket, s.serve)
}

func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	start := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Timeout, fmt.Errorf("not done within %s", s.config.Timeout))
	defer cancel()
	_ = conn.SetReadDeadline(start.Add(5 * time.Second)) // the plugin sends at once

	req, netns, err := cni.ReadRequest(conn)
	if netns != nil {
		defer netns.Close()
	}
	c := &call{server: s, req: req, netnsFile: netns}
	var result json.RawMessage
	if err == nil {
		result, err = c.answer(ctx)
	}
	resp := cni.Response{Result: result, Error: cniError(err)}
	_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	if writeErr := json.NewEncoder(conn).Encode(resp); writeErr != nil {
		klog.FromContext(ctx).Error(writeErr, "The CNI plugin did not wait for its answer", "command", req.Command, "container", req.ContainerID)
	}
	observed := Observation{Command: req.Command, Duration: time.Since(start), Network: c.inNetwork}
	if resp.Error != nil {
		observed.Code = resp.Error.Code
	}
	s.config.Observe(observed)
	c.log(ctx, resp.Error, observed)
}

func (c *call) log(ctx context.Context, err *types.Error, o Observation) {
	logger := klog.FromContext(ctx).WithValues("command", o.Command, "pod", klog.KRef(c.args.PodNamespace, c.args.PodName),
		"container", c.req.ContainerID, "interface", c.req.IfName, "duration", o.Duration, "network", o.Network)
	switch {
	case err != nil && c.req.Command != cni.Status:
		logger.Error(err, "CNI request failed", "code", err.Code)
	case c.req.Command == cni.Add || c.req.Command == cni.Del:
		logger.V(2).Info("CNI request done")
	default:
		logger.V(4).Info("CNI request done")
	}
}

// cniError gives every error a code of the specification.
func cniError(err error) *types.Error {
	if err == nil {
		return nil
	}
	var e *types.Error
	if errors.As(err, &e) {
		return e
	}
	return types.NewError(types.ErrInternal, err.Error(), "")
}

// again is the error of something that a repetition may cure.
func again(err error) error { return types.NewError(types.ErrTryAgainLater, err.Error(), "") }

// encode converts a result to the version that the configuration asks for.
func encode(result *current.Result, cniVersion string) (json.RawMessage, error) {
	converted, err := result.GetAsVersion(cniVersion)
	if err != nil {
		return nil, types.NewError(types.ErrIncompatibleCNIVersion, err.Error(), "")
	}
	return json.Marshal(converted)
}
