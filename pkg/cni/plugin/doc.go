// Package plugin is the CNI plugin: what the runtime executes for every Pod.
//
// Start at [Main]. plugin.go turns each call into a request to the agent and the answer into what the runtime expects;
// delegate.go runs other IPAM plugins, which have to run on the node and not in the agent's container; install.go puts the
// binaries on the node and takes them away. It touches no interface and no address: the agent does.
package plugin
