package lab

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"sigs.k8s.io/yaml"
)

// Description is a lab as its file describes it.
type Description struct {
	// Nodes is the lane: "real" (kubelet and containerd) or "fast" (package fastlane).
	Nodes Lane `json:"nodes,omitempty"`
	// KubeProxy runs kube-proxy on every node; true unless said otherwise.
	KubeProxy *bool `json:"kubeProxy,omitempty"`
	// Images are archives that every node has from the start; patterns are allowed, relative to the file.
	Images []string `json:"images,omitempty"`
	// Underlays are the L2 segments; one router joins them.
	Underlays []Underlay `json:"underlays"`
	Clusters  []Cluster  `json:"clusters"`
}

// Lane is how nodes run Pods.
type Lane string

// The lanes.
const (
	Real     Lane = "real"
	FastLane Lane = "fast"
)

// Underlay is one L2 segment and its addresses.
type Underlay struct {
	CIDR    Prefixes `json:"cidr"`
	Gateway Addrs    `json:"gateway,omitzero"` // the router; the first address of each range unless said otherwise
	MTU     int      `json:"mtu,omitempty"`    // 1500 unless said otherwise
}

// Cluster is one Kubernetes cluster.
type Cluster struct {
	Name         string   `json:"name"`
	PodCIDR      Prefixes `json:"podCIDR"`
	ServiceCIDR  Prefixes `json:"serviceCIDR"`
	NodeMaskSize int      `json:"nodeMaskSize,omitempty"` // of a node's part of the IPv4 Pod CIDR; 24 unless said otherwise
	Nodes        []Node   `json:"nodes"`
}

// Node is one machine of a cluster. Nodes register in the order of the file.
type Node struct {
	Name         string `json:"name"`
	Address      Addrs  `json:"address"`
	ControlPlane bool   `json:"controlPlane,omitempty"` // the first node unless said otherwise
}

// ReadDescription reads a description file and makes the paths in it absolute.
func ReadDescription(file string) (Description, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Description{}, err
	}
	d, err := ParseDescription(text)
	if err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return d, err
	}
	for i, p := range d.Images {
		if !filepath.IsAbs(p) {
			d.Images[i] = filepath.Join(dir, p)
		}
	}
	return d, nil
}

// ParseDescription reads a description, fills in what is left out and reports every mistake at once.
func ParseDescription(text []byte) (Description, error) {
	var d Description
	if len(bytes.TrimSpace(text)) == 0 {
		return d, errors.New("the description is empty")
	}
	if err := yaml.UnmarshalStrict(text, &d); err != nil {
		return d, err
	}
	d.fill()
	return d, d.validate()
}

func (d *Description) fill() {
	if d.Nodes == "" {
		d.Nodes = Real
	}
	if d.KubeProxy == nil {
		on := true
		d.KubeProxy = &on
	}
	for i := range d.Underlays {
		u := &d.Underlays[i]
		u.CIDR = u.CIDR.masked()
		if len(u.Gateway) == 0 {
			for _, p := range u.CIDR {
				u.Gateway = append(u.Gateway, p.Addr().Next())
			}
		}
		if u.MTU == 0 {
			u.MTU = 1500
		}
	}
	for i := range d.Clusters {
		c := &d.Clusters[i]
		c.PodCIDR, c.ServiceCIDR = c.PodCIDR.masked(), c.ServiceCIDR.masked()
		if c.NodeMaskSize == 0 {
			c.NodeMaskSize = 24
		}
		if len(c.Nodes) > 0 && !slices.ContainsFunc(c.Nodes, func(n Node) bool { return n.ControlPlane }) {
			c.Nodes[0].ControlPlane = true
		}
	}
}

