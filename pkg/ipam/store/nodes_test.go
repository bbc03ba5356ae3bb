package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// fakeAPI has no objects yet.
func fakeAPI(t *testing.T) client.WithWatch {
	scheme := runtime.NewScheme()
	require.NoError(t, v1alpha1.AddToScheme(scheme))
	return fake.NewClientBuilder().WithScheme(scheme).Build()
}

// TestManyNodes: whatever the Nodes do at the same time, what is held in the end is the lowest addresses of the range, each once, also
// where the pool has parts.
func TestManyNodes(t *testing.T) { synctest.Test(t, manyNodes) }

func manyNodes(t *testing.T) {
	const nodes, each, atATime = 5, 54, 6 // 270 addresses: more than an object has
	objects := fakeAPI(t)
	subnet := netip.MustParsePrefix("10.0.0.0/23")
	key := PoolKey{Name: "10.0.0.0-23", Subnet: subnet}
	place := Place{Pools: []PoolKey{key}}
	hosts := Claim{Pool: key, Span: ipam.Span{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.1.44")}, Excluded: new(ipam.Set)}
	var stores []*Store
	for range nodes {
		stores = append(stores, New(objects, "ns"))
	}
	owner := func(node, i int) Owner {
		return Owner{ContainerID: fmt.Sprintf("s%d-%d", node, i), IfName: "net1", PodRef: "default/p", PodUID: fmt.Sprintf("u%d-%d", node, i), Node: fmt.Sprint(node)}
	}
	all := func(do func(ctx context.Context, s *Store, node, i int) error) {
		t.Helper()
		group, ctx := errgroup.WithContext(t.Context())
		for node, s := range stores {
			for worker := range atATime {
				group.Go(func() error {
					for i := worker; i < each; i += atATime {
						if err := do(ctx, s, node, i); err != nil {
							return err
						}
					}
					return nil
				})
			}
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	add := func(ctx context.Context, s *Store, node, i int) error {
		_, err := s.Claim(ctx, owner(node, i), place, []Claim{hosts}, nil)
		return err
	}
	release := func(ctx context.Context, s *Store, node, i int) error {
		return s.Release(ctx, owner(node, i), place, nil)
	}
	check := func(after string, want int) {
		t.Helper()
		var pools v1alpha1.IPPoolList
		if err := objects.List(t.Context(), &pools, client.InNamespace("ns")); err != nil {
			t.Fatal(err)
		}
		var held []netip.Addr
		for _, p := range pools.Items {
			if p.Status.Allocated != int64(len(p.Spec.Allocations)) {
				t.Errorf("%s: object %s has %d allocations, its status says %d", after, p.Name, len(p.Spec.Allocations), p.Status.Allocated)
			}
			for a := range readObject(&p, netip.MustParsePrefix(p.Spec.Range)).held {
				held = append(held, a)
			}
		}
		slices.SortFunc(held, netip.Addr.Compare)
		next := hosts.Span.First
		for _, a := range held {
			if a != next {
				t.Fatalf("%s: %s is held, want %s", after, a, next)
			}
			next = next.Next()
		}
		if len(held) != want {
			t.Fatalf("%s: %d addresses are held, want %d", after, len(held), want)
		}
	}
	all(add)
	check("all have got one", nodes*each)
	all(add)
	check("asked again", nodes*each)
	all(func(ctx context.Context, s *Store, node, i int) error {
		if i%3 == 0 {
			return release(ctx, s, node, i)
		}
		return nil
	})
	all(func(ctx context.Context, s *Store, node, i int) error {
		if i%3 == 0 {
			return add(ctx, s, node, i)
		}
		return nil
	})
	check("a third was released and attached again", nodes*each)

	// The rest of the range at once, then one more on every Node.
	rest := func(do func(ctx context.Context, s *Store, node, i int) error) {
		t.Helper()
		group, ctx := errgroup.WithContext(t.Context())
		for i := nodes * each; i < 300; i++ {
			group.Go(func() error { return do(ctx, stores[0], 0, i) })
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	rest(add)
	check("full", 300)
	for node, s := range stores {
		var exhausted *ExhaustedError
		if err := add(t.Context(), s, node, 5000); !errors.As(err, &exhausted) {
			t.Errorf("Node %d, one more than there are: %v", node, err)
		}
	}
	// For Whereabouts, and as if nothing had been.
	if err := stores[0].Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	var joined v1alpha1.IPPoolList
	if err := objects.List(t.Context(), &joined); err != nil {
		t.Fatal(err)
	}
	if len(joined.Items) != 1 || len(joined.Items[0].Spec.Allocations) != 300 || len(joined.Items[0].Labels) != 0 {
		t.Errorf("%d objects when they have been put together, the first with %d addresses and labels %v", len(joined.Items), len(joined.Items[0].Spec.Allocations), joined.Items[0].Labels)
	}
	check("put together", 300)
	for i := range stores { // as if all had been started anew
		stores[i] = New(objects, "ns")
	}
	rest(release)
	if err := add(t.Context(), stores[3], 3, 5000); err != nil {
		t.Fatal("full no more:", err)
	}
	if err := release(t.Context(), stores[3], 3, 5000); err != nil {
		t.Fatal(err)
	}
	all(release)
	check("all have gone", 0)
}

// TestFilledByOthers: parts that another Node has filled, and this one has never read, do not cost it a write each.
func TestFilledByOthers(t *testing.T) { synctest.Test(t, filledByOthers) }

func filledByOthers(t *testing.T) {
	objects := fakeAPI(t)
	key := PoolKey{Name: "10.0.0.0-22", Subnet: netip.MustParsePrefix("10.0.0.0/22")}
	hosts := Claim{Pool: key, Span: ipam.Span{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.3.254")}, Excluded: new(ipam.Set)}
	here, there := New(objects, "ns"), New(objects, "ns")
	add := func(ctx context.Context, s *Store, pod string) (netip.Addr, error) {
		owner := Owner{ContainerID: "s" + pod, IfName: "net1", PodRef: "default/" + pod, PodUID: pod}
		addrs, err := s.Claim(ctx, owner, Place{Pools: []PoolKey{key}}, []Claim{hosts}, nil)
		if err != nil {
			return netip.Addr{}, err
		}
		return addrs[0], nil
	}
	// Once the pool has parts, this Node reads it and has the first address behind them.
	for i := range shardSize + 1 {
		_, err := add(t.Context(), there, fmt.Sprint("early", i))
		require.NoError(t, err)
	}
	_, err := add(t.Context(), here, "first")
	require.NoError(t, err)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range 5 * shardSize {
		group.Go(func() error {
			_, err := add(ctx, there, fmt.Sprint("late", i))
			return err
		})
	}
	require.NoError(t, group.Wait())

	before := here.conflicts.Load()
	a, err := add(t.Context(), here, "last")
	require.NoError(t, err)
	require.Equal(t, "10.0.1.131", a.String()) // 65 + 1 + 320 are below
	require.Equal(t, before, here.conflicts.Load(), "writes that were lost")
	require.EqualValues(t, 387, here.pool(key).used.Load(), "addresses in use, as far as this Node knows")
}

// TestJoinsAnOldRead: a claim that comes while the pool is read is not refused for what has been released before it came.
func TestJoinsAnOldRead(t *testing.T) { synctest.Test(t, joinsAnOldRead) }

func joinsAnOldRead(t *testing.T) {
	objects := fakeAPI(t)
	key := PoolKey{Name: "10.0.0.0-30", Subnet: netip.MustParsePrefix("10.0.0.0/30")}
	place := Place{Pools: []PoolKey{key}}
	hosts := Claim{Pool: key, Span: ipam.Span{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.0.2")}, Excluded: new(ipam.Set)}
	owner := func(pod string) Owner {
		return Owner{ContainerID: "s" + pod, IfName: "net1", PodRef: "default/" + pod, PodUID: pod}
	}
	add := func(s *Store, pod string) error {
		_, err := s.Claim(t.Context(), owner(pod), place, []Claim{hosts}, nil)
		return err
	}
	there := New(objects, "ns")
	require.NoError(t, add(there, "1"))
	require.NoError(t, add(there, "2"))

	var here *Store
	joined := make(chan error, 1)
	reading := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, name client.ObjectKey, into client.Object, opts ...client.GetOption) error {
		err := c.Get(ctx, name, into, opts...)
		if len(into.(*v1alpha1.IPPool).Spec.Allocations) == 2 { // what the first read finds
			require.NoError(t, there.Release(ctx, owner("1"), place, nil))
			require.NoError(t, there.Release(ctx, owner("2"), place, nil))
			go func() { joined <- add(here, "4") }()
			synctest.Wait()
		}
		return err
	}}
	here = New(interceptor.NewClient(objects, reading), "ns")
	require.NoError(t, add(here, "3"))
	require.NoError(t, <-joined)
}
