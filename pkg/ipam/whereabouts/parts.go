package whereabouts

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxPartBits bounds a part of a range to 4096 addresses, which are one object.
const maxPartBits = 12

// parts reads node_slice_size, the length of a part's prefix in the family of the first range. Parts of all ranges have as many
// addresses.
func (c *Config) parts(size string) error {
	if size == "" || len(c.Claims) == 0 {
		return nil
	}
	wrong := func(err error, fix string) error { return &KeyError{"ipam.node_slice_size", err, fix} }
	first := c.Claims[0].Range.Subnet
	length, err := strconv.Atoi(strings.TrimPrefix(size, "/"))
	hostBits := first.Addr().BitLen() - length
	switch {
	case err != nil || length < 0 || hostBits < 0:
		return wrong(fmt.Errorf("%q is not the length of a prefix", size), "write it as in /26")
	case hostBits > maxPartBits && length >= first.Bits():
		return wrong(fmt.Errorf("a part of %s has more than %d addresses", size, 1<<maxPartBits), fmt.Sprintf("write /%d or more", first.Addr().BitLen()-maxPartBits))
	}
	name := c.NetworkName
	if name == "" {
		if name = c.Network; !networkNames.MatchString(name) || len(name) > 200 {
			return &KeyError{"name", fmt.Errorf("%q cannot be the name of a NodeSlicePool", name), "write small letters, digits, dashes and dots, at most 200, or ipam.network_name"}
		}
	}
	var errs []error
	for i := range c.Claims {
		claim := &c.Claims[i]
		subnet := claim.Range.Subnet
		claim.PartBits = subnet.Addr().BitLen() - hostBits
		if claim.PartBits < subnet.Bits() {
			errs = append(errs, wrong(fmt.Errorf("parts of %d addresses are larger than range %s", 1<<min(hostBits, 62), subnet), "write a longer prefix"))
		}
		if claim.NodeSlicePool = name; subnet != first {
			claim.NodeSlicePool = prefixed(name, dashes.Replace(subnet.String()))
		}
	}
	return errors.Join(errs...)
}
