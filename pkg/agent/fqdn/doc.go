// Package fqdn learns the addresses of domain names from the answers that Pods get, so that rules about names are rules about
// addresses.
//
// Start at [Learner]. The switch holds an answer back until the agent has read it and the addresses are in the switch; then the answer
// goes on. So a Pod cannot be faster with an address than its rules.
//
//   - learner.go: answers in, addresses to the rules, answers on
//   - settle.go: when the switch does what its flows say
//   - packet.go, stream.go: DNS messages in packets, by UDP and by TCP (pure)
//   - answer.go: what a DNS message says of the name that was asked for (pure)
//   - cache.go: who has been told what, and for how long it counts (pure)
//   - file.go: the cache on disk, for the next agent
//   - connections.go: who still talks to an address
//   - report.go: what has been learned, and metrics
//
// It knows no rules: [Rules] says whose names matter, and takes what has been learned.
package fqdn
