package cniserver

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
)

// ofSegment reads the addresses of an interface in a segment, which another IPAM plugin has chosen: those of the Node are the first
// network's.
func (c *call) ofSegment(config *ipamConfig) error {
	switch {
	case !c.server.config.Segments:
		return types.NewError(types.ErrInvalidNetworkConfig, "key networkType: the agent has feature gate SecondaryNetwork off", "")
	case len(c.req.IPAMResult) == 0:
		return types.NewError(types.ErrInvalidNetworkConfig, "key ipam: an interface in a segment needs an IPAM plugin, such as whereabouts, host-local or static", "")
	}
	config.bare = true
	return config.take(c.req.IPAMResult, Node{})
}

// aloneInSegment refuses an interface with the MAC or an address of another one in the same segment on this Node.
func (c *call) aloneInSegment(ctx context.Context, rec podport.Record) error {
	records, err := c.records(ctx)
	if err != nil {
		return err
	}
	for _, other := range records {
		if other.VNI != rec.VNI || other.Attachment() == rec.Attachment() {
			continue
		}
		has := func(ip netip.Prefix) bool {
			return slices.ContainsFunc(other.IPs, func(of netip.Prefix) bool { return of.Addr() == ip.Addr() })
		}
		of := fmt.Sprintf("%s of Pod %s/%s in segment %d", other.IfName, other.PodNamespace, other.PodName, rec.VNI)
		if i := slices.IndexFunc(rec.IPs, has); i >= 0 {
			return types.NewError(cni.CodeIPAM, fmt.Sprintf("address %s is that of %s", rec.IPs[i].Addr(), of), "")
		}
		if other.MAC == rec.MAC {
			return types.NewError(types.ErrInvalidNetworkConfig, fmt.Sprintf("MAC %s is that of %s", rec.MAC, of), "")
		}
	}
	return nil
}
