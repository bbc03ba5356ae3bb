package pipeline

import (
	"slices"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// load replaces the flows of br-int, and checks that the switch dumps them as they were sent.
func load(t *testing.T, sw *ovstest.Switch, flows []openflow.Flow) {
	t.Helper()
	conn, err := ofconn.Dial(t.Context(), sw.OpenFlow("br-int"), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	mods := []openflow.Mod{openflow.FlowMod{Command: openflow.Delete, Flow: openflow.Flow{Table: openflow.TableAll}}}
	for _, f := range flows {
		mods = append(mods, openflow.FlowMod{Flow: f})
	}
	if err := conn.Bundle(t.Context(), slices.Values(mods)); err != nil {
		t.Fatal(err)
	}
	have := map[openflow.FlowKey]openflow.Flow{}
	for f, err := range conn.DumpFlows(t.Context(), openflow.FlowQuery{Table: openflow.TableAll}) {
		if err != nil {
			t.Fatal(err)
		}
		have[f.Key()] = f.Flow
	}
	for _, f := range flows {
		if got, ok := have[f.Key()]; !ok || got != f {
			t.Errorf("the switch dumps another flow (-sent +dumped):\n-%s\n+%s", f, got)
		}
	}
	if len(have) != len(flows) {
		t.Errorf("the switch has %d flows, %d were sent", len(have), len(flows))
	}
}
