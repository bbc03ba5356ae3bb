// Package probe watches whether gateways live, and says so of this Node if it is one.
//
//   - peers.go: whom a Node watches (pure)
package probe
