package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containernetworking/cni/libcni"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/stretchr/testify/require"
)

// life is what the runtimes of all nodes believe: which address belongs to which interface. They are told of an address as long as
// they have it, so whoever gets one that another has, has stolen it.
type life struct {
	t      *testing.T
	mu     sync.Mutex
	owner  map[string]string // by address
	twice  int               // addresses that were given to two
	ops    int               // all of them,
	failed int               // and those that are to be repeated
	wake   chan struct{}
}

func (l *life) born(addrs []string, owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range addrs {
		if other, ok := l.owner[a]; ok {
			l.t.Errorf("%s was given to %s, but %s has it", a, owner, other)
			l.twice++
		}
		l.owner[a] = owner
	}
}

func (l *life) died(addrs []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range addrs {
		delete(l.owner, a)
	}
}

// done counts an operation.
func (l *life) done(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ops++
	if err != nil {
		l.failed++
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *life) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	for a, owner := range l.owner {
		lines = append(lines, a+" "+owner)
	}
	slices.Sort(lines)
	return lines
}

type attachment struct {
	rt    *libcni.RuntimeConf
	addrs []string
}

// runtime does ADD and DEL as a container runtime does: what failed is deleted, and DEL is repeated until it succeeds. Now and then
// the plugin is killed.
func (l *life) runtime(n *node, list *libcni.NetworkConfigList, pod, uid string, ops int, random *rand.Rand) []attachment {
	var mine []attachment
	for i := range ops {
		if len(mine) > 3 && random.IntN(2) == 0 {
			a := mine[0]
			mine = mine[1:]
			l.died(a.addrs)
			l.del(n, list, a.rt, random)
			continue
		}
		rt := sandbox(pod, uid, fmt.Sprintf("%s-%d", pod, i))
		rt.IfName = fmt.Sprint("net", i)
		ctx, cancel := mortal(random)
		result, err := n.libcni.AddNetworkList(ctx, list, rt)
		cancel()
		l.done(err)
		if err != nil {
			l.del(n, list, rt, random)
			continue
		}
		newest, err := current.NewResultFromResult(result)
		if err != nil || len(newest.IPs) != 2 {
			l.t.Errorf("result %s: %v", result, err)
			continue
		}
		a := attachment{rt: rt}
		for _, ip := range newest.IPs {
			a.addrs = append(a.addrs, ip.Address.IP.String())
		}
		l.born(a.addrs, fmt.Sprintf("default/%s %s %s", pod, rt.ContainerID, rt.IfName))
		mine = append(mine, a)
	}
	return mine
}

func (l *life) del(n *node, list *libcni.NetworkConfigList, rt *libcni.RuntimeConf, random *rand.Rand) {
	for {
		ctx, cancel := mortal(random)
		err := n.libcni.DelNetworkList(ctx, list, rt)
		cancel()
		l.done(err)
		if err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // a runtime does not repeat at once either
	}
}

// mortal is a context that kills one in ten plugins some time after its start.
func mortal(random *rand.Rand) (context.Context, context.CancelFunc) {
	if random.IntN(10) == 0 {
		return context.WithTimeout(context.Background(), time.Duration(random.IntN(40))*time.Millisecond)
	}
	return context.WithCancel(context.Background())
}

var (
	attachments = flag.Int("attachments", 14, "ADDs and DELs of each of nine runtimes that lose their plugins, daemons or API server")
	seed        = flag.Uint64("seed", 7, "of what is killed when")
)

// TestRealKilled kills plugins, daemons, the API server and etcd while three nodes add and delete. In the end, every address that
// is held has a living owner, and the other way round.
func TestRealKilled(t *testing.T) {
	c := newCluster(t)
	nodes := []*node{c.node("a"), c.node("b"), c.node("c")}
	t.Run("Exact", func(t *testing.T) {
		killAll(t, c, nodes, `"range":"10.20.0.0/24","ipRanges":[{"range":"fd00:20::/64"}]`, *attachments)
	})
	// Blocks of four addresses and never one to spare: they are taken, borrowed from and handed back all the time.
	t.Run("Blocks", func(t *testing.T) {
		killAll(t, c, nodes, `"range":"10.21.0.0/26","ipRanges":[{"range":"fd00:21::/64"}],"node_slice_size":"/30"`, max(1, *attachments/2))
		require.Eventually(t, func() bool { return len(c.slices("net"))+len(c.slices("net-fd00-21---64")) == 0 }, time.Minute, 100*time.Millisecond, "all blocks are handed back")
	})
}

