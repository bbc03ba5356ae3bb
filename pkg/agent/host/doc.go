// Package host keeps the Node's own network in line with the state: address and MTU of antrea-gw0, routes to Pods elsewhere,
// source NAT of Pods to the outside, sysctls.
//
// Start at [Reconciler]. It compares what should be with what is, whenever the state or the kernel's links, addresses or
// routes change, and now and then in any case.
//
//   - reconciler.go: the loop
//   - desired.go, nat.go, services.go, clamp.go: what should be (pure)
//   - conntrack.go: what the kernel remembers and should not
//   - routes.go: addresses, neighbors and routes compared with the kernel
//   - cleanup.go: everything taken back when the agent is removed
//
// Only what carries the agent's mark is ever changed or removed: its device, its routing protocol number, its nft table.
package host
