package flows

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// run starts a syncer and returns it with its metrics and the function that ends it.
func run(t *testing.T, sw *ovstest.Switch, store *state.Store, bundle int) (*Syncer, *Metrics, func()) {
	t.Helper()
	metrics := NewMetrics(prometheus.NewRegistry())
	s, stop := runConfig(t, Config{Address: sw.OpenFlow("br-int"), Store: store, BundleSize: bundle, Metrics: metrics})
	return s, metrics, stop
}

func runConfig(t *testing.T, cfg Config) (*Syncer, func()) {
	t.Helper()
	s := New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	stop := func() { cancel(); <-ended }
	t.Cleanup(stop)
	return s, stop
}

func flush(t *testing.T, s *Syncer, v state.Version, o pipeline.Owner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if err := s.Flush(ctx, v, o); err != nil {
		t.Fatal(err)
	}
}

func version(s *state.Store) state.Version {
	_, v := s.Snapshot()
	return v
}

var nobody = pipeline.Owner{}

func TestRealSync(t *testing.T) {
	for name, bundle := range map[string]int{"one bundle": 0, "bundles of 7": 7} {
		t.Run(name, func(t *testing.T) {
			sw := ovstest.Start(t, ovstest.Config{})
			sw.AddBridge("br-int")
			sw.Ofctl("add-flow", "br-int", "table=3,priority=5,ip,actions=drop") // somebody else's
			store := state.New(node1(), "nodes")
			metrics, repaired := NewMetrics(prometheus.NewRegistry()), make(chan Difference, 9)
			s, stop := runConfig(t, Config{
				Address: sw.OpenFlow("br-int"), Store: store, BundleSize: bundle, Metrics: metrics, Repaired: func(d Difference) { repaired <- d },
			})

			// Nothing happens before the sources have synced.
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := s.Flush(ctx, 1, nobody); err == nil || !strings.Contains(err.Error(), "waiting for [nodes]") {
				t.Fatalf("flushed before the sources have synced: %v", err)
			}
			if n := strings.Count(sw.Ofctl("-O OpenFlow15 dump-flows", "br-int"), "actions="); n != 1 {
				t.Fatalf("%d flows before the sources have synced", n)
			}
			store.SourceSynced("nodes")
			flush(t, s, version(store), nobody)
			all, err := pipeline.Compile(node1())
			if err != nil {
				t.Fatal(err)
			}
			want := len(pipeline.Flows(all))
			if n := strings.Count(sw.Ofctl("-O OpenFlow15 dump-flows", "br-int"), "actions="); n != want+1 {
				t.Errorf("%d flows in the switch, want %d and the foreign one", n, want)
			}

			// A Pod comes and goes; only its flows are sent.
			before := testutil.ToFloat64(metrics.ops.WithLabelValues("add"))
			owner := pipeline.Owner{Kind: pipeline.KindPod, Name: "db-000002"}
			flush(t, s, store.Update(func(st *pipeline.State) {
				st.Pods[owner.Name] = pipeline.Pod{Port: 9, MAC: podMAC, IPs: []netip.Addr{netip.MustParseAddr("10.244.1.9")}}
			}), owner)
			snapshot, _ := store.Snapshot()
			flows := len(pipeline.CompileOwner(snapshot, owner).Flows)
			if sent := testutil.ToFloat64(metrics.ops.WithLabelValues("add")) - before; int(sent) != flows {
				t.Errorf("%v flows sent for a Pod that has %d", sent, flows)
			}
			if !strings.Contains(sw.Ofctl("dump-flows", "br-int"), "10.244.1.9") {
				t.Error("the Pod has no flows")
			}
			flush(t, s, store.Update(func(st *pipeline.State) { delete(st.Pods, owner.Name) }), owner)
			if strings.Contains(sw.Ofctl("dump-flows", "br-int"), "10.244.1.9") {
				t.Error("flows of a Pod that is gone")
			}

			// Drift is found, repaired and counted.
			sw.Ofctl("-O OpenFlow15 del-flows", "br-int", "table=16,ip,nw_dst=10.244.1.2")
			sw.Ofctl("-O OpenFlow15 mod-flows", "br-int", "table=16,ip,nw_dst=10.244.16.0/20,actions=drop")
			sw.Ofctl("-O OpenFlow15 add-flow", "br-int", "cookie=0x616d000000000000,table=16,priority=999,ip,actions=drop")
			kinds := map[systemv1alpha1.DriftKind]int{
				systemv1alpha1.DriftMissing: 1, systemv1alpha1.DriftChanged: 1, systemv1alpha1.DriftUnwanted: 1, systemv1alpha1.DriftForeign: 1,
			}
			for _, repair := range []bool{false, false, true} { // to compare changes nothing
				drift, err := s.Audit(t.Context(), repair)
				got := map[systemv1alpha1.DriftKind]int{}
				for _, d := range drift.Drifts() {
					got[d.Kind]++
				}
				if err != nil || !maps.Equal(got, kinds) {
					t.Errorf("audit: %v, %v, want %v", got, err, kinds)
				}
				for _, d := range drift.Drifts() {
					if d.Kind == systemv1alpha1.DriftChanged && (!strings.HasSuffix(d.Have, "actions=drop") || strings.HasSuffix(d.Want, "actions=drop")) {
						t.Errorf("changed flow: %+v", d)
					}
				}
			}
			if drift, err := s.Audit(t.Context(), true); err != nil || drift.Len() != 0 || len(drift.Foreign) != 1 {
				t.Errorf("second audit: %s, %v", drift, err)
			}
			if n := len(repaired); n != 1 {
				t.Errorf("told %d times of what was repaired", n)
			} else if d := <-repaired; d.Len() != 3 {
				t.Errorf("told of %s", d)
			}

			// So are meters.
			for _, args := range [][]string{{"del-meter", "meter=controller"}, {"mod-meter", "meter=controller,pktps,burst,bands=type=drop,rate=9,burst_size=20"}} {
				sw.Ofctl("-O OpenFlow15 "+args[0], "br-int", args[1])
				for _, repair := range []bool{false, true} {
					if drift, err := s.Audit(t.Context(), repair); err != nil || len(drift.Meters) != 1 || drift.Len() != 1 || !strings.Contains(drift.Meters[0].Want, "rate=20") {
						t.Errorf("after %s: %+v, %v", args, drift.Meters, err)
					}
				}
				if drift, err := s.Audit(t.Context(), true); err != nil || drift.Len() != 0 {
					t.Errorf("repaired after %s: %+v, %v", args, drift.Meters, err)
				}
			}

			// The agent starts again while the switch runs on: nothing is sent.
			stop()
			s, metrics, stop = run(t, sw, state.New(node1()), bundle)
			flush(t, s, 1, nobody)
			for _, operation := range []string{"add", "modify", "delete"} {
				if n := testutil.ToFloat64(metrics.ops.WithLabelValues(operation)); n != 0 {
					t.Errorf("a restarted agent sent %v flows to %s", n, operation)
				}
			}
			stop()

			// What changed meanwhile is made up for, deletions included.
			s, metrics, _ = run(t, sw, state.New(changed(node1(), func(st *pipeline.State) { delete(st.Clusters, "east") })), bundle)
			flush(t, s, 1, nobody)
			if n := testutil.ToFloat64(metrics.full.WithLabelValues("delete")); n == 0 {
				t.Error("nothing deleted for a cluster that left")
			}
			if dump := sw.Ofctl("dump-flows", "br-int"); strings.Contains(dump, "10.244.32.0/20") || !strings.Contains(dump, "table=3,") {
				t.Error("flows of a cluster that left, or foreign flow gone")
			}
		})
	}
}

