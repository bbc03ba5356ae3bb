// Package v1alpha1 is what antrea-controller serves beside the Kubernetes API as system.antrea.io/v1alpha1: a look into the
// agents. Nothing of it is stored; antrea-controller passes each request on to the agent of the Node it names, which answers
// it at the same path.
//
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/ovsflows     OVSFlowList
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/agentinfo    AgentInfo
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/gatewaypeers    GatewayPeerList
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/podinterfaces    PodInterfaceList
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/drops    DropList
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/drift    DriftList; with POST, the agent also puts right what differs
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/networkpolicyrules    NetworkPolicyRuleList
//	GET /apis/system.antrea.io/v1alpha1/nodes/NODE/fqdncache    FQDNCacheEntryList
//	GET /apis/system.antrea.io/v1alpha1/controllerinfos/antrea-controller    ControllerInfo
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of this package.
var GroupVersion = schema.GroupVersion{Group: "system.antrea.io", Version: "v1alpha1"}

// What an agent says in annotations of its Node.
const (
	// AnnotationTransport holds the addresses that the Node uses for tunnels, if they are not its InternalIPs.
	AnnotationTransport = "node.antrea.io/transport-addresses"
	// AnnotationAgentAPIPort is the TCP port of the agent's API, at the Node's internal IP.
	AnnotationAgentAPIPort = "node.antrea.io/agent-api-port"
	// AnnotationAgentAPICertificate is "sha256:" and the hexadecimal SHA-256 of the certificate that the agent serves with.
	AnnotationAgentAPICertificate = "node.antrea.io/agent-api-certificate"
)

// NodeAnnotations are all annotations that agents write.
func NodeAnnotations() []string {
	return []string{AnnotationTransport, AnnotationAgentAPIPort, AnnotationAgentAPICertificate}
}

// AgentAudience is the audience of the tokens that antrea-controller shows to agents: they are of no use elsewhere.
const AgentAudience = "antrea-agent"

// The parameters of a request for flows. All that are given must hold.
const (
	ParamTable   = "table"   // number or name of a table
	ParamPod     = "pod"     // namespace/name of a Pod on the Node
	ParamCluster = "cluster" // ID of another cluster of the ClusterSet
)

// OVSFlowList is the flows of a Node's bridge, sorted by table, then from high priority to low.
type OVSFlowList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string    `json:"node"`
	Items           []OVSFlow `json:"items"`
}

// OVSFlow is a flow entry and what it has counted.
type OVSFlow struct {
	Table           int     `json:"table"`
	TableName       string  `json:"tableName"`
	Priority        int     `json:"priority"`
	Cookie          string  `json:"cookie"` // hexadecimal, as ovs-ofctl prints it
	DurationSeconds float64 `json:"durationSeconds"`
	Packets         uint64  `json:"packets"`
	Bytes           uint64  `json:"bytes"`
	// Text is the whole entry as `ovs-ofctl dump-flows` prints it.
	Text string `json:"text"`
}

// AgentInfo is the state of an agent.
type AgentInfo struct {
	metav1.TypeMeta `json:",inline"`
	Node            string             `json:"node"`
	Version         string             `json:"version"`
	OVSVersion      string             `json:"ovsVersion,omitempty"`
	DatapathType    string             `json:"datapathType,omitempty"`
	PodCIDRs        []string           `json:"podCIDRs,omitempty"`
	LocalPods       int                `json:"localPods"`
	Flows           int                `json:"flows"`
	Conditions      []metav1.Condition `json:"conditions,omitempty"`
}

// ControllerInfo is the state of antrea-controller.
type ControllerInfo struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Version           string `json:"version"`
}
