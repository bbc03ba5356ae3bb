package probe

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
)

// narrowPaths are the largest packets of Pods, in bytes, that reach gateways of other clusters, for those that take less than Pods may
// send. A path that is not known is as it was.
func narrowPaths(peers []Peer, link Link, found func(netip.Addr) int, before map[netip.Addr]int) map[netip.Addr]int {
	var narrow map[netip.Addr]int
	for _, p := range peers {
		if p.Cluster == "" {
			continue
		}
		mtu := before[p.Address]
		if path := found(p.Address); path != 0 {
			mtu = path - link.Tunnel
		}
		if mtu == 0 || mtu >= link.Pods {
			continue
		}
		if narrow == nil {
			narrow = make(map[netip.Addr]int)
		}
		narrow[p.Address] = mtu
	}
	return narrow
}

// recalled is what the probe ports say of paths.
func recalled(have map[string]ovsdb.Port) map[netip.Addr]int {
	var narrow map[netip.Addr]int
	for _, p := range have {
		a, err := netip.ParseAddr(p.Options["remote_ip"])
		mtu, _ := strconv.Atoi(p.ExternalIDs[pathKey])
		if err != nil || mtu <= 0 {
			continue
		}
		if narrow == nil {
			narrow = make(map[netip.Addr]int)
		}
		narrow[a] = mtu
	}
	return narrow
}

// tellPaths remembers what is narrow and tells what has changed.
func (w *Watcher) tellPaths(ctx context.Context, peers []Peer, narrow map[netip.Addr]int, link Link, now time.Time) {
	w.mu.Lock()
	before := w.narrow
	w.narrow = narrow
	if (len(before) == 0) != (len(narrow) == 0) {
		w.narrowFrom = now
	}
	w.mu.Unlock()
	w.metrics.observePaths(peers, w.echoes.pathMTU)
	if maps.Equal(before, narrow) {
		return
	}
	for _, p := range peers {
		was, is := before[p.Address], narrow[p.Address]
		if was == is {
			continue
		}
		e := Event{corev1.EventTypeNormal, "PathWideEnough", p.label() + " is reached by everything that Pods send"}
		if is != 0 {
			e = Event{corev1.EventTypeWarning, "PathTooNarrow", p.tooNarrow(is, link.Pods)}
		}
		klog.FromContext(ctx).Info("A path changed", "peer", p.label(), "from", was, "to", is)
		w.Notify(e)
	}
}

func (p Peer) tooNarrow(mtu, pods int) string {
	return fmt.Sprintf("%s takes packets of %d bytes, Pods may send %d: connections to it get a smaller MSS, and senders of longer packets are told", p.label(), mtu, pods)
}

// pathCondition is the condition of a gateway that tells whether everything that Pods send gets to other clusters. The caller holds
// w.mu.
func (w *Watcher) pathCondition() metav1.Condition {
	c := metav1.Condition{
		Type: systemv1alpha1.ConditionPathMTU, Status: metav1.ConditionTrue, Reason: systemv1alpha1.ReasonWideEnough,
		LastTransitionTime: metav1.NewTime(w.narrowFrom),
	}
	var texts []string
	for _, s := range w.sessions {
		if mtu := w.narrow[s.Peer.Address]; mtu != 0 {
			texts = append(texts, s.Peer.tooNarrow(mtu, w.Link().Pods))
		}
	}
	if len(texts) > 0 {
		slices.Sort(texts)
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, systemv1alpha1.ReasonTooNarrow, fmt.Sprintf("%d of %d: %s", len(texts), len(w.sessions), texts[0])
	}
	return c
}
