package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: "crd.antrea.io", Version: "v1alpha1"}

// NodeSegments is the interfaces that the Pods of a Node, whose name it has, have in segments. The Node's agent writes it.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,path=nodesegments
// +kubebuilder:printcolumn:name="VNIs",type=string,JSONPath=`.interfaces[*].vni`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type NodeSegments struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Interfaces []SegmentInterface `json:"interfaces"`
}

// SegmentInterface is an interface of a Pod.
type SegmentInterface struct {
	// VNI is the number of the segment.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16777215
	VNI int32 `json:"vni"`
	// Pod is namespace/name, and Interface the name in it.
	Pod       string `json:"pod"`
	Interface string `json:"interface"`
	MAC       string `json:"mac"`
	// +kubebuilder:validation:MinItems=1
	IPs []string `json:"ips"`
	// Since is when the Node first told of it. Where two Nodes have the same address, the later one is believed.
	Since metav1.MicroTime `json:"since"`
}

// NodeSegmentsList is a list of NodeSegments.
//
// +kubebuilder:object:root=true
type NodeSegmentsList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NodeSegments `json:"items"`
}
