// Package policies streams to the agent of each Node what policies for the Pods of the Node depend on, so that agents need not watch
// whole clusters.
//
// Start at [Server]. Package policy finds out what a Node needs, package policywatch watches the cluster; here are the answers to
// agents (stream.go), and for how long account is kept of what a Node may have missed.
package policies

import (
	"context"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policywatch"
)

// keepAccount is for how long an agent may be away and is told only what it missed.
const keepAccount = 5 * time.Minute

// Server answers agents. It begins to watch the cluster when the first of them asks: there may be none that ever does.
type Server struct {
	client   kubernetes.Interface
	dynamic  dynamic.Interface
	instance string
	asked    func()
	wanted   chan struct{} // closed when an agent has asked
	synced   chan struct{} // closed when all that there is has been told

	mu          sync.Mutex
	distributor *policy.Distributor
	streams     map[string]*stream // by Node
}

var _ http.Handler = &Server{}

// New is a server that reads a cluster by these clients.
func New(client kubernetes.Interface, dynamic dynamic.Interface) *Server {
	s := &Server{
		client: client, dynamic: dynamic, instance: string(uuid.NewUUID()), wanted: make(chan struct{}), synced: make(chan struct{}),
		distributor: policy.NewDistributor(), streams: make(map[string]*stream),
	}
	s.asked = sync.OnceFunc(func() { close(s.wanted) })
	return s
}

// Run watches until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.wanted:
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() { policywatch.Run(ctx, s.client, s.dynamic, func(b policy.Batch) { s.tell(ctx, b) }) })
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			s.forget(now.Add(-keepAccount))
		}
	}
}

// tell tells the distributor. What is not understood of a policy is told by the agents that it concerns.
func (s *Server) tell(ctx context.Context, b policy.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range b.Objects {
		_ = s.distributor.Tell(o)
	}
	for _, k := range b.Gone {
		s.distributor.Forget(k)
	}
	if b.Whole {
		close(s.synced)
		klog.FromContext(ctx).Info("Telling agents what policies for their Pods depend on", "cluster", s.distributor.String())
	}
}

// forget ends the account of Nodes whose agents have been away since before a time.
func (s *Server) forget(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for node, of := range s.streams {
		if of.ended.Load() != nil && of.ended.Load().Before(before) {
			s.distributor.Leave(node)
			delete(s.streams, node)
		}
	}
}
