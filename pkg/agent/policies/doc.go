// Package policies is the source of what the state of a Node knows of network policies: it hears of what they depend on, and
// hands the state the rules for the Pods of the Node.
//
// Start at [Source]. Package policy decides what the rules are.
//
//   - source.go: what follows from what was told
//   - teller.go: who tells: the controller, or watches of the whole cluster
//   - copy.go: what the controller has told, on disk
//   - queue.go: what was told and nobody has looked at yet
//   - convert.go: rules of package policy as those of package pipeline (pure)
//   - log.go: packets that policies refuse, in the agent's log
//   - report.go: the rules, what they have counted, and metrics
//   - await.go: a new Pod waits until its policies are in the switch
package policies
