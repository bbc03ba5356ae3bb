package v1alpha1

import (
	"cmp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DriftList is how a Node differs from what its agent wants: its bridge, and what the Node's own network is to have.
type DriftList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string `json:"node"`
	// Compared is the number of flows that the agent wants.
	Compared int     `json:"compared"`
	Repaired bool    `json:"repaired"`
	Items    []Drift `json:"items"`
}

// Drift is one thing that is not as it should be.
type Drift struct {
	Kind   DriftKind   `json:"kind"`
	Object DriftObject `json:"object"`
	// Want and Have are texts as of ovs-ofctl, ovs-vsctl, ip, nft or sysctl, empty where there is none.
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
	DriftFlow     DriftObject = "flow"
	DriftGroup    DriftObject = "group"
	DriftMeter    DriftObject = "meter"
	DriftBridge   DriftObject = "bridge" // what the database says of the bridge itself
	DriftPort     DriftObject = "port"   // of the bridge
	DriftDevice   DriftObject = "device" // the kernel's antrea-gw0
	DriftAddress  DriftObject = "address"
	DriftRoute    DriftObject = "route"
	DriftNeighbor DriftObject = "neighbor"
	DriftNFT      DriftObject = "nft" // a table, chain, rule or element of it
	DriftSysctl   DriftObject = "sysctl"
)

// DriftObjects are all objects that may drift.
func DriftObjects() []DriftObject {
	return []DriftObject{DriftFlow, DriftGroup, DriftMeter, DriftBridge, DriftPort, DriftDevice, DriftAddress, DriftRoute, DriftNeighbor, DriftNFT, DriftSysctl}
}

// NewDrift is the drift of an object of which one of the texts may be empty: it is missing, or unwanted.
func NewDrift(object DriftObject, want, have string) Drift {
	d := Drift{Kind: DriftChanged, Object: object, Want: want, Have: have}
	switch {
	case have == "":
		d.Kind = DriftMissing
	case want == "":
		d.Kind = DriftUnwanted
	}
	return d
}

// Text is what is wanted, or what is there if nothing is.
func (d Drift) Text() string { return cmp.Or(d.Want, d.Have) }
