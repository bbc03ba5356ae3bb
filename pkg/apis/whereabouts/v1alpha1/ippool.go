package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IPPool is a range and its addresses that are in use. A range of which very many are in use goes on in further objects.
//
// +kubebuilder:object:root=true
// +kubebuilder:printcolumn:name="Range",type=string,JSONPath=`.spec.range`
// +kubebuilder:printcolumn:name="Allocated",type=integer,JSONPath=`.status.allocated`
// +kubebuilder:printcolumn:name="Capacity",type=string,JSONPath=`.status.capacity`
// +kubebuilder:printcolumn:name="Exhausted",type=string,JSONPath=`.status.conditions[?(@.type=="Exhausted")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type IPPool struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec IPPoolSpec `json:"spec"`
	// Status is written together with the allocations, in one request.
	// +optional
	Status IPPoolStatus `json:"status,omitempty"`
}

// IPPoolSpec is what the allocations are of, and the allocations.
type IPPoolSpec struct {
	// Range is the CIDR, as in 192.168.20.0/24.
	Range string `json:"range"`
	// Allocations are the addresses in use. The key is how far the address is from the range's first, in decimal digits.
	Allocations map[string]IPAllocation `json:"allocations"`
}

// IPAllocation is who has an address.
type IPAllocation struct {
	// ContainerID is the sandbox that the runtime attached.
	ContainerID string `json:"id"`
	// PodRef is the Pod as namespace/name.
	PodRef string `json:"podref"`
	// IfName is the interface in the Pod.
	// +optional
	IfName string `json:"ifname,omitempty"`
	// Claim is for whom the address stays when its sandbox has ended: statefulset/NAMESPACE/POD or ipamclaim/NAMESPACE/NAME. Then ID
	// is empty. Whereabouts does not write it.
	// +optional
	Claim string `json:"claim,omitempty"`
	// PodUID tells Pods apart that have had the same name. Whereabouts does not write it.
	// +optional
	PodUID string `json:"poduid,omitempty"`
	// Node is where the sandbox is. Whereabouts does not write it.
	// +optional
	Node string `json:"node,omitempty"`
}

// IPPoolStatus sums the pool up.
type IPPoolStatus struct {
	// Allocated is the number of allocations in this object.
	// +optional
	Allocated int64 `json:"allocated"` // with omitempty, a patch could not say 0
	// Capacity is the number of addresses that the range can give, in decimal digits: an IPv6 range has more than fit in a number.
	// +optional
	Capacity string `json:"capacity,omitempty"`
	// Conditions are Exhausted, if a Pod has ever got no address, and Degraded, if there are allocations that are at no address of the
	// range. Whereabouts does not write them.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Types of conditions.
const (
	// PoolExhausted is True as long as no address was released after a Pod has got none. Of a NodeSlicePool, it is True until a Pod
	// gets an address again, or a part has no Node any more.
	PoolExhausted = "Exhausted"
	// PoolDegraded is True as long as there are allocations that are at no address of the range.
	PoolDegraded = "Degraded"
)

// IPPoolList is a list of IPPools.
//
// +kubebuilder:object:root=true
type IPPoolList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []IPPool `json:"items"`
}
