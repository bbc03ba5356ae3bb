// Package proxy says what a Node does with the Services of its cluster: which addresses it balances, for whom, and over which
// endpoints.
//
// Start at [Node.Ports]: it turns one Service and its EndpointSlices into ports for the switch. Nothing is remembered and nobody
// is asked; the same objects give the same ports.
//
//   - ports.go: a Service to its ports and their addresses
//   - endpoints.go: EndpointSlices to the endpoints that a Node uses
//   - health.go: what a Node answers to a load balancer that asks whether it has endpoints
//   - number.go: numbers for ports, the same after a restart
package proxy
