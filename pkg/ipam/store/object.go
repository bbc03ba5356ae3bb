package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// object is an IPPool as it was read, or as it would be made.
type object struct {
	name    string
	subnet  netip.Prefix // what its offsets count from
	version string       // "" if there is none yet
	held    map[netip.Addr]v1alpha1.IPAllocation
	block   bool // of a [Blocks]
	closed  bool // a block from which nothing is taken
	part    bool // not a pool's first object
	full    bool // a part that is known to be, or labelled so
	foreign int  // entries that are at no address of the range; they stay

	conditions []metav1.Condition
	told       []metav1.Condition // what they are to be,
	telling    bool               // if so
}

func newObject(name string, subnet netip.Prefix) *object {
	return &object{name: name, subnet: subnet, held: map[netip.Addr]v1alpha1.IPAllocation{}}
}

func readObject(pool *v1alpha1.IPPool, subnet netip.Prefix) *object {
	o := newObject(pool.Name, subnet)
	o.version, o.conditions = pool.ResourceVersion, pool.Status.Conditions
	o.block, o.closed = pool.Annotations[annotationBlock] != "", pool.Annotations[annotationBlock] == blockClosed
	l, full := pool.Labels[labelPool], pool.Labels[labelFull]
	o.part, o.full = l != "" && l != label(pool.Name), full != ""
	for offset, h := range pool.Spec.Allocations {
		a, err := ipam.AtOffset(subnet, offset)
		if err != nil {
			o.foreign++
			continue
		}
		o.held[a] = h
	}
	return o
}

// get reads an IPPool. One that does not exist is an object without a version. If it is known to have had some version, the API server
// answers from its memory; otherwise it asks etcd.
func (s *Store) get(ctx context.Context, name string, subnet netip.Prefix, version string) (o *object, sharded bool, err error) {
	var pool v1alpha1.IPPool
	options := &client.GetOptions{Raw: &metav1.GetOptions{ResourceVersion: version}}
	err = s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: name}, &pool, options)
	switch {
	case apierrors.IsNotFound(err):
		return newObject(name, subnet), false, nil
	case err != nil:
		return nil, false, err
	}
	return readObject(&pool, subnet), pool.Labels[labelPool] != "", nil
}

// patch is a merge patch of an IPPool: null takes an entry out.
type patch struct {
	Metadata patchMetadata         `json:"metadata"`
	Spec     patchSpec             `json:"spec"`
	Status   v1alpha1.IPPoolStatus `json:"status"`
}

type patchMetadata struct {
	ResourceVersion string             `json:"resourceVersion"`
	Labels          map[string]*string `json:"labels,omitempty"`
	Annotations     map[string]string  `json:"annotations,omitempty"`
	// ManagedFields has one entry without content: so a client tells the API server not to keep who wrote which field ("Clearing
	// managedFields" in Kubernetes' page on server-side apply). Of a pool that is more than the pool itself.
	ManagedFields [1]struct{} `json:"managedFields"`
}

type patchSpec struct {
	Allocations map[string]*patchAllocation `json:"allocations"`
}

// patchAllocation has every key, so that none of an earlier holder stays.
type patchAllocation struct {
	ContainerID string  `json:"id"`
	PodRef      string  `json:"podref"`
	IfName      *string `json:"ifname"`
	PodUID      *string `json:"poduid"`
	Node        *string `json:"node"`
	Claim       *string `json:"claim"`
}

func asPatch(h *v1alpha1.IPAllocation) *patchAllocation {
	if h == nil {
		return nil
	}
	return &patchAllocation{h.ContainerID, h.PodRef, orNull(h.IfName), orNull(h.PodUID), orNull(h.Node), orNull(h.Claim)}
}

// orNull is a value of a merge patch: null takes the key out.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// capacity is how many addresses the object can have.
func capacity(subnet netip.Prefix, block bool) string {
	if block {
		return strconv.Itoa(1 << (subnet.Addr().BitLen() - subnet.Bits()))
	}
	return ipam.HostAddresses(subnet)
}

