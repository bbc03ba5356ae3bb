package state

import (
	"slices"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

func TestUpdate(t *testing.T) {
	s := New(pipeline.State{})
	changes, stop := s.Watch()
	defer stop()
	before, v1 := s.Snapshot()
	add := func(st *pipeline.State) { st.Pods["web-1"] = pipeline.Pod{Port: 3} }

	v2 := s.Update(add)
	if v2 <= v1 {
		t.Errorf("version %d after a change of version %d", v2, v1)
	}
	if len(before.Pods) != 0 {
		t.Error("the change reached an older snapshot")
	}
	select {
	case <-changes:
	default:
		t.Error("the change was not told")
	}
	if v3 := s.Update(add); v3 != v2 {
		t.Errorf("the same change again made version %d of %d", v3, v2)
	}
	select {
	case <-changes:
		t.Error("a change of nothing was told")
	default:
	}
}

func TestWatchAllButPods(t *testing.T) {
	s := New(pipeline.State{})
	changes, stop := s.WatchAllButPods()
	defer stop()
	s.Update(func(st *pipeline.State) { st.Pods["web-1"] = pipeline.Pod{Port: 3} })
	select {
	case <-changes:
		t.Error("told of a Pod")
	default:
	}
	s.Update(func(st *pipeline.State) { st.Node.Name = "node1" })
	select {
	case <-changes:
	default:
		t.Error("not told of the Node")
	}
}

func TestSynced(t *testing.T) {
	s := New(pipeline.State{}, "nodes", "pods")
	s.SourceSynced("pods")
	s.SourceSynced("pods")
	select {
	case <-s.Synced():
		t.Fatal("synced without nodes")
	default:
	}
	if got := s.Pending(); !slices.Equal(got, []string{"nodes"}) {
		t.Errorf("pending: %v", got)
	}
	s.SourceSynced("nodes")
	select {
	case <-s.Synced():
	default:
		t.Error("not synced")
	}
}