// validName is what may name a cluster or a node: a host name, short enough for a network interface.
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$`)

func (d Description) validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if d.Nodes != Real && d.Nodes != FastLane {
		bad("nodes: %q is neither real nor fast", d.Nodes)
	}
	if len(d.Clusters) == 0 {
		bad("clusters: there is none")
	}
	for i, u := range d.Underlays {
		where := fmt.Sprintf("underlay %s", u.CIDR)
		switch {
		case !u.CIDR.sound():
			bad("%s: cidr must be a range, or one of each family", where)
			continue
		case len(u.Gateway) != len(u.CIDR) || slices.ContainsFunc(u.Gateway, func(a netip.Addr) bool { return !u.CIDR.contain(a) }):
			bad("%s: gateway %s is outside, or not one a range", where, u.Gateway)
		case u.MTU < 576 || u.MTU > 65535:
			bad("%s: mtu %d is not between 576 and 65535", where, u.MTU)
		}
		for _, o := range d.Underlays[:i] {
			if _, other, overlaps := u.CIDR.overlapping(o.CIDR); overlaps {
				bad("%s overlaps underlay %s", where, other)
			}
		}
	}
	names := map[string]bool{}
	addresses := map[netip.Addr]string{}
	for _, u := range d.Underlays {
		for _, a := range u.Gateway {
			addresses[a] = "the router"
		}
	}
	for _, c := range d.Clusters {
		errs = append(errs, c.validate(d.Underlays, names, addresses)...)
	}
	return errors.Join(errs...)
}

// validate checks one cluster; names and addresses collect what the clusters before it took.
func (c Cluster) validate(underlays []Underlay, names map[string]bool, addresses map[netip.Addr]string) []error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("cluster %q: %w", c.Name, fmt.Errorf(format, args...)))
	}
	take := func(name string) {
		switch {
		case !validName.MatchString(name):
			bad("name %q: want 1 to 15 lower-case letters, digits and dashes", name)
		case names[name]:
			bad("name %q is used twice", name)
		}
		names[name] = true
	}
	take(c.Name)
	for _, p := range []struct {
		key  string
		cidr Prefixes
	}{{"podCIDR", c.PodCIDR}, {"serviceCIDR", c.ServiceCIDR}} {
		if !p.cidr.sound() {
			bad("%s must be a range, or one of each family", p.key)
			continue
		}
		for _, u := range underlays {
			if own, other, overlaps := p.cidr.overlapping(u.CIDR); overlaps {
				bad("%s %s overlaps underlay %s", p.key, own, other)
			}
		}
	}
	if pods, services, overlaps := c.PodCIDR.overlapping(c.ServiceCIDR); overlaps {
		bad("podCIDR %s overlaps serviceCIDR %s", pods, services)
	}
	for _, p := range c.PodCIDR {
		switch size, bits := c.maskSize(p), p.Bits(); {
		case size < bits || size > p.Addr().BitLen()-2:
			bad("nodeMaskSize %d is not between the Pod CIDR's %d and %d", size, bits, p.Addr().BitLen()-2)
		case size-bits < 16 && len(c.Nodes) > 1<<(size-bits):
			bad("podCIDR %s has room for %d nodes of /%d, not for %d", p, 1<<(size-bits), size, len(c.Nodes))
		}
	}
	if len(c.Nodes) == 0 {
		bad("nodes: there is none")
	}
	masters := 0
	for _, n := range c.Nodes {
		take(n.Name)
		if n.ControlPlane {
			masters++
		}
		if n.underlay(underlays) < 0 {
			bad("node %s: address %q is on no underlay", n.Name, n.Address)
		}
		if len(n.Address) > 0 && len(c.ServiceCIDR) > 0 && n.Address[0].Is4() != c.ServiceCIDR[0].Addr().Is4() {
			bad("node %s: address %s is not of the family of serviceCIDR %s", n.Name, n.Address, c.ServiceCIDR)
		}
		for _, a := range n.Address {
			if other, taken := addresses[a]; taken {
				bad("node %s: address %s is that of %s", n.Name, a, other)
			}
			addresses[a] = n.Name
		}
	}
	if masters > 1 {
		bad("%d nodes are controlPlane, want one", masters)
	}
	return errs
}

// maskSize is the length of a node's part of one of the Pod CIDRs.
func (c Cluster) maskSize(p netip.Prefix) int {
	if p.Addr().Is6() {
		return 64
	}
	return c.NodeMaskSize
}

// underlay is the one that has all of a node's addresses, or -1.
func (n Node) underlay(underlays []Underlay) int {
	return slices.IndexFunc(underlays, func(u Underlay) bool {
		return len(n.Address) > 0 && !slices.ContainsFunc(n.Address, func(a netip.Addr) bool { return !u.CIDR.contain(a) })
	})
}
