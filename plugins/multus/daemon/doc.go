// Package daemon attaches the Pods of a Node to their networks, for the CNI plugin multus.
//
// Start at [Run]. server.go answers the plugin; add.go, del.go and verbs.go are the verbs. What a Pod gets is decided in netplan;
// here it is found (host.go on the Node, kube.go in the API) and done: chain.go executes
// plugins, device.go finds the devices of a Pod, link.go changes default routes. journal.go keeps a record of each sandbox in a file, from before the first plugin is
// executed until the last one has deleted: what is to be undone is known from it alone. install.go puts the plugin on the Node, metrics.go counts.
//
// A Pod has all of its networks, or ADD fails and has undone what it did.
package daemon
