package pipeline

import (
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Service is one port of a Service, as this Node balances it. It is not changed once it is in a [State].
type Service struct {
	// ID is a number from 1 to [MaxServiceID] that no other Service has. Groups and what clients are remembered by carry it.
	ID        uint32
	Protocol  uint8 // openflow.ProtoTCP, ProtoUDP or ProtoSCTP
	Frontends []Frontend
	// Cluster are the endpoints that this Node uses, Local those on this Node.
	Cluster, Local []netip.AddrPort
	// Affinity is how many seconds a client stays with its endpoint, 0 if it need not.
	Affinity uint16
}

// Frontend is an address that clients send to.
type Frontend struct {
	Address netip.AddrPort
	Clients Clients
	// Local leaves only endpoints on this Node.
	Local bool
	// Sources, if any, are the only clients outside that are served.
	Sources []netip.Prefix
}

// The priorities of table ServiceLB.
const (
	lbChosen   = 210 // by affinity
	lbInside   = 205 // this Node and its Pods, coming from the host
	lbFrontend = 200
	lbNobody   = 195
)

// service adds the flows and groups of one port of a Service.
func (r *rules) service(s State, v *Service) {
	if s.Node.Proxy == ProxyOff || s.Node.GatewayPort == 0 {
		return
	}
	for _, f := range v.Frontends {
		r.frontend(s.Node, v, f)
	}
	for _, e := range v.endpoints() {
		r.commitTo(s.Node, v.Protocol, e)
		if v.Affinity > 0 {
			r.learn(v, e)
		}
	}
}

// frontend sends what is for one address to the endpoints of its family.
func (r *rules) frontend(n Node, v *Service, f Frontend) {
	from, address := v.Cluster, f.Address.Addr()
	if f.Local {
		from = v.Local
	}
	to := openflow.Match{}.IPDst(host(address)).IPProto(v.Protocol).WithUint(destinationPort(v.Protocol), uint64(f.Address.Port()), 0xffff)
	endpoints := sameFamily(from, address)
	if len(endpoints) == 0 {
		elsewhere := f.Local && len(sameFamily(v.Cluster, address)) > 0
		r.refused(n, f, to, elsewhere)
		return
	}
	var choose openflow.Actions
	if v.Affinity > 0 {
		choose = choose.Load(affinityService, uint64(v.ID))
	}
	if len(endpoints) == 1 {
		choose = choose.Append(choice(endpoints[0]))
	} else {
		choose = choose.Group(r.balance(v, f, endpoints))
	}
	for _, c := range n.clients(f) {
		r.add(TableServiceLB, c.priority, c.restrict(to), choose)
	}
	if len(f.Sources) > 0 {
		r.drop(FeatureServiceSource, TableServiceLB, lbNobody, to.RegRange(sourceClass, classGateway))
	}
}

// refused is for a frontend without endpoints. What Pods send to it goes to the host, which answers that it is refused; no
// connection is made of it. What the host sends, it would have refused before. If there are endpoints, only none on this Node,
// nobody answers, so that clients try another Node.
func (r *rules) refused(n Node, f Frontend, to openflow.Match, elsewhere bool) {
	for _, c := range n.clients(f) {
		if elsewhere || c.class == classGateway {
			r.drop(FeatureNoEndpoint, TableServiceLB, c.priority, c.restrict(to))
			continue
		}
		r.add(TableServiceLB, c.priority, c.restrict(to).RegRange(sourceClass, classPod),
			openflow.Actions{}.SetEthSrc(MACNode).SetEthDst(n.GatewayMAC).Load(destinationClass, classGateway).Resubmit(TableOutput))
		if c.class == 0 {
			r.drop(FeatureNoEndpoint, TableServiceLB, lbNobody, to)
		}
		if address := host(f.Address.Addr()); !slices.ContainsFunc(n.ServiceCIDRs, address.Overlaps) {
			r.hostRefusal(address)
		}
	}
}

// endpoints are all endpoints, each once.
func (v *Service) endpoints() []netip.AddrPort {
	all := slices.Concat(v.Cluster, v.Local)
	slices.SortFunc(all, netip.AddrPort.Compare)
	return slices.Compact(all)
}

func sameFamily(list []netip.AddrPort, a netip.Addr) []netip.AddrPort {
	var same []netip.AddrPort
	for _, e := range list {
		if e.Addr().Is4() == a.Is4() {
			same = append(same, e)
		}
	}
	return same
}

// destinationPort is the field that has the port a packet is sent to.
func destinationPort(protocol uint8) openflow.FieldID {
	switch protocol {
	case openflow.ProtoUDP:
		return openflow.FieldUDPDst
	case openflow.ProtoSCTP:
		return openflow.FieldSCTPDst
	}
	return openflow.FieldTCPDst
}

// sourcePort is the field that has the port a packet is sent from.
func sourcePort(protocol uint8) openflow.FieldID {
	switch protocol {
	case openflow.ProtoUDP:
		return openflow.FieldUDPSrc
	case openflow.ProtoSCTP:
		return openflow.FieldSCTPSrc
	}
	return openflow.FieldTCPSrc
}
