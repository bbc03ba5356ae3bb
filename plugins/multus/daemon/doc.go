// Package daemon attaches the Pods of a Node to their networks, for the CNI plugin multus.
//
// Start at [Run]. server.go answers the plugin; add.go, del.go and verbs.go are the verbs. What a Pod gets is decided in netplan;
// here it is found (find.go: host.go on the Node, kube.go in the API, device.go at kubelet) and done: chain.go executes plugins,
// link.go changes default routes. hotplug.go notices that a Pod that runs asks for other networks, and plugging.go gives it those.
// A record of each sandbox (record.go) is in the journal, from before the first plugin is executed until the last one has deleted:
// what is to be undone is known from it alone. adopt.go makes records of what Multus has attached. plain.go remembers the Pods that need no API server. install.go puts the plugin on the Node, metrics.go counts.
//
// A Pod has all of its networks, or ADD fails and has undone what it did.
package daemon
