// Package daemon gives addresses to the containers of a Node, for the CNI plugin whereabouts.
//
// Start at [Run]. server.go answers the plugin; add.go, del.go and verbs.go are the verbs. A record of each attachment
// (record.go) is in the journal, from before it may get an address until it certainly has none: what could not be released is tried until
// it is. claim.go says for whom an address stays when its sandbox ends. gc.go decides which owners are gone, audit.go applies that to
// all addresses that the API has.
// metrics.go and event.go tell of it.
//
// An address is freed when the runtime says so, or when the Pod is gone from the API and its sandbox from the Node. Where it is
// not certain that nobody uses an address, it is kept, and the log says so.
package daemon
