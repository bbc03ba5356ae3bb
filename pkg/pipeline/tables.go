package pipeline

import (
	"slices"
	"strconv"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// The tables of the bridge. Ids have gaps so that a feature never renumbers another; packets only go to higher ones
// (with four exceptions, see [TableConntrackZone], [TableEgressAdmin], [TableIngressPolicy] and [TableOutput]).
const (
	// TableClassifier sets the source class by where a packet came in. From the tunnel only known senders pass.
	TableClassifier openflow.TableID = 0
	// TableNeighborGuard lets ARP and neighbor discovery through that speak for the port's own addresses.
	TableNeighborGuard openflow.TableID = 1
	// TableNeighborReply answers ARP and hands neighbor discovery to the one owner; nothing is flooded.
	TableNeighborReply openflow.TableID = 2
	// TableSpoofGuard checks sources: of Pods port, MAC and IP; of a tunnel what the sender's class may send.
	TableSpoofGuard openflow.TableID = 4
	// TableConntrackZone looks connections up, except for transit. A gateway with source NAT comes here twice: the
	// lookup that restores the destination of a reply decides whether it is transit. It comes here once more before that
	// where transit has to be measured.
	TableConntrackZone openflow.TableID = 6
	// TableConntrackState sends replies straight to L3 and the rest through policy.
	TableConntrackState openflow.TableID = 7
	// TableSessionAffinity holds what Services have learned.
	TableSessionAffinity openflow.TableID = 9
	// TableServiceLB chooses the endpoint of a Service.
	TableServiceLB openflow.TableID = 10
	// TableEndpointSet learns affinity.
	TableEndpointSet openflow.TableID = 11
	// TableEndpointWrite writes the endpoint into the packet.
	TableEndpointWrite openflow.TableID = 12
	// TableEgressPolicy takes what Pods send to the rules that decide about it.
	TableEgressPolicy openflow.TableID = 13
	// TableEgressAdmin has the rules that come before all others. A packet that one in audit mode would deny comes here again, and
	// meets none in audit mode then; likewise in the other tables of rules.
	TableEgressAdmin openflow.TableID = 14
	// TableEgressRule has the rules of NetworkPolicies, and those that come after all others.
	TableEgressRule openflow.TableID = 15
	// TableL3Forwarding chooses MACs, tunnel destination and destination class by the IP destination.
	TableL3Forwarding openflow.TableID = 16
	// TableL3DecTTL decrements the TTL of what is routed here.
	TableL3DecTTL openflow.TableID = 18
	// TableSNAT sets the kind of source NAT; transit leaves for the output from here.
	TableSNAT openflow.TableID = 20
	// TableIngressPolicy takes what Pods are sent to the rules that decide about it. An answer about names that the agent is to hear
	// comes here twice.
	TableIngressPolicy openflow.TableID = 24
	// TableIngressAdmin is as TableEgressAdmin.
	TableIngressAdmin openflow.TableID = 25
	// TableIngressRule is as TableEgressRule.
	TableIngressRule openflow.TableID = 26
	// TableConntrackCommit commits a new connection, when nothing more can refuse it.
	TableConntrackCommit openflow.TableID = 27
	// TableOutput sends the packet. One that leaves with another source is translated first, and comes here again.
	TableOutput openflow.TableID = 28
	// TableSegmentGuard checks the sources of what Classifier has found to be of a segment: port, or Node, and MAC and IP.
	TableSegmentGuard openflow.TableID = 30
	// TableSegmentNeighbor hands ARP and neighbor discovery to the one owner in the segment.
	TableSegmentNeighbor openflow.TableID = 31
	// TableSegmentForward sends to the interface of the segment that has the MAC.
	TableSegmentForward openflow.TableID = 32
)

var tableNames = map[openflow.TableID]string{
	TableClassifier:      "Classifier",
	TableNeighborGuard:   "NeighborGuard",
	TableNeighborReply:   "NeighborReply",
	TableSpoofGuard:      "SpoofGuard",
	TableConntrackZone:   "ConntrackZone",
	TableConntrackState:  "ConntrackState",
	TableSessionAffinity: "SessionAffinity",
	TableServiceLB:       "ServiceLB",
	TableEndpointSet:     "EndpointSet",
	TableEndpointWrite:   "EndpointWrite",
	TableEgressPolicy:    "EgressPolicy",
	TableEgressAdmin:     "EgressAdmin",
	TableEgressRule:      "EgressRule",
	TableL3Forwarding:    "L3Forwarding",
	TableL3DecTTL:        "L3DecTTL",
	TableSNAT:            "SNAT",
	TableIngressPolicy:   "IngressPolicy",
	TableIngressAdmin:    "IngressAdmin",
	TableIngressRule:     "IngressRule",
	TableConntrackCommit: "ConntrackCommit",
	TableOutput:          "Output",
	TableSegmentGuard:    "SegmentGuard",
	TableSegmentNeighbor: "SegmentNeighbor",
	TableSegmentForward:  "SegmentForward",
}

// Tables are the ids of all tables, in the order of the pipeline.
func Tables() []openflow.TableID {
	ids := make([]openflow.TableID, 0, len(tableNames))
	for id := range tableNames {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// TableName is the name of a table, or its number if the pipeline has none with that id.
func TableName(id openflow.TableID) string {
	if name, ok := tableNames[id]; ok {
		return name
	}
	return strconv.Itoa(int(id))
}

// TableByName finds a table by its name.
func TableByName(name string) (openflow.TableID, bool) {
	for id, n := range tableNames {
		if n == name {
			return id, true
		}
	}
	return 0, false
}
