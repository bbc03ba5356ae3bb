package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Gateway is a Node of this cluster that carries traffic to and from other clusters. The member controller writes one for
// every healthy Node with the annotation multicluster.antrea.io/gateway=true; its name is the Node's name. A gateway that is
// to go drains first: its agent moves the traffic away, and after a while the Gateway is deleted.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Gateway IP",type=string,JSONPath=`.gatewayIP`
// +kubebuilder:printcolumn:name="Internal IP",type=string,JSONPath=`.internalIP`
// +kubebuilder:printcolumn:name="Weight",type=integer,JSONPath=`.weight`,priority=1
// +kubebuilder:printcolumn:name="Draining since",type=date,JSONPath=`.drainingSince`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Gateway struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// GatewayIP is the address that gateways of other clusters send tunnel packets to.
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="isIP(self)",message="gatewayIP must be an IP address"
	GatewayIP string `json:"gatewayIP"`
	// InternalIP is the address that Nodes of this cluster send tunnel packets to.
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="isIP(self)",message="internalIP must be an IP address"
	InternalIP string `json:"internalIP"`
	// Weight shares traffic between the gateways of a cluster; the default is 100.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Weight int32 `json:"weight,omitempty"`
	// PublicKey is the key of encrypted tunnels to this gateway, if any.
	// +optional
	PublicKey string `json:"publicKey,omitempty"`
	// DrainingSince is when the gateway began to drain: it still takes what is sent to it, and tells all that send to it to
	// take another. Empty while it carries traffic.
	// +optional
	DrainingSince *metav1.Time `json:"drainingSince,omitempty"`
	// DrainReason says why it drains.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	DrainReason string `json:"drainReason,omitempty"`
	// +optional
	Status GatewayStatus `json:"status,omitempty"`
}

// ConditionPublished of a Gateway says whether the leader accepted the record that the gateway is in.
const ConditionPublished = "Published"

// GatewayStatus says whether the gateway is known to other clusters. Whether packets get through is not in it: that is for
// BFD on the Nodes to say, which goes on without an API (`antctl mc show connections`).
type GatewayStatus struct {
	// Conditions: Published.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// GatewayList is a list of Gateways.
//
// +kubebuilder:object:root=true
type GatewayList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Gateway `json:"items"`
}
