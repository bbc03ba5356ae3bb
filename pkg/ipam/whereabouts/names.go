package whereabouts

import (
	"net/netip"
	"strings"
)

// dashes replaces what names of objects may not have.
var dashes = strings.NewReplacer(":", "-", "/", "-")

// PoolName is the name of the IPPool of a subnet: network_name, if there is one, and the CIDR.
func PoolName(networkName string, subnet netip.Prefix) string {
	return prefixed(networkName, dashes.Replace(subnet.Masked().String()))
}

// BlockName is the name of the IPPool of a Node's part of a range.
func BlockName(networkName, node string, part netip.Prefix) string {
	return prefixed(networkName, prefixed(node, dashes.Replace(part.Masked().String())))
}

// ReservationName is the name of the OverlappingRangeIPReservation of an address. An address that ends in a colon gets a zero,
// because a name may not end in a dash.
func ReservationName(networkName string, a netip.Addr) string {
	text := a.String()
	if strings.HasSuffix(text, ":") {
		text += "0"
	}
	return prefixed(networkName, dashes.Replace(text))
}

// Reserved is the address that a reservation of the network is for, by its name.
func Reserved(networkName, reservation string) (netip.Addr, bool) {
	text := reservation
	if networkName != "" {
		var ok bool
		if text, ok = strings.CutPrefix(reservation, networkName+"-"); !ok {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		a, err = netip.ParseAddr(strings.ReplaceAll(text, "-", ":"))
	}
	return a, err == nil && ReservationName(networkName, a) == reservation
}

func prefixed(networkName, name string) string {
	if networkName == "" {
		return name
	}
	return networkName + "-" + name
}
