package openflow_test

import (
	"errors"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// answer is what ovs-vswitchd 3.1 makes of a match that it does not take as it is told.
type answer struct {
	refused *openflow.Error
	dumped  string // the match that it holds instead
}

var notPermitted = &openflow.Error{Type: openflow.ErrorBadRequest, Code: 5}

// answers are for the fields in notMatched.
var answers = map[openflow.FieldID]answer{
	openflow.FieldDPHash:         {refused: notPermitted},
	openflow.FieldRecircID:       {refused: notPermitted},
	openflow.FieldTunERSPANVer:   {dumped: "tun_erspan_ver=0x1/0x1"},
	openflow.FieldTunERSPANDir:   {dumped: "tun_erspan_dir=0x1/0x1"},
	openflow.FieldTunERSPANHWID:  {dumped: "tun_erspan_hwid=0x1/0x1"},
	openflow.FieldTunGTPUFlags:   {dumped: "tun_gtpu_flags=0x1/0x1"},
	openflow.FieldTunGTPUMsgtype: {dumped: "tun_gtpu_msgtype=0x1/0x1"},
}

func (a answer) cell() string {
	switch {
	case a.refused != nil:
		return "n/a: " + a.refused.Name()
	case a.dumped != "":
		return "TestRealNotMatched: dumped as `" + a.dumped + "`"
	}
	return ""
}

func TestRealNotMatched(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	c, err := ofconn.Dial(t.Context(), s.OpenFlow("br-int"), ofconn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	remove := openflow.FlowMod{Command: openflow.Delete, Flow: openflow.Flow{Table: openflow.TableAll}}
	for f := range notMatched {
		t.Run(f.String(), func(t *testing.T) {
			add := openflow.FlowMod{Flow: openflow.Flow{Match: openflow.AnyValue(f, false), Actions: openflow.Actions{}.Output(1)}}
			err := c.Send(t.Context(), remove, add)
			if want := answers[f].refused; want != nil {
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			flows, err := ofconn.Collect(c.DumpFlows(t.Context(), openflow.AllFlows))
			if err != nil || len(flows) != 1 || flows[0].Match.String() != answers[f].dumped {
				t.Errorf("got %v, %v, want %s", flows, err, answers[f].dumped)
			}
		})
	}
}
