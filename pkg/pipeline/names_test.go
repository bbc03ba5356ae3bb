package pipeline

import (
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// The lease is nobody's whose flows are compiled, and nothing that is compiled is taken for it.
func TestNamesLease(t *testing.T) {
	const want = "cookie=0x616d0c0000000000, table=24, hard_timeout=4, priority=280,reg0=0x4000000/0x4000000 " +
		"actions=meter:97,controller(id=24833,userdata=02,pause),resubmit(,27)"
	if got := NamesLease(true).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !IsNamesLease(NamesLease(false)) {
		t.Error("the lease is not known as such")
	}
	for _, f := range Flows(compile(t, guarded())) {
		if IsNamesLease(f) || f.Key() == NamesLease(true).Key() {
			t.Errorf("taken for the lease: %s", f)
		}
	}
	var registers openflow.Match
	if _, ok := PortOfAnswer(openflow.PacketIn{}); ok {
		t.Error("a packet without registers has a port")
	}
	registers = registers.RegRange(outputPort, 7)
	if port, ok := PortOfAnswer(openflow.PacketIn{Metadata: registers}); !ok || port != 7 {
		t.Errorf("port %d, %t", port, ok)
	}
}
