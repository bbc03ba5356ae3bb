// Package agent is antrea-agent: on every Node it makes the switch and the host match what Kubernetes and the Pods of the Node
// ask for.
//
// Start at [Run]. Sources fill one state (package state), everything else follows it, each in a package of its own. Here they
// are put together:
//
//   - agent.go: what the agent is made of, and in which order it starts
//   - bridge.go: the bridge br-int with its tunnel and gateway ports
//   - attached.go: ports of Pods, made again if somebody else deletes or changes them
//   - services.go: the parts that are for Services
//   - pods.go: Pods attached to the bridge, as the CNI server wants it, and as a source of the state
//   - mtu.go: Pods that are there follow the MTU of the network between Nodes
//   - conflist.go: the network configuration that tells the kubelet that Pods can come
//   - api.go, metrics.go: what the agent tells about itself
//   - event.go: what it tells operators in Kubernetes
//   - cleanup.go: everything undone when the agent is removed
//
// Ending the agent leaves switch and host as they are; traffic goes on.
package agent
