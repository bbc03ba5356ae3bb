// Package v1alpha1 holds the API types of the group crd.antrea.io that agents write for each other.
//
// [NodeSegments] (nodesegments.go) is what a Node has in segments, that is in networks of Pods beside the first one. Only
// apimachinery is imported.
//
// +kubebuilder:object:generate=true
// +groupName=crd.antrea.io
package v1alpha1

//go:generate go tool -modfile=../../../../tools/go.mod controller-gen object crd:generateEmbeddedObjectMeta=false paths=. output:crd:dir=../../../../build/crds
