// Package services is the source of the Services that the switch balances, and does for them what the switch cannot.
//
// Start at [Source]. It watches Services and EndpointSlices, has package proxy say what the Node does with each that changed, and
// puts that into the state.
//
//   - source.go: watches and fills the state
//   - forget.go: ends UDP connections to endpoints that are gone
//   - health.go: answers load balancers that ask for endpoints on the Node
package services
