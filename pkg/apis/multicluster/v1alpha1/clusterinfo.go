package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ClusterInfo is what one cluster tells the others: where its Pods and Services are and through which gateways they are
// reached.
type ClusterInfo struct {
	// ClusterID is the cluster's name in the ClusterSet.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ClusterID string `json:"clusterID"`
	// PodCIDRs are the ranges of the cluster's Pods, of both IP families.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="self.all(c, isCIDR(c))",message="podCIDRs must be CIDRs such as 10.244.0.0/20"
	PodCIDRs []string `json:"podCIDRs,omitempty"`
	// ServiceCIDR is the first of ServiceCIDRs.
	// +optional
	// +kubebuilder:validation:MaxLength=43
	ServiceCIDR string `json:"serviceCIDR,omitempty"`
	// ServiceCIDRs are the ranges of the cluster's ClusterIPs, of both IP families.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="self.all(c, isCIDR(c))",message="serviceCIDRs must be CIDRs such as 10.244.0.0/20"
	ServiceCIDRs []string `json:"serviceCIDRs,omitempty"`
	// GatewayInfos are the gateways that carry traffic now or drain, sorted by name.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	GatewayInfos []GatewayInfo `json:"gatewayInfos,omitempty"`
}

// GatewayInfo is one gateway of a cluster as other clusters see it.
type GatewayInfo struct {
	// Name is the Node's name.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
	// GatewayIP is the address that tunnel packets are sent to and come from.
	// +kubebuilder:validation:MaxLength=45
	// +kubebuilder:validation:XValidation:rule="isIP(self)",message="gatewayIP must be an IP address"
	GatewayIP string `json:"gatewayIP"`
	// Weight shares traffic between the gateways of a cluster; the default is 100.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=65535
	Weight int32 `json:"weight,omitempty"`
	// PublicKey is the key of encrypted tunnels to this gateway, if any.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	PublicKey string `json:"publicKey,omitempty"`
	// Draining says that the gateway is about to go: packets from it are still to be taken, and it tells its peers itself,
	// by BFD, to send no more.
	// +optional
	Draining bool `json:"draining,omitempty"`
}

// ClusterInfoImport is the ClusterInfo of another cluster of the ClusterSet, written by the member controller into the
// namespace that the agents watch (multicluster.namespace of antrea-agent.conf). Its name is "<clusterID>-clusterinfo".
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster ID",type=string,JSONPath=`.spec.clusterID`
// +kubebuilder:printcolumn:name="Service CIDR",type=string,JSONPath=`.spec.serviceCIDR`
// +kubebuilder:printcolumn:name="Pod CIDRs",type=string,JSONPath=`.spec.podCIDRs`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ClusterInfoImport struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ClusterInfo `json:"spec,omitempty"`
	// +optional
	Status ClusterInfoImportStatus `json:"status,omitempty"`
}

// ClusterInfoImportStatus says whether the record is in use.
type ClusterInfoImportStatus struct {
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ClusterInfoImportList is a list of ClusterInfoImports.
//
// +kubebuilder:object:root=true
type ClusterInfoImportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterInfoImport `json:"items"`
}
