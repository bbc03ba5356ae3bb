package policies

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policy/policytest"
)

// testAgent is the part of an agent that is about policies, on a Node that has every Pod that the test makes there.
type testAgent struct {
	t       *testing.T
	config  Config
	cluster *cluster
	source  *Source
	kill    func()
}

func (a *testAgent) start() {
	a.t.Helper()
	a.config.Store = state.New(pipeline.State{Node: pipeline.Node{Name: a.config.Node}}, SourceName)
	a.source = New(a.config)
	a.ports()
	ctx, cancel := context.WithCancel(a.t.Context())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := a.source.Run(ctx); err != nil {
			a.t.Error(err)
		}
	})
	a.kill = sync.OnceFunc(func() { cancel(); wait.Wait() })
	a.t.Cleanup(a.kill)
}

// ports gives every Pod that policytest may put on the Node an interface.
func (a *testAgent) ports() {
	a.config.Store.Update(func(s *pipeline.State) {
		for i := range 30 {
			namespace, name := fmt.Sprint("ns", i/10), fmt.Sprint("pod", i%10)
			if p, ok := a.cluster.told[keyOfPod(namespace, name)].(*corev1.Pod); ok && p.Spec.NodeName == a.config.Node && !p.Spec.HostNetwork {
				s.Pods[namespace+name] = pipeline.Pod{Name: pipeline.PodName{Namespace: namespace, Name: name}}
			} else {
				delete(s.Pods, namespace+name)
			}
		}
	})
}

func keyOfPod(namespace, name string) policy.Key {
	k, _, _ := policy.Read(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	return k
}

// enforces tells whether the store has the policies that a fresh engine finds, which knows all that the API has.
func (a *testAgent) enforces() bool {
	now, _ := a.config.Store.Snapshot()
	e := a.cluster.engine(a.config.Node)
	want := updated(nil, e.Changes())
	want.Pods = ofPods(e, now.Pods)
	return reflect.DeepEqual(now.Policies, want)
}

func (a *testAgent) policies() *pipeline.Policies {
	now, _ := a.config.Store.Snapshot()
	return now.Policies
}

func (a *testAgent) hears() bool {
	_, err := a.source.ControllerUp()
	return err == nil
}

func (a *testAgent) standsIn() bool {
	a.source.teller.mu.Lock()
	defer a.source.teller.mu.Unlock()
	return a.source.teller.instead != nil
}

func TestController(t *testing.T) { testController(t, newFakeCluster(t)) }

// TestRealController has a real API server between agents and the controller, with the rights that the manifest gives them.
func TestRealController(t *testing.T) { testController(t, newRealCluster(t)) }

// testController has agents of two Nodes ask a controller, and one watch the whole cluster; it kills the controller and an agent, and
// lets time pass.
func testController(t *testing.T, cluster *cluster) {
	world := policytest.New(7, false)
	cluster.namespaces()
	world.Tell(cluster)
	kill := cluster.controller()
	t.Cleanup(func() { kill() })

	agents := make([]*testAgent, 3)
	for i, c := range []Config{
		{Node: "node0", Controller: true, Patience: time.Hour}, {Node: "node1", Controller: true, Patience: 4 * time.Second}, {Node: "node1"},
	} {
		c.Client = cluster.agentOf(c.Node)
		c.Copy = filepath.Join(t.TempDir(), CopyName)
		agents[i] = &testAgent{t: t, config: c, cluster: cluster}
		agents[i].start()
	}
	patient, hasty := agents[0], agents[1]
	all := func(what string, of ...*testAgent) {
		t.Helper()
		for _, a := range of {
			a.ports()
			until(t, fmt.Sprintf("%s, %s, controller asked is %t", what, a.config.Node, a.config.Controller), a.enforces)
		}
	}
	all("at first", agents...)
	until(t, "agents hear the controller", func() bool { return patient.hears() && hasty.hears() && cluster.watched(2) })
	for range 15 {
		world.Change(cluster)
		all("after a change", agents...)
	}
	rules := 0
	for _, a := range agents[:2] {
		if a.standsIn() {
			t.Errorf("%s watches the whole cluster beside a controller", a.config.Node)
		}
		rules += len(a.policies().Rules)
	}
	if rules == 0 {
		t.Error("no rules: the world is too dull")
	}
	patient.source.mu.Lock()
	for k := range patient.source.engine.Keys() {
		if k.Namespace == "apart" && k.Kind == policy.KindNetworkPolicy {
			t.Errorf("an agent is told of %s, which does not concern it", k)
		}
	}
	patient.source.mu.Unlock()

	t.Run("another Node", func(t *testing.T) {
		err := patient.config.Client.Discovery().RESTClient().Get().AbsPath("/apis", systemv1alpha1.GroupVersion.String(), systemv1alpha1.PolicyObjects).
			Param("watch", "true").Param("fieldSelector", "metadata.name=node1").Do(t.Context()).Error()
		if err == nil || !strings.Contains(err.Error(), "only with the token of a Pod on that Node") {
			t.Errorf("the agent of node0 asks about node1: %v", err)
		}
	})
	until(t, "there is a copy of what is in force", func() bool {
		_, last, ok := openCopy(t.Context(), patient.config.Copy)
		return ok && patient.source.teller.at.version-last.Version < 100 && len(last.Objects) > 0
	})
	time.Sleep(2 * copyInterval)

	kill()
	until(t, "the agents miss the controller", func() bool { return !patient.hears() && !hasty.hears() })
	all("without controller", patient, hasty)

	patient.kill()
	patient.start()
	began := time.Now()
	<-patient.config.Store.Synced()
	if !patient.enforces() {
		t.Error("from its copy an agent does not enforce what it did")
	}
	t.Logf("an agent that started without controller had its policies after %v", time.Since(began).Round(time.Millisecond))
	if patient.hears() || patient.standsIn() {
		t.Error("the agent did not have them from its copy")
	}

	until(t, "the other one watches itself", func() bool { return hasty.standsIn() && cluster.watched(3) })
	for range 5 {
		world.Change(cluster)
		all("a change while the controller is away", hasty, agents[2])
	}
	if patient.standsIn() {
		t.Error("a patient agent does not wait")
	}
	// A Pod that came after the copy has nobody who could tell of it.
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns0", Name: "pod0", Labels: map[string]string{"app": "a", "new": "one"}}, Spec: corev1.PodSpec{NodeName: "node0"}}
	if err := cluster.Set(pod); err != nil {
		t.Fatal(err)
	}
	patient.config.Store.Update(func(s *pipeline.State) {
		s.Pods["new"] = pipeline.Pod{Name: pipeline.PodName{Namespace: "ns0", Name: "pod0", UID: cluster.uid(pod)}}
	})
	until(t, "an agent whose new Pod waits watches itself", func() bool { return patient.standsIn() && patient.enforces() })
	until(t, "a copy that is older than what is in force goes", func() bool {
		_, _, ok := openCopy(t.Context(), patient.config.Copy)
		return !ok
	})

	kill = cluster.controller()
	until(t, "the agents hear a new controller", func() bool {
		return patient.hears() && hasty.hears() && !patient.standsIn() && !hasty.standsIn() && cluster.watched(5)
	})
	for range 5 {
		world.Change(cluster)
		all("after the controller is back", agents...)
	}
}
