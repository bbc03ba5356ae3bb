// Package cni is what the CNI plugin and the agent agree on.
//
// Start at [Request], which the plugin sends for each call of the runtime, and [Response]; wire.go and serve.go carry both over the
// agent's Unix socket, with the container's network namespace as an open file, so that the agent needs no mount of the
// runtime's directories. netconf.go is the network configuration, conflist.go the one that is installed by default. How OVSDB
// keeps a Pod's interface is in podport.
//
// It is linked into the plugins, which start anew for every call: standard library and CNI types only, and of these no package that
// does much before main.
package cni
