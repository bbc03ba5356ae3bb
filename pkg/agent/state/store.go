// Package state holds what the agent knows: one [pipeline.State], filled by sources and read by everything that makes the
// switch and the host match it.
//
// Start at [Store]. Sources call Update; the rest Watch for changes and take a Snapshot. The store decides nothing.
package state

import (
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Version counts the changes of a [Store].
type Version uint64

// Store is the state of the Node. Its methods may be called from several goroutines.
type Store struct {
	synced chan struct{} // closed when no source is pending

	mu       sync.Mutex
	state    pipeline.State
	version  Version
	pending  map[string]bool
	watchers map[chan struct{}]bool // true: changes of Pods matter
}

// New is a store with a first state, which is complete when every one of the named sources has called [Store.SourceSynced].
func New(first pipeline.State, sources ...string) *Store {
	s := &Store{
		synced: make(chan struct{}), state: clone(first), version: 1,
		pending: make(map[string]bool), watchers: make(map[chan struct{}]bool),
	}
	for _, source := range sources {
		s.pending[source] = true
	}
	if len(sources) == 0 {
		close(s.synced)
	}
	return s
}

// Update lets f change the state and returns the version that has the change. f may add to and delete from the maps, and
// must not change what slices in the state refer to. A change that changes nothing makes no new version.
func (s *Store) Update(f func(*pipeline.State)) Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := clone(s.state)
	f(&next)
	if reflect.DeepEqual(next, s.state) {
		return s.version
	}
	before := s.state
	s.state = next
	s.version++
	before.Pods, next.Pods = nil, nil
	s.notify(reflect.DeepEqual(before, next))
	return s.version
}

// Snapshot is the state now. It must not be changed.
func (s *Store) Snapshot() (pipeline.State, Version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.version
}

// SourceSynced tells that a source has put in all it knew at the start. Again is nothing.
func (s *Store) SourceSynced(source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pending[source] {
		return
	}
	delete(s.pending, source)
	if len(s.pending) == 0 {
		close(s.synced)
		s.notify(false)
	}
}

// Synced is closed when every source has put in all it knew.
func (s *Store) Synced() <-chan struct{} { return s.synced }

// Pending are the sources that Synced waits for.
func (s *Store) Pending() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.pending))
}

// Watch returns a channel that has a value whenever something changed since the last receive, and a function that ends the
// watch.
func (s *Store) Watch() (changes <-chan struct{}, stop func()) { return s.watch(true) }

// WatchAllButPods is Watch for what does not depend on the Pods of the Node, which change most often.
func (s *Store) WatchAllButPods() (changes <-chan struct{}, stop func()) { return s.watch(false) }

func (s *Store) watch(pods bool) (changes <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[c] = pods
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, c)
	}
}

// notify wakes the watchers; those that Pods do not matter to are left alone if only Pods changed.
func (s *Store) notify(onlyPods bool) {
	for c, pods := range s.watchers {
		if onlyPods && !pods {
			continue
		}
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// clone copies the maps; what is in them is never changed in place.
func clone(s pipeline.State) pipeline.State {
	s.Pods = cloneMap(s.Pods)
	s.Peers = cloneMap(s.Peers)
	s.Clusters = cloneMap(s.Clusters)
	s.Services = cloneMap(s.Services)
	s.Segments = cloneMap(s.Segments)
	return s
}

func cloneMap[V any](m map[string]V) map[string]V {
	c := make(map[string]V, len(m))
	maps.Copy(c, m)
	return c
}
