package store

import (
	"slices"
	"strconv"
	"strings"
)

// Usage is how full a pool is.
type Usage struct {
	Pool PoolKey
	Used int64 // in the cluster, as it was read or written last
	Size float64
}

// Usage is about the pools that this process has used, in the order of their names.
func (s *Store) Usage() []Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Usage
	for key, p := range s.pools {
		size, _ := strconv.ParseFloat(capacity(key.Subnet, key.Block), 64) // is a number
		all = append(all, Usage{key, p.used.Load(), size})
	}
	slices.SortFunc(all, func(a, b Usage) int { return strings.Compare(a.Pool.Name, b.Pool.Name) })
	return all
}

func (s *Store) setUsed(used map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, p := range s.pools {
		p.used.Store(used[key.Name])
	}
}

// Conflicts is how often somebody else was faster with a write.
func (s *Store) Conflicts() uint64 { return s.conflicts.Load() }
