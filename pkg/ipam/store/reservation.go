package store

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// reserve makes the reservation of an address, or takes over that of an earlier sandbox of the same Pod. Only one can make the
// object of an address, so ranges that overlap in it agree on who has it. kept says that the pool had the address as the owner's
// before.
func (s *Store) reserve(ctx context.Context, networkName string, a netip.Addr, o Owner, kept bool) error {
	r := v1alpha1.OverlappingRangeIPReservation{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: whereabouts.ReservationName(networkName, a)}, Spec: o.reservation(),
	}
	want := r.Spec
	for {
		err := s.client.Create(ctx, &r)
		if err == nil {
			s.reservations.Store(r.Name, made{r.UID, o.ContainerID, o.IfName})
			return nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("reserve %s: %w", a, err)
		}
		old, err := s.reservation(ctx, r.Name)
		switch {
		case err != nil:
			return fmt.Errorf("reserve %s: %w", a, err)
		case old == nil:
			continue
		case old.Spec == want || isOf(old.Spec, o) || kept && isOriginalsOf(old.Spec, o):
			return nil
		case !follows(old.Spec, o, kept):
			return fmt.Errorf("%w: %s is reserved for %s, sandbox %s, interface %s", ErrTaken, a, old.Spec.PodRef, old.Spec.ContainerID, old.Spec.IfName)
		}
		if err = s.changeReservation(ctx, old, o); err == nil {
			s.reservations.Store(r.Name, made{old.UID, o.ContainerID, o.IfName})
			return nil
		}
		if !outdated(err) {
			return fmt.Errorf("reserve %s: %w", a, err)
		}
	}
}

// follows reports whether the owner takes a reservation over: it is of another sandbox of its Pod, or was kept for its claim. If the
// pool had the address for the claim, whoever is about to keep the reservation has not come to it yet.
func follows(r v1alpha1.OverlappingRangeIPReservationSpec, o Owner, kept bool) bool {
	if r.IfName != o.IfName {
		return false
	}
	return r.PodUID != "" && r.PodUID == o.PodUID || r.Claim != "" && r.Claim == o.Claim && (r.ContainerID == "" || kept)
}

func (o Owner) reservation() v1alpha1.OverlappingRangeIPReservationSpec {
	return v1alpha1.OverlappingRangeIPReservationSpec{ContainerID: o.ContainerID, PodRef: o.PodRef, IfName: o.IfName, PodUID: o.PodUID, Node: o.Node, Claim: o.Claim}
}

// changeReservation gives a reservation, as it was read, to another owner.
func (s *Store) changeReservation(ctx context.Context, r *v1alpha1.OverlappingRangeIPReservation, o Owner) error {
	spec := map[string]*string{ // every key, so that none of the earlier owner stays
		"podref": &o.PodRef, "containerid": orNull(o.ContainerID), "ifname": orNull(o.IfName), "poduid": orNull(o.PodUID), "node": orNull(o.Node), "claim": orNull(o.Claim),
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"resourceVersion": r.ResourceVersion}, "spec": spec})
	if err != nil {
		return err
	}
	return s.client.Patch(ctx, r, client.RawPatch(types.MergePatchType, body))
}

// made is a reservation that is known without asking: it is changed to another sandbox of the Pod on this Node only, which is
// by this process.
type made struct {
	uid        types.UID
	id, ifName string
}

// unreserve deletes the sandbox's reservation of an address, or keeps it for the claim. One of another sandbox stays.
func (s *Store) unreserve(ctx context.Context, networkName string, a netip.Addr, o Owner, keep bool) error {
	name := whereabouts.ReservationName(networkName, a)
	if known, ok := s.reservations.Load(name); ok && !keep {
		if m := known.(made); m.id == o.ContainerID && m.ifName == o.IfName {
			s.reservations.CompareAndDelete(name, known)
			if err := s.deleteReservation(ctx, name, client.Preconditions{UID: &m.uid}); err == nil || !outdated(err) {
				return err
			}
		}
	}
	r, err := s.reservation(ctx, name)
	if err != nil || r == nil || !isOf(r.Spec, o) && !isOriginalsOf(r.Spec, o) {
		return err
	}
	if keep {
		s.reservations.Delete(name)
		spec := r.Spec
		return s.changeReservation(ctx, r, Owner{PodRef: spec.PodRef, IfName: spec.IfName, Claim: spec.Claim})
	}
	if err := s.deleteReservation(ctx, name, client.Preconditions{UID: &r.UID, ResourceVersion: &r.ResourceVersion}); !outdated(err) {
		return err
	}
	return nil
}

func (s *Store) deleteReservation(ctx context.Context, name string, as client.Preconditions) error {
	r := v1alpha1.OverlappingRangeIPReservation{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name}}
	if err := s.client.Delete(ctx, &r, as); err != nil {
		return fmt.Errorf("delete reservation %s: %w", name, err)
	}
	return nil
}

func (s *Store) isReserved(ctx context.Context, networkName string, a netip.Addr, o Owner) (bool, error) {
	r, err := s.reservation(ctx, whereabouts.ReservationName(networkName, a))
	return r != nil && (isOf(r.Spec, o) || isOriginalsOf(r.Spec, o)), err
}

// reservation reads one; nil says that there is none.
func (s *Store) reservation(ctx context.Context, name string) (*v1alpha1.OverlappingRangeIPReservation, error) {
	r := &v1alpha1.OverlappingRangeIPReservation{}
	err := s.client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: name}, r)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return r, err
}

func isOf(r v1alpha1.OverlappingRangeIPReservationSpec, o Owner) bool {
	return r.ContainerID == o.ContainerID && (r.IfName == o.IfName || r.IfName == "")
}

// isOriginalsOf reports whether Whereabouts, which does not tell the sandbox, has reserved an address for the owner. It is to be
// asked only if the pool says that the owner has it: a Pod may have had the same name.
func isOriginalsOf(r v1alpha1.OverlappingRangeIPReservationSpec, o Owner) bool {
	return r.ContainerID == "" && r.PodUID == "" && r.Claim == "" && r.PodRef == o.PodRef && (r.IfName == o.IfName || r.IfName == "")
}
