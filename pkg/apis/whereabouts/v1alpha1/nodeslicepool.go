package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// NodeSlicePool is a range of which every Node has a part.
//
// +kubebuilder:object:root=true
// +kubebuilder:printcolumn:name="Range",type=string,JSONPath=`.spec.range`
// +kubebuilder:printcolumn:name="Slice",type=string,JSONPath=`.spec.sliceSize`
// +kubebuilder:printcolumn:name="Exhausted",type=string,JSONPath=`.status.conditions[?(@.type=="Exhausted")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NodeSlicePool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec NodeSlicePoolSpec `json:"spec"`
	// +optional
	Status NodeSlicePoolStatus `json:"status,omitempty"`
}

// NodeSlicePoolSpec is the range and how it is cut.
type NodeSlicePoolSpec struct {
	// Range is the CIDR.
	Range string `json:"range"`
	// SliceSize is the length of a part's prefix, as in /26.
	SliceSize string `json:"sliceSize"`
}

// NodeSlicePoolStatus is who has which part.
type NodeSlicePoolStatus struct {
	// Allocations are the parts.
	Allocations []NodeSliceAllocation `json:"allocations"`
	// Conditions are Exhausted, if a Pod has ever got no address. Whereabouts does not write them.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// NodeSliceAllocation is a part and its Node.
type NodeSliceAllocation struct {
	// NodeName is empty as long as no Node has the part.
	NodeName string `json:"nodeName"`
	// SliceRange is the part's CIDR.
	SliceRange string `json:"sliceRange"`
}

// NodeSlicePoolList is a list of NodeSlicePools.
//
// +kubebuilder:object:root=true
type NodeSlicePoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NodeSlicePool `json:"items"`
}
