package daemon

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/plugins/metrics"
)

// counts is what the daemon counts.
type counts struct {
	requests  *prometheus.HistogramVec
	given     *prometheus.CounterVec
	exhausted *prometheus.CounterVec
	taken     prometheus.Counter
	retries   prometheus.Counter
	freed     *prometheus.CounterVec
	deleted   *prometheus.CounterVec
	pools     metrics.Few
}

// newCounts registers them, and what is read when it is asked for.
func (d *daemon) newCounts() *counts {
	c := &counts{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "antrea_whereabouts_request_duration_seconds", Help: "Time from a request of the plugin to its answer, by its CNI error code.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}, []string{"command", "code"}),
		given: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_whereabouts_allocations_total", Help: "Addresses of a pool that ADD has given.",
		}, []string{"pool"}),
		exhausted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_whereabouts_exhausted_total", Help: "ADDs that failed because a range of the pool was full.",
		}, []string{"pool"}),
		taken: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "antrea_whereabouts_taken_total", Help: "ADDs that failed because another Pod has the address that was asked for.",
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "antrea_whereabouts_release_retries_total", Help: "Attempts to release, after DEL, what could not be released at once.",
		}),
		freed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_whereabouts_freed_total", Help: "Addresses that were freed without DEL, by reason.",
		}, []string{"reason"}),
		deleted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_whereabouts_deleted_by_others_total", Help: "Times that an address of this Node was missing in its pool, by result: put back, or taken by another Pod.",
		}, []string{"result"}),
	}
	d.Registry.MustRegister(c.requests, c.given, c.exhausted, c.taken, c.retries, c.freed, c.deleted, usage{d.Store},
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "antrea_whereabouts_conflicts_total", Help: "Writes that somebody else was faster with, and that were tried again.",
		}, func() float64 { return float64(d.Store.Conflicts()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "antrea_whereabouts_pending_attachments", Help: "Attachments whose addresses are still to be released after DEL.",
		}, func() float64 {
			n := 0
			for _, r := range d.journal.All() {
				if r.Releasing {
					n++
				}
			}
			return float64(n)
		}))
	return c
}

func (c *counts) request(command cni.Command, code uint, took time.Duration) {
	c.requests.WithLabelValues(string(command), strconv.FormatUint(uint64(code), 10)).Observe(took.Seconds())
}

// usage tells how full the pools are that this Node has used.
type usage struct{ store *store.Store }

var (
	usedDesc = prometheus.NewDesc("antrea_whereabouts_used_addresses",
		"Addresses of a pool that are in use in the cluster, as this Node has read it last. Only pools that it has used.", []string{"pool"}, nil)
	sizeDesc = prometheus.NewDesc("antrea_whereabouts_pool_addresses", "Addresses that the pool's CIDR has for Pods.", []string{"pool"}, nil)
)

// Describe implements [prometheus.Collector].
func (usage) Describe(ch chan<- *prometheus.Desc) { ch <- usedDesc; ch <- sizeDesc }

// maxPools bounds the series of a Node.
const maxPools = 200

// Collect implements [prometheus.Collector].
func (u usage) Collect(ch chan<- prometheus.Metric) {
	all := u.store.Usage()
	for _, p := range all[:min(len(all), maxPools)] {
		ch <- prometheus.MustNewConstMetric(usedDesc, prometheus.GaugeValue, float64(p.Used), p.Pool.Name)
		ch <- prometheus.MustNewConstMetric(sizeDesc, prometheus.GaugeValue, p.Size, p.Pool.Name)
	}
}
