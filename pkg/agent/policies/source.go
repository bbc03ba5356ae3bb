package policies

import (
	"context"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policywatch"
)

// SourceName is the source in the store.
const SourceName = "policies"

// Config is what a source needs.
type Config struct {
	Client  kubernetes.Interface
	Dynamic dynamic.Interface // nil: no ClusterNetworkPolicies
	Node    string
	Store   *state.Store
	// Controller says that antrea-controller is asked what the Node needs to know. Otherwise the whole cluster is watched.
	Controller bool
	Copy       string        // file that keeps what the controller has told
	Patience   time.Duration // for how long the controller may be away; 0 is half a minute
}

// Source keeps a store up to date with the policies for the Pods of a Node.
type Source struct {
	Config
	told     *queue
	whole    bool                  // all has been told once
	problems map[policy.Key]string // of policies, as they were complained about
	teller   *teller               // nil without the controller

	mu     sync.Mutex // guards engine
	engine *policy.Engine
}

// New is a source for one Node.
func New(c Config) *Source {
	s := &Source{Config: c, told: newQueue(), engine: policy.New(c.Node), problems: make(map[policy.Key]string)}
	if c.Controller {
		s.teller = newTeller(c, s.told.put, s.isWaited)
	}
	return s
}

// Run keeps the store up to date until ctx is done.
func (s *Source) Run(ctx context.Context) error {
	changes, stop := s.Store.Watch()
	defer stop()
	var wait sync.WaitGroup
	defer wait.Wait()
	if s.teller != nil {
		wait.Go(func() { s.teller.run(ctx) })
	} else {
		wait.Go(func() { policywatch.Run(ctx, s.Client, s.Dynamic, s.told.put) })
	}
	for {
		if s.update(ctx); s.whole {
			s.Store.SourceSynced(SourceName)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-s.told.more:
		}
	}
}

// ControllerUp says whether antrea-controller tells what the Node needs to know; asked is false if nobody asks it.
func (s *Source) ControllerUp() (asked bool, problem error) {
	if s.teller == nil {
		return false, nil
	}
	return true, s.teller.problem()
}

// isWaited says whether a Pod of this Node, or the whole Node, can do nothing as long as nobody tells.
func (s *Source) isWaited() bool {
	now, _ := s.Store.Snapshot()
	if now.Policies == nil {
		return true
	}
	for port, p := range now.Pods {
		if _, ok := now.Policies.Pods[port]; !ok && p.Segment == 0 {
			return true
		}
	}
	return false
}

// update puts what was told into the store.
func (s *Source) update(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.told.take() {
		s.apply(ctx, b)
	}
	if !s.whole {
		return
	}
	s.publish()
}

// publish puts into the store what follows from what the engine was told. It returns the version that has all of it.
func (s *Source) publish() state.Version {
	now, version := s.Store.Snapshot()
	s.addressOwnPods(now.Pods)
	changes := s.engine.Changes()
	pods := ofPods(s.engine, now.Pods)
	if now.Policies != nil && changes.Len() == 0 && reflect.DeepEqual(now.Policies.Pods, pods) {
		return version
	}
	return s.Store.Update(func(st *pipeline.State) {
		st.Policies = updated(st.Policies, changes)
		st.Policies.Pods = ofPods(s.engine, st.Pods)
	})
}

// Wants says whether a rule for a Pod is about a canonical domain name.
func (s *Source) Wants(pod types.NamespacedName, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine.Wants(pod, name)
}

// Resolved tells what Pods have been told of domain names, and returns the version of the state with what follows.
func (s *Source) Resolved(told map[types.NamespacedName][]policy.Resolution) state.Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	for pod, all := range told {
		s.engine.SetResolutions(pod, all)
	}
	if !s.whole {
		_, version := s.Store.Snapshot()
		return version
	}
	return s.publish()
}

// addressOwnPods tells the engine the addresses of Pods of this Node before Kubernetes has them.
func (s *Source) addressOwnPods(pods map[string]pipeline.Pod) {
	for _, p := range pods {
		if p.Segment != 0 {
			continue
		}
		if told, ok := s.engine.Pod(nameOf(p)); ok && told.Is(p.Name.UID) && len(told.IPs) == 0 && !told.HostNetwork {
			told.IPs = p.IPs
			s.engine.SetPod(told)
		}
	}
}

// apply tells the engine, and complains about what is not understood of a policy, once. What is to stay does not go in between.
func (s *Source) apply(ctx context.Context, b policy.Batch) {
	gone := b.Gone
	if b.Whole {
		s.whole = true
		gone = b.Missing(s.engine.Keys())
	}
	for _, o := range b.Objects {
		k, err := o.Key(), s.engine.Tell(o)
		switch {
		case err == nil:
			delete(s.problems, k)
		case s.problems[k] != err.Error():
			s.problems[k] = err.Error()
			klog.FromContext(ctx).Error(err, "Not all of a policy is in force: what is not understood is closed")
		}
	}
	for _, k := range gone {
		delete(s.problems, k)
		s.engine.Forget(k)
	}
}

func nameOf(p pipeline.Pod) types.NamespacedName {
	return types.NamespacedName{Namespace: p.Name.Namespace, Name: p.Name.Name}
}