// TestRealForeignFlows: flows of others are removed if the configuration says so, by an audit that nobody asked for.
func TestRealForeignFlows(t *testing.T) {
	sw := ovstest.Start(t, ovstest.Config{})
	sw.AddBridge("br-int")
	repaired := make(chan Difference, 1)
	s := New(Config{Address: sw.OpenFlow("br-int"), Store: state.New(node1()), RemoveForeign: true, AuditInterval: 20 * time.Millisecond,
		Repaired: func(d Difference) { repaired <- d }})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	flush(t, s, 1, nobody)
	sw.Ofctl("add-flow", "br-int", "table=3,priority=5,ip,actions=drop")
	select {
	case d := <-repaired:
		if len(d.Deleted) != 1 || d.Len() != 1 {
			t.Errorf("repaired: %s", d)
		}
	case <-time.After(time.Minute):
		t.Error("the foreign flow was not found")
	}
	if strings.Contains(sw.Ofctl("dump-flows", "br-int"), "table=3,") {
		t.Error("the foreign flow is there")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A switch that starts again, empty, gets all its flows.
func TestRealSwitchRestart(t *testing.T) {
	sw := ovstest.Start(t, ovstest.Config{})
	sw.AddBridge("br-int")
	store := state.New(node1())
	s, _, _ := run(t, sw, store, 0)
	flush(t, s, 1, nobody)
	before := strings.Count(sw.Ofctl("dump-flows", "br-int"), "actions=")
	for _, kill := range []bool{true, false} {
		sw.StopVswitchd(kill)
		for s.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		sw.StartVswitchd()
		flush(t, s, 1, nobody)
		if after := strings.Count(sw.Ofctl("dump-flows", "br-int"), "actions="); after != before {
			t.Errorf("%d flows, had %d", after, before)
		}
	}
}

// Groups are synced as flows are: in place, and not at all when nothing has changed.
func TestRealGroups(t *testing.T) {
	sw := ovstest.Start(t, ovstest.Config{})
	sw.AddBridge("br-int")
	sw.Ofctl("-O OpenFlow15 add-group", "br-int", "group_id=7,type=all") // somebody else's
	two := func(st *pipeline.State) {
		st.Gateways = append(slices.Clone(st.Gateways), pipeline.Gateway{Name: "master", InternalIP: netip.MustParseAddr("192.168.150.101")})
	}
	groups := func() int { return strings.Count(sw.Ofctl("-O OpenFlow15 dump-groups", "br-int"), "group_id=") }
	store := state.New(node1())
	s, _, stop := run(t, sw, store, 7)
	flush(t, s, version(store), nobody)
	if n := groups(); n != 1 {
		t.Errorf("%d groups for one gateway", n)
	}
	flush(t, s, store.Update(two), nobody)
	if n := groups(); n != 4 {
		t.Errorf("%d groups for two gateways", n)
	}
	sw.Ofctl("-O OpenFlow15 del-groups", "br-int", "group_id="+strconv.Itoa(int(pipeline.Groups(compiled(t, store))[2].ID)))
	drift, err := s.Audit(t.Context(), true)
	if err != nil || len(drift.GroupsSet) != 1 || len(drift.Added) != 1 {
		t.Errorf("a group was deleted, and its flow with it; audit: %s, %v", drift, err)
	}
	stop()

	s, metrics, stop := run(t, sw, state.New(changed(node1(), two)), 7)
	flush(t, s, 1, nobody)
	if drift, err := s.Audit(t.Context(), true); err != nil || drift.Len() != 0 {
		t.Errorf("after a restart: %s, %v", drift, err)
	}
	if n := testutil.ToFloat64(metrics.groups.WithLabelValues("modify")) + testutil.ToFloat64(metrics.groups.WithLabelValues("delete")); n != 0 {
		t.Errorf("a restarted agent changed %v groups", n)
	}
	stop()

	start := time.Now()
	s, _, _ = run(t, sw, state.New(node1()), 7)
	flush(t, s, 1, nobody)
	if took := time.Since(start); took < linger {
		t.Errorf("groups went with their flows, after %s", took)
	}
	if n := groups(); n != 1 {
		t.Errorf("%d groups for one gateway again, or somebody else's is gone", n)
	}
}

func compiled(t *testing.T, store *state.Store) []pipeline.Owned {
	t.Helper()
	snapshot, _ := store.Snapshot()
	all, err := pipeline.Compile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
