package ovstest

import (
	"strings"
	"testing"
)

func TestRealSwitch(t *testing.T) {
	s := Start(t, Config{})
	s.AddBridge("br-int")
	s.Ofctl("add-flow", "br-int", "table=3,priority=7,ip,actions=drop")
	if got := s.Ofctl("dump-flows --no-stats", "br-int"); !strings.Contains(got, "table=3, priority=7,ip actions=drop") {
		t.Errorf("flows after add-flow: %s", got)
	}
	s.StopVswitchd(true)
	s.StartVswitchd()
	if got := s.Vsctl("list-br"); got != "br-int\n" {
		t.Errorf("bridges after restart: %q", got)
	}
	if got := s.Ofctl("dump-flows", "br-int"); strings.Contains(got, "table=3") {
		t.Errorf("flows survived a restart of ovs-vswitchd: %s", got)
	}
}
