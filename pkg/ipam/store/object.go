package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"

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

// get reads an IPPool. One that does not exist is an object without a version.
func (s *Store) get(ctx context.Context, name string, subnet netip.Prefix) (o *object, sharded bool, err error) {
	var pool v1alpha1.IPPool
	err = s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: name}, &pool)
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
	ResourceVersion string            `json:"resourceVersion"`
	Labels          map[string]string `json:"labels,omitempty"`
	Annotations     map[string]string `json:"annotations,omitempty"`
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
		pool.Labels, pool.Annotations = add.Labels, add.Annotations
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
	if o.version = version; o.telling {
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

// read reads what is not known of the pool, and reports whether all is as the API server has it now.
func (p *pool) read(ctx context.Context, wanted bool) (fresh bool, err error) {
	if p.view == nil {
		v := newView()
		first, sharded, err := p.store.get(ctx, p.key.Name, p.key.Subnet)
		if err != nil {
			return false, fmt.Errorf("read pool %s: %w", p.key.Name, err)
		}
		v.put("", first)
		v.sharded = sharded
		v.shut = p.key.Block && (first.version == "" || first.closed)
		p.view, fresh = v, true
	}
	if p.view.sharded {
		if err := p.readShards(ctx); err != nil {
			p.view = nil
			return false, fmt.Errorf("read the parts of pool %s: %w", p.key.Name, err)
		}
		fresh = true
	}
	for shard := range p.unsure {
		if err := p.fence(ctx, shard); err != nil {
			p.view = nil
			return false, fmt.Errorf("write pool %s: %w", p.key.Name, err)
		}
	}
	return fresh || wanted, nil
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

// write writes the changes, object by object. What failed has to be tried again, what was refused has not.
func (p *pool) write(ctx context.Context, changes []change) (failed map[*op]bool, refusals map[*op]error, err error) {
	failed, refusals = map[*op]bool{}, map[*op]error{}
	byShard := map[string][]change{}
	for _, c := range changes {
		shard := p.view.home(p.key.Subnet, c.addr)
		byShard[shard] = append(byShard[shard], c)
	}
	if p.mustShard(byShard) {
		for _, c := range changes {
			failed[c.op] = true
		}
		err := p.startShards(ctx)
		p.view = nil
		if outdated(err) {
			err = nil
		}
		return failed, nil, err
	}
	p.tellReleased(byShard)
	var unknown bool
	for shard, list := range byShard {
		o, saveErr := p.object(shard)
		if saveErr == nil {
			saveErr = p.store.save(ctx, o, list, patchMetadata{Labels: p.labels(shard)})
		}
		if saveErr == nil {
			continue
		}
		unknown = true
		if outdated(saveErr) {
			p.store.conflicts.Add(1)
		}
		for _, c := range list {
			if refused(saveErr) {
				refusals[c.op] = fmt.Errorf("write pool %s: %w", p.key.Name, saveErr)
			} else {
				failed[c.op] = true
			}
		}
		if !outdated(saveErr) && !refused(saveErr) {
			p.unsure[shard] = true
			err = fmt.Errorf("write pool %s: %w", p.key.Name, saveErr)
		}
	}
	if unknown {
		p.view = nil
	}
	return failed, refusals, err
}
