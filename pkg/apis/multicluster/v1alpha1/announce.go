package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MemberClusterAnnounce is a cluster's request to join, in the leader's namespace, and afterwards the record that it did:
// deleting it removes the cluster. Its name is derived from PublicKey, and the first key that asks for a cluster ID owns it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Cluster ID",type=string,JSONPath=`.clusterID`
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Namespace",type=string,JSONPath=`.status.namespace`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.clusterID == oldSelf.clusterID && self.clusterSetID == oldSelf.clusterSetID && self.requester == oldSelf.requester",message="a request to join cannot be changed"
type MemberClusterAnnounce struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// ClusterID is the name that the cluster wants.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	ClusterID string `json:"clusterID"`
	// ClusterSetID is the ClusterSet that it wants to join.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ClusterSetID string `json:"clusterSetID"`
	// LeaderClusterID is the leader that it means to ask.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	LeaderClusterID string `json:"leaderClusterID,omitempty"`
	// PublicKey is the HPKE key (X25519) that the credential is sealed to; the object's name holds it fast.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	PublicKey []byte `json:"publicKey"`
	// Requester is the user whose token asks; admission lets nobody else be named.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Requester string `json:"requester"`
	// +optional
	Status MemberClusterAnnounceStatus `json:"status,omitempty"`
}

// MemberClusterAnnounceStatus is the leader's answer.
type MemberClusterAnnounceStatus struct {
	// Conditions: Accepted.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// Namespace is the member's own namespace in the leader's API.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// SealedCredential is the member's credential, which only the owner of PublicKey can open.
	// +optional
	SealedCredential []byte `json:"sealedCredential,omitempty"`
	// CredentialRenewal is when the leader seals a new one.
	// +optional
	CredentialRenewal *metav1.Time `json:"credentialRenewal,omitempty"`
}

// MemberClusterAnnounceList is a list of MemberClusterAnnounces.
//
// +kubebuilder:object:root=true
type MemberClusterAnnounceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []MemberClusterAnnounce `json:"items"`
}
