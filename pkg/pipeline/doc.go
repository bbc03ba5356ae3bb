// Package pipeline turns the state of a Node into the flows of its bridge.
//
// Start at [Compile]: it asks every [Owner] in a [State] for its flows, merges them and reports what cannot be had.
// [CompileOwner] does one owner alone, which is how a change of one Pod stays the work of one Pod.
//
//   - state.go: what flows depend on
//   - owner.go, compile.go: who wants which flows, and what happens when two want the same
//   - tables.go, fields.go, cookie.go: table ids, bits of registers and marks, cookies; each declared once, by name
//   - node.go, pod.go, peer.go, gateways.go, cluster.go: the flows of each kind of owner, table by table
//   - encap.go: which packets to other Nodes go through no tunnel
//   - proxy.go: what all Services need; service.go, clients.go, balance.go: one port of a Service, who may use it, its endpoints
//   - policy.go: the flows of network policies
//   - segment.go: networks of their own beside the first, for further interfaces of Pods
//   - neighbor.go, forward.go: the actions that several of them use
//
// It opens no socket and knows no Kubernetes. The same [State] gives the same bytes.
package pipeline