// settled is for all that could not be released meanwhile, on a machine with other work.
const settled = 5 * time.Minute

func killAll(t *testing.T, c *cluster, nodes []*node, ipam string, ops int) {
	const workers = 3
	l := &life{t: t, owner: map[string]string{}, wake: make(chan struct{}, 1)}

	left := make([][]attachment, len(nodes)*workers)
	var running sync.WaitGroup
	for i := range left {
		n := nodes[i/workers]
		pod := fmt.Sprintf("%s-%s%d", strings.ToLower(filepath.Base(t.Name())), n.name, i)
		uid := c.pod(n.name, pod)
		n.waitReady()
		running.Go(func() {
			left[i] = l.runtime(n, n.network(ipam), pod, uid, ops, rand.New(rand.NewPCG(*seed, uint64(i))))
		})
	}
	ended := make(chan struct{})
	go func() {
		running.Wait()
		close(ended)
	}()
	kills := l.kill(c, nodes, ended)
	t.Logf("seed %d: %d operations, %d of them failed, kills: %v", *seed, l.ops, l.failed, kills)

	eventually := func(what string, want []string) {
		t.Helper()
		var got, reserved []string
		ok := func() bool {
			var err error
			if got, err = c.tryHeld(""); err != nil {
				return false
			}
			if reserved, err = c.tryReserved(""); err != nil {
				return false
			}
			return slices.Equal(got, want) && slices.Equal(reserved, want)
		}
		require.Eventually(t, ok, settled, 100*time.Millisecond, "%s: alive\n%s\nheld\n%s\nreserved\n%s", what,
			strings.Join(want, "\n"), lines(&got), lines(&reserved))
	}
	eventually("after the kills", l.lines())
	for i, all := range left {
		for _, a := range all {
			l.died(a.addrs)
			l.del(nodes[i/workers], nodes[i/workers].network(ipam), a.rt, rand.New(rand.NewPCG(*seed+1, uint64(i))))
		}
	}
	eventually("after all have gone", nil)
	for _, n := range nodes {
		require.Eventually(t, func() bool {
			entries, err := os.ReadDir(filepath.Join(n.dir, "journal"))
			return err == nil && len(entries) == 0
		}, settled, 50*time.Millisecond, "the journal of %s is not empty", n.name)
	}
	t.Logf("leaks 0, duplicates %d", l.twice)
}

// lines is printed when the test fails, with what was seen last.
type seen struct{ text *[]string }

func lines(text *[]string) fmt.Stringer { return seen{text} }

func (s seen) String() string { return strings.Join(*s.text, "\n") }

// kill kills something every so many operations, until they end.
func (l *life) kill(c *cluster, nodes []*node, ended chan struct{}) map[string]int {
	kills := map[string]int{}
	random := rand.New(rand.NewPCG(*seed, 99))
	for next := 15; ; {
		select {
		case <-ended:
			return kills
		case <-l.wake:
		}
		l.mu.Lock()
		due := l.ops-l.failed >= next // between two kills something has to work
		l.mu.Unlock()
		if !due {
			continue
		}
		next += 10 + random.IntN(10)
		switch n := nodes[random.IntN(len(nodes))]; {
		case next/120 > kills["API server"]:
			kills["API server"]++
			require.NoError(l.t, c.Crash(false))
		case next/60 > kills["etcd"]+kills["API server"]:
			kills["etcd"]++
			require.NoError(l.t, c.Crash(true))
		default:
			kills["daemon"]++
			n.kill()
			n.start()
		}
	}
}
