package flows

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// manyPods is a Node with so many Pods that it has about that many flows.
func manyPods(flows int) pipeline.State {
	s := node1()
	s.Node.PodCIDRs = prefixes("10.0.0.0/9")
	s.Node.ClusterPodCIDRs = s.Node.PodCIDRs
	perPod := 0
	for i := 0; ; i++ {
		name := fmt.Sprintf("pod-%06d", i)
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		s.Pods[name] = pipeline.Pod{Port: openflow.Port(3 + i), MAC: openflow.MAC{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}, IPs: []netip.Addr{ip}}
		if perPod == 0 {
			perPod = len(pipeline.CompileOwner(s, pipeline.Owner{Kind: pipeline.KindPod, Name: name}).Flows)
		}
		if len(s.Pods)*perPod >= flows {
			return s
		}
	}
}

// BenchmarkRealRestart prints, for a switch that has all its flows: the time from the start of a syncer until it is in sync, the
// flows that it sent, the time of an audit, and the memory that the syncer takes a flow.
func BenchmarkRealRestart(b *testing.B) {
	for _, flows := range []int{1_000, 15_000, 60_000} {
		b.Run(fmt.Sprint(flows), func(b *testing.B) {
			sw := ovstest.Start(b, ovstest.Config{})
			sw.AddBridge("br-int")
			var first, again, audit time.Duration
			var sent float64
			var perFlow uint64
			for b.Loop() {
				first = inSync(b, sw, manyPods(flows), nil)
				before := heap()
				again = inSync(b, sw, manyPods(flows), func(s *Syncer, m *Metrics) {
					perFlow = (heap() - before) / uint64(s.Count())
					for _, op := range []operation{opAdd, opModify, opDelete} {
						sent += testutil.ToFloat64(m.ops.WithLabelValues(string(op)))
					}
					start := time.Now()
					if d, err := s.Audit(b.Context(), true); err != nil || d.Len() > 0 {
						b.Fatalf("audit: %s, %v", d, err)
					}
					audit = time.Since(start)
				})
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(first.Milliseconds()), "ms-empty-switch")
			b.ReportMetric(float64(again.Milliseconds()), "ms-restart")
			b.ReportMetric(sent, "flows-sent-on-restart")
			b.ReportMetric(float64(audit.Milliseconds()), "ms-audit")
			b.ReportMetric(float64(perFlow), "B/flow")
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// inSync starts a syncer and returns how long it took until it was in sync; then may look at it.
func inSync(b *testing.B, sw *ovstest.Switch, s pipeline.State, then func(*Syncer, *Metrics)) time.Duration {
	metrics := NewMetrics(prometheus.NewRegistry())
	start := time.Now()
	syncer := New(Config{Address: sw.OpenFlow("br-int"), Store: state.New(s), Metrics: metrics})
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- syncer.Run(ctx) }()
	if err := syncer.Flush(b.Context(), 1, pipeline.Owner{}); err != nil {
		b.Fatal(err)
	}
	took := time.Since(start)
	if then != nil {
		then(syncer, metrics)
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	return took
}
