package pipeline

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// GroupMagic is in the upper bits of the number of every group that this package makes, as CookieMagic is in cookies.
const (
	GroupMagic     uint32 = 0x61 << 24
	GroupMagicMask uint32 = 0xff << 24
)

// role is what a group is for its owner. A packet comes to groupAny or groupOwn; they look for the first that can do.
type role uint32

const (
	groupAny   role = iota // the live gateways, or another gateway of this cluster, or whatever there is
	groupOwn               // the same for what another gateway of this cluster sends: not back to it
	groupLive              // the live ones among the gateways
	groupBlind             // all gateways, because none seems to live, which may be wrong
	roleBits   = 2
)

// deadPort is a number that no port has. A bucket that watches it is dead, until the port is known that tells.
const deadPort openflow.Port = 0xfe00

// target is a gateway to choose.
type target struct {
	address netip.Addr
	weight  int
}

// targets are the gateways that this Node tunnels packets for another cluster to: a gateway does to those of the other cluster,
// every other Node to those of its own.
func (s State) targets(c Cluster) []target {
	if _, ok := s.ThisGateway(); !ok {
		return s.ownTargets()
	}
	var list []target
	for _, g := range c.Gateways {
		list = s.Node.with(list, g.IP, g.Weight)
	}
	return list
}

// ownTargets are the other gateways of this cluster.
func (s State) ownTargets() []target {
	var list []target
	for _, g := range s.Gateways {
		if g.Name != s.Node.Name {
			list = s.Node.with(list, g.InternalIP, g.Weight)
		}
	}
	return list
}

// with adds a gateway, if tunnels from this Node can reach it.
func (n Node) with(list []target, a netip.Addr, weight int) []target {
	if !a.IsValid() || n.TransportIP.IsValid() && a.Is4() != n.TransportIP.Is4() {
		return list
	}
	for _, t := range list {
		if t.address == a {
			return list
		}
	}
	return append(list, target{a, max(weight, 1)})
}

// relays are the gateways of this cluster that this one sends to if it reaches no gateway of another cluster itself. With source
// NAT there are none: translated packets are nothing that another gateway could take.
func (s State) relays() []target {
	if _, ok := s.ThisGateway(); !ok || s.Node.SourceNAT == SourceNATAlways {
		return nil
	}
	return s.ownTargets()
}

// hasChoice tells whether a group chooses the gateway; one that is alone stands in the flow itself.
func (s State) hasChoice(targets []target) bool {
	return len(targets) > 1 || len(targets) == 1 && len(s.relays()) > 0
}

// chooser is the owner of the groups that choose a gateway to another cluster. Ordinary Nodes choose among the gateways of their
// cluster and need one choice for all clusters.
func (s State) chooser(cluster Owner) Owner {
	if _, ok := s.ThisGateway(); ok {
		return cluster
	}
	return Owner{Kind: KindGateways}
}

// GroupBase is the first number of an owner's groups: a hash of the owner. Should another owner have the same hash, the later one, in
// the order of owners, takes the next that is free.
func (s State) GroupBase(o Owner) uint32 {
	const mask = 1<<(24-roleBits) - 1
	owners := []Owner{{Kind: KindGateways}}
	for _, id := range slices.Sorted(maps.Keys(s.Clusters)) {
		owners = append(owners, Owner{KindCluster, id})
	}
	taken := make(map[uint64]bool)
	for _, other := range owners {
		h := other.hash() & mask
		for taken[h] {
			h = (h + 1) & mask
		}
		taken[h] = true
		if other == o {
			return GroupMagic | uint32(h)<<roleBits
		}
	}
	return 0
}

func (s State) groupID(o Owner, r role) uint32 { return s.GroupBase(o) | uint32(r) }

// choice adds the groups that choose among targets for their owner, and the flows that send to them. Nothing but table Output
// sends to a group, so that TTL, policy and commit are not skipped.
func (r *rules) choice(s State, targets []target) {
	id := func(role role) uint32 { return s.groupID(r.owner, role) }
	live, blind := openflow.Group{ID: id(groupLive), Type: openflow.GroupSelect}, openflow.Group{ID: id(groupBlind), Type: openflow.GroupSelect}
	for slot, owner := range slots(targets) {
		t := targets[owner]
		bucket := openflow.Bucket{ID: uint32(slot), Weight: 1, Actions: s.towards(t.address)}
		blind.Buckets = append(blind.Buckets, bucket)
		bucket.WatchPort = s.probe(t.address)
		live.Buckets = append(live.Buckets, bucket)
	}
	own := openflow.Group{ID: id(groupOwn), Type: openflow.GroupFastFailover, Buckets: []openflow.Bucket{viaGroup(0, live.ID), viaGroup(1, blind.ID)}}
	any := openflow.Group{ID: id(groupAny), Type: openflow.GroupFastFailover, Buckets: []openflow.Bucket{viaGroup(0, live.ID)}}
	for i, t := range s.relays() {
		any.Buckets = append(any.Buckets, openflow.Bucket{ID: uint32(1 + i), WatchPort: s.probe(t.address), Actions: s.towards(t.address)})
	}
	any.Buckets = append(any.Buckets, viaGroup(uint32(len(any.Buckets)), blind.ID))
	r.groups = append(r.groups, live, blind, any) // what others refer to comes first

	chosen := openflow.Match{}.RegRange(destinationClass, classTunnel).RegRange(gatewayGroup, uint64(any.ID))
	send := func(group uint32) openflow.Actions {
		// A packet from the tunnel may go back into it, which the switch takes for a mistake unless it forgets where it came from.
		return openflow.Actions{}.Load(inPort, noPort).Group(group)
	}
	r.add(TableOutput, 215, chosen, send(any.ID))
	if len(s.relays()) > 0 {
		r.groups = append(r.groups, own)
		r.add(TableOutput, 218, chosen.RegRange(sourceClass, classTunnel).RegRange(peerClass, peerGateway), send(own.ID))
	}
	for _, f := range s.Node.families() {
		if address, ok := s.natAddress(f); ok {
			translate := openflow.Actions{}.CT(openflow.CT{Commit: true, Zone: ZoneClusterSNAT, NAT: openflow.SourceNAT(address)})
			r.add(TableOutput, 235, chosen.EthType(f.ethType).RegRange(natKind, natCluster), translate.Append(send(any.ID)))
		}
	}
}

// viaGroup is a bucket that is alive as long as a group is.
func viaGroup(bucket, group uint32) openflow.Bucket {
	return openflow.Bucket{ID: bucket, WatchGroup: group, Actions: openflow.Actions{}.Group(group)}
}

// towards is a bucket's actions. Where connections stay with their gateway, it is noted which one that is.
func (s State) towards(gateway netip.Addr) openflow.Actions {
	a := openflow.Actions{}.SetTunDst(gateway)
	if s.pins() {
		note := openflow.Actions{}.Load(connectionGateway, ipv4Bits(gateway))
		a = a.CT(openflow.CT{Commit: true, Zone: ZoneMain, Exec: note})
	}
	return a.Output(s.Node.TunnelPort)
}

// probe is the port that tells whether a gateway lives.
func (s State) probe(a netip.Addr) openflow.Port {
	if port := s.Probes[a]; port != 0 {
		return port
	}
	return deadPort
}
