package pipeline

import (
	"slices"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// load replaces what br-int holds, and checks that the switch dumps it as it was sent.
func load(t *testing.T, sw *ovstest.Switch, all []Owned) {
	t.Helper()
	conn, err := ofconn.Dial(t.Context(), sw.OpenFlow("br-int"), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	flows, groups := Flows(all), Groups(all)
	mods := []openflow.Mod{
		openflow.FlowMod{Command: openflow.Delete, Flow: openflow.Flow{Table: openflow.TableAll}},
		openflow.GroupMod{Command: openflow.GroupDelete, Group: openflow.Group{ID: openflow.GroupEvery}},
	}
	for _, g := range groups {
		mods = append(mods, openflow.GroupMod{Command: openflow.GroupAddOrModify, Group: g})
	}
	for _, f := range flows {
		mods = append(mods, openflow.FlowMod{Flow: f})
	}
	if err := conn.Bundle(t.Context(), slices.Values(mods)); err != nil {
		t.Fatal(err)
	}
	haveGroups, err := ofconn.Collect(conn.DumpGroups(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		i := slices.IndexFunc(haveGroups, func(h openflow.Group) bool { return h.ID == g.ID })
		if i < 0 || !haveGroups[i].Equal(g) {
			t.Errorf("the switch dumps another group than\n%s\nof\n%v", g, haveGroups)
		}
	}
	if len(haveGroups) != len(groups) {
		t.Errorf("the switch has %d groups, %d were sent", len(haveGroups), len(groups))
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

// apply changes what one owner has in br-int.
func apply(t *testing.T, sw *ovstest.Switch, before, after Owned) {
	t.Helper()
	conn, err := ofconn.Dial(t.Context(), sw.OpenFlow("br-int"), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var mods []openflow.Mod
	for _, g := range after.Groups {
		mods = append(mods, openflow.GroupMod{Command: openflow.GroupAddOrModify, Group: g})
	}
	stays := make(map[openflow.FlowKey]bool)
	for _, f := range after.Flows {
		stays[f.Key()] = true
		mods = append(mods, openflow.FlowMod{Flow: f})
	}
	for _, f := range before.Flows {
		if !stays[f.Key()] && f.Table != TableConntrackCommit { // which others may have too
			mods = append(mods, openflow.FlowMod{Command: openflow.DeleteStrict, Flow: f})
		}
	}
	if err := conn.Bundle(t.Context(), slices.Values(mods)); err != nil {
		t.Fatal(err)
	}
}
