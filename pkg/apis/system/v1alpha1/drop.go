package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// DropList is how many packets a Node's bridge has dropped because nobody may send them, since its flows are there.
type DropList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string `json:"node"`
	Items           []Drop `json:"items"`
}

// Drop is one reason.
type Drop struct {
	Reason  string `json:"reason"` // as in the metric antrea_agent_dropped_packets_total
	Packets uint64 `json:"packets"`
}
