// Package flows keeps the flows of the bridge equal to what the state of the Node asks for.
//
// Start at [Syncer]. On every connection to the switch it dumps what is there, compares and sends the difference; then it
// recompiles only the owners that a change of the state touches. Nothing is sent before every source of the state has synced,
// so a restarted agent never takes away what it has not heard of yet.
//
//   - syncer.go: the loop, and what others may ask it for
//   - owners.go: which owners a change of the state touches (pure)
//   - wanted.go: the flows that owners want, counted where several want the same (pure)
//   - diff.go: what has to be sent, in which order and in how many bundles (pure)
//   - meter.go: how much the switch may send to the agent
//   - metrics.go: what is counted
//
// Flows of others on the bridge, known by their cookies, are left alone.
package flows
