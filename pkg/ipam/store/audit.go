package store

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// Holding is an address and its owner, as the API has it.
type Holding struct {
	Owner
	Addr        netip.Addr // invalid if the name of a reservation cannot be read without its network
	Object      string     // name of the IPPool or the reservation
	Reservation bool
	NetworkName string // of a pool's reservations
	Pool        PoolKey
}

// Verdict is what becomes of a Holding. The zero value leaves it as it is.
type Verdict struct {
	Free  bool
	Owner *Owner // the same owner, better known
}

// Audit reads every pool and reservation, whoever wrote it, asks about each address and does as it is told, unless the object has
// been changed since it was read: then the next audit asks again. All objects are tried; the error joins what failed.
func (s *Store) Audit(ctx context.Context, decide func(context.Context, Holding) Verdict) error {
	var pools v1alpha1.IPPoolList
	if err := s.client.List(ctx, &pools, client.InNamespace(s.namespace)); err != nil {
		return fmt.Errorf("read pools: %w", err)
	}
	used := map[string]int64{}    // by pool
	whole := map[string]PoolKey{} // by label, the pools that have parts
	for _, pool := range pools.Items {
		if l := pool.Labels[labelPool]; l != "" && l == label(pool.Name) {
			subnet, _ := netip.ParsePrefix(pool.Spec.Range)
			whole[l] = PoolKey{Name: pool.Name, Subnet: subnet}
		}
	}
	var slicePools v1alpha1.NodeSlicePoolList
	if err := s.client.List(ctx, &slicePools, client.InNamespace(s.namespace)); err != nil {
		return fmt.Errorf("read NodeSlicePools: %w", err)
	}
	parts := networksOfParts(slicePools.Items)
	var errs []error
	for i := range pools.Items {
		name := pools.Items[i].Name
		if key, ok := whole[pools.Items[i].Labels[labelPool]]; ok {
			name = key.Name
		}
		used[name] += int64(len(pools.Items[i].Spec.Allocations))
		errs = append(errs, s.auditPool(ctx, &pools.Items[i], whole, parts, decide))
	}
	s.setUsed(used)
	var reservations v1alpha1.OverlappingRangeIPReservationList
	if err := s.client.List(ctx, &reservations, client.InNamespace(s.namespace)); err != nil {
		return errors.Join(append(errs, fmt.Errorf("read reservations: %w", err))...)
	}
	for i := range reservations.Items {
		errs = append(errs, s.auditReservation(ctx, &reservations.Items[i], decide))
	}
	return errors.Join(errs...)
}

// networksOfParts are the network_names of the IPPools of Nodes' parts of ranges. The name of a NodeSlicePool that Whereabouts has made, and
// that no network has used here yet, is a network_name or the name in a CNI configuration; those of the IPPools tell.
func networksOfParts(slicePools []v1alpha1.NodeSlicePool) map[string]string {
	networks := map[string]string{}
	for _, object := range slicePools {
		names := []string{"", object.Name}
		if network, ok := object.Annotations[annotationNetwork]; ok {
			names = []string{network}
		}
		for _, a := range object.Status.Allocations {
			part, err := netip.ParsePrefix(a.SliceRange)
			if err != nil || a.NodeName == "" {
				continue // whoever uses it is told
			}
			for _, network := range names {
				networks[whereabouts.BlockName(network, a.NodeName, part)] = network
			}
		}
	}
	return networks
}

func (s *Store) auditPool(ctx context.Context, pool *v1alpha1.IPPool, whole map[string]PoolKey, parts map[string]string, decide func(context.Context, Holding) Verdict) error {
	subnet, err := netip.ParsePrefix(pool.Spec.Range)
	if err != nil {
		return fmt.Errorf("pool %s: spec.range: %w", pool.Name, err)
	}
	o := readObject(pool, subnet.Masked())
	key, ok := whole[pool.Labels[labelPool]]
	if !ok {
		key = PoolKey{pool.Name, o.subnet, o.block}
	}
	network := networkOf(key.Name, key.Subnet)
	if of, part := parts[pool.Name]; o.block {
		network = pool.Annotations[annotationNetwork]
	} else if part { // of Whereabouts
		network, key.Block = of, true
	}
	var changes []change
	for a, h := range o.held {
		v := decide(ctx, Holding{
			Owner: ownerOf(h), Addr: a, Object: pool.Name,
			NetworkName: network, Pool: key,
		})
		switch {
		case v.Free:
			changes = append(changes, change{nil, a, nil})
		case v.Owner != nil:
			better := v.Owner.Allocation()
			changes = append(changes, change{nil, a, &better})
		}
	}
	o.tellDegraded()
	if err := s.save(ctx, o, changes, patchMetadata{}); err != nil && !outdated(err) {
		return fmt.Errorf("write pool %s: %w", pool.Name, err)
	}
	return nil
}

// networkOf is the network_name that the name of a pool begins with.
func networkOf(name string, subnet netip.Prefix) string {
	own := whereabouts.PoolName("", subnet)
	if len(name) > len(own)+1 && name[len(name)-len(own)-1:] == "-"+own {
		return name[:len(name)-len(own)-1]
	}
	return ""
}

func (s *Store) auditReservation(ctx context.Context, r *v1alpha1.OverlappingRangeIPReservation, decide func(context.Context, Holding) Verdict) error {
	h := Holding{Owner: Owner{r.Spec.ContainerID, r.Spec.IfName, r.Spec.PodRef, r.Spec.PodUID, r.Spec.Node, r.Spec.Claim}, Object: r.Name, Reservation: true}
	h.Addr, _ = whereabouts.Reserved("", r.Name)
	var err error
	switch v := decide(ctx, h); {
	case v.Free:
		err = s.deleteReservation(ctx, r.Name, client.Preconditions{UID: &r.UID, ResourceVersion: &r.ResourceVersion})
	case v.Owner != nil:
		err = s.changeReservation(ctx, r, *v.Owner)
	}
	if err != nil && !outdated(err) {
		return err
	}
	return nil
}
