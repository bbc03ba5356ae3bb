// Package policy decides who may talk to whom: objects of Kubernetes in, rules in the form of a switch out.
//
// Start at [Engine]. It is fed Namespaces, Pods, Nodes, NetworkPolicies and ClusterNetworkPolicies, one at a time and in any
// order, and keeps an index of what a Node's switch has to hold: for every Pod, address and port the rules that it is part of.
// A packet meets a rule if its Pod, its peer's address and its port are all part of it. [Engine.Query] decides by the same index.
//
//   - object.go, feed.go: what is read of objects, and how it is told
//   - membership.go, group.go: Namespaces, Pods, and the selectors that rules share
//   - engine.go: what a change of an object touches
//   - index.go: the index, and what has changed in it
//   - labels.go: which selectors may select a Namespace, and the other way round, without going over all
//   - rule.go, networkpolicy.go, clusternetworkpolicy.go: what the objects say, as rules
//   - contribution.go: what a Pod adds to the rules of a policy
//   - ports.go, block.go: ranges of ports and addresses
//   - query.go: may this one talk to that one, and which rule says so
//
// [Distributor] finds out which of the objects an engine for one Node needs (distributor.go), so that only one has to know all of them.
//
// It opens no connection and knows no flows.
package policy
