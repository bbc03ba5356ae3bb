// Package cniserver is the agent's side of the CNI plugin: it gives Pods their interface and address.
//
// Start at [Server.Run]. server.go takes requests from the plugin's socket, call.go checks them and add.go, del.go, check.go and
// gc.go answer one verb each. addresses.go chooses addresses, link.go makes veth pairs, netns.go enters containers. The switch
// is behind [Network], whose records are also the only memory: after a restart nothing here has to be restored. No Kubernetes.
package cniserver

import (
	"context"
	"errors"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
)

// Network is the part of the agent that attaches Pods to the switch. It is used concurrently, but never for the same Pod
// interface at once.
type Network interface {
	// Attach creates the OVS port for the host's end of the veth pair, with the record as its external_ids, and installs the
	// Pod's flows. When it returns they are in the switch and Records has the Pod. It is idempotent, and it leaves what it made
	// if it fails: the caller calls Detach.
	Attach(ctx context.Context, rec podport.Record) error
	// Detach removes the Pod's flows and then the port. It succeeds if there is none.
	Detach(ctx context.Context, portName string) error
	// Records are all Pods of the switch, or an error if they cannot be told completely: an address that is not in them is free.
	Records(ctx context.Context) ([]podport.Record, error)
	// Ready is nil, or why Pods cannot be attached now. It wraps ErrLimitedConnectivity if Pods that are attached may be cut
	// off too.
	Ready() error
}

// ErrLimitedConnectivity marks a reason of [Network.Ready] that also concerns the Pods that are there (STATUS code 51).
var ErrLimitedConnectivity = errors.New("connectivity of existing Pods may be limited")

// Node is what the Node's Pods have in common.
type Node struct {
	PodCIDRs []netip.Prefix
	Gateways []netip.Addr // of antrea-gw0, one of each family
	MTU      int          // of Pods
	// UserspaceDatapath turns transmit checksum offload off in Pods: there is no device behind OVS's userspace datapath that
	// would fill in what a Pod leaves out.
	UserspaceDatapath bool
}