// save writes changes to the version of the object that was read, and puts them into it. Labels and annotations are added.
func (s *Store) save(ctx context.Context, o *object, changes []change, add patchMetadata) error {
	after := map[netip.Addr]*v1alpha1.IPAllocation{} // an address may change hands in a batch
	for _, c := range changes {
		after[c.addr] = c.holder
	}
	count := len(o.held) + o.foreign
	for a, h := range after {
		_, had := o.held[a]
		switch {
		case h == nil && !had:
			delete(after, a) // came and went
		case h == nil:
			count--
		case !had:
			count++
		}
	}
	full := o.part && count >= shardSize
	if full != o.full {
		add.Labels = maps.Clone(add.Labels)
		if add.Labels == nil {
			add.Labels = map[string]*string{}
		}
		add.Labels[labelFull] = nil
		if full {
			yes := "true"
			add.Labels[labelFull] = &yes
		}
	}
	if len(after)+len(add.Labels)+len(add.Annotations) == 0 && !o.telling {
		return nil
	}
	status := v1alpha1.IPPoolStatus{Allocated: int64(count), Capacity: capacity(o.subnet, o.block)}
	if o.telling {
		status.Conditions = o.told
	}
	meta := metav1.ObjectMeta{Namespace: s.namespace, Name: o.name, ResourceVersion: o.version}
	var version string
	if o.version == "" {
		pool := &v1alpha1.IPPool{ObjectMeta: meta, Spec: v1alpha1.IPPoolSpec{Range: o.subnet.String(), Allocations: map[string]v1alpha1.IPAllocation{}}, Status: status}
		pool.Annotations = add.Annotations
		for name, value := range add.Labels {
			if value != nil {
				metav1.SetMetaDataLabel(&pool.ObjectMeta, name, *value)
			}
		}
		for a, h := range after {
			pool.Spec.Allocations[ipam.Offset(o.subnet, a)] = *h
		}
		if err := s.client.Create(ctx, pool); err != nil {
			return err
		}
		version = pool.ResourceVersion
	} else {
		diff := map[string]*patchAllocation{}
		for a, h := range after {
			diff[ipam.Offset(o.subnet, a)] = asPatch(h)
		}
		add.ResourceVersion = o.version
		body, err := json.Marshal(patch{add, patchSpec{diff}, status})
		if err != nil {
			return err
		}
		// Only the metadata is asked for: the object may be large, and what is in it is known.
		answer := &metav1.PartialObjectMetadata{ObjectMeta: meta}
		answer.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("IPPool"))
		if err := s.client.Patch(ctx, answer, client.RawPatch(types.MergePatchType, body)); err != nil {
			return err
		}
		version = answer.ResourceVersion
	}
	if o.version, o.full = version, full; o.telling {
		o.conditions, o.told, o.telling = o.told, nil, false
	}
	for a, h := range after {
		if h == nil {
			delete(o.held, a)
		} else {
			o.held[a] = *h
		}
	}
	return nil
}

// outdated reports whether the error says that somebody else has changed the object.
func outdated(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

// refused reports whether the API server would say the same again.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsBadRequest(err) || apierrors.IsMethodNotSupported(err)
}

// freshness is how much of what is known of a pool is asked about before a plan. A write is for the version that was read, so
// whatever it is, no address is given twice.
type freshness int

const (
	known  freshness = iota // nothing: for what this Node has
	recent                  // parts that are not full: they may have changed some milliseconds ago without being noticed
	whole                   // parts in the same way, and which are full
	latest                  // everything
)

// read reads what is not known of the pool or has changed, and reports whether all is as the API server has it now.
func (p *pool) read(ctx context.Context, want freshness) (fresh bool, err error) {
	began := time.Now()
	if p.view == nil {
		if err := p.readAll(ctx); err != nil {
			p.view = nil
			return false, fmt.Errorf("read pool %s: %w", p.key.Name, err)
		}
		fresh = true
	} else {
		if p.doubted {
			want = latest
		}
		if err := p.readStale(ctx, want); err != nil {
			p.view = nil
			return false, fmt.Errorf("read pool %s: %w", p.key.Name, err)
		}
	}
	if fresh || want == latest {
		p.asked, p.doubted = began, false
	}
	for shard := range p.unsure {
		if err := p.fence(ctx, shard); err != nil {
			p.view = nil
			return false, fmt.Errorf("write pool %s: %w", p.key.Name, err)
		}
	}
	return fresh || want == latest, nil
}

// readAll reads the whole pool.
func (p *pool) readAll(ctx context.Context) error {
	p.view = newView()
	if err := p.readFirst(ctx, ""); err != nil || !p.view.sharded {
		return err
	}
	return p.readShards(ctx)
}

// readFirst reads the pool's first object.
func (p *pool) readFirst(ctx context.Context, version string) error {
	first, sharded, err := p.store.get(ctx, p.key.Name, p.key.Subnet, version)
	if err != nil {
		return err
	}
	p.view.put("", first)
	p.view.sharded = sharded
	p.view.shut = p.key.Block && (first.version == "" || first.closed)
	return nil
}

