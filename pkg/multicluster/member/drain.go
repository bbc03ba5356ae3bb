package member

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

const (
	// AnnotationGatewayDrain on a Node moves traffic away from it if its value is true.
	AnnotationGatewayDrain = "multicluster.antrea.io/gateway-drain"

	// DrainPeriod is how long a gateway that drains stays in the records. Traffic is gone after a second; the rest is for an
	// API that is slow to tell.
	DrainPeriod = 15 * time.Second
	// settle is how old a Gateway is before another one may drain on its account: by then all Nodes of all clusters have
	// probed it and its hold-down is over.
	settle = 15 * time.Second
	// tolerance is how long a Node may be not ready before its gateway drains. Whether it forwards is for BFD to say.
	tolerance = time.Minute
)

// Why a gateway drains, as Gateways say it in drainReason.
const (
	DrainRequested    = "Requested"
	DrainNotAnnotated = "NotAnnotated"
	DrainNodeDeleted  = "NodeDeleted"
	DrainCordoned     = "Cordoned"
	DrainNotReady     = "NotReady"
)

// plan is what Gateways there should be.
type plan struct {
	want     map[string]*v1alpha1.Gateway
	gone     []string         // Gateways that have drained
	problems map[string]error // by Node: only the operator can help, and what the Node was before the mistake it stays
	again    time.Duration    // when time alone changes the plan; zero if it does not
}

// planGateways decides. A gateway never goes without having drained, and it does not drain before a new one that is to take
// over has settled. Cordoned Nodes, and those that are not ready, carry on if nobody else could: a Node whose kubelet is
// silent may forward as before, and without any gateway the cluster is cut off for certain.
func planGateways(nodes []corev1.Node, have []v1alpha1.Gateway, namespace string, public bool, now time.Time) plan {
	p := plan{want: map[string]*v1alpha1.Gateway{}, problems: map[string]error{}}
	had := map[string]*v1alpha1.Gateway{}
	for i := range have {
		had[have[i].Name] = &have[i]
	}
	leaving := map[string]string{} // the reason, by name
	for name := range had {
		leaving[name] = DrainNodeDeleted
	}
	anyCarrier, settled := false, time.Duration(0) // until the first carrier has settled
	for i := range nodes {
		n := &nodes[i]
		g, reason, wait, err := examine(n, namespace, public, now)
		switch {
		case err != nil:
			p.problems[n.Name] = err
			if had[n.Name] != nil {
				p.want[n.Name] = had[n.Name].DeepCopy()
			}
			delete(leaving, n.Name)
			continue
		case had[n.Name] == nil && (g == nil || reason != "" || !isReady(n)):
			continue // it does not become one
		case g == nil:
			leaving[n.Name] = reason
			continue
		}
		p.wakeIn(wait)
		if reason == "" {
			delete(leaving, n.Name)
			p.want[n.Name] = g
			if isReady(n) {
				left := settle
				if h := had[n.Name]; h != nil {
					left = max(settle-now.Sub(h.CreationTimestamp.Time), 0)
				}
				if !anyCarrier || left < settled {
					settled = left
				}
				anyCarrier = true
			}
			continue
		}
		p.want[n.Name] = g
		leaving[n.Name] = reason
	}
	for name, reason := range leaving {
		p.leave(had[name], reason, anyCarrier, settled, now)
	}
	slices.Sort(p.gone)
	return p
}

// leave takes a gateway one step further on its way out.
func (p *plan) leave(had *v1alpha1.Gateway, reason string, anyCarrier bool, settled time.Duration, now time.Time) {
	g := p.want[had.Name]
	if g == nil {
		g = had.DeepCopy()
		p.want[had.Name] = g
	}
	forced := reason == DrainRequested || reason == DrainNotAnnotated || reason == DrainNodeDeleted
	switch {
	case !anyCarrier && !forced:
		g.DrainingSince, g.DrainReason = nil, ""
	case had.DrainingSince == nil && anyCarrier && settled > 0:
		p.wakeIn(settled)
	case had.DrainingSince == nil:
		since := metav1.NewTime(now.Truncate(time.Second))
		g.DrainingSince, g.DrainReason = &since, reason
		p.wakeIn(DrainPeriod)
	case now.Sub(had.DrainingSince.Time) < DrainPeriod:
		g.DrainingSince, g.DrainReason = had.DrainingSince, reason
		p.wakeIn(DrainPeriod - now.Sub(had.DrainingSince.Time))
	default:
		delete(p.want, had.Name)
		p.gone = append(p.gone, had.Name)
	}
}

func (p *plan) wakeIn(d time.Duration) {
	if d > 0 && (p.again == 0 || d < p.again) {
		p.again = d
	}
}

// examine is what a Node says about itself: its Gateway, nil if it is not annotated as one; why it is not to carry traffic
// though, if so; and how long it is until that changes by itself.
func examine(n *corev1.Node, namespace string, public bool, now time.Time) (g *v1alpha1.Gateway, reason string, wait time.Duration, err error) {
	if !n.DeletionTimestamp.IsZero() {
		return nil, DrainNodeDeleted, 0, nil
	}
	wanted, err := flag(n, AnnotationGateway)
	if err != nil || !wanted {
		return nil, DrainNotAnnotated, 0, err
	}
	drain, err := flag(n, AnnotationGatewayDrain)
	if err != nil {
		return nil, "", 0, err
	}
	if g, err = gateway(n, namespace, public); err != nil {
		return nil, "", 0, err
	}
	silent := silence(n, now)
	switch {
	case drain:
		return g, DrainRequested, 0, nil
	case n.Spec.Unschedulable:
		return g, DrainCordoned, 0, nil
	case silent >= tolerance:
		return g, DrainNotReady, 0, nil
	}
	if silent > 0 {
		wait = tolerance - silent
	}
	return g, "", wait, nil
}

// silence is how long the Node has been not ready; zero if it is ready.
func silence(n *corev1.Node, now time.Time) time.Duration {
	for _, c := range n.Status.Conditions {
		switch {
		case c.Type != corev1.NodeReady:
		case c.Status == corev1.ConditionTrue:
			return 0
		default:
			return max(now.Sub(c.LastTransitionTime.Time), 1)
		}
	}
	return tolerance
}

// flag is the value of an annotation that is true or false; false if there is none.
func flag(n *corev1.Node, annotation string) (bool, error) {
	text, ok := n.Annotations[annotation]
	if !ok {
		return false, nil
	}
	value, err := strconv.ParseBool(strings.TrimSpace(text))
	if err != nil {
		return false, fmt.Errorf("annotation %s=%q of Node %s: use true or false", annotation, text, n.Name)
	}
	return value, nil
}
