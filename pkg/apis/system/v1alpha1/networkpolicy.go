package v1alpha1

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkPolicyRuleList is the rules for Pods of a Node, with what each has counted.
type NetworkPolicyRuleList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string              `json:"node"`
	Items           []NetworkPolicyRule `json:"items"`
}

// NetworkPolicyRule is a rule of a policy in the bridge of a Node. One with a named port is there once for every number that
// the name stands for.
type NetworkPolicyRule struct {
	// Policy is kind namespace/name.
	Policy    string `json:"policy"`
	Direction string `json:"direction"`
	// Index is the place in the policy's list for that direction.
	Index int    `json:"index"`
	Name  string `json:"name,omitempty"`
	// Isolation says that this is no rule: it is what a policy refuses, or would in audit mode, because no rule accepts it. Several
	// policies that isolate the same Pods each count all of it.
	Isolation bool   `json:"isolation,omitempty"`
	Tier      string `json:"tier"`
	// Action is Accept, Deny, Pass, or Audit for what would be denied but for audit mode.
	Action string   `json:"action"`
	Ports  []string `json:"ports,omitempty"`
	// DomainNames are those that the rule is about, beside other peers.
	DomainNames []string `json:"domainNames,omitempty"`
	// ID is what connections note in ct_label, and what the rule is called in flows.
	ID uint32 `json:"id"`
	// Connections counts first packets, Packets and Bytes all in the direction of these; replies are not counted.
	Connections uint64 `json:"connections"`
	Packets     uint64 `json:"packets"`
	Bytes       uint64 `json:"bytes"`
}

// Place is the rule's place in words: its index, or none.
func (r NetworkPolicyRule) Place() string {
	if r.Isolation {
		return "none"
	}
	return strconv.Itoa(r.Index)
}
