package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// GatewayPeerList is what a Node knows of those whose liveness it watches: an ordinary Node watches the gateways of its cluster,
// a gateway watches the Nodes of its cluster and the gateways of the other clusters.
type GatewayPeerList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string `json:"node"`
	// Gateway tells whether the Node is a gateway itself.
	Gateway bool `json:"gateway"`
	// Conditions, of a gateway, are Attracting, which is false while it asks its peers to send to others: Reason then is Draining,
	// HoldDown or RemoteLost; and PathMTUSufficient.
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	Items      []GatewayPeer      `json:"items"`
}

// ConditionAttracting is the condition of a [GatewayPeerList] that tells whether a gateway wants traffic, with the reasons that it
// has when not.
const (
	ConditionAttracting = "Attracting"
	ReasonActive        = "Active"     // it wants traffic
	ReasonDraining      = "Draining"   // it is about to go, or cordoned
	ReasonHoldDown      = "HoldDown"   // its switch has started a moment ago
	ReasonRemoteLost    = "RemoteLost" // it reaches no gateway of any other cluster; only its own cluster is told
)

// ConditionPathMTU is the condition of a [GatewayPeerList] that tells whether everything that Pods send gets to gateways of other
// clusters, with its reasons. Where it does not, TCP connections get a smaller MSS, and senders of longer packets are told by ICMP.
const (
	ConditionPathMTU = "PathMTUSufficient"
	ReasonWideEnough = "WideEnough"
	ReasonTooNarrow  = "TooNarrow"
)

// GatewayPeer is one Node that is watched.
type GatewayPeer struct {
	// ClusterID is empty for Nodes of the Node's own cluster.
	ClusterID string `json:"clusterID,omitempty"`
	// Name is the Node's name, as its cluster has published it.
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
	// Gateway tells whether the peer is one; the others are Nodes that send to this gateway.
	Gateway bool `json:"gateway"`
	// Weight is the share of a gateway.
	Weight int32 `json:"weight,omitempty"`
	// State is what is known now. What cannot be known is Unknown, never Up.
	State PeerState `json:"state"`
	// Since is when the state was first seen, which may be when the agent started.
	Since *metav1.MicroTime `json:"since,omitempty"`
	// Message says more about a state that is not Up.
	Message string `json:"message,omitempty"`
	// SubnetCIDRs are what is reached through the peer.
	SubnetCIDRs []string `json:"subnetCIDRs,omitempty"`
	// Interface is the port of the bridge that watches the peer.
	Interface string `json:"interface,omitempty"`
	// DetectMilliseconds is how long the peer may be silent before traffic goes elsewhere; 0 if not known.
	DetectMilliseconds int `json:"detectMilliseconds,omitempty"`
	// Flaps is how often the session has changed between up and down since the switch has it.
	Flaps int `json:"flaps"`
	// RTT is the average round trip of those of the last 20 ICMP echo requests to a gateway's address that were answered within a
	// second; RTTTime is when the last answer came.
	RTT     *metav1.Duration  `json:"rtt,omitempty"`
	RTTTime *metav1.MicroTime `json:"rttTime,omitempty"`
	// LossPercent is the share of these requests that were not. ICMP goes beside the tunnels: 100 and a State of Up mean that
	// it does not pass.
	LossPercent *int `json:"lossPercent,omitempty"`
	// PathMTU is the largest packet, in bytes and with the headers of the tunnel, that gets to a gateway of another cluster in one
	// piece; 0 if that is not known.
	PathMTU int `json:"pathMTU,omitempty"`
	// SentBytes and ReceivedBytes are of data that was tunneled to and from the peer, without what a tunnel adds, as the switch had
	// counted it at BytesTime, a second late at most. They begin at 0 when the switch starts and when its flows or groups change.
	SentBytes     *uint64           `json:"sentBytes,omitempty"`
	ReceivedBytes *uint64           `json:"receivedBytes,omitempty"`
	BytesTime     *metav1.MicroTime `json:"bytesTime,omitempty"`
	// LastFailover is when this peer was last lost, and after how long a silence.
	LastFailover *Failover `json:"lastFailover,omitempty"`
}

// PeerState is the state of a [GatewayPeer].
type PeerState string

// The states of a [GatewayPeer].
const (
	PeerUp       PeerState = "Up"       // answers, and carries traffic
	PeerDraining PeerState = "Draining" // answers, and asks to send to others
	PeerDown     PeerState = "Down"     // does not answer
	PeerUnknown  PeerState = "Unknown"  // not watched yet, or the switch does not tell
)

// Failover is the loss of a peer.
type Failover struct {
	Time metav1.MicroTime `json:"time"`
	// DurationMilliseconds is how long the peer was silent when it was given up: what the failover cost at most.
	DurationMilliseconds int `json:"durationMilliseconds"`
}
