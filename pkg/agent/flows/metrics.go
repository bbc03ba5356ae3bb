package flows

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Metrics counts what a [Syncer] does. Names are Antrea's where they count the same thing. A nil *Metrics counts nothing.
type Metrics struct {
	total    prometheus.Gauge
	perTable *prometheus.GaugeVec
	ops      *prometheus.CounterVec
	groups   *prometheus.CounterVec
	errors   *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	full     *prometheus.GaugeVec
	foreign  prometheus.Gauge
	audit    prometheus.Gauge
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		total: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "antrea_agent_ovs_total_flow_count", Help: "Flows on the bridge.",
		}),
		perTable: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_agent_ovs_flow_count", Help: "Flows on the bridge, per table.",
		}, []string{"table_id", "table_name"}),
		ops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_agent_ovs_flow_ops_count", Help: "Flows added, modified and deleted.",
		}, []string{"operation"}),
		groups: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_agent_ovs_group_ops_total", Help: "Groups set and deleted.",
		}, []string{"operation"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_agent_ovs_flow_ops_error_count", Help: "Flows that the switch refused to add, modify or delete.",
		}, []string{"operation"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "antrea_agent_ovs_flow_ops_latency_milliseconds", Help: "Time that the switch took for a bundle.",
			Buckets: prometheus.ExponentialBuckets(0.125, 2, 14),
		}, []string{"operation"}),
		full: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_agent_ovs_last_full_sync_flows",
			Help: "Flows that differed when the agent last connected to the switch; 0 after a restart of the agent alone.",
		}, []string{"operation"}),
		foreign: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "antrea_agent_ovs_foreign_flows", Help: "Flows of the bridge that somebody else has made, as of the last audit.",
		}),
		audit: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "antrea_agent_audit_duration_seconds", Help: "Time that the last audit of the bridge took.",
		}),
	}
	for _, op := range []operation{opAdd, opModify, opDelete} {
		m.ops.WithLabelValues(string(op))
		m.errors.WithLabelValues(string(op))
	}
	registry.MustRegister(m.total, m.perTable, m.ops, m.groups, m.errors, m.latency, m.full, m.foreign, m.audit)
	return m
}

// sent counts changes that the switch took as one bundle.
func (m *Metrics) sent(changes []change, took time.Duration) {
	if m == nil {
		return
	}
	perOperation := make(map[operation]int)
	for _, c := range changes {
		if c.group != nil {
			m.groups.WithLabelValues(string(c.operation)).Inc()
			continue
		}
		perOperation[c.operation]++
	}
	for op, n := range perOperation {
		m.ops.WithLabelValues(string(op)).Add(float64(n))
		m.latency.WithLabelValues(string(op)).Observe(float64(took) / float64(time.Millisecond))
	}
}

func (m *Metrics) refused(op operation) {
	if m != nil {
		m.errors.WithLabelValues(string(op)).Inc()
	}
}

func (m *Metrics) fullSync(d Difference) {
	if m == nil {
		return
	}
	m.full.WithLabelValues(string(opAdd)).Set(float64(len(d.Added)))
	m.full.WithLabelValues(string(opModify)).Set(float64(len(d.Modified)))
	m.full.WithLabelValues(string(opDelete)).Set(float64(len(d.Deleted)))
}

// audited notes a comparison of the whole switch.
func (m *Metrics) audited(d Difference, took time.Duration) {
	if m != nil {
		m.foreign.Set(float64(len(d.Foreign)))
		m.audit.Set(took.Seconds())
	}
}

// holds sets the numbers of flows.
func (m *Metrics) holds(total int, perTable map[openflow.TableID]int) {
	if m == nil {
		return
	}
	m.total.Set(float64(total))
	for _, table := range pipeline.Tables() {
		m.perTable.WithLabelValues(strconv.Itoa(int(table)), pipeline.TableName(table)).Set(float64(perTable[table]))
	}
}
