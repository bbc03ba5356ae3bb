package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// KindClusterInfo is the kind of a Resource whose ClusterInfo is set.
const KindClusterInfo = "ClusterInfo"

// Resource is a record that one cluster has and the others are to see.
//
// +kubebuilder:validation:XValidation:rule="self.kind != 'ClusterInfo' || (has(self.clusterInfo) && self.clusterInfo.clusterID == self.clusterID)",message="kind ClusterInfo needs clusterInfo with the same clusterID"
type Resource struct {
	// ClusterID is the cluster that the record comes from.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ClusterID string `json:"clusterID"`
	// Kind says which of the fields below is set.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Kind string `json:"kind"`
	// +optional
	ClusterInfo *ClusterInfo `json:"clusterInfo,omitempty"`
}

// ResourceStatus is what became of the record.
type ResourceStatus struct {
	// Conditions: Accepted.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ResourceExport is a record that a member publishes, in its own namespace of the leader's API.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster ID",type=string,JSONPath=`.spec.clusterID`
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.kind`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ResourceExport struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Resource `json:"spec"`
	// +optional
	Status ResourceStatus `json:"status,omitempty"`
}

// ResourceExportList is a list of ResourceExports.
//
// +kubebuilder:object:root=true
type ResourceExportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ResourceExport `json:"items"`
}

// ResourceImport is a record that the leader accepted and shows to every member, in the leader's namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster ID",type=string,JSONPath=`.spec.clusterID`
// +kubebuilder:printcolumn:name="Kind",type=string,JSONPath=`.spec.kind`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ResourceImport struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Resource `json:"spec"`
	// +optional
	Status ResourceStatus `json:"status,omitempty"`
}

// ResourceImportList is a list of ResourceImports.
//
// +kubebuilder:object:root=true
type ResourceImportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ResourceImport `json:"items"`
}
