package cniserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/hostlocal"
)

// ipamConfig is what the configuration says about addresses: pools to choose from, or what another IPAM plugin chose.
type ipamConfig struct {
	dataDir string // of host-local
	pools   []ipam.Pool
	chosen  []ipam.Address // by another plugin
	routes  []*types.Route
	dns     types.DNS
	bare    bool // no gateway and no default route but what the other plugin says
}

func (c *call) ipamConfig(node Node) (ipamConfig, error) {
	config := ipamConfig{dns: c.conf.DNS}
	if config.dns.IsEmpty() {
		config.dns = hostlocal.Nameservers(c.req.ResolvConf)
	}
	if c.conf.VNI != 0 {
		err := c.ofSegment(&config)
		return config, err
	}
	if len(c.req.IPAMResult) > 0 {
		return config, config.take(c.req.IPAMResult, node)
	}
	hostLocal, err := hostlocal.Parse(c.conf.IPAM)
	if err != nil {
		return config, types.NewError(types.ErrInvalidNetworkConfig, err.Error(), "")
	}
	config.dataDir, config.routes = hostLocal.DataDir, hostLocal.Routes
	if config.pools, err = hostLocal.Pools(node.PodCIDRs, node.Gateways); err != nil {
		return config, types.NewError(types.ErrInvalidNetworkConfig, err.Error(), "")
	}
	return config, nil
}

// take reads the result of another IPAM plugin.
func (config *ipamConfig) take(result json.RawMessage, node Node) error {
	var r current.Result
	if err := json.Unmarshal(result, &r); err != nil {
		return types.NewError(types.ErrDecodingFailure, "result of the IPAM plugin: "+err.Error(), "")
	}
	config.routes = r.Routes
	if config.dns.IsEmpty() {
		config.dns = r.DNS
	}
	for _, ip := range r.IPs {
		addr, ok := netip.AddrFromSlice(ip.Address.IP)
		bits, _ := ip.Address.Mask.Size()
		if !ok {
			return types.NewError(types.ErrDecodingFailure, "result of the IPAM plugin: address "+ip.Address.String(), "")
		}
		address := ipam.Address{Prefix: netip.PrefixFrom(addr.Unmap(), bits)}
		if gateway, ok := netip.AddrFromSlice(ip.Gateway); ok {
			address.Gateway = gateway.Unmap()
		} else {
			address.Gateway = node.gateway(addr.Unmap())
		}
		config.chosen = append(config.chosen, address)
	}
	return nil
}

// gateway is the Node's gateway of the family of addr, or the zero address.
func (n Node) gateway(addr netip.Addr) netip.Addr {
	for _, gw := range n.Gateways {
		if gw.Is4() == addr.Is4() {
			return gw
		}
	}
	return netip.Addr{}
}

// addressesOf adds the gateways to the addresses of a record.
func (config ipamConfig) addressesOf(rec podport.Record, node Node) []ipam.Address {
	var addresses []ipam.Address
	for _, prefix := range rec.IPs {
		address := ipam.Address{Prefix: prefix}
		if !config.bare {
			address.Gateway = node.gateway(prefix.Addr())
		}
		for _, a := range config.chosen {
			if a.Prefix == prefix {
				address.Gateway = a.Gateway
			}
		}
		for _, pool := range config.pools {
			for _, r := range pool {
				if r.Contains(prefix.Addr()) {
					address.Gateway = r.Gateway
				}
			}
		}
		addresses = append(addresses, address)
	}
	return addresses
}

// routesOf are the configured routes, and a default route in each family that has none.
func (config ipamConfig) routesOf(addresses []ipam.Address) []*types.Route {
	var routes []*types.Route
	hasDefault := map[bool]bool{} // by "is IPv4"
	for _, r := range config.routes {
		r = r.Copy()
		is4 := r.Dst.IP.To4() != nil
		if r.GW == nil {
			for _, a := range addresses {
				if a.Prefix.Addr().Is4() == is4 {
					r.GW = a.Gateway.AsSlice()
				}
			}
		}
		if ones, _ := r.Dst.Mask.Size(); ones == 0 && r.Table == nil {
			hasDefault[is4] = true
		}
		routes = append(routes, r)
	}
	for _, a := range addresses {
		addr := a.Prefix.Addr()
		if a.Gateway.IsValid() && !config.bare && !hasDefault[addr.Is4()] {
			hasDefault[addr.Is4()] = true
			all := netip.PrefixFrom(addr, 0).Masked()
			routes = append(routes, &types.Route{Dst: *device.IPNet(all), GW: a.Gateway.AsSlice()})
		}
	}
	return routes
}

func (c *call) allocate(ctx context.Context, config ipamConfig, node Node) ([]ipam.Address, error) {
	wanted, err := c.wantedIPs()
	if err != nil {
		return nil, err
	}
	before, err := c.server.addresses.store(config.dataDir, c.conf.Name)
	if err != nil {
		return nil, types.NewError(types.ErrIOFailure, err.Error(), "")
	}
	other := func(addr netip.Addr) bool { return slices.Contains(node.Gateways, addr) || before.Has(addr) }
	records := func() ([]podport.Record, error) { return c.records(ctx) }
	reserve := func() ([]ipam.Address, error) {
		return c.server.addresses.reserve(c.attachment(), config.pools, wanted, records, other)
	}
	got, err := reserve()
	if errors.Is(err, ipam.ErrExhausted) && c.reclaim(ctx) > 0 {
		got, err = reserve()
	}
	if coded := (*types.Error)(nil); errors.As(err, &coded) {
		return nil, coded
	}
	if err != nil {
		return nil, types.NewError(cni.CodeIPAM, err.Error(), "")
	}
	return got, nil
}

// wantedIPs are the addresses that the runtime or the operator asks for.
func (c *call) wantedIPs() ([]netip.Addr, error) {
	var wanted []netip.Addr
	parse := func(key, text string) error {
		addr, err := netip.ParseAddr(text)
		if prefix, prefixErr := netip.ParsePrefix(text); prefixErr == nil {
			addr, err = prefix.Addr(), nil
		}
		if err != nil {
			return types.NewError(types.ErrInvalidNetworkConfig, key+": "+err.Error(), "")
		}
		wanted = append(wanted, addr)
		return nil
	}
	if c.args.IP != "" {
		if err := parse("CNI_ARGS: IP", c.args.IP); err != nil {
			return nil, err
		}
	}
	for _, text := range c.conf.RuntimeConfig.IPs {
		if err := parse("key runtimeConfig.ips", text); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}
