package probe

import (
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// metrics tell of gateways only: a ClusterSet has few of them, however many Nodes its clusters have.
type metrics struct {
	up        *prometheus.GaugeVec
	rtt       *prometheus.GaugeVec
	loss      *prometheus.GaugeVec
	path      *prometheus.GaugeVec
	sessions  *prometheus.GaugeVec
	failovers *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		up: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_mc_peer_up", Help: "1 if the gateway answers and wants traffic; what is not known is 0.",
		}, []string{"cluster", "peer"}),
		rtt: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_mc_rtt_seconds", Help: "Average round trip of the last echoes of a gateway; none while it answers none.",
		}, []string{"cluster", "peer"}),
		loss: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_mc_echo_loss_ratio", Help: "Share of the last echo requests that a gateway has not answered.",
		}, []string{"cluster", "peer"}),
		path: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_mc_path_mtu_bytes", Help: "Largest packet between Nodes, headers of the tunnel included, that gets to a gateway in one piece; none as long as it is not known.",
		}, []string{"cluster", "peer"}),
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "antrea_mc_bfd_sessions", Help: "BFD sessions of this Node, by state.",
		}, []string{"state"}),
		failovers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "antrea_mc_failovers_total", Help: "Gateways that were lost, by their cluster; empty is this one.",
		}, []string{"cluster"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "antrea_mc_failover_duration_seconds", Help: "How long a gateway was silent before others took over: what a failover costs at most.",
			Buckets: []float64{0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 3, 5},
		}, []string{"cluster"}),
	}
	registry.MustRegister(m.up, m.rtt, m.loss, m.path, m.sessions, m.failovers, m.durations)
	return m
}

// observe sets what is, and counts what has changed.
func (m *metrics) observe(sessions []Session, changes []Transition, trip func(Peer) roundTrip) {
	m.up.Reset()
	m.rtt.Reset()
	m.loss.Reset()
	states := map[systemv1alpha1.PeerState]int{
		systemv1alpha1.PeerUp: 0, systemv1alpha1.PeerDraining: 0, systemv1alpha1.PeerDown: 0, systemv1alpha1.PeerUnknown: 0,
	}
	for _, s := range sessions {
		states[s.State]++
		if !s.Peer.Gateway {
			continue
		}
		up := 0.0
		if s.State == systemv1alpha1.PeerUp {
			up = 1
		}
		m.up.WithLabelValues(s.Peer.Cluster, s.Peer.Name).Set(up)
		r := trip(s.Peer)
		if !r.last.IsZero() {
			m.rtt.WithLabelValues(s.Peer.Cluster, s.Peer.Name).Set(r.average.Seconds())
		}
		if r.requests > 0 {
			m.loss.WithLabelValues(s.Peer.Cluster, s.Peer.Name).Set(float64(r.lost) / float64(r.requests))
		}
	}
	for state, n := range states {
		m.sessions.WithLabelValues(string(state)).Set(float64(n))
	}
	for _, t := range changes {
		if !t.Peer.Gateway || t.Silence == 0 {
			continue
		}
		m.failovers.WithLabelValues(t.Peer.Cluster).Inc()
		m.durations.WithLabelValues(t.Peer.Cluster).Observe(t.Silence.Seconds())
	}
}

func (m *metrics) observePaths(peers []Peer, found func(netip.Addr) int) {
	m.path.Reset()
	for _, p := range peers {
		if mtu := found(p.Address); mtu != 0 {
			m.path.WithLabelValues(p.Cluster, p.Name).Set(float64(mtu))
		}
	}
}
