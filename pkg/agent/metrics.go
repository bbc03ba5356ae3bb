package agent

import (
	"errors"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/antrea-mc/antrea-mc/pkg/agent/cniserver"
	"github.com/antrea-mc/antrea-mc/pkg/agent/flows"
)

// registerMetrics registers what is read when it is asked for.
func (a *agent) registerMetrics() error {
	return errors.Join(
		a.registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "antrea_agent_local_pod_count", Help: "Pods that are attached to the bridge.",
		}, func() float64 {
			snapshot, _ := a.store.Snapshot()
			return float64(snapshot.LocalPods())
		})),
		a.registry.Register(flows.NewRefusedCollector(a.syncer)),
	)
}

// observeCNI counts and times the requests of the CNI plugin.
func (a *agent) observeCNI() func(cniserver.Observation) {
	buckets := prometheus.ExponentialBuckets(0.001, 2, 14)
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "antrea_agent_cni_request_duration_seconds", Help: "Time from a request of the CNI plugin to its answer.", Buckets: buckets,
	}, []string{"command", "code"})
	network := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "antrea_agent_cni_network_duration_seconds", Help: "The part of it that the switch took.", Buckets: buckets,
	}, []string{"command"})
	a.registry.MustRegister(duration, network)
	return func(o cniserver.Observation) {
		duration.WithLabelValues(string(o.Command), strconv.Itoa(int(o.Code))).Observe(o.Duration.Seconds())
		if o.Network > 0 {
			network.WithLabelValues(string(o.Command)).Observe(o.Network.Seconds())
		}
	}
}
