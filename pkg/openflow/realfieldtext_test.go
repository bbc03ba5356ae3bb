package openflow_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// leftOut are fields that ovs-ofctl 3.1 does not print in a match, or without their mask.
var leftOut = []openflow.FieldID{
	openflow.FieldNSHC1, openflow.FieldNSHC2, openflow.FieldNSHC3, openflow.FieldNSHC4, openflow.FieldTunERSPANIdx,
	openflow.FieldTunGBPFlags,
}

// forgotten are fields that OpenFlow 1.0 has an action for, which ovs-vswitchd 3.1 gives back for a write of some of the bits.
var forgotten = []openflow.FieldID{
	openflow.FieldEthSrc, openflow.FieldEthDst, openflow.FieldIPv4Src, openflow.FieldIPv4Dst, openflow.FieldIPDSCP,
	openflow.FieldIPTOS, openflow.FieldIPECN, openflow.FieldTCPSrc, openflow.FieldTCPDst, openflow.FieldUDPSrc,
	openflow.FieldUDPDst, openflow.FieldVLANPCP, openflow.FieldVLANTCI,
}

// fieldFlow is a flow to try, and what of ovs-ofctl's text for it is wrong.
type fieldFlow struct {
	openflow.Flow
	noText, noText10 bool
	unread           bool // by ovs-ofctl itself
}

// fieldFlows are flows that match each field, alone and masked, and read and write it in every action that names fields.
func fieldFlows() (flows []fieldFlow) {
	add := func(m openflow.Match, a openflow.Actions) *fieldFlow {
		flows = append(flows, fieldFlow{Flow: openflow.Flow{Priority: uint16(len(flows) + 1), Match: m, Actions: a}})
		return &flows[len(flows)-1]
	}
	for f := range openflow.Fields() {
		if _, ok := notMatched[f]; ok {
			continue
		}
		for _, masked := range []bool{false, true} {
			m := openflow.AnyValue(f, masked)
			if f == openflow.FieldCTMark || f == openflow.FieldCTLabel {
				m = m.EthType(openflow.EthTypeIPv4) // only IP has connections
			}
			switch {
			case masked && f.Maskable():
				add(m, openflow.Actions{}.Output(1)).noText = slices.Contains(leftOut, f)
			case masked:
			case f.Writable():
				for i, a := range writes(f) {
					added := add(m, a)
					added.noText = slices.Contains(leftOut, f) && f != openflow.FieldTunGBPFlags
					added.unread = i == 1 && !f.Maskable()
					added.noText10 = i < 2 && slices.Contains(forgotten, f)
				}
			default:
				bit := openflow.FieldRange(f, 0, 0)
				add(m, openflow.Actions{}.Push(bit).Move(bit, openflow.Reg(3, 7, 7)))
			}
		}
	}
	return flows
}

// TestRealFieldText has ovs-vswitchd hold flows with every field. Its dump is to be the same values, that of ovs-ofctl the same
// text in both spellings, and ovs-ofctl is to make the same flows of our text.
func TestRealFieldText(t *testing.T) {
	s := realSwitch(t, "br-ours", "br-theirs")
	c := dial(t, s, "br-ours")
	want, read := make(map[uint16]openflow.Flow), make(map[uint16]openflow.Flow)
	var mods []openflow.Mod
	flows := fieldFlows()
	for _, f := range flows {
		want[f.Priority] = f.Flow
		mods = append(mods, openflow.FlowMod{Flow: f.Flow})
	}
	if err := c.Bundle(t.Context(), slices.Values(mods)); err != nil {
		t.Fatal(err)
	}
	same(t, want, dumpAll(t, c))
	oxm := *openflow.TunnelOf4
	oxm.OpenFlow15 = true
	var ours []string
	for version, x := range map[string]*openflow.Syntax{"OpenFlow10": openflow.TunnelOf4, "OpenFlow15": &oxm} {
		lines := dumpText(s, version, "br-ours")
		for _, f := range flows {
			text := string(x.AppendFlow(nil, f.Flow))
			again, err := x.ParseFlow(text)
			if err != nil || string(x.AppendFlow(nil, again)) != text {
				t.Errorf("%s\n%s\nparsed %s: %v", version, text, again, err)
			}
			_, theirs, _ := strings.Cut(text, "priority=")
			if dumped := lines[fmt.Sprint(f.Priority)]; theirs != dumped && !f.noText && (!f.noText10 || x == &oxm) {
				t.Errorf("%s\nours   %s\ntheirs %s", version, theirs, dumped)
			}
			if x == &oxm && !f.unread {
				ours, read[f.Priority] = append(ours, text), again
			}
		}
	}
	path := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(path, []byte(strings.Join(ours, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Ofctl("-O OpenFlow15 --bundle add-flows", "br-theirs", path)
	same(t, read, dumpAll(t, dial(t, s, "br-theirs")))
}
