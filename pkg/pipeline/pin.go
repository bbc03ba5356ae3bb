package pipeline

import (
	"encoding/binary"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// pins tells whether this Node's connections stay with the gateway that they began with: it translates them, and no other gateway
// knows how. Gateways themselves need not choose twice, they translate what they send.
func (s State) pins() bool {
	_, isGateway := s.ThisGateway()
	return s.Node.SourceNAT == SourceNATAlways && !isGateway && s.Node.TransportIP.Is4()
}

// pin notes in the connection through which gateway it came or goes. Where a group chooses, its bucket does.
func (r *rules) pin(s State) {
	if !s.pins() {
		return
	}
	commit := func(exec openflow.Actions) openflow.Actions {
		exec = s.Node.notes().Append(exec)
		return openflow.Actions{}.CT(openflow.CT{Commit: true, Zone: ZoneMain, Exec: exec}).Resubmit(TableOutput)
	}
	for _, f := range s.Node.families() {
		fresh := f.match().CTState(openflow.CTNew|openflow.CTTracked, 0)
		r.add(TableConntrackCommit, 206, fresh.RegRange(sourceClass, classTunnel).RegRange(peerClass, peerGateway),
			commit(openflow.Actions{}.Move(openflow.Whole(openflow.FieldTunIPv4Src), connectionGateway)))
		r.add(TableConntrackCommit, 205, fresh.RegRange(destinationClass, classTunnel).EthDst(MACCluster),
			commit(openflow.Actions{}.Move(openflow.Whole(openflow.FieldTunIPv4Dst), connectionGateway)))
	}
}

// pinned sends what belongs to a connection that began with a gateway of this cluster to that one.
func (r *rules) pinned(s State, to netip.Prefix) {
	if !s.pins() {
		return
	}
	for _, t := range s.ownTargets() {
		r.add(TableL3Forwarding, l3Pinned,
			openflow.Match{}.CTState(openflow.CTTracked, 0).RegRange(connectionGateway, ipv4Bits(t.address)).IPDst(to),
			s.Node.toTunnel(MACCluster, t.address))
	}
}

func ipv4Bits(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(binary.BigEndian.Uint32(b[:]))
}