// readStale reads what others have written. A pool without parts is read again whenever the latest is wanted,
// a block if it has another version then.
func (p *pool) readStale(ctx context.Context, want freshness) error {
	sharded := p.view.sharded
	switch {
	case sharded && want != known:
		if err := p.findStale(ctx, want); err != nil {
			return err
		}
	case want == latest:
		same, err := p.unwritten(ctx)
		if err != nil {
			return err
		}
		if !same {
			p.view.stale[""] = ""
		}
	}
	for shard, version := range maps.Clone(p.view.stale) {
		if shard == "" {
			if err := p.readFirst(ctx, version); err != nil {
				return err
			}
			continue
		}
		if err := p.readShard(ctx, shard, version); err != nil {
			return err
		}
	}
	if p.view.sharded != sharded {
		return p.readAll(ctx)
	}
	return nil
}

// unwritten reports whether a block, of which nobody but its Node writes as a rule, is as it was read: to ask that takes a fraction of
// reading it.
func (p *pool) unwritten(ctx context.Context) (bool, error) {
	known := p.view.objects[""]
	if !p.key.Block || known.version == "" {
		return false, nil
	}
	var now metav1.PartialObjectMetadata
	now.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("IPPool"))
	err := p.store.client.Get(ctx, types.NamespacedName{Namespace: p.store.namespace, Name: known.name}, &now)
	return err == nil && now.ResourceVersion == known.version, client.IgnoreNotFound(err)
}

// annotationFence is changed by a writer that has to know what has become of an earlier write.
const annotationFence = "whereabouts.antrea.io/fence"

// fence makes a new version of an object. A write that was sent before and got no answer may still be under way; it is for an
// older version, so that it comes to nothing now, or has been read.
func (p *pool) fence(ctx context.Context, shard string) error {
	if p.key.Block && p.view.objects[""].version == "" { // deleted meanwhile: no write is for what may be made later
		delete(p.unsure, shard)
		return nil
	}
	o, err := p.object(shard)
	if err != nil {
		return err
	}
	add := patchMetadata{Labels: p.labels(shard), Annotations: map[string]string{annotationFence: rand.Text()}}
	if err := p.store.save(ctx, o, nil, add); err != nil {
		return err
	}
	delete(p.unsure, shard)
	return nil
}

// outcome is what became of the changes of some ops.
type outcome struct {
	failed  map[*op]bool  // to be tried again
	refused map[*op]error // not to be tried again
	ops     int           // how many went together
	wrote   bool          // there were changes,
	lost    bool          // and others were faster
}

// writeTimeout is how long a write is waited for.
const writeTimeout = 5 * time.Second

// write writes the changes, all objects at the same time. An error is the API server's.
func (p *pool) write(ctx context.Context, changes []change) (outcome, error) {
	done := outcome{failed: map[*op]bool{}, refused: map[*op]error{}, wrote: len(changes) > 0}
	byShard := map[string][]change{}
	for _, c := range changes {
		shard := p.view.home(p.key.Subnet, c.addr)
		byShard[shard] = append(byShard[shard], c)
	}
	if p.mustShard(byShard) {
		for _, c := range changes {
			done.failed[c.op] = true
		}
		err := p.startShards(ctx)
		p.view = nil
		return done, ignoreOutdated(err)
	}
	p.tellReleased(byShard)
	// Who has the turn may lose patience, but then nobody would know what became of the others' changes.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	saved := make(map[string]*error, len(byShard))
	var all sync.WaitGroup
	for shard, list := range byShard {
		o, err := p.object(shard)
		saved[shard] = &err
		if err == nil {
			all.Go(func() { err = p.store.save(ctx, o, list, patchMetadata{Labels: p.labels(shard)}) })
		}
	}
	all.Wait()
	var err error
	unknown := false
	for shard, list := range byShard {
		saveErr := *saved[shard]
		if saveErr == nil {
			continue
		}
		for _, c := range list {
			if refused(saveErr) {
				done.refused[c.op] = fmt.Errorf("write pool %s: %w", p.key.Name, saveErr)
			} else {
				done.failed[c.op] = true
			}
		}
		if outdated(saveErr) {
			p.store.conflicts.Add(1)
			done.lost = true
			p.view.undo(p.key.Subnet, list)
			p.view.stale[shard] = ""
			continue
		}
		unknown = true
		if !refused(saveErr) {
			p.unsure[shard] = true
			err = fmt.Errorf("write pool %s: %w", p.key.Name, saveErr)
		}
	}
	if unknown {
		p.view = nil
	}
	return done, err
}
