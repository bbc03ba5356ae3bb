package device

import (
	"net"
	"net/netip"
)

// IPNet is a prefix as netlink takes it.
func IPNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Prefix is what netlink gives as a prefix, host bits included.
func Prefix(n *net.IPNet) (p netip.Prefix, ok bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	ip, ok := Addr(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(ip, ones), ok
}

// Addr is what netlink gives as an address.
func Addr(ip net.IP) (a netip.Addr, ok bool) {
	a, ok = netip.AddrFromSlice(ip)
	return a.Unmap(), ok
}
