package cniserver

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/hostlocal"
)

// addresses hands out addresses. Which are in use is in the Pod records; what is kept here is only needed between choosing an
// address and its record, and may be lost. The zero value is ready for use.
type addresses struct {
	mu       sync.Mutex
	reserved map[netip.Addr]cni.Attachment // by ADDs under way
	last     map[string]netip.Addr         // given from each pool
	stores   map[storeKey]*hostlocal.Store // imported from host-local
}

type storeKey struct{ dataDir, network string }

// reserve chooses one address of each pool, or the one that is wanted. They stay reserved until release. Addresses of records
// are in use, and so are those that other says. The records are read under the lock: an ADD that ends meanwhile is in one or
// the other.
func (a *addresses) reserve(by cni.Attachment, pools []ipam.Pool, wanted []netip.Addr, records func() ([]podport.Record, error), other func(netip.Addr) bool) ([]ipam.Address, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.reserved == nil {
		a.reserved, a.last = map[netip.Addr]cni.Attachment{}, map[string]netip.Addr{}
	}
	known, err := records()
	if err != nil {
		return nil, err
	}
	recorded := map[netip.Addr]bool{}
	for _, rec := range known {
		if rec.VNI != 0 {
			continue // its addresses are another network's
		}
		for _, ip := range rec.IPs {
			recorded[ip.Addr()] = true
		}
	}
	used := func(addr netip.Addr) bool {
		_, taken := a.reserved[addr]
		return taken || recorded[addr] || other(addr)
	}
	for _, want := range wanted {
		if !slices.ContainsFunc(pools, func(p ipam.Pool) bool { return p.Contains(want) }) {
			return nil, fmt.Errorf("address %s was asked for, but the pools are %v", want, pools)
		}
	}
	got := make([]ipam.Address, len(pools))
	for i, pool := range pools {
		var err error
		if w := slices.IndexFunc(wanted, pool.Contains); w >= 0 {
			got[i], err = pool.Take(wanted[w], used)
		} else {
			got[i], err = pool.Next(a.lastOf(pool, recorded), used)
		}
		if err != nil {
			return nil, err
		}
	}
	for i, address := range got {
		a.reserved[address.Prefix.Addr()] = by
		a.last[pools[i].String()] = address.Prefix.Addr()
	}
	return got, nil
}

// lastOf is the last address given from a pool. After a restart of the agent, the highest that a Pod has is the best guess.
func (a *addresses) lastOf(pool ipam.Pool, recorded map[netip.Addr]bool) netip.Addr {
	if last, ok := a.last[pool.String()]; ok {
		return last
	}
	var high netip.Addr
	for addr := range recorded {
		if pool.Contains(addr) && high.Less(addr) {
			high = addr
		}
	}
	return high
}

// release ends the reservations of an attachment, whose record now has the addresses or which has come to nothing.
func (a *addresses) release(of cni.Attachment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for addr, owner := range a.reserved {
		if owner == of {
			delete(a.reserved, addr)
		}
	}
}

// store is what host-local left for a network; it is read once.
func (a *addresses) store(dataDir, network string) (*hostlocal.Store, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := storeKey{dataDir, network}
	if s, ok := a.stores[key]; ok {
		return s, nil
	}
	booted, err := bootTime()
	if err != nil {
		return nil, err
	}
	s, err := hostlocal.OpenStore(dataDir, network, booted)
	if err != nil {
		return nil, err
	}
	if a.stores == nil {
		a.stores = map[storeKey]*hostlocal.Store{}
	}
	a.stores[key] = s
	return s, nil
}

func bootTime() (time.Time, error) {
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return time.Time{}, fmt.Errorf("time since boot: %w", err)
	}
	return time.Now().Add(-time.Duration(up.Nano())), nil
}
