// Package v1alpha2 holds the stored version of ClusterSet in the group multicluster.crd.antrea.io. The other kinds of the
// group are in v1alpha1, which also serves ClusterSet, with the same schema.
//
// The types are in clusterset.go; register.go adds them to a scheme. Only apimachinery is imported.
//
// +kubebuilder:object:generate=true
// +groupName=multicluster.crd.antrea.io
package v1alpha2
