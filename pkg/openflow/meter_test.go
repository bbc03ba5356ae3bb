package openflow

import (
	"strings"
	"testing"
)

// meterTexts are meters as dump-meters prints them, in one line.
var meterTexts = []string{
	"meter=1 kbps bands= type=drop rate=100",
	"meter=2 pktps burst stats bands= type=drop rate=100 burst_size=7 type=dscp_remark rate=50 burst_size=1 prec_level=2",
	"meter=controller kbps bands= type=drop rate=1",
	"meter=slowpath pktps bands= type=drop rate=1",
	"meter=all kbps bands=",
}

func TestMeterText(t *testing.T) {
	for _, text := range meterTexts {
		if m, err := ParseMeter(text); err != nil || m.String() != strings.TrimSpace(text) {
			t.Errorf("%q is %q: %v", text, m, err)
		}
	}
	m, err := ParseMeter("meter=0x10,stats,band=type=drop,rate=100")
	if err != nil || m.String() != "meter=16 kbps stats bands= type=drop rate=100" {
		t.Errorf("%q: %v", m, err)
	}
	for _, bad := range []string{"", "meter=0", "meter=x", "meter=1,foo", "meter=1,bands=rate=1", "meter=1,bands=type=foo,rate=1", "meter=1,bands=type=drop",
		"meter=1,bands=type=drop,rate=x", "meter=1,bands=type=dscp_remark,rate=1,prec_level=256", "meter=1,bands=type=drop,rate=1,foo=1"} {
		if m, err := ParseMeter(bad); err == nil {
			t.Errorf("%q is taken for %s", bad, m)
		}
	}
}
