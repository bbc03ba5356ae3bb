package openflow_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// readFlows reads a file of flows, one a line.
func readFlows(t testing.TB, name string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestRealCanonical adds every flow to ovs-vswitchd and wants its dump to be the same value, and ovs-ofctl's dump to be the
// same text.
func TestRealCanonical(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	for _, group := range []string{"7", "8", "9"} {
		s.Ofctl("-O OpenFlow15 add-group", "br-int", "group_id="+group+",type=select,bucket=actions=output:1")
	}
	c, err := ofconn.Dial(t.Context(), s.OpenFlow("br-int"), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := make(map[openflow.FlowKey]openflow.Flow)
	source := make(map[openflow.FlowKey]string)
	for _, file := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range readFlows(t, file) {
			f, err := openflow.ParseFlow(line)
			if err != nil {
				t.Error(err)
				continue
			}
			f.Priority = uint16(len(want) + 1)
			add := openflow.FlowMod{Flow: f}
			if err := c.Bundle(t.Context(), slices.Values([]openflow.Mod{add})); err != nil {
				t.Error(err)
				continue
			}
			want[f.Key()], source[f.Key()] = f, line
		}
	}
	dumped := strings.Split(s.Ofctl("dump-flows", "br-int"), "\n")
	for got, err := range c.DumpFlows(t.Context(), openflow.AllFlows) {
		if err != nil {
			t.Fatal(err)
		}
		f, ok := want[got.Key()]
		if !ok {
			t.Errorf("switch has a flow that was not added: %s\n match %x", got, got.Match.Key())
			continue
		}
		delete(want, got.Key())
		if got.Flow != f {
			t.Errorf("%s\nadded  %s\ndumped %s", source[f.Key()], f, got.Flow)
			a, _ := openflow.FlowMod{Flow: f}.AppendBinary(nil)
			b, _ := openflow.FlowMod{Flow: got.Flow}.AppendBinary(nil)
			t.Logf("\nadded  %x\ndumped %x", a[40:], b[40:])
		}
		wantText := "priority=" + strings.SplitN(f.String(), "priority=", 2)[1]
		if !slices.ContainsFunc(dumped, func(line string) bool { return strings.HasSuffix(line, wantText) }) {
			i := slices.IndexFunc(dumped, func(line string) bool { return strings.Contains(line, wantText[:strings.IndexAny(wantText, ", ")+1]) })
			theirs := "nothing"
			if i >= 0 {
				theirs = dumped[i]
			}
			t.Errorf("our text      %s\novs-ofctl has %s", wantText, theirs)
		}
		again, err := openflow.ParseFlow(f.String())
		if err != nil || again.String() != f.String() || again.Match != f.Match {
			t.Errorf("%s parses as %s: %v", f, again, err)
		}
	}
	for _, f := range want {
		t.Errorf("switch did not give back %s", f)
	}
}

// TestRealOfctl has ovs-ofctl add the flows from our text and from their authors', and wants the switch to hold the same.
func TestRealOfctl(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	var texts [2][]string
	for _, file := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range readFlows(t, file) {
			f, err := openflow.ParseFlow(line)
			if err != nil {
				t.Fatal(err)
			}
			texts[0], texts[1] = append(texts[0], line), append(texts[1], f.String())
		}
	}
	var dumps [2]string
	for i, bridge := range []string{"br-theirs", "br-ours"} {
		s.AddBridge(bridge)
		for _, group := range []string{"7", "8", "9"} {
			s.Ofctl("-O OpenFlow15 add-group", bridge, "group_id="+group+",type=select,bucket=actions=output:1")
		}
		path := filepath.Join(t.TempDir(), bridge)
		if err := os.WriteFile(path, []byte(strings.Join(texts[i], "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Ofctl("-O OpenFlow15 --bundle add-flows", bridge, path)
		c, err := ofconn.Dial(t.Context(), s.OpenFlow(bridge), ofconn.Config{})
		if err != nil {
			t.Fatal(err)
		}
		var flows []openflow.Flow
		for got, err := range c.DumpFlows(t.Context(), openflow.AllFlows) {
			if err != nil {
				t.Fatal(err)
			}
			flows = append(flows, got.Flow)
		}
		c.Close()
		dumps[i] = openflow.FormatFlows(flows)
	}
	if dumps[0] != dumps[1] {
		theirs, ours := strings.Split(dumps[0], "\n"), strings.Split(dumps[1], "\n")
		t.Errorf("from the authors' text\n%s\nfrom ours\n%s", strings.Join(without(theirs, ours), "\n"), strings.Join(without(ours, theirs), "\n"))
	}
}

// without is the lines that are not among others.
func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) })
}
