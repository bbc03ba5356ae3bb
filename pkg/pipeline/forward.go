package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// The priorities of table L3Forwarding: what is nearer wins.
const (
	l3ReplyToGateway = 215 // above local Pods: what entered from antrea-gw0 goes back there
	l3ReplyToSender  = 214 // likewise what another Node sent with its own address
	l3Local          = 210
	l3NotRelayed     = 208
	l3Foreign        = 207
	l3OwnCluster     = 205
	l3Pinned         = 203
	l3Measured       = 201
	l3OtherCluster   = 200
	l3Nobody         = 190
	l3Miss           = 100
)

// next sends the packet to a table.
func next(t openflow.TableID) openflow.Actions { return openflow.Actions{}.Resubmit(t) }

// track looks the connection up in the main zone, translates what is part of a translated one, and goes on with its state.
func track() openflow.Actions {
	return openflow.Actions{}.CT(openflow.CT{Zone: ZoneMain, Table: openflow.TableRef(TableConntrackState), NAT: &openflow.NAT{}})
}

// toGateway forwards to antrea-gw0. The TTL is the host's business.
func (n Node) toGateway() openflow.Actions {
	return openflow.Actions{}.
		SetEthSrc(MACNode).
		SetEthDst(n.GatewayMAC).
		Load(destinationClass, classGateway).
		Resubmit(TableSNAT)
}

// toPod forwards to a local Pod.
func (n Node) toPod(p Pod) openflow.Actions {
	return openflow.Actions{}.
		SetEthSrc(n.GatewayMAC).
		SetEthDst(p.MAC).
		Load(destinationClass, classPod).
		Load(outputPort, uint64(p.Port)).
		Resubmit(TableL3DecTTL)
}

// toTunnel forwards to the Node with address remote; mac tells it whether that is in the same cluster.
func (n Node) toTunnel(mac openflow.MAC, remote netip.Addr) openflow.Actions {
	return openflow.Actions{}.
		SetEthSrc(n.GatewayMAC).
		SetEthDst(mac).
		SetTunDst(remote).
		Load(destinationClass, classTunnel).
		Resubmit(TableL3DecTTL)
}

// toGroup forwards to a gateway that a group chooses, at the end of the pipeline.
func (n Node) toGroup(id uint32) openflow.Actions {
	return openflow.Actions{}.
		SetEthSrc(n.GatewayMAC).
		SetEthDst(MACCluster).
		Load(gatewayGroup, uint64(id)).
		Load(destinationClass, classTunnel).
		Resubmit(TableL3DecTTL)
}

// families are the families of IP that Pods of this Node have.
func (n Node) families() []family {
	var has4, has6 bool
	for _, p := range n.PodCIDRs {
		has4, has6 = has4 || p.Addr().Is4(), has6 || p.Addr().Is6()
	}
	for _, a := range n.GatewayIPs {
		has4, has6 = has4 || a.Is4(), has6 || a.Is6()
	}
	var fs []family
	if has4 {
		fs = append(fs, ipv4)
	}
	if has6 {
		fs = append(fs, ipv6)
	}
	return fs
}

// host is the prefix that holds one address.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
