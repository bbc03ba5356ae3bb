// Package probe watches whether gateways live, and says of this Node, if it is one, whether it wants traffic.
//
// Start at [Watcher]. For every peer there is a probe port, a tunnel of its own with BFD on it, in which no data ever goes. The
// switch itself finds out within a fraction of a second that a peer is silent, and the groups of package pipeline watch the ports;
// so the agent is in the way of no failover. It makes the ports, puts their numbers into the state, and tells people what it sees.
//
//   - peers.go: whom a Node watches (pure)
//   - ports.go: the probe ports that this takes (pure)
//   - attraction.go: whether a gateway wants traffic (pure)
//   - session.go, show.go: what the switch says of a peer (pure)
//   - echo.go, window.go: round trips, beside all that
//   - pathmtu.go, narrow.go: the largest packet that gets to a gateway of another cluster, and what follows if it is too small
//   - bytes.go: how much data went to and came from a peer (pure)
//   - history.go: since when, and what was lost (pure)
//   - watcher.go: the loop
//   - report.go, metrics.go: what people see
package probe
