package probe

import (
	"net/netip"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Counters are what the switch has counted: flows of the tables that packets come in and are forwarded by, and groups.
type Counters struct {
	Flows  []openflow.FlowStats
	Groups []openflow.Group
	Stats  []openflow.GroupStats
}

// volume is how much data was tunneled.
type volume struct{ sent, received uint64 }

// volumes are those of each address. What came in is told by flows that match the sender, what went out by flows and buckets that
// set whom to tunnel to.
func (c Counters) volumes() map[netip.Addr]volume {
	all := make(map[netip.Addr]volume)
	for _, f := range c.Flows {
		if from, ok := tunnelSource(f.Match); ok {
			v := all[from]
			v.received += f.Bytes
			all[from] = v
		}
		if to, ok := tunnelTarget(f.Actions); ok {
			v := all[to]
			v.sent += f.Bytes
			all[to] = v
		}
	}
	buckets := make(map[uint32][]openflow.Bucket)
	for _, g := range c.Groups {
		buckets[g.ID] = g.Buckets
	}
	for _, s := range c.Stats {
		if len(s.Buckets) != len(buckets[s.ID]) {
			continue // the group has changed between the two questions
		}
		for i, counted := range s.Buckets {
			if to, ok := tunnelTarget(buckets[s.ID][i].Actions); ok {
				v := all[to]
				v.sent += counted.Bytes
				all[to] = v
			}
		}
	}
	return all
}

func tunnelSource(m openflow.Match) (netip.Addr, bool) {
	for f := range m.Fields() {
		if (f.ID == openflow.FieldTunIPv4Src || f.ID == openflow.FieldTunIPv6Src) && f.Mask == nil {
			return netip.AddrFromSlice(f.Value)
		}
	}
	return netip.Addr{}, false
}

func tunnelTarget(a openflow.Actions) (netip.Addr, bool) {
	for action := range a.All() {
		if set, ok := action.(openflow.SetField); ok && (set.Field == openflow.FieldTunIPv4Dst || set.Field == openflow.FieldTunIPv6Dst) {
			return netip.AddrFromSlice(set.Value)
		}
	}
	return netip.Addr{}, false
}

// AddBytes puts into a report what was counted.
func AddBytes(list *systemv1alpha1.GatewayPeerList, c Counters, now time.Time) {
	volumes := c.volumes()
	for i := range list.Items {
		item := &list.Items[i]
		a, err := netip.ParseAddr(item.Address)
		if err != nil {
			continue
		}
		v, at := volumes[a], metav1.NewMicroTime(now)
		item.SentBytes, item.ReceivedBytes, item.BytesTime = &v.sent, &v.received, &at
	}
}
