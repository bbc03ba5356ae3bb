package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// The priorities of table Classifier for senders on the tunnel. An address of our own cluster cannot be claimed by another.
const (
	senderGateway = 205 // a gateway is a Node too
	senderNode    = 200
	senderForeign = 195
)

// peer adds the flows of another Node of the cluster: that it may send, and how its Pods are reached.
func (r *rules) peer(s State, p Peer) {
	n := s.Node
	if n.TunnelPort == 0 || !p.TransportIP.IsValid() {
		return
	}
	r.sender(n, senderNode, p.TransportIP, peerNode)
	if n.Proxy != ProxyOff {
		r.peerItself(n, p.TransportIP)
	}
	for _, cidr := range p.PodCIDRs {
		if _, direct := n.Direct(p, cidr); direct && n.GatewayPort != 0 {
			r.viaHost(n, p, cidr)
			continue
		}
		r.add(TableL3Forwarding, l3OwnCluster, openflow.Match{}.IPDst(cidr), n.toTunnel(MACNode, p.TransportIP))
	}
}

// peerItself lets a Node send with its own address, which it does to endpoints of Services that it reaches by an address of its own,
// and sends the replies back through the tunnel: only that Node can translate them.
func (r *rules) peerItself(n Node, address netip.Addr) {
	r.add(TableSpoofGuard, 200, openflow.Match{}.RegRange(sourceClass, classTunnel).TunSrc(address).EthDst(MACNode).IPSrc(host(address)),
		next(TableConntrackZone))
	r.add(TableL3Forwarding, l3ReplyToSender, openflow.Match{}.CTState(openflow.CTReply|openflow.CTTracked, 0).
		RegRange(connectionSource, classTunnel).IPDst(host(address)), n.toTunnel(MACNode, address))
}

// sender lets packets of the first network from one address on the underlay in, and notes who sent them.
func (r *rules) sender(n Node, priority uint16, address netip.Addr, class uint64) {
	for _, f := range n.families() {
		r.add(TableClassifier, priority, f.match().InPort(n.TunnelPort).TunID(0).TunSrc(address),
			openflow.Actions{}.Load(sourceClass, classTunnel).Load(peerClass, class).Resubmit(TableSpoofGuard))
	}
}
