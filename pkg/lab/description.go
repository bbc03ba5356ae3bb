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
	CIDR    netip.Prefix `json:"cidr"`
	Gateway netip.Addr   `json:"gateway,omitzero"` // the router; the first address unless said otherwise
	MTU     int          `json:"mtu,omitempty"`    // 1500 unless said otherwise
}

// Cluster is one Kubernetes cluster.
type Cluster struct {
	Name         string       `json:"name"`
	PodCIDR      netip.Prefix `json:"podCIDR"`
	ServiceCIDR  netip.Prefix `json:"serviceCIDR"`
	NodeMaskSize int          `json:"nodeMaskSize,omitempty"` // of a node's part of the Pod CIDR; 24 unless said otherwise
	Nodes        []Node       `json:"nodes"`
}

// Node is one machine of a cluster. Nodes register in the order of the file.
type Node struct {
	Name         string     `json:"name"`
	Address      netip.Addr `json:"address"`
	ControlPlane bool       `json:"controlPlane,omitempty"` // the first node unless said otherwise
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
		u.CIDR = u.CIDR.Masked()
		if !u.Gateway.IsValid() && u.CIDR.IsValid() {
			u.Gateway = u.CIDR.Addr().Next()
		}
		if u.MTU == 0 {
			u.MTU = 1500
		}
	}
	for i := range d.Clusters {
		c := &d.Clusters[i]
		c.PodCIDR, c.ServiceCIDR = c.PodCIDR.Masked(), c.ServiceCIDR.Masked()
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
		case !u.CIDR.IsValid() || !u.CIDR.Addr().Is4():
			bad("%s: cidr must be an IPv4 prefix", where)
			continue
		case !u.CIDR.Contains(u.Gateway):
			bad("%s: gateway %s is outside", where, u.Gateway)
		case u.MTU < 576 || u.MTU > 65535:
			bad("%s: mtu %d is not between 576 and 65535", where, u.MTU)
		}
		for _, o := range d.Underlays[:i] {
			if u.CIDR.Overlaps(o.CIDR) {
				bad("%s overlaps underlay %s", where, o.CIDR)
			}
		}
	}
	names := map[string]bool{}
	addresses := map[netip.Addr]string{}
	for _, u := range d.Underlays {
		addresses[u.Gateway] = "the router"
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
		cidr netip.Prefix
	}{{"podCIDR", c.PodCIDR}, {"serviceCIDR", c.ServiceCIDR}} {
		if !p.cidr.IsValid() || !p.cidr.Addr().Is4() {
			bad("%s must be an IPv4 prefix", p.key)
			continue
		}
		for _, u := range underlays {
			if p.cidr.Overlaps(u.CIDR) {
				bad("%s %s overlaps underlay %s", p.key, p.cidr, u.CIDR)
			}
		}
	}
	if c.PodCIDR.IsValid() && c.ServiceCIDR.IsValid() && c.PodCIDR.Overlaps(c.ServiceCIDR) {
		bad("podCIDR %s overlaps serviceCIDR %s", c.PodCIDR, c.ServiceCIDR)
	}
	if bits := c.PodCIDR.Bits(); bits >= 0 && (c.NodeMaskSize < bits || c.NodeMaskSize > 30) {
		bad("nodeMaskSize %d is not between the Pod CIDR's %d and 30", c.NodeMaskSize, bits)
	} else if bits >= 0 && len(c.Nodes) > 1<<(c.NodeMaskSize-bits) {
		bad("podCIDR %s has room for %d nodes of /%d, not for %d", c.PodCIDR, 1<<(c.NodeMaskSize-bits), c.NodeMaskSize, len(c.Nodes))
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
		if !slices.ContainsFunc(underlays, func(u Underlay) bool { return u.CIDR.Contains(n.Address) }) {
			bad("node %s: address %s is on no underlay", n.Name, n.Address)
		}
		if other, taken := addresses[n.Address]; taken {
			bad("node %s: address %s is that of %s", n.Name, n.Address, other)
		}
		addresses[n.Address] = n.Name
	}
	if masters > 1 {
		bad("%d nodes are controlPlane, want one", masters)
	}
	return errs
}
