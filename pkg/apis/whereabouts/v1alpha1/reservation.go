package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// OverlappingRangeIPReservation holds the address that it is named after against all ranges that overlap there.
//
// +kubebuilder:object:root=true
// +kubebuilder:printcolumn:name="Pod",type=string,JSONPath=`.spec.podref`
// +kubebuilder:printcolumn:name="Interface",type=string,JSONPath=`.spec.ifname`
// +kubebuilder:printcolumn:name="Node",type=string,JSONPath=`.spec.node`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type OverlappingRangeIPReservation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec OverlappingRangeIPReservationSpec `json:"spec"`
}

// OverlappingRangeIPReservationSpec is who has the address.
type OverlappingRangeIPReservationSpec struct {
	// PodRef is the Pod as namespace/name.
	PodRef string `json:"podref"`
	// ContainerID is the sandbox that the runtime attached.
	// +optional
	ContainerID string `json:"containerid,omitempty"`
	// IfName is the interface in the Pod.
	// +optional
	IfName string `json:"ifname,omitempty"`
	// Claim is that of the IPPool's allocation. Whereabouts does not write it.
	// +optional
	Claim string `json:"claim,omitempty"`
	// PodUID tells Pods apart that have had the same name. Whereabouts does not write it.
	// +optional
	PodUID string `json:"poduid,omitempty"`
	// Node is where the sandbox is. Whereabouts does not write it.
	// +optional
	Node string `json:"node,omitempty"`
}

// OverlappingRangeIPReservationList is a list of OverlappingRangeIPReservations.
//
// +kubebuilder:object:root=true
type OverlappingRangeIPReservationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OverlappingRangeIPReservation `json:"items"`
}
