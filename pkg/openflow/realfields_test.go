package openflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// TestRealFields matches and writes every field on ovs-vswitchd and wants the same flow back.
func TestRealFields(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	mapOptions(s, "br-int")
	c, err := ofconn.Dial(t.Context(), s.OpenFlow("br-int"), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for f := range openflow.Fields() {
		for _, masked := range []bool{false, true} {
			if !masked || f.Maskable() {
				name := f.String()
				if masked {
					name += " masked"
				}
				t.Run(name, func(t *testing.T) {
					matchAndWrite(t, c, f, openflow.AnyValue(f, masked), masked)
				})
			}
		}
	}
}

// mapOptions maps an option of four bytes to each of the tun_metadata fields, which is all that there is room for.
func mapOptions(s *ovstest.Switch, bridge string) {
	var options []string
	for i := range 64 {
		options = append(options, fmt.Sprintf("{class=0x0102,type=%d,len=4}->tun_metadata%d", i, i))
	}
	s.Ofctl("add-tlv-map", bridge, strings.Join(options, ","))
}

// TestRealRefusedFields matches the fields that the switch does not know.
func TestRealRefusedFields(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	c := dial(t, s, "br-int")
	sizes := map[string]int{"in_phy_port": 4, "pbb_isid": 3, "ipv6_exthdr": 2}
	for field := range openflow.RefusedFields() {
		text := fmt.Sprintf("oxm=0x8000%02x%02x%0*x,actions=drop", field.Number<<1, sizes[field.Name], 2*sizes[field.Name], 1)
		f, err := openflow.ParseFlow(text)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Bundle(t.Context(), slices.Values([]openflow.Mod{openflow.FlowMod{Flow: f}}))
		if err == nil || !strings.Contains(err.Error(), field.Refused) {
			t.Errorf("%s: %v, want %s", field.Name, err, field.Refused)
		}
	}
}

// notMatched are the fields which ovs-vswitchd 3.1 does not match as it is told, and why.
var notMatched = map[openflow.FieldID]string{
	openflow.FieldDPHash:         "only internal flows match it",
	openflow.FieldRecircID:       "only internal flows match it",
	openflow.FieldTunERSPANVer:   "the value is taken for the mask",
	openflow.FieldTunERSPANDir:   "the value is taken for the mask",
	openflow.FieldTunERSPANHWID:  "the value is taken for the mask",
	openflow.FieldTunGTPUFlags:   "the value is taken for the mask",
	openflow.FieldTunGTPUMsgtype: "the value is taken for the mask",
}

// writes are the actions to try on a field.
func writes(f openflow.FieldID) []openflow.Actions {
	value := make([]byte, f.Bytes())
	bit := openflow.FieldRange(f, 0, 0)
	if f >= openflow.FieldTunMetadata0 && f <= openflow.FieldTunMetadata63 {
		value, bit.Len = value[:4], 4
	}
	value[len(value)-1] = 1
	switch f {
	case openflow.FieldVLANVID: // the switch writes the whole tag or nothing
		value[0] = 0x10
		return []openflow.Actions{openflow.Actions{}.SetField(f, value)}
	case openflow.FieldIPTOS: // without the bits of ECN
		value[0] = 4
		bit = openflow.FieldRange(f, 2, 2)
	}
	list := []openflow.Actions{
		openflow.Actions{}.SetField(f, value),
		openflow.Actions{}.Load(bit, 1),
		openflow.Actions{}.Move(openflow.Reg(0, 3, 3), bit),
	}
	if bit.Len != 0 {
		list = append(list, openflow.Actions{}.Load(openflow.TunMetadata(int(f-openflow.FieldTunMetadata0), 4), 1))
	}
	if f == openflow.FieldCTMark || f == openflow.FieldCTLabel {
		for i := range list {
			list[i] = openflow.Actions{}.CT(openflow.CT{Commit: true, Exec: list[i]})
		}
		return append(list, openflow.Actions{}.Move(bit, openflow.Reg(0, 3, 3)))
	}
	return append(list, openflow.Actions{}.Move(bit, openflow.Reg(0, 3, 3)), openflow.Actions{}.Push(bit).Pop(bit))
}

func matchAndWrite(t *testing.T, c *ofconn.Conn, f openflow.FieldID, m openflow.Match, masked bool) {
	if why, ok := notMatched[f]; ok {
		t.Skip(why)
	}
	if f == openflow.FieldCTMark || f == openflow.FieldCTLabel {
		m = m.EthType(openflow.EthTypeIPv4) // only IP has connections
	}
	actions := []openflow.Actions{openflow.Actions{}.Output(1)}
	if f.Writable() && !masked {
		actions = append(actions, writes(f)...)
	}
	for _, a := range actions {
		flow := openflow.Flow{Table: 1, Priority: 1, Match: m, Actions: a}
		err := c.Bundle(t.Context(), slices.Values([]openflow.Mod{
			openflow.FlowMod{Command: openflow.Delete, Flow: openflow.Flow{Table: openflow.TableAll}}, openflow.FlowMod{Flow: flow},
		}))
		if err != nil {
			t.Error(err)
			continue
		}
		for got, err := range c.DumpFlows(t.Context(), openflow.AllFlows) {
			if err != nil {
				t.Fatal(err)
			}
			if got.Flow != flow {
				t.Errorf("added  %s\ndumped %s\nadded  %x\ndumped %x", flow, got.Flow, flow.Match.Key(), got.Match.Key())
			}
		}
	}
}
