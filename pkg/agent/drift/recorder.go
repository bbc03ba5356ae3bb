package drift

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

const (
	// gather is how long drifts are collected before an Event tells of all of them: what one command changes is found by several.
	gather = time.Second
	// pause is the least time between two Events: somebody else may change things as fast as they are repaired.
	pause = 10 * time.Second
	// logged is how many drifts the log has one by one.
	logged = 30
)

// Recorder tells of what was repaired: metrics at once, log and Event a moment later.
type Recorder struct {
	counts *prometheus.CounterVec
	notify func(message string)
	wake   chan struct{}

	mu    sync.Mutex
	queue []systemv1alpha1.Drift
}

// NewRecorder registers the metrics. It calls notify with the text of an Event.
func NewRecorder(registry prometheus.Registerer, notify func(message string)) *Recorder {
	r := &Recorder{
		counts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_agent_drift_repaired_total", Help: "What somebody else had changed on the Node, and the agent has put right.",
		}, []string{"object", "kind"}),
		notify: notify, wake: make(chan struct{}, 1),
	}
	for _, object := range systemv1alpha1.DriftObjects() {
		for _, kind := range []systemv1alpha1.DriftKind{systemv1alpha1.DriftMissing, systemv1alpha1.DriftChanged, systemv1alpha1.DriftUnwanted} {
			r.counts.WithLabelValues(string(object), string(kind))
		}
	}
	registry.MustRegister(r.counts)
	return r
}

// Repaired notes what was repaired; foreign flows, which never are, are left out.
func (r *Recorder) Repaired(drifts []systemv1alpha1.Drift) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range drifts {
		if d.Kind != systemv1alpha1.DriftForeign {
			r.counts.WithLabelValues(string(d.Object), string(d.Kind)).Inc()
			r.queue = append(r.queue, d)
		}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run writes log and Events until ctx is done.
func (r *Recorder) Run(ctx context.Context) error {
	wait := func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		}
		wait(gather)
		if drifts := r.take(); len(drifts) > 0 {
			message := Message(drifts)
			klog.FromContext(ctx).Info("Repaired drift", "what", message)
			for _, d := range drifts[:min(len(drifts), logged)] {
				klog.FromContext(ctx).Info("Drift", "object", d.Object, "kind", d.Kind, "want", d.Want, "have", d.Have)
			}
			r.notify(message)
			wait(pause)
		}
	}
}

func (r *Recorder) take() []systemv1alpha1.Drift {
	r.mu.Lock()
	defer r.mu.Unlock()
	drifts := r.queue
	r.queue = nil
	return drifts
}

// Message is what an Event says of drifts, of which there must be one.
func Message(drifts []systemv1alpha1.Drift) string {
	counts := make(map[systemv1alpha1.DriftObject]int)
	for _, d := range drifts {
		counts[d.Object]++
	}
	var parts []string
	for _, object := range systemv1alpha1.DriftObjects() {
		if n := counts[object]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", object, n))
		}
	}
	first := drifts[0]
	return fmt.Sprintf("Somebody else has changed what the agent keeps in order on this Node; it is put right: %s. First: %s %s %s",
		strings.Join(parts, ", "), first.Kind, first.Object, first.Text())
}
