package daemon

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/cni/journal"
	"github.com/antrea-mc/antrea-mc/plugins/metrics"
)

// counts is what the daemon counts.
type counts struct {
	requests            *prometheus.HistogramVec
	plugins             *prometheus.HistogramVec
	kinds               metrics.Few
	rolledBack, retries prometheus.Counter
}

// newCounts registers them, and what is read when it is asked for.
func newCounts(registry *prometheus.Registry, j *journal.Journal[record]) *counts {
	buckets := prometheus.ExponentialBuckets(0.002, 2, 16)
	c := &counts{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "antrea_multus_request_duration_seconds", Help: "Time from a request of the plugin to its answer, by its CNI error code.", Buckets: buckets,
		}, []string{"command", "code"}),
		plugins: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "antrea_multus_plugin_duration_seconds", Help: "Time that a plugin of a network took, by whether it failed.", Buckets: buckets,
		}, []string{"plugin", "command", "failed"}),
		rolledBack: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "antrea_multus_rollbacks_total", Help: "ADDs that failed after a plugin was executed, and were undone.",
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "antrea_multus_release_retries_total", Help: "Attempts to undo a sandbox later that could not be undone at once.",
		}),
	}
	registry.MustRegister(c.requests, c.plugins, c.rolledBack, c.retries)
	for state, name := range map[state]string{done: "antrea_multus_attached_sandboxes", releasing: "antrea_multus_pending_sandboxes"} {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: "Sandboxes of the journal that are " + string(state) + "."}, func() float64 {
			n := 0
			for _, r := range j.All() {
				if r.State == state {
					n++
				}
			}
			return float64(n)
		}))
	}
	return c
}

func (c *counts) request(command cni.Command, code uint, took time.Duration) {
	c.requests.WithLabelValues(string(command), strconv.FormatUint(uint64(code), 10)).Observe(took.Seconds())
}

func (c *counts) plugin(kind string, command cni.Command, err error, took time.Duration) {
	c.plugins.WithLabelValues(c.kinds.Label(kind), string(command), strconv.FormatBool(err != nil)).Observe(took.Seconds())
}
