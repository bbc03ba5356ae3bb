package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DriftList is how a Node's bridge differs from what its agent wants it to hold.
type DriftList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string `json:"node"`
	// Compared is the number of flows that the agent wants.
	Compared int     `json:"compared"`
	Repaired bool    `json:"repaired"`
	Items    []Drift `json:"items"`
}

// Drift is a flow or group that is not as it should be.
type Drift struct {
	Kind   DriftKind   `json:"kind"`
	Object DriftObject `json:"object"`
	// Want and Have are texts as of ovs-ofctl, empty where there is none.
	Want string `json:"want,omitempty"`
	Have string `json:"have,omitempty"`
}

// DriftKind says what is wrong.
type DriftKind string

// The kinds of drift. What is foreign was not made by the agent, which leaves it alone.
const (
	DriftMissing  DriftKind = "missing"
	DriftChanged  DriftKind = "changed"
	DriftUnwanted DriftKind = "unwanted"
	DriftForeign  DriftKind = "foreign"
)

// DriftObject says what is concerned.
type DriftObject string

// What may drift.
const (
	DriftFlow  DriftObject = "flow"
	DriftGroup DriftObject = "group"
)
