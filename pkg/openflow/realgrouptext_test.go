package openflow_test

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// TestRealGroupText makes changes of groups on three bridges: as we read them, as ovs-ofctl reads them, and as ovs-ofctl reads
// what we print of them. All are to have the same groups, which we print as ovs-ofctl does.
func TestRealGroupText(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	var mods []openflow.Message
	var theirs, ours strings.Builder
	for _, text := range openflow.GroupTexts {
		m, err := openflow.ParseGroupMod(text)
		if err != nil {
			t.Fatal(err)
		}
		mods = append(mods, m)
		theirs.WriteString(text + "\n")
		ours.WriteString(strings.TrimPrefix(m.String(), "group ") + "\n")
	}
	var groups [3][]openflow.Group
	for i, bridge := range []string{"br-parsed", "br-theirs", "br-ours"} {
		s.AddBridge(bridge)
		c := dial(t, s, bridge)
		if i == 0 {
			if err := c.Send(t.Context(), mods...); err != nil {
				t.Fatal(err)
			}
		} else {
			path := filepath.Join(t.TempDir(), bridge)
			if err := os.WriteFile(path, []byte([]string{theirs.String(), ours.String()}[i-1]), 0o600); err != nil {
				t.Fatal(err)
			}
			s.Ofctl("-O OpenFlow15 --bundle add-groups", bridge, path)
		}
		var err error
		if groups[i], err = ofconn.Collect(c.DumpGroups(t.Context())); err != nil || len(groups[i]) != len(groups[0]) || len(groups[0]) < 8 {
			t.Fatalf("%s has %d groups: %v", bridge, len(groups[i]), err)
		}
		slices.SortFunc(groups[i], func(a, b openflow.Group) int { return cmp.Compare(a.ID, b.ID) }) // the switch has no order
		for j, g := range groups[i] {
			if !g.Equal(groups[0][j]) {
				t.Errorf("%s has\n%s\n%s has\n%s", bridge, g, "br-parsed", groups[0][j])
			}
		}
	}
	x := openflow.Syntax{OpenFlow15: true}
	dumped := s.Ofctl("-O OpenFlow15 dump-groups", "br-parsed")
	for _, g := range groups[0] {
		if text := string(x.AppendGroup(nil, g)); !strings.Contains(dumped, " "+text+"\n") {
			t.Errorf("ours %s\ntheirs\n%s", text, dumped)
		}
		again, err := x.ParseGroup(string(x.AppendGroup(nil, g)))
		if err != nil || !again.Equal(g) {
			t.Errorf("%s parses as %s: %v", g, again, err)
		}
	}
}
