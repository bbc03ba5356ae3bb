package whereabouts

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/containernetworking/cni/pkg/types"

	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// keyArgs is where a runtime without capabilities asks for addresses.
const keyArgs = "CNI_ARGS IP"

// request is an address that is asked for, and where.
type request struct {
	key    string
	addr   netip.Addr
	prefix netip.Prefix // invalid if no length was given
}

// requests are the addresses asked for in the configuration and in CNI_ARGS, each once: Multus says the same in two places.
func requests(d document, args map[string]string) ([]request, error) {
	var all []request
	var errs []error
	take := func(key, text string) {
		r, err := parseRequest(key, text)
		if err != nil {
			errs = append(errs, err)
			return
		}
		for i := range all {
			if all[i].addr == r.addr {
				return
			}
		}
		all = append(all, r)
	}
	for i, text := range d.RuntimeConfig.IPs {
		take(fmt.Sprintf("key runtimeConfig.ips[%d]", i), text)
	}
	for i, text := range d.Args.CNI.IPs {
		take(fmt.Sprintf("key args.cni.ips[%d]", i), text)
	}
	for text := range strings.SplitSeq(args["IP"], ",") {
		if text != "" {
			take(keyArgs, text)
		}
	}
	return all, errors.Join(errs...)
}

func parseRequest(key, text string) (r request, err error) {
	r.key = key
	if strings.Contains(text, "/") {
		if r.prefix, err = parsePrefix(text); err == nil {
			r.addr = r.prefix.Addr().Unmap()
		}
	} else {
		r.addr, err = parseAddr(text)
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w", key, err)
	}
	return r, nil
}

// Ask wants these addresses, each of the range that has it, as if the network's configuration had asked for them under the key.
func (c *Config) Ask(key string, texts []string) error {
	var all []request
	for _, text := range texts {
		r, err := parseRequest(key, text)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	return c.place(all, nil)
}

// place gives every request its range. One that is in none and has a length is an address of its own, if CNI_ARGS asks for it.
func (c *Config) place(all []request, gateways []netip.Addr) error {
	var errs []error
	for _, r := range all {
		claim := -1
		for i := range c.Claims {
			if c.Claims[i].Range.Subnet.Contains(r.addr) && (claim < 0 || c.Claims[i].Range.Span.Contains(r.addr)) {
				claim = i
			}
		}
		switch {
		case claim >= 0:
			errs = append(errs, c.Claims[claim].ask(r))
		case r.key == keyArgs && r.prefix.IsValid():
			c.Extra = append(c.Extra, ipam.Address{Prefix: r.prefix, Gateway: within(r.prefix, gateways)})
		default:
			errs = append(errs, fmt.Errorf("%s: %s is in none of the ranges of the network", r.key, r.addr))
		}
	}
	for i := range c.Claims {
		if gw := within(c.Claims[i].Range.Subnet, gateways); gw.IsValid() {
			c.Claims[i].Range.Gateway = gw
		}
	}
	return errors.Join(errs...)
}

func (c *Claim) ask(r request) error {
	usable, err := hosts(c.Range.Subnet)
	switch {
	case err != nil:
		return err
	case c.Want.IsValid():
		return fmt.Errorf("%s: %s and %s are both of range %s, which gives one address", r.key, c.Want, r.addr, c.Range.Subnet)
	case !usable.Contains(r.addr):
		return fmt.Errorf("%s: %s is not from %s to %s, the addresses of %s", r.key, r.addr, usable.First, usable.Last, c.Range.Subnet)
	case c.Range.Excluded.Contains(r.addr):
		return fmt.Errorf("%s: %s is excluded from range %s", r.key, r.addr, c.Range.Subnet)
	}
	c.Want = r.addr
	return nil
}

// within is the first of the gateways that is in the subnet.
func within(subnet netip.Prefix, gateways []netip.Addr) netip.Addr {
	for _, gw := range gateways {
		if subnet.Contains(gw) {
			return gw
		}
	}
	return netip.Addr{}
}

// parseArgs reads CNI_ARGS: pairs as in K=V;L=W.
func parseArgs(text string) (map[string]string, error) {
	args := map[string]string{}
	for pair := range strings.SplitSeq(text, ";") {
		if pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, types.NewError(types.ErrInvalidEnvironmentVariables, fmt.Sprintf("CNI_ARGS: %q is not KEY=VALUE", pair), "")
		}
		args[key] = value
	}
	return args, nil
}
