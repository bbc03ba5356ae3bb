package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

const (
	// labelPool is on all objects of a pool that has more than one; its value is the same for all of them.
	labelPool = "whereabouts.antrea.io/pool"
	// shardBits is the number of bits that tell the addresses of a part apart. With 2048 allocations an object has about half a
	// megabyte; etcd takes 1.5 of them.
	shardBits = 11
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
	return p.store.save(ctx, p.view.objects[""], nil, patchMetadata{Labels: map[string]string{labelPool: p.label()}})
}

func (p *pool) label() string { return label(p.key.Name) }

func label(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// labels are those that an object of a pool with parts has.
func (p *pool) labels(shard string) map[string]string {
	if shard == "" && !p.view.sharded {
		return nil
	}
	return map[string]string{labelPool: p.label()}
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
	p.view.objects[shard] = o
	return o, nil
}

// readShards reads the parts that have changed since they were read.
func (p *pool) readShards(ctx context.Context) error {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("IPPoolList"))
	if err := p.store.client.List(ctx, &list, client.InNamespace(p.store.namespace), client.MatchingLabels{labelPool: p.label()}); err != nil {
		return err
	}
	versions := map[string]string{}
	for _, item := range list.Items {
		shard := strings.TrimPrefix(item.Name, p.key.Name)
		versions[strings.TrimPrefix(shard, shardSuffix)] = item.ResourceVersion
	}
	if _, ok := versions[""]; !ok {
		return fmt.Errorf("object %s is gone or has lost its label %s=%s", p.key.Name, labelPool, p.label())
	}
	for shard := range maps.Clone(p.view.objects) {
		if _, ok := versions[shard]; !ok {
			p.view.remove(shard)
		}
	}
	for shard, version := range versions {
		known, err := p.object(shard)
		if err != nil {
			return err
		}
		if known.version == version {
			continue
		}
		o, _, err := p.store.get(ctx, known.name, known.subnet)
		if err != nil {
			return err
		}
		p.view.put(shard, o)
	}
	return nil
}
