package pipeline

import (
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Clients says who a frontend is for.
type Clients uint8

// The clients of frontends.
const (
	Everybody   Clients = iota // Pods, and all that comes from the host
	InsideOnly                 // this Node and its Pods
	OutsideOnly                // all that comes from the host, unless a frontend for those inside has the same address
)

// client is a part of the clients of a frontend, as packets show it.
type client struct {
	class    uint64       // of the source; 0 is any
	source   netip.Prefix // invalid is any
	priority uint16
}

func (c client) restrict(m openflow.Match) openflow.Match {
	if c.class != 0 {
		m = m.RegRange(sourceClass, c.class)
	}
	if c.source.IsValid() {
		m = m.IPSrc(c.source)
	}
	return m
}

// clients are those of a frontend. What comes from the host is from inside if its source is this Node, or a Pod of it that has
// reached the frontend by way of the host.
func (n Node) clients(f Frontend) []client {
	inside := []client{{class: classPod, priority: lbFrontend}}
	for _, own := range n.ownSources() {
		if own.Addr().Is4() == f.Address.Addr().Is4() {
			inside = append(inside, client{classGateway, own, lbInside})
		}
	}
	outside := []client{{class: classGateway, priority: lbFrontend}}
	if len(f.Sources) > 0 {
		outside = nil
		for _, p := range f.Sources {
			if p.Addr().Is4() == f.Address.Addr().Is4() {
				outside = append(outside, client{classGateway, p, lbFrontend})
			}
		}
	}
	switch {
	case f.Clients == InsideOnly:
		return inside
	case f.Clients == OutsideOnly:
		return outside
	case len(f.Sources) > 0:
		return append(inside, outside...)
	}
	return []client{{priority: lbFrontend}}
}

// ownSources are the addresses of this Node and of its Pods.
func (n Node) ownSources() []netip.Prefix {
	if !n.TransportIP.IsValid() {
		return n.PodCIDRs
	}
	return union(n.PodCIDRs, []netip.Prefix{host(n.TransportIP)})
}
