// Package cni is what the CNI plugin and the agent agree on.
//
// Start at [Request], which the plugin sends for each call of the runtime, and [Response]; wire.go and serve.go carry both over the
// agent's Unix socket, with the container's network namespace as an open file, so that the agent needs no mount of the
// runtime's directories. netconf.go is the network configuration, conflist.go the one that is installed by default, and
// record.go the form in which OVSDB keeps a Pod's interface.
//
// It is linked into the plugin, which starts anew for every call: standard library, CNI types and openflow.MAC only.
package cni
