package pipeline

import (
	"fmt"
	"hash/fnv"
)

// A cookie is magic (16 bits), feature (8 bits) and a hash of the owner (40 bits); the hash 0 stands for several owners.
const (
	// CookieMagic is in the upper bits of the cookie of every flow that this package makes.
	CookieMagic uint64 = 0x616d << 48
	// CookieMagicMask covers the bits of CookieMagic.
	CookieMagicMask uint64 = 0xffff << 48

	// CookieRefuses is the bit that the cookies of refusing features have and those of the others have not.
	CookieRefuses uint64 = 0x80 << cookieOwnerBits

	cookieOwnerBits        = 40
	cookieOwnerMask uint64 = 1<<cookieOwnerBits - 1
)

// Feature says what a flow is for. Features from [FeatureUnclassified] on are drops: the packets that such flows have
// counted were refused for that reason.
type Feature uint8

// The features that forward. Numbers are in the cookies of running switches: add, never renumber.
const (
	FeatureNode         Feature = 1  // the Node's own ports and everything that does not depend on others
	FeaturePod          Feature = 2  // a local Pod
	FeaturePeer         Feature = 3  // another Node of the cluster
	FeatureMulticluster Feature = 6  // gateways and other clusters
	FeatureService      Feature = 7  // a port of a Service
	FeaturePolicy       Feature = 8  // rules of network policies, and what they are about
	FeatureSegment      Feature = 9  // what other Nodes have of a segment
	FeaturePolicyRule   Feature = 10 // what becomes of packets that meet a rule
	FeaturePolicyAudit  Feature = 11 // what policies in audit mode would refuse
	FeatureNames        Feature = 12 // answers about names that the agent hears before the Pod that has asked
)

// The features that refuse. Numbers as above.
const (
	FeatureUnclassified       Feature = 0x80 + iota // from a port or of a kind that nothing is known about
	FeatureTunnelSender                             // from the tunnel, but not from anyone known
	FeatureTunnelSource                             // from the tunnel, with a source that this sender may not use
	FeatureTunnelNeighbor                           // ARP or neighbor discovery from the tunnel
	FeatureSegmentSource                            // in a segment, with a MAC or IP that is not the interface's own
	FeatureNeighbor                                 // neighbor discovery that speaks for others
	FeatureUnknownNeighbor                          // neighbor discovery for an address that nobody here has
	FeatureInvalid                                  // not trackable, or not part of a known connection
	FeatureForeignTransit                           // from one other cluster to another
	FeatureNoDestination                            // to an address of this cluster that nobody has
	FeatureNoGateway                                // to another cluster while there is no gateway to it
	FeatureNotRouted                                // from the tunnel or the Node, to what this Node does not route
	FeatureNoEndpoint                               // to a Service that has no endpoint, or none on this Node
	FeatureServiceSource                            // to a Service that does not serve this client
	FeatureEgressPolicy                             // from a Pod, and policies do not let it
	FeatureIngressPolicy                            // to a Pod, and policies do not let it
	FeaturePolicyBlocked                            // a reply of a connection that policies no longer allow
	FeaturePolicyUnknown                            // from or to a Pod of which policies are not known yet
	FeaturePodMAC                                   // from a Pod, with a MAC that is not its own
	FeaturePodIPv4                                  // from a Pod, with its MAC and an IPv4 address that is not its own
	FeaturePodIPv6                                  // from a Pod, with its MAC and an IPv6 address that is not its own
	FeatureARP                                      // ARP that speaks for others, or announces
	FeatureRouter                                   // router advertisements and redirects
	FeatureRouterSolicitation                       // questions for routers, which every host with IPv6 asks
	FeatureDHCPServer                               // from a Pod, what only a DHCP server says
	FeatureTunnelMAC                                // from a known sender of the tunnel, to a MAC that is none of the pipeline's
)

var featureNames = map[Feature]string{
	FeatureNode:            "node",
	FeaturePod:             "pod",
	FeaturePeer:            "peer",
	FeatureMulticluster:    "multicluster",
	FeatureService:         "service",
	FeatureUnclassified:    "unclassified",
	FeatureTunnelSender:    "tunnel-sender",
	FeatureTunnelSource:    "tunnel-source",
	FeatureTunnelNeighbor:  "tunnel-neighbor",
	FeatureSegmentSource:   "segment-source",
	FeatureNeighbor:        "neighbor",
	FeatureInvalid:         "conntrack-invalid",
	FeatureForeignTransit:  "foreign-transit",
	FeatureNoDestination:   "no-destination",
	FeatureNoGateway:       "no-gateway",
	FeatureNotRouted:       "not-routed",
	FeatureUnknownNeighbor: "unknown-neighbor",
	FeatureNoEndpoint:      "no-endpoint",
	FeatureServiceSource:   "service-source",
	FeaturePolicy:          "policy",
	FeatureSegment:         "segment",
	FeaturePolicyRule:      "policy-rule",
	FeaturePolicyAudit:     "policy-audit",
	FeatureNames:           "names",
	FeatureEgressPolicy:    "egress-policy",
	FeatureIngressPolicy:   "ingress-policy",
	FeaturePolicyBlocked:   "policy-blocked",
	FeaturePolicyUnknown:   "policy-unknown",
	FeaturePodMAC:          "pod-mac",
	FeaturePodIPv4:         "pod-ipv4",
	FeaturePodIPv6:         "pod-ipv6",
	FeatureARP:             "arp",
	FeatureRouter:          "router",
	FeatureDHCPServer:      "dhcp-server",
	FeatureTunnelMAC:       "tunnel-mac",

	FeatureRouterSolicitation: "router-solicitation",
}

// String is the feature's name, as in labels of metrics.
func (f Feature) String() string {
	if name, ok := featureNames[f]; ok {
		return name
	}
	return fmt.Sprintf("feature-%#x", uint8(f))
}

// Refuses reports whether flows of this feature drop packets that were not supposed to be there.
func (f Feature) Refuses() bool { return f >= 0x80 }

// Cookie is what the cookies of all flows of a feature have in common, and the mask of these bits.
func (f Feature) Cookie() (cookie, mask uint64) {
	return CookieMagic | uint64(f)<<cookieOwnerBits, CookieMagicMask | 0xff<<cookieOwnerBits
}

// CookieFeature takes the feature out of a cookie; ok tells whether the flow is one of this package's.
func CookieFeature(cookie uint64) (f Feature, ok bool) {
	return Feature(cookie >> cookieOwnerBits), cookie&CookieMagicMask == CookieMagic
}

// cookieFor is the cookie of a flow of one owner. The zero owner stands for several.
func cookieFor(f Feature, o Owner) uint64 {
	return CookieMagic | uint64(f)<<cookieOwnerBits | o.hash()
}

// hash is never 0, but for the zero Owner.
func (o Owner) hash() uint64 {
	if o == (Owner{}) {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte{byte(o.Kind)})
	h.Write([]byte(o.Name))
	sum := h.Sum64()
	if folded := (sum ^ sum>>cookieOwnerBits) & cookieOwnerMask; folded != 0 {
		return folded
	}
	return 1
}
