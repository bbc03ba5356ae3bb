package v1alpha2

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ClusterSet is a group of clusters whose Pods and Services reach each other. Its name is the ClusterSet's ID. The leader's
// namespace has one that lists the members; a member's namespace has one that says where the leader is.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="Cluster ID",type=string,JSONPath=`.spec.clusterID`
// +kubebuilder:printcolumn:name="Leader",type=string,JSONPath=`.spec.leaders[0].clusterID`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Clusters",type=integer,JSONPath=`.status.totalClusters`
// +kubebuilder:printcolumn:name="Ready clusters",type=integer,JSONPath=`.status.readyClusters`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type ClusterSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              ClusterSetSpec `json:"spec"`
	// +optional
	Status ClusterSetStatus `json:"status,omitempty"`
}

// ClusterSetSpec says who leads and, at the leader, who joined.
//
// +kubebuilder:validation:XValidation:rule="self.clusterID == oldSelf.clusterID",message="clusterID cannot be changed: leave the ClusterSet and join with another cluster ID"
type ClusterSetSpec struct {
	// ClusterID is the name of this cluster in the ClusterSet.
	ClusterID ClusterID `json:"clusterID"`
	// Members are the clusters that joined. The leader fills them in.
	// +optional
	// +listType=map
	// +listMapKey=clusterID
	Members []MemberCluster `json:"members,omitempty"`
	// Leaders names the one leader.
	// +listType=map
	// +listMapKey=clusterID
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1
	Leaders []LeaderCluster `json:"leaders"`
	// Namespace is the leader's namespace in the leader's API.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`
}

// ClusterID is the name of a cluster in its ClusterSet, a DNS label.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type ClusterID string

// MemberCluster is a cluster that joined.
type MemberCluster struct {
	ClusterID ClusterID `json:"clusterID"`
}

// LeaderCluster says how a member reaches the leader.
type LeaderCluster struct {
	ClusterID ClusterID `json:"clusterID"`
	// Server is the URL of the leader's API server. It may change while the cluster is a member.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https'",message="server must be a URL such as https://192.0.2.1:6443"
	Server string `json:"server,omitempty"`
	// Secret holds the token that asks to join and the leader's ca.crt, in the member's namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Secret string `json:"secret,omitempty"`
}

// ClusterSetStatus is the ClusterSet as this cluster sees it.
type ClusterSetStatus struct {
	// TotalClusters counts the clusters of the ClusterSet.
	// +optional
	TotalClusters int32 `json:"totalClusters,omitempty"`
	// ReadyClusters counts those whose records are accepted and which the leader has heard of lately.
	// +optional
	ReadyClusters int32 `json:"readyClusters,omitempty"`
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Conditions: Ready sums up the others.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// ClusterStatuses has one entry a cluster: at the leader all members, at a member the leader.
	// +optional
	// +listType=map
	// +listMapKey=clusterID
	ClusterStatuses []ClusterStatus `json:"clusterStatuses,omitempty"`
}

// ClusterStatus is one cluster of the ClusterSet as seen from here.
type ClusterStatus struct {
	ClusterID ClusterID `json:"clusterID"`
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// ClusterSetList is a list of ClusterSets.
//
// +kubebuilder:object:root=true
type ClusterSetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterSet `json:"items"`
}

// Condition types of a ClusterSet and of its cluster statuses.
const (
	// ConditionReady sums up the others.
	ConditionReady = "Ready"
	// ConditionConnected says whether leader and member have talked lately.
	ConditionConnected = "Connected"
	// ConditionAccepted says whether the leader accepted the cluster's record and shows it to the others.
	ConditionAccepted = "Accepted"
)
