package probe

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// Event is something that people should know, as an Event of the Node.
type Event struct {
	Type, Reason, Message string
}

// events are what people should know of changes. Of Nodes that are no gateways they hear from Kubernetes.
func events(changes []Transition, before, now attraction) []Event {
	var list []Event
	for _, t := range changes {
		if !t.Peer.Gateway {
			continue
		}
		switch t.To {
		case systemv1alpha1.PeerUp:
			list = append(list, Event{corev1.EventTypeNormal, "PeerConnected", t.Peer.label() + " answers"})
		case systemv1alpha1.PeerDown:
			if t.From == systemv1alpha1.PeerUnknown {
				continue // it has not been there yet
			}
			list = append(list, Event{corev1.EventTypeWarning, "PeerLost", t.Peer.label() + " is lost: " + t.Message})
			if len(t.Heirs) > 0 && t.From == systemv1alpha1.PeerUp {
				list = append(list, Event{corev1.EventTypeWarning, "GatewayFailover", fmt.Sprintf("traffic goes through %s instead of %s, lost for up to %s",
					labels(t.Heirs), t.Peer.label(), t.Silence)})
			}
		case systemv1alpha1.PeerDraining:
			if t.From == systemv1alpha1.PeerUp && len(t.Heirs) > 0 {
				list = append(list, Event{corev1.EventTypeNormal, "GatewayFailover", fmt.Sprintf("traffic goes through %s instead of %s, which asked for it; none is lost",
					labels(t.Heirs), t.Peer.label())})
			}
		}
	}
	if before == now || !now.gateway {
		return list
	}
	switch now.reason {
	case systemv1alpha1.ReasonDraining:
		list = append(list, Event{corev1.EventTypeNormal, "GatewayDraining", "this gateway asks all its peers to send to others"})
	case systemv1alpha1.ReasonRemoteLost:
		list = append(list, Event{corev1.EventTypeWarning, "GatewayDraining", "no gateway of another cluster can be reached from here: the Nodes of this cluster are asked to send to other gateways"})
	}
	return list
}

func labels(peers []Peer) string {
	names := make([]string, len(peers))
	for i, p := range peers {
		names[i] = p.label()
	}
	return strings.Join(names, ", ")
}

// messages say what the reasons mean.
var messages = map[string]string{
	systemv1alpha1.ReasonActive:     "",
	systemv1alpha1.ReasonDraining:   "it is to go: peers are asked to send to others",
	systemv1alpha1.ReasonHoldDown:   "its switch has started, it has become a gateway, or nobody answered it, a moment ago",
	systemv1alpha1.ReasonRemoteLost: "it reaches no gateway of any other cluster",
}

// Report is everything that is known now.
func (w *Watcher) Report() systemv1alpha1.GatewayPeerList {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := systemv1alpha1.GatewayPeerList{Gateway: w.attraction.gateway, Items: []systemv1alpha1.GatewayPeer{}}
	if w.attraction.gateway {
		c := metav1.Condition{
			Type: systemv1alpha1.ConditionAttracting, Status: metav1.ConditionFalse, Reason: w.attraction.reason,
			Message: messages[w.attraction.reason], LastTransitionTime: metav1.NewTime(w.since),
		}
		if w.attraction.reason == systemv1alpha1.ReasonActive {
			c.Status = metav1.ConditionTrue
		}
		list.Conditions = append(list.Conditions, c, w.pathCondition())
	}
	for _, s := range w.sessions {
		list.Items = append(list.Items, w.item(s))
	}
	return list
}

// item is one peer. The caller holds w.mu.
func (w *Watcher) item(s Session) systemv1alpha1.GatewayPeer {
	p := s.Peer
	item := systemv1alpha1.GatewayPeer{
		ClusterID: p.Cluster, Name: p.Name, Address: p.Address.String(), Gateway: p.Gateway, Weight: int32(p.Weight),
		State: s.State, Message: s.Message, Flaps: s.Flaps,
	}
	if s.Port != 0 {
		item.Interface = Name(p.Address)
	}
	for _, subnet := range p.Subnets {
		item.SubnetCIDRs = append(item.SubnetCIDRs, subnet.String())
	}
	trip := w.echoes.of(p.Address, time.Now())
	if !trip.last.IsZero() {
		last := metav1.NewMicroTime(trip.last)
		item.RTT, item.RTTTime = &metav1.Duration{Duration: trip.average}, &last
	}
	if trip.requests > 0 {
		percent := 100 * trip.lost / trip.requests
		item.LossPercent = &percent
	}
	item.PathMTU = w.echoes.pathMTU(p.Address)
	h := w.histories[p.Address]
	if h == nil {
		return item
	}
	since := metav1.NewMicroTime(h.since)
	item.Since = &since
	if s.State == systemv1alpha1.PeerUp || s.State == systemv1alpha1.PeerDraining {
		item.DetectMilliseconds = int(h.detect.Milliseconds())
	}
	if !h.lost.IsZero() {
		item.LastFailover = &systemv1alpha1.Failover{Time: metav1.NewMicroTime(h.lost), DurationMilliseconds: int(h.silence.Milliseconds())}
	}
	return item
}
