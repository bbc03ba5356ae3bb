// Package flowstest measures how long it takes from the API's word of something until a real switch has what follows from it.
//
// Start at [Start].
package flowstest

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/antrea-mc/antrea-mc/pkg/agent/flows"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Measured is a switch with the flows of one source.
type Measured struct {
	b      *testing.B
	store  *state.Store
	syncer *flows.Syncer
	first  time.Duration // until the empty switch had all
	memory uint64        // bytes of the heap that came with it
	count  int           // of its flows
	stop   func()
	times  map[string][]time.Duration
}

// Start gives the bridge br-int of a switch, which has no flows yet, those of the state and of the source that is to run. What
// source makes is counted as well.
func Start(b *testing.B, sw *ovstest.Switch, s pipeline.State, name string, source func(*state.Store) func(context.Context) error) *Measured {
	b.Helper()
	before, start := heap(), time.Now()
	store := state.New(s, name)
	m := &Measured{
		b: b, store: store, times: make(map[string][]time.Duration),
		syncer: flows.New(flows.Config{Address: sw.OpenFlow("br-int"), Store: store, BundleSize: 1000, Metrics: flows.NewMetrics(prometheus.NewRegistry())}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	m.stop = func() { cancel(); wait.Wait() }
	b.Cleanup(m.stop)
	for _, run := range []func(context.Context) error{source(store), m.syncer.Run} {
		wait.Go(func() {
			if err := run(ctx); err != nil {
				b.Error(err)
			}
		})
	}
	<-store.Synced()
	_, version := store.Snapshot()
	m.inSwitch(version)
	m.first, m.memory, m.count = time.Since(start), heap()-before, m.syncer.Count()
	return m
}

func (m *Measured) inSwitch(version state.Version) {
	m.b.Helper()
	if err := m.syncer.Flush(m.b.Context(), version, pipeline.Owner{}); err != nil {
		m.b.Fatal(err)
	}
}

// Change measures one change, of a kind, until the switch has what follows from it. Something has to.
func (m *Measured) Change(kind string, change func() error) {
	m.b.Helper()
	changes, stop := m.store.Watch()
	defer stop()
	_, version := m.store.Snapshot()
	start := time.Now()
	if err := change(); err != nil {
		m.b.Fatal(err)
	}
	for {
		if _, now := m.store.Snapshot(); now > version {
			m.inSwitch(now)
			m.times[kind] = append(m.times[kind], time.Since(start))
			return
		}
		<-changes
	}
}

// Report ends the source and reports what was measured: s-empty-switch, flows and MB of the start, and p50 and p99 in milliseconds of each kind of change.
func (m *Measured) Report() {
	m.stop()
	m.b.ReportMetric(0, "ns/op")
	m.b.ReportMetric(m.first.Seconds(), "s-empty-switch")
	m.b.ReportMetric(float64(m.count), "flows")
	m.b.ReportMetric(float64(m.memory)/1e6, "MB")
	for kind, all := range m.times {
		slices.Sort(all)
		m.b.ReportMetric(float64(all[len(all)/2].Microseconds())/1e3, "ms-"+kind+"-p50")
		m.b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1e3, "ms-"+kind+"-p99")
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
