package openflow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// realSwitch is a switch with a bridge that has what the examples name: tunnel options, a meter and a group.
func realSwitch(t *testing.T, bridges ...string) *ovstest.Switch {
	s := ovstest.Start(t, ovstest.Config{})
	for _, bridge := range bridges {
		s.AddBridge(bridge)
		mapOptions(s, bridge)
		s.Ofctl("-O OpenFlow15 add-meter", bridge, "meter=5,kbps,band=type=drop,rate=1000")
		s.Ofctl("-O OpenFlow15 add-group", bridge, "group_id=7,type=all,bucket=actions=output:1")
	}
	return s
}

func dial(t *testing.T, s *ovstest.Switch, bridge string) *ofconn.Conn {
	t.Helper()
	c, err := ofconn.Dial(t.Context(), s.OpenFlow(bridge), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// dumpAll is every flow of a switch by its priority.
func dumpAll(t *testing.T, c *ofconn.Conn) map[uint16]openflow.Flow {
	flows := make(map[uint16]openflow.Flow)
	for got, err := range c.DumpFlows(t.Context(), openflow.AllFlows) {
		if err != nil {
			t.Fatal(err)
		}
		flows[got.Priority] = got.Flow
	}
	return flows
}

// dumpText is what ovs-ofctl prints of every flow, from its match on, by its priority.
func dumpText(s *ovstest.Switch, version, bridge string) map[string]string {
	lines := make(map[string]string)
	for line := range strings.Lines(s.Ofctl("--no-names -O "+version+" dump-flows", bridge)) {
		if _, text, ok := strings.Cut(strings.TrimSpace(line), "priority="); ok {
			priority := text[:strings.IndexAny(text, ", ")]
			lines[priority] = text
		}
	}
	return lines
}

// TestRealActions gives an example of every action and instruction to ovs-vswitchd. It is to take it for what we say it is:
// the same bytes, or those of the flow that is named beside the example, and the same text in both spellings. What it does
// not know it is to refuse with the error that the table has.
func TestRealActions(t *testing.T) {
	s := realSwitch(t, "br-ours", "br-theirs")
	c := dial(t, s, "br-ours")
	want := make(map[uint16]openflow.Flow)
	samples := make(map[uint16]openflow.ActionSample)
	for i, sample := range openflow.ActionSamples() {
		f, err := openflow.TunnelOf4.ParseFlow(sample.Flow)
		if err != nil {
			t.Fatal(err)
		}
		f.Priority = uint16(i + 1)
		err = c.Bundle(t.Context(), slices.Values([]openflow.Mod{openflow.FlowMod{Flow: f}}))
		if sample.Refused != "" {
			if err == nil || !strings.Contains(err.Error(), sample.Refused) {
				t.Errorf("%s: %v, want %s", sample.Flow, err, sample.Refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", sample.Flow, err)
			continue
		}
		if sample.Dumped != "" {
			if f.Actions, err = openflow.ParseActions(strings.TrimPrefix(sample.Dumped, "actions=")); err != nil {
				t.Fatal(err)
			}
		}
		want[f.Priority], samples[f.Priority] = f, sample
	}
	same(t, want, dumpAll(t, c))
	oxm := *openflow.TunnelOf4
	oxm.OpenFlow15 = true
	lines15 := dumpText(s, "OpenFlow15", "br-ours")
	for priority, f := range want {
		if samples[priority].In10 == "-" { // ovs-ofctl stops reading where it comes to one
			remove := openflow.FlowMod{Command: openflow.DeleteStrict, Flow: f}
			if err := c.Bundle(t.Context(), slices.Values([]openflow.Mod{remove})); err != nil {
				t.Fatal(err)
			}
		}
	}
	lines10 := dumpText(s, "OpenFlow10", "br-ours")
	var ours []string
	read := make(map[uint16]openflow.Flow)
	for priority, f := range want {
		key := fmt.Sprint(priority)
		_, text, _ := strings.Cut(string(oxm.AppendFlow(nil, f)), "priority=")
		if text != lines15[key] {
			t.Errorf("OpenFlow 1.5\nours   %s\ntheirs %s", text, lines15[key])
		}
		again, err := oxm.ParseFlow("priority=" + text)
		if err != nil {
			t.Error(err)
		}
		ours, read[priority] = append(ours, "priority="+text), again
		in10 := samples[priority].In10
		_, text, _ = strings.Cut(string(openflow.TunnelOf4.AppendFlow(nil, f)), "priority=")
		if i := strings.Index(text, "actions="); in10 != "" {
			text = text[:i] + "actions=" + in10
		}
		if in10 != "-" && text != lines10[key] {
			t.Errorf("OpenFlow 1.0\nours   %s\ntheirs %s", text, lines10[key])
		}
	}
	slices.Sort(ours)
	path := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(path, []byte(strings.Join(ours, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Ofctl("-O OpenFlow15 --bundle add-flows", "br-theirs", path)
	same(t, read, dumpAll(t, dial(t, s, "br-theirs")))
}

// same compares flows by priority.
func same(t *testing.T, want, got map[uint16]openflow.Flow) {
	t.Helper()
	for priority, f := range want {
		g, ok := got[priority]
		switch {
		case !ok:
			t.Errorf("the switch has not %s", f)
		case g != f:
			t.Errorf("added  %s\ndumped %s", f, g)
			a, _ := openflow.FlowMod{Flow: f}.AppendBinary(nil)
			b, _ := openflow.FlowMod{Flow: g}.AppendBinary(nil)
			t.Logf("\nadded  %x\ndumped %x", a[40:], b[40:])
		}
	}
	if len(got) > len(want) {
		t.Errorf("the switch has %d flows, not %d", len(got), len(want))
	}
}
