// Package v1alpha1 holds the API types of the group whereabouts.cni.cncf.io, with the names and keys that Whereabouts gives them,
// so that what it wrote can be taken over and the other way round.
//
// [IPPool] (ippool.go) is a range and who has which of its addresses, [OverlappingRangeIPReservation] (reservation.go) holds an
// address against other ranges that have it too, [NodeSlicePool] (nodeslicepool.go) gives Nodes parts of a range. What Whereabouts
// does not know is optional: it neither writes it nor minds it. Only apimachinery is imported.
//
// +kubebuilder:object:generate=true
// +groupName=whereabouts.cni.cncf.io
package v1alpha1

//go:generate go tool -modfile=../../../../tools/go.mod controller-gen object crd:generateEmbeddedObjectMeta=false paths=. output:crd:dir=../../../../build/crds
