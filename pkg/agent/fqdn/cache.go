package fqdn

import (
	"cmp"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// Limits bound a cache. The zero value is sound.
type Limits struct {
	PerPod, PerNode int           // addresses of names; 0 is 2 000 and 20 000
	MinTTL          time.Duration // that an address may be used for, however short its answer says
}

// An address is kept for a day at most, as resolvers do.
const maxTTL = 24 * time.Hour

const (
	perPod  = 2000
	perNode = 20000
)

// Cache is what the Pods of a Node have been told of names. Its methods must not be called at the same time.
type Cache struct {
	Limits
	pods  map[types.NamespacedName]map[pair]Entry
	count int
	// Evicted is how many addresses were forgotten because there were too many.
	Evicted uint64
}

// pair is an address of a name.
type pair struct {
	name    string
	address netip.Addr
}

// Entry is until when an address may be used for new connections.
type Entry struct {
	Expires time.Time
	Lapsed  bool // it may not any more, and stays for connections that there are
}

// NewCache is an empty cache.
func NewCache(l Limits) *Cache {
	l.PerPod, l.PerNode = cmp.Or(l.PerPod, perPod), cmp.Or(l.PerNode, perNode)
	return &Cache{Limits: l, pods: make(map[types.NamespacedName]map[pair]Entry)}
}

// Learn takes what a Pod was told. It returns whether rules have to hear of it: an address that is known only stays longer.
func (c *Cache) Learn(now time.Time, pod types.NamespacedName, a Answer) (isNews bool) {
	known := c.pods[pod]
	if known == nil {
		known = make(map[pair]Entry)
		c.pods[pod] = known
	}
	for _, address := range a.Addresses {
		at := pair{a.Name, address.Unmap()}
		until := now.Add(min(max(address.TTL, c.MinTTL), maxTTL))
		had, ok := known[at]
		switch {
		case !ok:
			c.count++
			isNews = true
		case had.Lapsed:
			isNews = true
		case had.Expires.After(until):
			continue
		}
		known[at] = Entry{Expires: until}
		if !ok {
			c.evict(pod, at)
		}
	}
	if len(known) == 0 {
		delete(c.pods, pod)
	}
	return isNews
}

// evict forgets an address if there are too many: of the Pod that has just learned one, so that no Pod costs another anything. It is
// one that has lapsed, or the one that will first.
func (c *Cache) evict(pod types.NamespacedName, but pair) {
	known := c.pods[pod]
	if len(known) <= c.PerPod && c.count <= c.PerNode {
		return
	}
	worst, found := pair{}, false
	for at, e := range known {
		if at != but && (!found || e.Expires.Before(known[worst].Expires)) {
			worst, found = at, true
		}
	}
	if !found {
		worst = but
	}
	delete(known, worst)
	c.count--
	c.Evicted++
}

// Lapse notes which addresses may not be used any more, and returns the Pods whose they are.
func (c *Cache) Lapse(now time.Time) (changed []types.NamespacedName) {
	for pod, known := range c.pods {
		before := len(changed)
		for at, e := range known {
			if !e.Lapsed && !e.Expires.After(now) {
				e.Lapsed = true
				known[at] = e
				if len(changed) == before {
					changed = append(changed, pod)
				}
			}
		}
	}
	return changed
}

// Lapsed is whether there are addresses that only wait for connections to end.
func (c *Cache) Lapsed() bool {
	for _, known := range c.pods {
		for _, e := range known {
			if e.Lapsed {
				return true
			}
		}
	}
	return false
}

// Forget forgets what has lapsed and is not used, and returns the Pods whose it was.
func (c *Cache) Forget(isUsed func(pod types.NamespacedName, address netip.Addr) bool) (changed []types.NamespacedName) {
	for pod, known := range c.pods {
		before := len(known)
		maps.DeleteFunc(known, func(at pair, e Entry) bool { return e.Lapsed && !isUsed(pod, at.address) })
		if len(known) < before {
			c.count -= before - len(known)
			changed = append(changed, pod)
		}
		if len(known) == 0 {
			delete(c.pods, pod)
		}
	}
	return changed
}

// Keep forgets the Pods that are not to be kept, and returns them.
func (c *Cache) Keep(is func(types.NamespacedName) bool) (gone []types.NamespacedName) {
	for pod, known := range c.pods {
		if !is(pod) {
			c.count -= len(known)
			delete(c.pods, pod)
			gone = append(gone, pod)
		}
	}
	return gone
}

// Len is the number of addresses of names, counted for every Pod that knows them.
func (c *Cache) Len() int { return c.count }

// Pods are those that have been told something.
func (c *Cache) Pods() iter.Seq[types.NamespacedName] { return maps.Keys(c.pods) }

// Resolutions is what a Pod has been told, in order.
func (c *Cache) Resolutions(pod types.NamespacedName) []policy.Resolution {
	var all []policy.Resolution
	for at, e := range c.pods[pod] {
		all = append(all, policy.Resolution{Name: at.name, Address: at.address, Lapsed: e.Lapsed})
	}
	slices.SortFunc(all, func(a, b policy.Resolution) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Address.Compare(b.Address))
	})
	return all
}

// Resolved is an address of a name, and until when it may be used by a Pod that may so the longest.
type Resolved struct {
	Name    string
	Address netip.Addr
	Entry
	Pods []types.NamespacedName // that were told, in order
}

// All is what is known on the Node, in order: each address of a name once.
func (c *Cache) All() []Resolved {
	found := make(map[pair]*Resolved)
	for pod, known := range c.pods {
		for at, e := range known {
			r := found[at]
			if r == nil {
				r = &Resolved{Name: at.name, Address: at.address}
				found[at] = r
			}
			if e.Expires.After(r.Expires) {
				r.Entry = e
			}
			r.Pods = append(r.Pods, pod)
		}
	}
	all := make([]Resolved, 0, len(found))
	for _, r := range found {
		slices.SortFunc(r.Pods, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Resolved) int { return cmp.Or(cmp.Compare(a.Name, b.Name), a.Address.Compare(b.Address)) })
	return all
}
