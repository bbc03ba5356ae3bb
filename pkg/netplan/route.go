package netplan

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
)

// errECMP says that a Pod asks for more than one default route of a family.
var errECMP = errors.New("multus does not support ECMP for default-route")

// Route says what becomes of the default route that a plugin made. The zero value keeps it.
type Route struct {
	Remove  bool       `json:"remove,omitempty"`
	Gateway netip.Addr `json:"gateway,omitzero"` // it leads there instead
}

// Keeps reports whether nothing is to be done.
func (r Route) Keeps() bool { return !r.Remove && !r.Gateway.IsValid() }

// Routes is what becomes of the default routes of an attachment, by family.
type Routes struct {
	V4 Route `json:"v4,omitzero"`
	V6 Route `json:"v6,omitzero"`
}

func checkGateways(gateways []netip.Addr) error {
	v4 := 0
	for _, gw := range gateways {
		if !gw.IsValid() || gw.IsUnspecified() {
			return fmt.Errorf("key default-route: %q is not the address of a gateway", gw)
		}
		if gw.Is4() {
			v4++
		}
	}
	if v4 > 1 || len(gateways)-v4 > 1 {
		return fmt.Errorf("key default-route: %w", errECMP)
	}
	return nil
}

// routes decides for all attachments of a Pod. If one asks for the default route, the others lose theirs. An empty list asks for both
// families and keeps what the plugin made.
func routes(selections []Selection) ([]Routes, error) {
	all := make([]Routes, len(selections))
	owner := map[bool]int{} // by whether it is IPv4
	asked := false
	for i, s := range selections {
		if s.DefaultRoute == nil {
			continue
		}
		asked = true
		families := map[bool]bool{true: len(*s.DefaultRoute) == 0, false: len(*s.DefaultRoute) == 0}
		for _, gw := range *s.DefaultRoute {
			if families[gw.Is4()] = true; gw.Is4() {
				all[i].V4.Gateway = gw
			} else {
				all[i].V6.Gateway = gw
			}
		}
		for v4, asks := range families {
			if !asks {
				continue
			}
			if other, ok := owner[v4]; ok {
				return nil, fmt.Errorf("networks %s and %s: %w", selections[other].Ref(), s.Ref(), errECMP)
			}
			owner[v4] = i
		}
	}
	if !asked {
		return all, nil
	}
	loses := func(i int, v4 bool) bool {
		o, ok := owner[v4]
		return ok && o != i || !ok && selections[i].DefaultRoute == nil
	}
	for i := range all {
		all[i].V4.Remove, all[i].V6.Remove = loses(i, true), loses(i, false)
	}
	return all, nil
}

// Apply makes a result say what the interface has after the change.
func (r Routes) Apply(result *current.Result) {
	for _, family := range []struct {
		Route
		bits int
	}{{r.V4, 32}, {r.V6, 128}} {
		if family.Keeps() {
			continue
		}
		result.Routes = slices.DeleteFunc(result.Routes, func(route *types.Route) bool {
			ones, bits := route.Dst.Mask.Size()
			return ones == 0 && bits == family.bits
		})
		if family.Gateway.IsValid() {
			result.Routes = append(result.Routes, &types.Route{
				Dst: net.IPNet{IP: make(net.IP, family.bits/8), Mask: net.CIDRMask(0, family.bits)}, GW: family.Gateway.AsSlice(),
			})
		}
	}
}
