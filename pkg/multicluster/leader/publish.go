package leader

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/cidr"
)

// Reasons of the condition Accepted of a ResourceExport.
const (
	ReasonPublished         = "Published"
	ReasonInvalid           = "Invalid"
	ReasonWrongCluster      = "WrongCluster"
	ReasonUnknownKind       = "UnknownKind"
	ReasonCIDROverlap       = "CIDROverlap"
	ReasonGatewayTaken      = "GatewayAddressTaken"
	ReasonGatewayUnroutable = "GatewayAddressInCIDR"
)

// verdict is what the leader thinks of one ResourceExport.
type verdict struct {
	accepted        bool
	reason, message string
}

func refuse(reason, format string, args ...any) *verdict {
	return &verdict{reason: reason, message: fmt.Sprintf(format, args...)}
}

// publish decides which records every member gets to see. owners has the cluster ID of every member's namespace; published is
// what is out now. First come wins: a record that is published keeps its addresses until its cluster gives them up, and among
// new ones the older goes first. A refused change leaves what was accepted before in place. verdicts has one entry an export.
func publish(owners map[string]string, exports []v1alpha1.ResourceExport, published []v1alpha1.Resource) (records []v1alpha1.Resource, verdicts []verdict) {
	accepted := map[string]claim{}
	exported := map[string]bool{}
	for _, e := range exports {
		exported[owners[e.Namespace]] = true
	}
	for _, r := range published {
		if r.ClusterInfo == nil || !exported[r.ClusterID] {
			continue
		}
		if c, v := parseClaim(r.ClusterInfo); v == nil {
			accepted[r.ClusterID] = c
		}
	}

	verdicts = make([]verdict, len(exports))
	for _, i := range byAge(owners, exports, accepted) {
		e := exports[i]
		id := owners[e.Namespace]
		c, refusal := examine(id, &e.Spec)
		if refusal == nil {
			refusal = c.against(accepted)
		}
		if refusal == nil {
			accepted[id] = c
			verdicts[i] = verdict{true, ReasonPublished, "every cluster of the ClusterSet can see this record"}
			continue
		}
		if _, ok := accepted[id]; ok {
			refusal.message += "; what was accepted before stays published"
		}
		verdicts[i] = *refusal
	}
	for id, c := range accepted {
		records = append(records, v1alpha1.Resource{ClusterID: id, Kind: v1alpha1.KindClusterInfo, ClusterInfo: c.info})
	}
	slices.SortFunc(records, func(a, b v1alpha1.Resource) int { return cmp.Compare(a.ClusterID, b.ClusterID) })
	return records, verdicts
}

