package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// neighborDiscovery are the ICMPv6 types that only make sense on a link. All of them are caught at the entrance: routers
// are not discovered and hosts not redirected here.
var neighborDiscovery = []uint8{
	openflow.ICMPv6RouterSolicitation,
	openflow.ICMPv6RouterAdvertisement,
	openflow.ICMPv6NeighborSolicitation,
	openflow.ICMPv6NeighborAdvertisement,
	openflow.ICMPv6Redirect,
}

// discoveryRefusal is why a message of that type is dropped.
func discoveryRefusal(icmpType uint8) Feature {
	switch icmpType {
	case openflow.ICMPv6RouterSolicitation:
		return FeatureRouterSolicitation
	case openflow.ICMPv6RouterAdvertisement, openflow.ICMPv6Redirect:
		return FeatureRouter
	}
	return FeatureNeighbor
}

func arp() openflow.Match { return openflow.Match{}.EthType(openflow.EthTypeARP) }

func solicitation() openflow.Match {
	return openflow.Match{}.ICMPv6Type(openflow.ICMPv6NeighborSolicitation)
}

func advertisement() openflow.Match {
	return openflow.Match{}.ICMPv6Type(openflow.ICMPv6NeighborAdvertisement)
}

// arpReply turns an ARP request into the reply that its target has address mac, and sends it back.
func arpReply(mac openflow.MAC) openflow.Actions {
	spa, tpa := openflow.Whole(openflow.FieldARPSPA), openflow.Whole(openflow.FieldARPTPA)
	return openflow.Actions{}.
		Move(openflow.Whole(openflow.FieldEthSrc), openflow.Whole(openflow.FieldEthDst)).
		SetEthSrc(mac).
		Load(openflow.Whole(openflow.FieldARPOp), openflow.ARPReply).
		Move(openflow.Whole(openflow.FieldARPSHA), openflow.Whole(openflow.FieldARPTHA)).
		SetField(openflow.FieldARPSHA, mac[:]).
		Push(tpa).
		Move(spa, tpa).
		Pop(spa).
		InPort()
}

// linkLocal is the IPv6 link-local address that Linux derives from an Ethernet address (RFC 4291, appendix A).
func linkLocal(m openflow.MAC) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]})
}
