package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// Store is the objects of one namespace. It is safe for concurrent use, and for use beside other Stores and Whereabouts itself.
type Store struct {
	client    client.Client
	namespace string

	mu    sync.Mutex
	pools map[PoolKey]*pool

	reservations sync.Map // by name, what was made here
	slicePools   sync.Map // by name
	conflicts    atomic.Uint64
}

// PoolKey is the IPPool of a range.
type PoolKey struct {
	Name   string
	Subnet netip.Prefix
	Block  bool `json:",omitempty"` // see [Blocks]: it is made before addresses are taken from it
}

// Owner is who has an address. PodUID may be empty where the runtime does not tell it. Of an address that stays for a claim after
// its sandbox has ended, there is no ContainerID, PodUID and Node.
type Owner struct {
	ContainerID, IfName  string
	PodRef, PodUID, Node string
	Claim                string
}

// Kept is the owner without its sandbox.
func (o Owner) Kept() Owner { return Owner{IfName: o.IfName, PodRef: o.PodRef, Claim: o.Claim} }

// Keep reports whether addresses stay for a claim when their sandbox ends. An error leaves them with the sandbox.
type Keep func(ctx context.Context, claim string) (bool, error)

// Allocation is the owner as an IPPool has it.
func (o Owner) Allocation() v1alpha1.IPAllocation {
	return v1alpha1.IPAllocation{ContainerID: o.ContainerID, PodRef: o.PodRef, IfName: o.IfName, PodUID: o.PodUID, Node: o.Node, Claim: o.Claim}
}

func ownerOf(h v1alpha1.IPAllocation) Owner {
	return Owner{h.ContainerID, h.IfName, h.PodRef, h.PodUID, h.Node, h.Claim}
}

// Claim is an address that is wanted.
type Claim struct {
	Pool     PoolKey
	Span     ipam.Span // the lowest that is free in it,
	Excluded *ipam.Set // but none of these
	Want     netip.Addr
	Back     bool      // Want is to be the owner's again, unless anybody has it
	Blocks   *Blocks   // the range is given out in blocks, of which Pool is none
	Known    []PoolKey // blocks in which the Pod may have an address
}

// Place is where an attachment has, or may have, addresses.
type Place struct {
	Pools       []PoolKey
	NetworkName string       // of the network's reservations
	Reserve     bool         // whether addresses are reserved against overlapping ranges
	Extra       []netip.Addr // addresses of no pool, which are reserved only
}

// ErrTaken says that an address that was asked for belongs to somebody else.
var ErrTaken = errors.New("address is in use")

// ExhaustedError says that no address of a range is free.
type ExhaustedError struct {
	Pool PoolKey
	Span ipam.Span
}

func (e *ExhaustedError) Error() string {
	return fmt.Sprintf("no free address from %s to %s in pool %s", e.Span.First, e.Span.Last, e.Pool.Name)
}

// New returns the store of a namespace. The client has to read from the API server, not from a cache.
func New(c client.Client, namespace string) *Store {
	return &Store{client: c, namespace: namespace, pools: map[PoolKey]*pool{}}
}

func (s *Store) pool(key PoolKey) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.pools[key]
	if !ok {
		p = &pool{store: s, key: key, turn: make(chan struct{}, 1), unsure: map[string]bool{}}
		s.pools[key] = p
	}
	return p
}

