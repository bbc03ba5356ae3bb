// Package hostlocal reads what belongs to the host-local IPAM plugin: its configuration (config.go) and the files in which it
// keeps its addresses (store.go), so that a network that used it can be taken over. The agent allocates; the plugin is not run.
package hostlocal

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// DefaultDataDir is where host-local keeps a directory for each network.
const DefaultDataDir = "/var/lib/cni/networks"

// Config is the key ipam of a network configuration.
type Config struct {
	Range                  // one range, the older way to write it
	Ranges  [][]Range      `json:"ranges"` // an address from each set
	Routes  []*types.Route `json:"routes"`
	DataDir string         `json:"dataDir"`
}

// Range is a range as written in the configuration.
type Range struct {
	Subnet     netip.Prefix `json:"subnet"`
	RangeStart netip.Addr   `json:"rangeStart"`
	RangeEnd   netip.Addr   `json:"rangeEnd"`
	Gateway    netip.Addr   `json:"gateway"`
}

// Parse reads the configuration; none at all is a valid one.
func Parse(conf json.RawMessage) (Config, error) {
	var c Config
	if len(conf) > 0 {
		if err := json.Unmarshal(conf, &c); err != nil {
			return Config{}, fmt.Errorf("key ipam: %w", err)
		}
	}
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir
	}
	if c.Range != (Range{}) {
		if !c.Subnet.IsValid() {
			return Config{}, errors.New("key ipam: rangeStart, rangeEnd or gateway without subnet")
		}
		c.Ranges = append([][]Range{{c.Range}}, c.Ranges...)
	}
	return c, nil
}

// Pools are the pools of a Node: the configuration's ranges, which have to be parts of the Node's Pod CIDRs because packets to
// other addresses do not reach the Node; without ranges, one pool for each Pod CIDR. gateways are the addresses of antrea-gw0;
// they are the default for a range's gateway.
func (c Config) Pools(podCIDRs []netip.Prefix, gateways []netip.Addr) ([]ipam.Pool, error) {
	sets := c.Ranges
	if len(sets) == 0 {
		for _, cidr := range podCIDRs {
			sets = append(sets, []Range{{Subnet: cidr.Masked()}})
		}
	}
	var pools []ipam.Pool
	var errs []error
	for i, set := range sets {
		pool, err := newPool(set, podCIDRs, gateways)
		if err != nil {
			errs = append(errs, fmt.Errorf("key ipam, range set %d: %w", i+1, err))
			continue
		}
		pools = append(pools, pool)
	}
	return pools, errors.Join(errs...)
}

func newPool(set []Range, podCIDRs []netip.Prefix, gateways []netip.Addr) (ipam.Pool, error) {
	var ranges []ipam.Range
	for _, r := range set {
		if !r.Gateway.IsValid() {
			for _, gw := range gateways {
				if gw.Is4() == r.Subnet.Addr().Is4() {
					r.Gateway = gw
				}
			}
		}
		checked, err := ipam.NewRange(r.Subnet, r.RangeStart, r.RangeEnd, r.Gateway)
		if err != nil {
			return nil, err
		}
		if !isPart(r.Subnet, podCIDRs) {
			return nil, fmt.Errorf("subnet %s is no part of this Node's Pod CIDRs %s: nothing would be routed to it", r.Subnet, join(podCIDRs))
		}
		ranges = append(ranges, checked)
	}
	return ipam.NewPool(ranges...)
}

func isPart(subnet netip.Prefix, of []netip.Prefix) bool {
	for _, p := range of {
		if p.Bits() <= subnet.Bits() && p.Contains(subnet.Addr()) {
			return true
		}
	}
	return false
}

func join(prefixes []netip.Prefix) string {
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}

// Nameservers reads a file such as /etc/resolv.conf.
func Nameservers(resolvConf string) types.DNS {
	var dns types.DNS
	for line := range strings.Lines(resolvConf) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			dns.Nameservers = append(dns.Nameservers, fields[1])
		case "domain":
			dns.Domain = fields[1]
		case "search":
			dns.Search = append(dns.Search, fields[1:]...)
		case "options":
			dns.Options = append(dns.Options, fields[1:]...)
		}
	}
	return dns
}
