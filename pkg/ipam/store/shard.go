package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

const (
	// labelPool is on all objects of a pool that has more than one; its value is the same for all of them.
	labelPool = "whereabouts.antrea.io/pool"
	// labelFull is on a part of which all addresses are in use, so that a pool can be asked for what it has left.
	labelFull = "whereabouts.antrea.io/full"
	// shardBits is the number of bits that tell the addresses of a part apart. A write takes the API server as long as the object has
	// allocations: with 64 of them, 9 kB, less than twice what it takes with none.
	shardBits = 6
	shardSize = 1 << shardBits
	// shardSuffix and the part's number follow the pool's name: no range is named so.
	shardSuffix = "-s"
)

// home is the object that has, or is to have, an address. Up to some size it is the pool's first object, which is all that
// Whereabouts knows. From then on, every part of the range has its own; what the first one has, it keeps until it is released.
func (v *view) home(subnet netip.Prefix, a netip.Addr) string {
	if !v.sharded {
		return ""
	}
	if _, ok := v.objects[""].held[a]; ok {
		return ""
	}
	if shard := ipam.Shard(subnet, a, shardBits); shard != "0" {
		return shard
	}
	return ""
}

// mustShard reports whether the first object would grow beyond the size of a part.
func (p *pool) mustShard(byShard map[string][]change) bool {
	added := 0
	for _, c := range byShard[""] {
		if c.holder != nil {
			added++
		}
	}
	return !p.key.Block && !p.view.sharded && added > 0 && len(p.view.objects[""].held)+added > shardSize
}

// startShards marks the first object, so that everybody who knew it without parts has to read it again.
func (p *pool) startShards(ctx context.Context) error {
	return p.store.save(ctx, p.view.objects[""], nil, patchMetadata{Labels: p.partOf()})
}

func (p *pool) label() string { return label(p.key.Name) }

