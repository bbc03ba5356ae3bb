package flows

import (
	"reflect"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// touched are the owners whose flows may differ between two states, as the kinds of owners in package pipeline say.
func touched(old, now pipeline.State) []pipeline.Owner {
	if !reflect.DeepEqual(old.Node, now.Node) {
		return union(old, now)
	}
	var owners []pipeline.Owner
	gateways := !reflect.DeepEqual(old.Gateways, now.Gateways) || !reflect.DeepEqual(old.Probes, now.Probes)
	if gateways {
		owners = append(owners, pipeline.Owner{Kind: pipeline.KindGateways})
	}
	owners = append(owners, entries(pipeline.KindPeer, old.Peers, now.Peers, false)...)
	owners = append(owners, entries(pipeline.KindPod, old.Pods, now.Pods, false)...)
	owners = append(owners, entries(pipeline.KindCluster, old.Clusters, now.Clusters,
		gateways || renumbered(old, now) || !reflect.DeepEqual(old.PathMTUs, now.PathMTUs))...)
	owners = append(owners, entries(pipeline.KindSegment, old.Segments, now.Segments, false)...)
	owners = append(owners, entries(pipeline.KindService, old.Services, now.Services, false)...)
	return append(owners, ofPolicies(old, now)...)
}

// ofPolicies are the owners of flows of policies that may differ. What is in Policies never changes in place.
func ofPolicies(old, now pipeline.State) []pipeline.Owner {
	var owners []pipeline.Owner
	was, is := policies(old), policies(now)
	if old.Policies != now.Policies {
		owners = append(owners, entries(pipeline.KindPodPolicy, was.Pods, is.Pods, false)...)
		owners = append(owners, entries(pipeline.KindPolicyAddress, was.Addresses, is.Addresses, false)...)
		owners = append(owners, entries(pipeline.KindPolicyPorts, was.Ports, is.Ports, false)...)
		owners = append(owners, entries(pipeline.KindPolicyRule, was.Rules, is.Rules, false)...)
	}
	for _, pod := range entries(pipeline.KindPod, old.Pods, now.Pods, false) { // their policies depend on them
		if _, ok := is.Pods[pod.Name]; ok {
			owners = append(owners, pipeline.Owner{Kind: pipeline.KindPodPolicy, Name: pod.Name})
		}
	}
	return owners
}

func policies(s pipeline.State) pipeline.Policies {
	if s.Policies == nil {
		return pipeline.Policies{}
	}
	return *s.Policies
}

// renumbered tells whether groups got other numbers, because a cluster with the same hash came or went.
func renumbered(old, now pipeline.State) bool {
	for name := range now.Clusters {
		owner := pipeline.Owner{Kind: pipeline.KindCluster, Name: name}
		if _, both := old.Clusters[name]; both && old.GroupBase(owner) != now.GroupBase(owner) {
			return true
		}
	}
	return false
}

// union are the owners in either state.
func union(old, now pipeline.State) []pipeline.Owner {
	owners := now.Owners()
	have := make(map[pipeline.Owner]bool, len(owners))
	for _, o := range owners {
		have[o] = true
	}
	for _, o := range old.Owners() {
		if !have[o] {
			owners = append(owners, o)
		}
	}
	return owners
}

// entries are the owners of one kind whose entry came, went or changed; all of them on demand.
func entries[V any](kind pipeline.Kind, old, now map[string]V, all bool) []pipeline.Owner {
	var owners []pipeline.Owner
	for name, v := range now {
		if was, ok := old[name]; all || !ok || !reflect.DeepEqual(was, v) {
			owners = append(owners, pipeline.Owner{Kind: kind, Name: name})
		}
	}
	for name := range old {
		if _, ok := now[name]; !ok {
			owners = append(owners, pipeline.Owner{Kind: kind, Name: name})
		}
	}
	return owners
}