// byAge orders exports: clusters that are published first, then the older, then by namespace.
func byAge(owners map[string]string, exports []v1alpha1.ResourceExport, accepted map[string]claim) []int {
	order := make([]int, len(exports))
	for i := range order {
		order[i] = i
	}
	newcomer := func(e v1alpha1.ResourceExport) int {
		if _, ok := accepted[owners[e.Namespace]]; ok {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := exports[i], exports[j]
		return cmp.Or(
			cmp.Compare(newcomer(a), newcomer(b)),
			a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return order
}

// examine checks what can be said of a record without knowing the others.
func examine(owner string, r *v1alpha1.Resource) (claim, *verdict) {
	if r.ClusterID != owner {
		return claim{}, refuse(ReasonWrongCluster, "this namespace belongs to cluster %q, which cannot speak for cluster %q", owner, r.ClusterID)
	}
	if r.Kind != v1alpha1.KindClusterInfo {
		return claim{}, refuse(ReasonUnknownKind, "kind %q is not known to this leader: upgrade the leader first", r.Kind)
	}
	if r.ClusterInfo == nil || r.ClusterInfo.ClusterID != owner {
		return claim{}, refuse(ReasonInvalid, "clusterInfo is missing or names another cluster than %q", owner)
	}
	c, refusal := parseClaim(r.ClusterInfo)
	if refusal == nil {
		refusal = c.alone()
	}
	return c, refusal
}

// claim is the addresses that a cluster says are its own.
type claim struct {
	info     *v1alpha1.ClusterInfo
	pods     []netip.Prefix
	services []netip.Prefix
	gateways []netip.Addr
}

func parseClaim(info *v1alpha1.ClusterInfo) (claim, *verdict) {
	c := claim{info: info}
	var err error
	if c.pods, err = cidr.Parse(info.PodCIDRs); err != nil {
		return c, refuse(ReasonInvalid, "cluster %q: Pod CIDR: %v", info.ClusterID, err)
	}
	services := info.ServiceCIDRs
	if info.ServiceCIDR != "" && !slices.Contains(services, info.ServiceCIDR) {
		services = append([]string{info.ServiceCIDR}, services...)
	}
	if c.services, err = cidr.Parse(services); err != nil {
		return c, refuse(ReasonInvalid, "cluster %q: Service CIDR: %v", info.ClusterID, err)
	}
	for _, g := range info.GatewayInfos {
		a, err := netip.ParseAddr(g.GatewayIP)
		if err != nil || a != a.Unmap() || a.Zone() != "" {
			return c, refuse(ReasonInvalid, "cluster %q: gateway %s: %q is no IP address", info.ClusterID, g.Name, g.GatewayIP)
		}
		c.gateways = append(c.gateways, a)
	}
	return c, nil
}

// ranges yields the Pod CIDRs, then the Service CIDRs, with what to call them.
func (c claim) ranges(yield func(string, netip.Prefix) bool) {
	for _, p := range c.pods {
		if !yield("Pod CIDR", p) {
			return
		}
	}
	for _, p := range c.services {
		if !yield("Service CIDR", p) {
			return
		}
	}
}

// alone refuses ranges and addresses that no cluster can have.
func (c claim) alone() *verdict {
	id := c.info.ClusterID
	if len(c.pods)+len(c.services)+len(c.gateways) > 128 {
		return refuse(ReasonInvalid, "cluster %q: more than 128 ranges and gateways: use fewer, larger Pod CIDRs", id)
	}
	for what, p := range c.ranges {
		a := p.Addr()
		if p.Bits() < 8 {
			return refuse(ReasonInvalid, "cluster %q: %s %s is larger than a /8", id, what, p)
		}
		if a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.IsUnspecified() {
			return refuse(ReasonInvalid, "cluster %q: %s %s is not for unicast traffic between clusters", id, what, p)
		}
	}
	if a, b, found := cidr.Overlap(c.pods, c.services); found {
		return refuse(ReasonCIDROverlap, "cluster %q: Pod CIDR %s overlaps its own Service CIDR %s", id, a, b)
	}
	for i, g := range c.gateways {
		if !g.IsGlobalUnicast() {
			return refuse(ReasonInvalid, "cluster %q: gateway address %s is not a unicast address", id, g)
		}
		if slices.Contains(c.gateways[:i], g) {
			return refuse(ReasonInvalid, "cluster %q: two gateways have the address %s", id, g)
		}
		if what, p, found := c.holding(g); found {
			return refuse(ReasonGatewayUnroutable, "cluster %q: gateway address %s is in its own %s %s, so the tunnel would carry itself", id, g, what, p)
		}
	}
	return nil
}

// holding finds the range that an address is in.
func (c claim) holding(a netip.Addr) (what string, p netip.Prefix, found bool) {
	for what, p := range c.ranges {
		if p.Contains(a) {
			return what, p, true
		}
	}
	return "", netip.Prefix{}, false
}

const differ = "ranges must differ within a ClusterSet; if this one was not found right, set it in ConfigMap antrea-mc-controller-config"

// against refuses what another cluster has already.
func (c claim) against(accepted map[string]claim) *verdict {
	id := c.info.ClusterID
	for _, otherID := range slices.Sorted(maps.Keys(accepted)) {
		if otherID == id {
			continue
		}
		other := accepted[otherID]
		for what, p := range c.ranges {
			for otherWhat, q := range other.ranges {
				if p.Overlaps(q) {
					return refuse(ReasonCIDROverlap, "cluster %q: %s %s overlaps %s %s of cluster %q: %s", id, what, p, otherWhat, q, otherID, differ)
				}
			}
		}
		for _, g := range c.gateways {
			if slices.Contains(other.gateways, g) {
				return refuse(ReasonGatewayTaken, "cluster %q: gateway address %s belongs to cluster %q", id, g, otherID)
			}
			if what, p, found := other.holding(g); found {
				return refuse(ReasonGatewayUnroutable, "cluster %q: gateway address %s is in %s %s of cluster %q", id, g, what, p, otherID)
			}
		}
		for _, g := range other.gateways {
			if what, p, found := c.holding(g); found {
				return refuse(ReasonCIDROverlap, "cluster %q: %s %s holds gateway address %s of cluster %q: %s", id, what, p, g, otherID, differ)
			}
		}
	}
	return nil
}
