package whereabouts

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// Config is what an attachment gets.
type Config struct {
	Network     string // key name of the network configuration
	NetworkName string // key ipam.network_name: networks of different names may have the same addresses
	Overlapping bool   // ranges that overlap give an address once
	Claims      []Claim
	Extra       []ipam.Address // asked for in CNI_ARGS, in none of the ranges
	Static      []ipam.Address // the same for every attachment
	Routes      []*types.Route
	DNS         types.DNS
	Pod         Pod
}

// Claim is one address that an attachment is to get.
type Claim struct {
	Range Range
	Want  netip.Addr // the one that is asked for, or the lowest that is free
	// NodeSlicePool is set if Nodes have parts of the range for themselves, each of which has a prefix of PartBits.
	NodeSlicePool string
	PartBits      int
}

// Pod is whom the runtime attaches.
type Pod struct{ Namespace, Name, UID string }

// Ref is the Pod as namespace/name.
func (p Pod) Ref() string { return p.Namespace + "/" + p.Name }

// networkNames can be the first part of the name of an object.
var networkNames = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)

// Parse reads the network configuration, the configuration file of the Node, which may be empty, and CNI_ARGS. Its errors name the
// key, and tell everything that is wrong.
func Parse(conf, file []byte, cniArgs string) (Config, error) {
	d, s, err := read(conf, file)
	if err != nil {
		return Config{}, err
	}
	args, err := parseArgs(cniArgs)
	if err != nil {
		return Config{}, err
	}
	c := Config{
		Network: d.Name, NetworkName: s.NetworkName, Overlapping: s.Overlapping == nil || *s.Overlapping, Routes: s.Routes, DNS: s.DNS,
		Pod: Pod{args["K8S_POD_NAMESPACE"], args["K8S_POD_NAME"], args["K8S_POD_UID"]},
	}
	var errs []error
	if s.NetworkName != "" && (!networkNames.MatchString(s.NetworkName) || len(s.NetworkName) > 200) {
		errs = append(errs, &KeyError{"ipam.network_name", fmt.Errorf("%q cannot begin the names of objects", s.NetworkName), "write small letters, digits, dashes and dots, at most 200"})
	}
	errs = append(errs, c.ranges(s), c.static(s), c.parts(s.NodeSliceSize))
	asked, err := requests(d, args)
	errs = append(errs, err)
	gateways, err := parseAddrs(args["GATEWAY"])
	if err != nil {
		errs = append(errs, fmt.Errorf("CNI_ARGS GATEWAY: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, err
	}
	if err := c.place(asked, gateways); err != nil {
		return Config{}, err
	}
	if len(c.Claims)+len(c.Static)+len(c.Extra) == 0 {
		return Config{}, &KeyError{"ipam.range", errMissing, "write a CIDR such as 192.168.20.0/24"}
	}
	return c, nil
}

// ranges reads the range of the older form and ipRanges, in this order.
func (c *Config) ranges(s section) error {
	var errs []error
	add := func(at string, r rangeSection) {
		parsed, err := parseRange(at, r)
		if err != nil {
			errs = append(errs, err)
			return
		}
		for _, other := range c.Claims {
			if other.Range.Span.Overlaps(parsed.Span) {
				errs = append(errs, &KeyError{"ipam." + at + "range", fmt.Errorf("%s overlaps %s, which gives an address too", parsed.Span, other.Range.Span), "leave one of them out, or bound them with range_start and range_end"})
			}
		}
		c.Claims = append(c.Claims, Claim{Range: parsed})
	}
	switch {
	case s.Range != "":
		add("", rangeSection{s.Range, s.RangeStart, s.RangeEnd, s.Exclude})
	case s.RangeStart != "" || s.RangeEnd != "":
		errs = append(errs, &KeyError{"ipam.range", errMissing, "write the CIDR of which range_start and range_end are a part"})
	}
	for i, r := range s.IPRanges {
		add(fmt.Sprintf("ipRanges[%d].", i), r)
	}
	gateways, err := parseAddrs(s.Gateway)
	if err != nil {
		errs = append(errs, &KeyError{"ipam.gateway", err, "write the router's address, or one of each family with a comma between"})
	}
	for i := range c.Claims {
		r := &c.Claims[i].Range
		for _, gw := range gateways {
			if gw.BitLen() != r.Subnet.Addr().BitLen() {
				continue
			}
			r.Gateway = gw
			r.Excluded.Add(ipam.Span{First: gw, Last: gw})
			if _, ok := r.Span.Lowest(r.Excluded); !ok {
				errs = append(errs, &KeyError{"ipam.gateway", fmt.Errorf("%s is the last address of %s that is not excluded", gw, r.Span), "make the range larger"})
			}
		}
	}
	return errors.Join(errs...)
}

func (c *Config) static(s section) error {
	var errs []error
	for i, a := range s.Addresses {
		p, err := parsePrefix(a.Address)
		if err != nil {
			errs = append(errs, &KeyError{fmt.Sprintf("ipam.addresses[%d].address", i), err, "write the address with its length"})
		}
		gateways, err := parseAddrs(a.Gateway)
		if err != nil {
			errs = append(errs, &KeyError{fmt.Sprintf("ipam.addresses[%d].gateway", i), err, "write an address"})
		}
		c.Static = append(c.Static, ipam.Address{Prefix: p, Gateway: firstOf(gateways)})
	}
	return errors.Join(errs...)
}

// parseAddrs reads a list with commas, which may be empty.
func parseAddrs(text string) (all []netip.Addr, err error) {
	for part := range strings.SplitSeq(text, ",") {
		if part == "" {
			continue
		}
		a, err := parseAddr(part)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func firstOf(all []netip.Addr) netip.Addr {
	if len(all) == 0 {
		return netip.Addr{}
	}
	return all[0]
}