// Claim gives the owner an address for every claim. After an error it may have some of them, so the caller has to call
// [Store.Release] until that succeeds. Asking again gives the same addresses, also when the Pod has a new sandbox, or another Pod
// the same [Owner.Claim]. note is told of the pool of a block before anything is taken from it: it belongs to the place from then on.
func (s *Store) Claim(ctx context.Context, owner Owner, place Place, claims []Claim, note func(PoolKey) error) ([]netip.Addr, error) {
	addrs := make([]netip.Addr, len(claims))
	all, allCtx := errgroup.WithContext(ctx)
	for i, c := range claims {
		all.Go(func() (err error) {
			if c.Blocks != nil {
				addrs[i], err = s.claimOfBlocks(allCtx, owner, place, c, note)
			} else {
				addrs[i], err = s.claim(allCtx, owner, place, c)
			}
			return err
		})
	}
	for _, a := range place.Extra {
		all.Go(func() error { return s.reserve(allCtx, place.NetworkName, a, owner, false) })
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	return addrs, nil
}

// claim gives an address of one pool.
func (s *Store) claim(ctx context.Context, owner Owner, place Place, c Claim) (netip.Addr, error) {
	a, err := s.claimOf(ctx, owner, place, c)
	var exhausted *ExhaustedError
	if errors.As(err, &exhausted) {
		s.pool(c.Pool).tellExhausted(ctx, &op{kind: claim, owner: owner, claim: c, reserved: place.Reserve})
	}
	return a, err
}

func (s *Store) claimOf(ctx context.Context, owner Owner, place Place, c Claim) (netip.Addr, error) {
	p := s.pool(c.Pool)
	if !place.Reserve {
		return p.do(ctx, &op{kind: claim, owner: owner, claim: c})
	}
	for began := time.Now(); ; {
		if err := p.learn(ctx, place.NetworkName, time.Now().Add(-learnAgain)); err != nil {
			return netip.Addr{}, err
		}
		asked := &op{kind: claim, owner: owner, claim: c, reserved: true}
		a, err := p.do(ctx, asked)
		var exhausted *ExhaustedError
		if errors.As(err, &exhausted) && p.learned().Before(began) {
			// Some of what others had reserved may be free by now.
			if err := p.learn(ctx, place.NetworkName, began); err != nil {
				return a, err
			}
			if p.learned().Before(began) {
				return a, err // nobody else had any
			}
			continue
		}
		if err != nil {
			return a, err
		}
		err = s.reserve(ctx, place.NetworkName, a, owner, asked.kept)
		if !errors.Is(err, ErrTaken) {
			return a, err
		}
		// An overlapping range was faster.
		if _, undo := p.do(ctx, &op{kind: release, owner: owner, only: a}); undo != nil {
			return a, undo
		}
		if c.Want.IsValid() {
			return a, err
		}
		if err := p.meet(ctx, place.NetworkName, a); err != nil {
			return a, err
		}
	}
}

// Release frees what the sandbox's interface has, or keeps it for its claim. The reservation goes first: as long as the pool has the
// address as the sandbox's, nobody else of this range takes it.
func (s *Store) Release(ctx context.Context, owner Owner, place Place, keep Keep) error {
	var all errgroup.Group // each is tried, whatever becomes of the others
	for _, a := range place.Extra {
		all.Go(func() error { return s.unreserve(ctx, place.NetworkName, a, owner, false) })
	}
	for _, key := range place.Pools {
		all.Go(func() error {
			p := s.pool(key)
			held, err := p.held(ctx, owner)
			if err != nil {
				return fmt.Errorf("release addresses of pool %s: %w", key.Name, err)
			}
			for a, h := range held {
				stays := false
				if h.Claim != "" {
					if stays, err = keep(ctx, h.Claim); err != nil {
						return fmt.Errorf("release %s of pool %s: %w", a, key.Name, err)
					}
				}
				if place.Reserve {
					p.coming.Add(1)
					err := s.unreserve(ctx, place.NetworkName, a, owner, stays)
					p.coming.Add(-1)
					if err != nil {
						return err
					}
				}
				if _, err := p.do(ctx, &op{kind: release, owner: owner, only: a, keep: stays}); err != nil {
					return fmt.Errorf("release %s of pool %s: %w", a, key.Name, err)
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// Held is what the sandbox's interface has in the pools, as the API server knows it now. With Reserve, an address without its
// reservation is left out.
func (s *Store) Held(ctx context.Context, owner Owner, place Place) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, key := range place.Pools {
		p := s.pool(key)
		p.doubt()
		held, err := p.held(ctx, owner)
		if err != nil {
			return nil, err
		}
		for a := range held {
			if place.Reserve {
				if mine, err := s.isReserved(ctx, place.NetworkName, a, owner); err != nil {
					return nil, err
				} else if !mine {
					continue
				}
			}
			all = append(all, a)
		}
	}
	return all, nil
}

// Ready asks the API server whether the objects can be used.
func (s *Store) Ready(ctx context.Context) error {
	var some v1alpha1.IPPoolList
	return s.client.List(ctx, &some, client.InNamespace(s.namespace), client.Limit(1))
}
