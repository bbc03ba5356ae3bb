package member

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// metrics are what the member controller counts. Labels are words of this package, never names.
type metrics struct {
	gateways       *prometheus.GaugeVec
	gatewayChanges *prometheus.CounterVec
	connected      prometheus.Gauge
	others         prometheus.Gauge
}

func newMetrics() *metrics {
	return &metrics{
		gateways: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_mc_gateways", Help: "Gateways of this cluster in the record for the others, by state: carrying or draining.",
		}, []string{"state"}),
		gatewayChanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_mc_gateway_changes_total", Help: "Changes of the gateways of this cluster: GatewayAdded, GatewayDraining, GatewayDrained.",
		}, []string{"change"}),
		connected: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "antrea_mc_leader_up", Help: "1 if the leader answered the last time that this cluster spoke to it.",
		}),
		others: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "antrea_mc_remote_clusters", Help: "Other clusters of the ClusterSet whose addresses are known.",
		}),
	}
}

// registered are the metrics that the controller serves.
var registered = sync.OnceValue(func() *metrics {
	m := newMetrics()
	ctrlmetrics.Registry.MustRegister(m.gateways, m.gatewayChanges, m.connected, m.others)
	return m
})

func (m *metrics) setGateways(all map[string]*v1alpha1.Gateway) {
	draining := 0
	for _, g := range all {
		if g.DrainingSince != nil {
			draining++
		}
	}
	m.gateways.WithLabelValues("carrying").Set(float64(len(all) - draining))
	m.gateways.WithLabelValues("draining").Set(float64(draining))
}

func (m *metrics) setMembership(st *state) {
	connected := 0.0
	if st.connection == nil {
		connected = 1
	}
	m.connected.Set(connected)
	if st.imported {
		m.others.Set(float64(st.imports))
	}
}
