package hostlocal

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Store is the directory in which host-local kept the addresses of one network: a file for each, named by the address, with the
// container's ID and the interface as content. Nothing is ever added; a container that goes takes its file along, so that the
// store is empty once every container from before has gone. It is safe for concurrent use.
type Store struct {
	dir string

	mu     sync.Mutex
	owners map[netip.Addr]Owner
}

// Owner is what a file of host-local says about its address.
type Owner struct {
	ContainerID string
	IfName      string // "" in files of host-local before 0.8
}

// OpenStore reads the store of a network. A missing directory is an empty store. Files from before booted belong to containers
// that no longer exist, and are removed.
func OpenStore(dataDir, network string, booted time.Time) (*Store, error) {
	s := &Store{dir: filepath.Join(dataDir, network), owners: map[netip.Addr]Owner{}}
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("import addresses of host-local: %w", err)
	}
	for _, entry := range entries {
		addr, err := netip.ParseAddr(entry.Name())
		if err != nil {
			continue // lock, last_reserved_ip.0
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("import addresses of host-local: %w", err)
		}
		if info.ModTime().Before(booted) {
			if err := os.Remove(filepath.Join(s.dir, entry.Name())); err != nil {
				return nil, fmt.Errorf("remove the address of a container from before the last boot: %w", err)
			}
			continue
		}
		content, err := os.ReadFile(filepath.Join(s.dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("import addresses of host-local: %w", err)
		}
		fields := strings.Fields(string(content))
		owner := Owner{}
		if len(fields) > 0 {
			owner.ContainerID = fields[0]
		}
		if len(fields) > 1 {
			owner.IfName = fields[1]
		}
		s.owners[addr] = owner
	}
	return s, nil
}

// Has reports whether a container from before has the address.
func (s *Store) Has(addr netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.owners[addr]
	return ok
}

// Len is the number of addresses that containers from before still have.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.owners)
}

// Release frees the addresses whose owner is gone.
func (s *Store) Release(gone func(Owner) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for addr, owner := range s.owners {
		if !gone(owner) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, addr.String())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("release address %s of host-local: %w", addr, err)
		}
		delete(s.owners, addr)
	}
	return nil
}
