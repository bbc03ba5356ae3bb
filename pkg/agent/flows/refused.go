package flows

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// collectTimeout bounds the question to the switch while metrics are gathered.
const collectTimeout = 2 * time.Second

// RefusedCollector tells how many packets the flows have counted that drop what should not be there: from unknown senders, with
// forged sources, and so on. The switch has the numbers; they start again at 0 when its flows do.
type RefusedCollector struct {
	syncer *Syncer
	desc   *prometheus.Desc
}

// NewRefusedCollector is a collector for the switch of a syncer.
func NewRefusedCollector(s *Syncer) *RefusedCollector {
	return &RefusedCollector{s, prometheus.NewDesc("antrea_agent_dropped_packets_total", "Packets that were dropped because nobody may send them.",
		[]string{"reason"}, nil)}
}

// Describe implements [prometheus.Collector].
func (c *RefusedCollector) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

// Collect implements [prometheus.Collector]. It collects nothing while there is no connection.
func (c *RefusedCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	packets, err := c.syncer.Refused(ctx)
	if err != nil {
		return
	}
	for feature, n := range packets {
		metrics <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(n), feature.String())
	}
}

// Refused is how many packets the switch has dropped because nobody may send them, by reason.
func (s *Syncer) Refused(ctx context.Context) (map[pipeline.Feature]uint64, error) {
	conn, err := s.Conn()
	if err != nil {
		return nil, err
	}
	packets := make(map[pipeline.Feature]uint64)
	query := openflow.FlowQuery{
		Table: openflow.TableAll, Cookie: pipeline.CookieMagic | pipeline.CookieRefuses, CookieMask: pipeline.CookieMagicMask | pipeline.CookieRefuses,
	}
	for f, err := range conn.DumpFlows(ctx, query) {
		if err != nil {
			return nil, err
		}
		if feature, ok := pipeline.CookieFeature(f.Cookie); ok {
			packets[feature] += f.Packets
		}
	}
	return packets, nil
}