func label(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// labels are those that an object of a pool with parts has.
func (p *pool) labels(shard string) map[string]*string {
	if shard == "" && !p.view.sharded {
		return nil
	}
	return p.partOf()
}

func (p *pool) partOf() map[string]*string {
	value := p.label()
	return map[string]*string{labelPool: &value}
}

// object is the part, which may have to be made.
func (p *pool) object(shard string) (*object, error) {
	if o, ok := p.view.objects[shard]; ok {
		return o, nil
	}
	part, err := ipam.ShardPrefix(p.key.Subnet, shard, shardBits)
	if err != nil {
		return nil, fmt.Errorf("part %s of pool %s: %w", shard, p.key.Name, err)
	}
	o := newObject(p.key.Name+shardSuffix+shard, part)
	o.part = true
	p.view.objects[shard] = o
	return o, nil
}

// Join puts every pool that has parts together in its first object, which is all that Whereabouts reads. No daemon may run on any
// Node. It may be called again after an error.
func (s *Store) Join(ctx context.Context) error {
	var all v1alpha1.IPPoolList
	if err := s.client.List(ctx, &all, client.InNamespace(s.namespace)); err != nil {
		return fmt.Errorf("read pools: %w", err)
	}
	parts := map[string][]*v1alpha1.IPPool{}
	for i, pool := range all.Items {
		if l := pool.Labels[labelPool]; l != "" && l != label(pool.Name) {
			parts[l] = append(parts[l], &all.Items[i])
		}
	}
	var errs []error
	for i, pool := range all.Items {
		if l := pool.Labels[labelPool]; l != "" && l == label(pool.Name) {
			errs = append(errs, s.join(ctx, &all.Items[i], parts[l]))
		}
	}
	return errors.Join(errs...)
}

func (s *Store) join(ctx context.Context, first *v1alpha1.IPPool, parts []*v1alpha1.IPPool) error {
	subnet, err := netip.ParsePrefix(first.Spec.Range)
	if err != nil {
		return fmt.Errorf("pool %s: spec.range: %w", first.Name, err)
	}
	whole := readObject(first, subnet.Masked())
	var changes []change
	for _, part := range parts {
		subnet, err := netip.ParsePrefix(part.Spec.Range)
		if err != nil {
			return fmt.Errorf("pool %s: spec.range: %w", part.Name, err)
		}
		for a, h := range readObject(part, subnet.Masked()).held {
			changes = append(changes, change{nil, a, &h})
		}
	}
	// First all are in both, then the parts go, and the label that tells of them is the last.
	if err := s.save(ctx, whole, changes, patchMetadata{}); err != nil {
		return fmt.Errorf("write pool %s: %w", first.Name, err)
	}
	for _, part := range parts {
		if err := s.client.Delete(ctx, part, client.Preconditions{UID: &part.UID, ResourceVersion: &part.ResourceVersion}); err != nil {
			return fmt.Errorf("delete part %s: %w", part.Name, err)
		}
	}
	body := fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"labels":{%q:null}}}`, whole.version, labelPool)
	if err := s.client.Patch(ctx, first, client.RawPatch(types.MergePatchType, body)); err != nil {
		return fmt.Errorf("write pool %s: %w", first.Name, err)
	}
	return nil
}

// readShards reads all parts at once.
func (p *pool) readShards(ctx context.Context) error {
	var list v1alpha1.IPPoolList
	if err := p.store.client.List(ctx, &list, client.InNamespace(p.store.namespace), client.MatchingLabels{labelPool: p.label()}); err != nil {
		return err
	}
	for i := range list.Items {
		shard := p.shardOf(list.Items[i].Name)
		if shard == "" {
			continue
		}
		o, err := p.object(shard)
		if err != nil {
			return err
		}
		if list.Items[i].Spec.Range != o.subnet.String() {
			return fmt.Errorf("part %s has range %s, want %s: put the pool together with --join-pools", o.name, list.Items[i].Spec.Range, o.subnet)
		}
		p.view.put(shard, readObject(&list.Items[i], o.subnet))
	}
	return nil
}

// shardOf is the part of the pool that is in an object of that name.
func (p *pool) shardOf(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, p.key.Name), shardSuffix)
}

// readShard reads one part again, which has at least that version.
func (p *pool) readShard(ctx context.Context, shard, version string) error {
	old, err := p.object(shard)
	if err != nil {
		return err
	}
	o, _, err := p.store.get(ctx, old.name, old.subnet, version)
	if err == nil {
		o.part = true
		p.view.put(shard, o)
	}
	return err
}

// findStale asks which objects of the pool have changed since they were read. If the latest is not wanted, the API server answers from
// its memory as that is, instead of waiting until it has caught up with etcd. What is recent leaves out the parts that are full: how long
// that takes does not depend on how large the pool is.
func (p *pool) findStale(ctx context.Context, want freshness) error {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("IPPoolList"))
	options := &client.ListOptions{Namespace: p.store.namespace, Raw: &metav1.ListOptions{}}
	which := labels.SelectorFromSet(labels.Set{labelPool: p.label()})
	if want != latest {
		options.Raw.ResourceVersion = "0"
	}
	if want == recent {
		which = which.Add(hasSpace)
	}
	if err := p.store.client.List(ctx, &list, options, client.MatchingLabelsSelector{Selector: which}); err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, item := range list.Items {
		shard := p.shardOf(item.Name)
		listed[shard] = true
		o, err := p.object(shard)
		if err != nil {
			return err
		}
		switch {
		case !newer(item.ResourceVersion, o.version):
		case want == whole && o.part && item.Labels[labelFull] != "":
			p.view.fill(o)
			delete(p.view.stale, shard)
		default:
			p.view.stale[shard] = item.ResourceVersion
		}
	}
	for shard, o := range p.view.objects {
		switch {
		case listed[shard], want == whole:
		case want == latest:
			p.view.stale[shard] = "" // it is gone, or has lost its label
		case o.part && !o.full && o.version != "" && !newer(o.version, list.ResourceVersion):
			p.view.fill(o)
			delete(p.view.stale, shard)
		}
	}
	return nil
}

// hasSpace is of parts that are not full.
var hasSpace = func() labels.Requirement {
	r, err := labels.NewRequirement(labelFull, selection.DoesNotExist, nil)
	if err != nil {
		panic(err)
	}
	return *r
}()

// newer reports whether one version of an object may have come after another, which is empty if there was none.
func newer(listed, known string) bool {
	if known == "" {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(listed, known)
	return err != nil && listed != known || order > 0
}
