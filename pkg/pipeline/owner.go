package pipeline

import (
	"maps"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Kind is the kind of thing that owns flows.
type Kind uint8

// The kinds of owners, and the parts of a State that their flows depend on. Their order decides who wins where two owners
// want different flows for the same packets: the Node before its cluster, the cluster before others.
const (
	KindNode     Kind = 1 + iota // State.Node
	KindGateways                 // State.Node, State.Gateways, State.Probes
	KindPeer                     // State.Node, one of State.Peers
	KindPod                      // State.Node, one of State.Pods
	KindCluster                  // State.Node, State.Gateways, State.Probes, State.PathMTUs, one of State.Clusters
	KindService                  // State.Node, one of State.Services

	KindPodPolicy     // State.Node, one of State.Policies.Pods and State.Pods
	KindPolicyAddress // State.Node, one of State.Policies.Addresses
	KindPolicyPorts   // State.Node, one of State.Policies.Ports
	KindPolicyRule    // State.Node, one of State.Policies.Rules

	KindSegment // State.Node, one of State.Segments
)

var kindNames = map[Kind]string{
	KindNode: "node", KindGateways: "gateways", KindPeer: "peer", KindPod: "pod", KindCluster: "cluster",
	KindService:   "service",
	KindPodPolicy: "pod-policy", KindPolicyAddress: "policy-address", KindPolicyPorts: "policy-ports", KindPolicyRule: "policy-rule",
	KindSegment: "segment",
}

// Owner is something whose flows come and go together.
type Owner struct {
	Kind Kind
	Name string // key in the map of the State; empty for KindNode and KindGateways
}

// String is the owner as kind/name.
func (o Owner) String() string {
	if o.Name == "" {
		return kindNames[o.Kind]
	}
	return kindNames[o.Kind] + "/" + o.Name
}

func (o Owner) compare(p Owner) int {
	if o.Kind != p.Kind {
		return int(o.Kind) - int(p.Kind)
	}
	if o.Name < p.Name {
		return -1
	}
	if o.Name > p.Name {
		return 1
	}
	return 0
}

// Owners lists all owners in s: by kind, then by name.
func (s State) Owners() []Owner {
	owners := make([]Owner, 0, 2+len(s.Peers)+len(s.Pods)+len(s.Clusters)+len(s.Services))
	owners = append(owners, Owner{Kind: KindNode}, Owner{Kind: KindGateways})
	for name := range maps.Keys(s.Peers) {
		owners = append(owners, Owner{KindPeer, name})
	}
	for name := range maps.Keys(s.Pods) {
		owners = append(owners, Owner{KindPod, name})
	}
	for name := range maps.Keys(s.Clusters) {
		owners = append(owners, Owner{KindCluster, name})
	}
	for name := range maps.Keys(s.Services) {
		owners = append(owners, Owner{KindService, name})
	}
	for name := range maps.Keys(s.Segments) {
		owners = append(owners, Owner{KindSegment, name})
	}
	owners = append(owners, s.Policies.owners()...)
	slices.SortFunc(owners, Owner.compare)
	return owners
}

// CompileOwner returns what one owner wants, in the order of the tables it goes through; groups that others refer to come first.
// An owner that is not in s wants nothing.
func CompileOwner(s State, o Owner) Owned {
	r := rules{owner: o}
	switch o.Kind {
	case KindNode:
		r.node(s)
	case KindGateways:
		r.gateways(s)
	case KindPeer:
		if peer, ok := s.Peers[o.Name]; ok {
			r.peer(s, peer)
		}
	case KindPod:
		if pod, ok := s.Pods[o.Name]; ok {
			r.pod(s, pod)
		}
	case KindCluster:
		if cluster, ok := s.Clusters[o.Name]; ok {
			r.cluster(s, o.Name, cluster)
		}
	case KindService:
		if service, ok := s.Services[o.Name]; ok {
			r.service(s, service)
		}
	case KindSegment:
		if segment, ok := s.Segments[o.Name]; ok {
			r.segment(s.Node, segment)
		}
	default:
		if s.Policies != nil {
			r.policy(s, o)
		}
	}
	return Owned{o, r.flows, r.groups}
}

var kindFeatures = map[Kind]Feature{
	KindNode: FeatureNode, KindGateways: FeatureMulticluster, KindPeer: FeaturePeer, KindPod: FeaturePod, KindCluster: FeatureMulticluster,
	KindService:   FeatureService,
	KindPodPolicy: FeaturePolicy, KindPolicyAddress: FeaturePolicy, KindPolicyPorts: FeaturePolicy, KindPolicyRule: FeaturePolicyRule,
	KindSegment: FeatureSegment,
}

// rules collects what one owner wants.
type rules struct {
	owner  Owner
	flows  []openflow.Flow
	groups []openflow.Group
}

// add adds a flow that forwards.
func (r *rules) add(t openflow.TableID, priority uint16, m openflow.Match, a openflow.Actions) {
	r.flow(kindFeatures[r.owner.Kind], t, priority, m, a)
}

// drop adds a flow that drops what it matches and counts it as f.
func (r *rules) drop(f Feature, t openflow.TableID, priority uint16, m openflow.Match) {
	r.flow(f, t, priority, m, openflow.Actions{})
}

func (r *rules) flow(f Feature, t openflow.TableID, priority uint16, m openflow.Match, a openflow.Actions) {
	r.flows = append(r.flows, openflow.Flow{
		Table: t, Priority: priority, Cookie: cookieFor(f, r.owner), Match: m, Actions: a,
	})
}
