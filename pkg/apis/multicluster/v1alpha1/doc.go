// Package v1alpha1 holds the API types of the group multicluster.crd.antrea.io.
//
// Written inside a cluster for its agents: [Gateway] (gateway.go) and [ClusterInfoImport] (clusterinfo.go). Exchanged in the
// leader's API: [MemberClusterAnnounce], the request to join (announce.go), [ResourceExport], what a member tells, in a
// namespace of its own, and [ResourceImport], what the leader publishes (resource.go). ClusterSet (clusterset.go) is an older
// name of the stored version in v1alpha2. Only apimachinery is imported.
//
// +kubebuilder:object:generate=true
// +groupName=multicluster.crd.antrea.io
package v1alpha1

//go:generate go tool -modfile=../../../../tools/go.mod controller-gen object crd:generateEmbeddedObjectMeta=false paths=../... output:crd:dir=../../../../build/crds
